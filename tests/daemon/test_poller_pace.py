"""A busy mailbox is read often, an idle one seldom; what its provider holds back is no failure; nobody is in a rush.

A real poller over a real store, in a loop whose time a test sets going; the connector is scripted.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from inboxwatch import config as configuration
from inboxwatch.connector import MailboxError, Reason
from inboxwatch.engine.mailbox_health import LONG_REST
from tests.support.in_process_daemon import CONFIG, InProcessDaemon
from tests.support.scripted_connector import (
    ANA,
    HOUR,
    LIMITED,
    MINUTE,
    SECOND,
    PolledMailbox,
    PushingConnector,
    ScriptedConnector,
    refusing,
)
from tests.support.virtual_time import START, VirtualTimeLoop, run_in_virtual_time


def test_a_busy_mailbox_is_read_oftener_and_an_idle_one_seldomer(tmp_path: Path) -> None:
    def watched(name: str, mail: list[datetime], lasting: timedelta) -> PolledMailbox:
        async def play(loop: VirtualTimeLoop) -> PolledMailbox:
            polled_mailbox = PolledMailbox(tmp_path / name, loop)
            polled_mailbox.box.mail = mail
            async with polled_mailbox.watched():
                await polled_mailbox.passes(lasting)
                rate = polled_mailbox.figure("poll_interval_seconds")
                assert rate == (300 if not mail else 15)
            return polled_mailbox

        return run_in_virtual_time(play)

    idle = watched("idle", [], 6 * HOUR)
    busy = watched("busy", [START + number * 12 * SECOND for number in range(5 * 60 * 2)], 2 * HOUR)
    assert idle.box.pauses(START)[:20] == pytest.approx([54] * 20, abs=6.1)
    assert min(idle.box.pauses(START + 2 * HOUR)) >= 240
    assert max(idle.box.pauses(START)) <= 300
    assert max(busy.box.pauses(START + HOUR)) <= 15
    assert min(busy.box.pauses(START + HOUR)) >= 12


def test_the_first_news_brings_an_idle_mailbox_back_at_once(polled_mailbox: Callable[..., PolledMailbox]) -> None:
    async def play(loop: VirtualTimeLoop) -> None:
        here = polled_mailbox(loop)
        async with here.watched():
            await here.passes(3 * HOUR)
            here.box.mail = [loop.now()]
            await here.passes(6 * MINUTE)
            assert here.box.pauses(loop.now() - 6 * MINUTE)[:2] == pytest.approx([13.5, 27], abs=3.1)

    run_in_virtual_time(play)


def test_the_past_of_a_mailbox_is_no_news(polled_mailbox: Callable[..., PolledMailbox]) -> None:
    async def play(loop: VirtualTimeLoop) -> None:
        here = polled_mailbox(loop)
        here.box.mail = [START - number * HOUR for number in range(40, 0, -1)]
        async with here.watched():
            await here.passes(SECOND)
            assert here.poller.healthy
            assert here.figure("poll_interval_seconds") == 60

    run_in_virtual_time(play)


@pytest.mark.parametrize("kind", [ScriptedConnector, PushingConnector])
def test_a_look_that_finds_news_ends_a_long_pause(
    polled_mailbox: Callable[..., PolledMailbox], kind: type[ScriptedConnector]
) -> None:
    async def play(loop: VirtualTimeLoop) -> None:
        here = polled_mailbox(loop, kind)
        async with here.watched():
            await here.passes(3 * HOUR)
            read = len(here.box.polls)
            while len(here.box.polls) == read:
                await here.passes(SECOND)
            here.box.mail = [loop.now()]
            assert await here.poller.look()
            await here.passes(MINUTE)
            assert len(here.box.polls) >= read + 4

    run_in_virtual_time(play)


def test_what_a_provider_holds_back_for_a_while_is_counted_but_no_failure(
    polled_mailbox: Callable[..., PolledMailbox],
) -> None:
    async def play(loop: VirtualTimeLoop) -> None:
        here = polled_mailbox(loop)
        async with here.watched():
            await here.passes(10 * MINUTE)
            began = loop.now()

            here.box.trouble = refusing(LIMITED)
            await here.passes(5 * MINUTE)
            assert here.figure("errors_total", reason="rate_limited") == 2
            assert here.figure("up") == 1
            assert here.figure("poll_interval_seconds") == 240
            assert here.box.pauses(began) == pytest.approx([108], abs=12.1)
            assert not await here.poller.look(), "nothing may be claimed while it cannot be read"
            assert not here.poller.healthy
            here.box.trouble = lambda batch: None
            await here.passes(30 * MINUTE)
            assert here.figure("poll_interval_seconds") == 60
            assert not here.told()

    run_in_virtual_time(play)


def test_a_mailbox_refused_at_its_first_reading_was_tried(polled_mailbox: Callable[..., PolledMailbox]) -> None:
    """/readyz waits for no provider to relent."""

    async def play(loop: VirtualTimeLoop) -> None:
        here = polled_mailbox(loop)

        here.box.trouble = refusing(partial(LIMITED, retry_after=600.0))
        async with here.watched():
            await here.passes(SECOND)
            assert here.poller.tried.is_set()
            assert here.figure("up") is None

    run_in_virtual_time(play)


def test_a_mailbox_held_back_for_long_is_blind_told_once_and_told_once_when_it_sees_again(
    polled_mailbox: Callable[..., PolledMailbox],
) -> None:
    async def play(loop: VirtualTimeLoop) -> None:
        here = polled_mailbox(loop)
        async with here.watched():
            await here.passes(MINUTE)

            here.box.trouble = refusing(partial(LIMITED, hint="poll less often"))
            await here.passes(HOUR)
            assert here.figure("up") == 0
            assert [title.partition(" (")[0] for title in here.told()] == ["Mailbox ana is blind"]
            here.box.trouble = lambda batch: None
            await here.passes(6 * MINUTE)
            assert here.figure("up") == 1
            assert here.told()[1:] == ["Mailbox ana can be read again."]

    run_in_virtual_time(play)


def test_a_retry_after_is_kept_and_those_refused_together_come_back_apart(tmp_path: Path) -> None:
    async def play(loop: VirtualTimeLoop) -> None:
        here = PolledMailbox(tmp_path, loop)
        refusals = iter([LIMITED(retry_after=1200.0)])

        def refuse(batch: int) -> None:
            for refusal in refusals:
                raise refusal

        here.box.trouble = refuse
        async with here.watched():
            await here.passes(HOUR)
            assert here.figure("up") == 1
            first = here.box.pauses(START)[0]
            assert 1200 < first <= 1440

    run_in_virtual_time(play)


@pytest.mark.parametrize("seconds", [1e15, float("inf"), float("nan"), -5.0])
def test_a_provider_that_asks_for_an_age_ends_nothing_and_it_hears_of_it_now(
    polled_mailbox: Callable[..., PolledMailbox], seconds: float
) -> None:
    async def play(loop: VirtualTimeLoop) -> None:
        here = polled_mailbox(loop)

        here.box.trouble = refusing(partial(LIMITED, retry_after=seconds))
        async with here.watched():
            await here.passes(MINUTE)
            assert len(here.told()) == (1 if seconds > LONG_REST.total_seconds() else 0)
            await here.passes(30 * HOUR)
            assert len(here.box.polls) > 1

    run_in_virtual_time(play)


def test_a_long_first_reading_under_a_quota_is_no_failure_and_shows_how_far_it_is(
    polled_mailbox: Callable[..., PolledMailbox],
) -> None:
    async def play(loop: VirtualTimeLoop) -> None:
        here = polled_mailbox(loop)
        here.box.mail = [START - number * MINUTE for number in range(400, 0, -1)]
        here.box.size = 10

        def refuse(batch: int) -> None:
            if batch == 2:
                raise LIMITED()

        here.box.trouble = refuse
        async with here.watched():
            left, paces = [], []
            while not here.poller.healthy:
                await here.passes(2 * MINUTE)
                assert here.figure("up") in (None, 1)
                left.append(here.figure("backlog_messages"))
                paces.append(here.figure("poll_interval_seconds") or 0)
            assert max(paces) < 300, "each part that comes through says that the provider bears more"
            assert left == sorted(left, reverse=True)  # type: ignore[type-var]  # it is known from the first batch on
            assert left[0] and left[0] > 300
            assert here.figure("backlog_messages") == 0
            assert loop.now() - START > HOUR
            assert not here.told()

    run_in_virtual_time(play)


def test_a_reading_that_goes_on_after_a_failure_says_that_the_mailbox_sees_again(
    polled_mailbox: Callable[..., PolledMailbox],
) -> None:
    async def play(loop: VirtualTimeLoop) -> None:
        here = polled_mailbox(loop)
        async with here.watched():
            await here.passes(MINUTE)
            down = partial(MailboxError, Reason.UNAVAILABLE, "connection refused")
            here.box.trouble = refusing(down)
            await here.passes(HOUR)
            assert (here.figure("up"), len(here.told())) == (0, 1)
            here.box.mail = [loop.now()] * 40
            here.box.size = 10
            reached = asyncio.Event()

            def pass_two(batch: int) -> Awaitable[None] | None:
                if batch < 2:
                    return None
                reached.set()
                return asyncio.sleep(200)

            here.box.trouble = pass_two
            await reached.wait()
            assert here.figure("up") == 1
            before = here.figure("last_success_timestamp_seconds")
            assert before is not None
            assert before < (loop.now() - HOUR + 5 * MINUTE).timestamp(), "not read to its end yet"
            await here.passes(10 * MINUTE)
            assert here.poller.healthy
            assert len(here.told()) == 2

    run_in_virtual_time(play)


def test_what_was_held_back_for_a_throttled_mailbox_is_looked_at_again_when_it_is_read(tmp_path: Path) -> None:
    daemon = InProcessDaemon(tmp_path)
    daemon.lead("bo@buyer.test", owner="ana")
    daemon.mail("bo@buyer.test", "ana@acme.test")
    daemon.engine.first_sight_over(ANA, daemon.at)
    daemon.engine.succeeded(ANA, daemon.at)
    daemon.at += HOUR
    daemon.engine.failed(ANA, LIMITED(), daemon.at)
    daemon.engine.tick(daemon.at, looked=daemon.at)
    with daemon.store.reading() as tx:
        assert [row.held for row in tx.clocks.running()] == [True], "unverified: nobody knows whether she has answered"
    assert (daemon.engine.next_wake() or datetime.max.replace(tzinfo=UTC)) > daemon.at
    daemon.engine.succeeded(ANA, daemon.at + MINUTE)
    assert daemon.engine.next_wake() == daemon.at + MINUTE
    daemon.close()


def test_an_idle_mailbox_is_read_every_five_minutes_unless_the_config_says_otherwise(tmp_path: Path) -> None:
    def idle(**keys: str) -> timedelta:
        text = CONFIG.replace("WEB", "").replace("STORE", "sqlite:///inboxwatch.db").replace("FOLLOW_UP", "")
        more = "".join(f", {key}: {value}" for key, value in keys.items())
        path = tmp_path / "inboxwatch.yaml"
        path.write_text(text.replace("path: ana", f"path: ana{more}"), encoding="utf-8")
        return configuration.load(path).mailboxes[ANA].poll_idle

    assert idle() == 5 * MINUTE
    assert idle(poll_every="10s") == 5 * MINUTE
    assert idle(poll_every="1h") == HOUR
    assert idle(poll_every="10s", poll_idle="10s") == 10 * SECOND
    assert idle(poll_idle="2h") == 2 * HOUR


def test_series_of_a_mailbox_that_left_the_config_end(tmp_path: Path) -> None:
    daemon: Any = InProcessDaemon(tmp_path)
    for name in ("ana", "gone"):
        daemon.metrics.paced(name, 60.0)
        daemon.metrics.backlog(name, 7)
    text = daemon.metrics.process().decode()
    assert 'inboxwatch_mailbox_poll_interval_seconds{mailbox="ana"} 60.0' in text
    assert 'inboxwatch_mailbox_backlog_messages{mailbox="ana"} 7.0' in text
    assert "gone" not in text
    daemon.close()


def test_the_log_at_level_debug_tells_when_each_reading_begins_and_ends(tmp_path: Path) -> None:
    """As the runbook of InboxwatchMailboxStale says: of a reading that hangs only the beginning is there."""

    async def play(loop: VirtualTimeLoop) -> list[str]:
        polled_mailbox = PolledMailbox(tmp_path, loop)
        with capture_logs() as logs:
            async with polled_mailbox.watched():
                await polled_mailbox.passes(90 * SECOND)
        return [line["event"] for line in logs if line["log_level"] == "debug"]

    assert run_in_virtual_time(play)[:4] == ["reading begins", "reading ends"] * 2
