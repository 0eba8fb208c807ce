"""Push of Gmail by Cloud Pub/Sub, pulled: it wakes the right mailbox, and no failure of it fails a poll."""

from __future__ import annotations

import asyncio
import base64
import json
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from pydantic import ValidationError
from structlog.testing import capture_logs

from connectors.mail.gmail import Gmail
from inboxwatch import now as instant
from inboxwatch.connector import Reading
from inboxwatch.testing import every, ids, letter, message_id, taken
from tests.doubles.gmail import METADATA, GmailServer
from tests.doubles.https_server import Fault
from tests.doubles.pubsub import CONSUME, SUBSCRIPTION, TOPIC
from tests.support.api_mailboxes import GmailMailbox
from tests.support.installation import Installation
from tests.support.message_bytes import message_bytes
from tests.support.team_mail import ANA, BO
from tests.support.waiting import PATIENCE, wait_in_loop

LONG = PATIENCE
"""Seconds to wait for news that will come."""


@pytest.fixture
def server() -> Iterator[GmailServer]:
    running = GmailServer()
    yield running
    running.close()


def pushed(server: GmailServer, **settings: Any) -> tuple[GmailMailbox, Gmail]:
    mailbox = GmailMailbox(server, push=server.pubsub.settings, **settings)
    return mailbox, mailbox.connector(Reading())


def in_no_rush(asked: list[float], apart: float, begun: float) -> bool:
    """Whether requests since an instant came so many seconds apart, or later.

    A busy machine hands two of them over at once, but never more than were asked for by then.
    """
    return all(at - begun >= before * apart for before, at in enumerate(asked))


async def until(met: Callable[[], bool]) -> None:
    await wait_in_loop(met)  # the servers live on other threads


async def test_mail_wakes_its_own_mailbox_and_no_other_without_a_poll_in_between(server: GmailServer) -> None:
    (ana, one), (_, other) = pushed(server), pushed(server)
    cursor = (await every(one, None))[-1].cursor
    await every(other, None)
    waits = [asyncio.create_task(each.wait(LONG)) for each in (one, other)]
    await until(lambda: len(server.watched) == 2 and not server.pubsub.waiting)
    assert not any(wait.done() for wait in waits), "the first notices tell nothing that the polls did not read"
    asked = server.server.requests.copy()
    ana.deliver(letter(1))
    assert await waits[0]
    assert server.server.requests == asked
    await until(lambda: not server.pubsub.waiting)
    assert not waits[1].done()
    assert server.pubsub.most_pulling == 1, "one puller serves all mailboxes"
    assert server.pubsub.acknowledged == 3
    assert ids(taken(await every(one, cursor))) == [message_id(1)]
    assert not await one.wait(0.05), "what a poll has read is no news"
    waits[1].cancel()
    await asyncio.gather(waits[1], return_exceptions=True)
    await one.aclose()
    await other.aclose()
    assert asyncio.all_tasks() == {asyncio.current_task()}


async def test_mail_that_came_before_gmail_was_asked_to_tell_wakes_too(server: GmailServer) -> None:
    mailbox, one = pushed(server)
    await every(one, None)
    mailbox.deliver(letter(1))
    assert await one.wait(LONG)
    await one.aclose()


async def test_a_message_that_is_not_acknowledged_comes_again_and_wakes_nobody_twice(server: GmailServer) -> None:
    server.pubsub.lease = 0.2
    server.pubsub.server.fault = lambda request: Fault(503, "{}") if request.path.endswith(":acknowledge") else None
    mailbox, one = pushed(server)
    cursor = (await every(one, None))[-1].cursor
    mailbox.deliver(letter(1))
    assert await one.wait(LONG)
    await every(one, cursor)
    refused = server.pubsub.server.requests["POST fault 503"]
    await until(lambda: server.pubsub.server.requests["POST fault 503"] > refused)
    assert not await one.wait(0.05)
    server.pubsub.server.fault = lambda request: None
    await until(lambda: not server.pubsub.waiting)
    assert not await one.wait(0.05)
    await one.aclose()


async def test_an_outage_of_pubsub_leaves_polls_as_they_are_and_ends_by_itself(server: GmailServer) -> None:
    server.pubsub.server.kill()
    mailbox, one = pushed(server)
    cursor = (await every(one, None))[-1].cursor
    assert not await one.wait(0.3)
    mailbox.deliver(letter(1))
    batches = await every(one, cursor)
    assert ids(taken(batches)) == [message_id(1)]
    server.pubsub.server.up()
    mailbox.deliver(letter(2))
    assert await one.wait(LONG)
    assert ids(taken(await every(one, batches[-1].cursor))) == [message_id(2)]
    await one.aclose()


async def test_gmails_refusal_to_tell_leaves_polls_as_they_are(server: GmailServer) -> None:
    server.pubsub.gmail_may_publish = False
    mailbox, one = pushed(server)
    cursor = (await every(one, None))[-1].cursor
    mailbox.deliver(letter(1))
    assert not await one.wait(0.3)
    assert ids(taken(await every(one, cursor))) == [message_id(1)]
    await one.aclose()


async def test_what_pubsub_should_never_say_is_acknowledged_and_passed_over(server: GmailServer) -> None:
    mailbox, one = pushed(server)
    await every(one, None)
    assert not await one.wait(0.3)
    strange: list[Any] = [{}, {"emailAddress": 1}, {"emailAddress": mailbox.address, "historyId": "soon"}, []]
    for told in strange:
        server.pubsub.publish(told)
    await until(lambda: not server.pubsub.waiting)
    assert not await one.wait(0.05)
    mailbox.deliver(letter(1))
    assert await one.wait(LONG)
    await one.aclose()


HOSTILE = [
    "[" * 100_000,
    "[]",
    '{"receivedMessages": 1}',
    '{"receivedMessages": [1]}',
    '{"receivedMessages": [{"ackId": 1, "message": "x"}, {"ackId": "", "message": {"data": 1}}]}',
    json.dumps({"receivedMessages": [{"message": {"data": base64.b64encode(b"[" * 100_000).decode()}}]}),
    json.dumps(
        {
            "receivedMessages": [
                {"message": {"data": base64.b64encode(b'{"emailAddress":"","historyId":1e999}').decode()}}
            ]
        }
    ),
    "x" * (17 * 1024 * 1024),
]
"""Answers to a pull that Pub/Sub should never give, all with status 200 and at once."""


@pytest.mark.parametrize("body", HOSTILE, ids=range(len(HOSTILE)))
async def test_a_pull_that_is_answered_with_anything_is_no_rush_and_no_end_of_push(
    server: GmailServer, body: str
) -> None:
    mailbox, one = pushed(server)
    await every(one, None)
    pulls: list[float] = []

    def fault(request: web.Request) -> Fault | None:
        if not request.path.endswith(":pull"):
            return None
        pulls.append(time.monotonic())
        return Fault(200, body)

    server.pubsub.server.fault = fault
    begun = time.monotonic()
    with capture_logs() as logs:
        assert not await one.wait(1.0)
        await until(lambda: len(pulls) >= 2)
    assert in_no_rush(pulls, 0.05, begun)
    told = str(logs)
    assert mailbox.address not in told
    assert not any(token in told for token in server.tokens.tokens)
    server.pubsub.server.fault = lambda request: None
    mailbox.deliver(letter(1))
    assert await one.wait(LONG)
    await one.aclose()


async def test_pubsub_is_left_alone_for_as_long_as_it_asks(server: GmailServer) -> None:
    _, one = pushed(server)
    await every(one, None)
    pulls: list[float] = []

    def fault(request: web.Request) -> Fault:
        pulls.append(time.monotonic())
        return Fault(429, "{}", {"Retry-After": "60"})

    server.pubsub.server.fault = fault
    begun = time.monotonic()
    assert not await one.wait(0.1)
    await until(lambda: bool(pulls))
    assert not await one.wait(2.5)
    assert in_no_rush(pulls, 60, begun)
    await one.aclose()


@pytest.mark.parametrize(
    "answer",
    ['{"historyId": "soon", "expiration": "1"}', '{"historyId": "1", "expiration": "-1e3"}', "{}", '{"historyId": []}'],
)
async def test_gmail_is_not_asked_to_tell_in_a_rush_and_its_strange_answers_end_nothing(
    server: GmailServer, answer: str
) -> None:
    mailbox, one = pushed(server)
    cursor = (await every(one, None))[-1].cursor
    asked: list[float] = []

    def fault(request: web.Request) -> Fault | None:
        if not request.path.endswith("/watch"):
            return None
        asked.append(time.monotonic())
        return Fault(200, answer)

    server.server.fault = fault
    begun = time.monotonic()
    assert not await one.wait(0.1)
    await until(lambda: bool(asked))
    assert not await one.wait(2.5)
    assert in_no_rush(asked, 0.7, begun)
    mailbox.deliver(letter(1))
    assert ids(taken(await every(one, cursor))) == [message_id(1)]
    await one.aclose()


async def test_closing_leaves_no_task_behind(server: GmailServer) -> None:
    before = asyncio.all_tasks()
    boxes = [pushed(server)[1] for _ in range(3)]
    for one in boxes:
        await every(one, None)
    waits = [asyncio.create_task(one.wait(LONG)) for one in boxes]
    await until(lambda: len(server.watched) == 3 and server.pubsub.pulling == 1)
    for wait in waits:
        wait.cancel()
    await asyncio.gather(*waits, return_exceptions=True)
    await asyncio.gather(*[one.aclose() for one in boxes])
    await asyncio.sleep(0)
    assert asyncio.all_tasks() == before
    await until(lambda: server.pubsub.pulling == 0)


async def test_a_position_that_never_was_wakes_once_and_makes_nobody_deaf(server: GmailServer) -> None:
    mailbox, one = pushed(server)
    cursor = (await every(one, None))[-1].cursor
    assert not await one.wait(0.3)
    server.pubsub.publish({"emailAddress": mailbox.address, "historyId": 10**18})
    assert await one.wait(LONG)
    batches = await every(one, cursor)
    assert not await one.wait(0.05)
    mailbox.deliver(letter(1))
    assert await one.wait(LONG)
    assert ids(taken(await every(one, batches[-1].cursor))) == [message_id(1)]
    await one.aclose()


async def test_gmail_is_asked_again_before_it_stops_telling(server: GmailServer) -> None:
    server.watch_lasts = 2.0
    _, one = pushed(server)
    await every(one, None)
    waiting = asyncio.create_task(one.wait(LONG))
    await until(lambda: server.server.requests["POST watch"] >= 2)
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)
    await one.aclose()


async def test_push_is_off_by_default(server: GmailServer) -> None:
    mailbox = GmailMailbox(server)
    one = mailbox.connector(Reading())
    await every(one, None)
    mailbox.deliver(letter(1))
    assert not await one.wait(0.05)
    assert dict((await one.probe()).facts)["push"] == "off"
    assert server.server.requests["POST watch"] == sum(server.pubsub.server.requests.values()) == 0


async def test_check_tells_the_scope_and_that_the_subscription_can_be_read(server: GmailServer) -> None:
    _, one = pushed(server)
    server.tokens.delegated = {METADATA}
    probe = await one.probe()
    assert dict(probe.facts)["push"] == (
        f"by Cloud Pub/Sub, pulled from {SUBSCRIPTION}: works; needs the scope https://www.googleapis.com/auth/pubsub"
    )
    assert probe.warnings == ()
    assert server.pubsub.server.requests["POST pull"] == 0, "a check takes no message away from the daemon"


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (
            lambda server, push: server.pubsub.permissions.clear(),
            ["may not read it", f"add-iam-policy-binding {SUBSCRIPTION} --member=serviceAccount:inboxwatch@"],
        ),
        (lambda server, push: push.update(subscription=f"{SUBSCRIPTION}2"), [f"subscriptions create {SUBSCRIPTION}2"]),
        (
            lambda server, push: setattr(server.pubsub, "gmail_may_publish", False),
            ["not authorized", f"{TOPIC} --member=serviceAccount:gmail-api-push@system.gserviceaccount.com"],
        ),
        (lambda server, push: push.update(topic=f"{TOPIC}2"), ["Resource not found", f"topics create {TOPIC}2"]),
        (lambda server, push: server.pubsub.server.kill(), ["mail is found by polling only"]),
    ],
)
async def test_check_warns_where_push_cannot_work_with_what_mends_it(
    server: GmailServer, spoil: Callable[[GmailServer, dict[str, str]], None], words: list[str]
) -> None:
    push = dict(server.pubsub.settings)
    spoil(server, push)
    mailbox = GmailMailbox(server, push=push)
    server.tokens.delegated = {METADATA}
    probe = await mailbox.connector(Reading()).probe()
    (warning,) = probe.warnings
    assert "does not work" in dict(probe.facts)["push"]
    assert [word for word in words if word not in warning] == []


async def test_a_login_that_can_delete_the_subscription_is_warned_of(server: GmailServer) -> None:
    _, one = pushed(server)
    server.tokens.delegated = {METADATA}
    server.pubsub.permissions = {CONSUME, "pubsub.subscriptions.delete"}
    assert (await one.probe()).warnings == (
        "push: the login may do more than read the subscription: pubsub.subscriptions.delete",
    )


def test_a_daemon_that_polls_hourly_sees_mail_at_once_by_push(server: GmailServer, tmp_path: Path) -> None:
    mailbox = GmailMailbox(server, push=server.pubsub.settings)
    box = {"connector": "gmail", "address": ANA, "owner": "ana", "poll_every": "1h"} | mailbox.settings
    installation = Installation(
        tmp_path, {"ana": box | {"user": mailbox.address}}, hook="http://127.0.0.1:9", target="1h"
    )
    with installation.daemon() as daemon:
        daemon.wait(lambda: server.watched and not server.pubsub.waiting)
        assert daemon.clocks() == []
        mailbox.deliver(message_bytes(BO, ANA, at=instant.now() - timedelta(seconds=1)))
        assert daemon.wait(daemon.clocks)
        daemon.stop()


@pytest.mark.parametrize(
    "push", [{"topic": TOPIC}, {"topic": "inbox"}, {"subscription": TOPIC}, {"url": "http://pubsub.test"}]
)
def test_settings_of_push_that_cannot_be_right_are_refused(server: GmailServer, push: dict[str, str]) -> None:
    given = {"topic": TOPIC} if len(push) == 1 and push.get("topic") == TOPIC else server.pubsub.settings | push
    with pytest.raises(ValidationError):
        GmailMailbox(server, push=given).connector(Reading())
