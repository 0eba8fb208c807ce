"""A thousand breaches after an outage are one list for each reader, not a thousand pages (issue 7, rule 37)."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from inboxwatch import config as configuration
from inboxwatch.connector import Batch, Cursor
from inboxwatch.core.model import FolderRole, Lead, LeadId, MailboxId, RawMessage
from inboxwatch.daemon.loop_context import LoopContext
from inboxwatch.daemon.sender import Sender
from inboxwatch.daemon.writer import Writer
from inboxwatch.notify import MANY
from tests.doubles.http_sink import HttpSink, http_sink
from tests.doubles.slack import BOT, SlackDouble, slack_double
from tests.doubles.smtp_sink import SmtpSink, smtp_sink
from tests.support.in_process_daemon import InProcessDaemon

COUNT = 1000
SOME = 300
"""More than a message of any channel lists, or holds."""
HOUR = timedelta(hours=1)


class Outage:
    """A daemon whose notices leave by real channels; a thousand buyers wrote while nobody was told."""

    def __init__(self, folder: Path, channels: dict[str, Any], notify_by: list[str]) -> None:
        self.daemon = InProcessDaemon(folder)
        text = self.daemon.path.read_text().replace("{desk: {type: console}}", json.dumps(channels))
        self.daemon.path.write_text(text.replace("notify_by: [desk]", f"notify_by: {json.dumps(notify_by)}"))
        self.daemon.config = configuration.load(self.daemon.path)
        self.channels = {name: one.connect() for name, one in self.daemon.config.channels.items()}
        self.daemon.engine.reload(self.daemon.config, self.channels)
        self.worker = Writer(self.daemon.store)
        context = LoopContext(self.daemon.engine.rules, self.worker, self.daemon.now)
        self.outboxes = {name: Sender(name, channel, self._look, context) for name, channel in self.channels.items()}

    async def _look(self, *_: object) -> bool:
        return True

    def strike(self, count: int = COUNT) -> None:
        """Buyers write, one a second, and three hours go by."""
        daemon = self.daemon
        daemon.knows(*(Lead(LeadId(f"p{n}@b{n}.test"), f"Buyer {n}", source="known") for n in range(count)))
        start = daemon.at
        messages = []
        for n in range(count):
            head = f"Message-ID: <m{n}@b{n}.test>\r\nFrom: p{n}@b{n}.test\r\nTo: ana@acme.test\r\nSubject: Offer {n}"
            at = start + timedelta(seconds=n)
            messages.append(RawMessage(f"INBOX/{n}", FolderRole.INBOX, at, f"{head}\r\n\r\n".encode()))
        daemon.at = start + HOUR / 2
        daemon.engine.ingest(MailboxId("ana"), Batch(tuple(messages), Cursor("1"), daemon.at), None, daemon.at)
        daemon.at = start + 2.3 * HOUR
        with daemon.store.transaction() as tx:
            for name in daemon.config.mailboxes:
                tx.cursors.seen(name, daemon.at)
                tx.health.recovered(name, daemon.at)

    def tick(self) -> bool:
        """One turn of the ticker, all mailboxes read; False where nothing was due."""
        return self.daemon.engine.tick(self.daemon.at, looked=self.daemon.at).notified > 0

    async def deliver(self) -> None:
        for outbox in self.outboxes.values():
            while await outbox.deliver_one():
                pass

    async def strike_and_deliver(self, count: int = COUNT) -> None:
        """As in the daemon: each outbox looks as soon as anything is owed, while the ticker is still telling."""
        self.strike(count)
        while self.tick():
            await self.deliver()
        await self.deliver()

    def keys(self) -> list[Any]:
        with self.daemon.store.reading() as tx:
            rows = tx.deliveries.for_clocks([clock.id for clock in tx.clocks.running()])
        return [row for row in rows if row.type == "escalation"]

    async def aclose(self) -> None:
        for channel in self.channels.values():
            await channel.aclose()
        self.worker.close()
        self.daemon.close()


@pytest.fixture
async def hook() -> AsyncIterator[HttpSink]:
    async with http_sink() as sink:
        yield sink


@pytest.fixture
async def mail() -> AsyncIterator[SmtpSink]:
    async with smtp_sink() as sink:
        yield sink


@pytest.fixture
async def slack() -> AsyncIterator[SlackDouble]:
    async with slack_double() as double:
        yield double


@pytest.fixture
def by_slack(slack: SlackDouble) -> dict[str, Any]:
    return {"type": "slack", "bot_token": BOT, "api_url": f"{slack.url}/api/", "rate": "100/s"}


def all_sent(outage: Outage, count: int = 2 * COUNT) -> None:
    """Each wait has its own key for each reader, and each was sent once."""
    rows = outage.keys()
    assert len(rows) == len({row.key for row in rows}) == count
    assert {row.state for row in rows} == {"sent"}


async def test_a_program_gets_every_wait_in_a_few_posts_that_its_server_takes(tmp_path: Path, hook: HttpSink) -> None:
    outage = Outage(tmp_path, {"desk": {"type": "webhook", "url": hook.url}}, ["desk"])
    await outage.strike_and_deliver()
    bodies = [post.json for post in hook.received]
    assert len(bodies) == 5
    assert all(len(post.body) < 2**20 for post in hook.received)
    assert {body["type"] for body in bodies} == {"escalation"}
    notified = [clock for body in bodies for clock in body["clocks"]]
    assert (len({clock["id"] for clock in notified}), {clock["reason"] for clock in notified}) == (COUNT, {"breach"})
    for body in bodies:
        due = [clock["due_at"] for clock in body["clocks"]]
        assert due == sorted(due)
        assert sorted(body["targets"]) == ["ana", "max"]
    all_sent(outage)
    await outage.aclose()


async def test_each_person_gets_one_mail_with_counts_and_the_longest_overdue_first(
    tmp_path: Path, mail: SmtpSink
) -> None:
    channel = {"type": "email", "host": "127.0.0.1", "port": mail.port, "security": "none", "sender": "i@acme.test"}
    outage = Outage(tmp_path, {"mail": channel}, ["mail"])
    await outage.strike_and_deliver(SOME)
    assert sorted(mail.recipients) == [["ana@acme.test"], ["max@acme.test"]]
    for message in mail.mails:
        text = message.get_body(("plain",))
        assert text is not None
        words = text.get_content()
        assert words.startswith("300 buyers wait for an answer, 300 overdue")
        assert words.index("Buyer 0:") < words.index("Buyer 1:") < words.index("and 270 more")
        assert len(message.as_bytes()) < 50_000
    all_sent(outage, 2 * SOME)
    await outage.aclose()


async def test_each_person_gets_one_slack_message_within_slacks_limits(
    tmp_path: Path, slack: SlackDouble, by_slack: dict[str, Any]
) -> None:
    slack.users["U0MAX0001"] = "max@acme.test"
    outage = Outage(tmp_path, {"slack": by_slack}, ["slack"])
    await outage.strike_and_deliver(SOME)
    posted = {channel: messages for channel, messages in slack.messages.items() if messages}
    assert {channel: len(messages) for channel, messages in posted.items()} == {"D012AB3CD": 1, "D0MAX0001": 1}
    for (message,) in posted.values():
        assert len(message["blocks"]) <= 50
        assert "300 buyers wait for an answer" in message["text"]
    all_sent(outage, 2 * SOME)
    await outage.aclose()


async def test_a_flood_that_is_answered_is_one_word_of_relief(
    tmp_path: Path, slack: SlackDouble, by_slack: dict[str, Any]
) -> None:
    """What was told together is resolved together, in the thread of the list."""
    outage = Outage(tmp_path, {"slack": by_slack}, ["slack"])
    outage.strike(60)
    assert outage.tick()
    await outage.deliver()
    daemon = outage.daemon
    answers = []
    for n in range(60):
        head = f"Message-ID: <a{n}@acme.test>\r\nFrom: ana@acme.test\r\nTo: p{n}@b{n}.test"
        head += f"\r\nIn-Reply-To: <m{n}@b{n}.test>"
        answers.append(RawMessage(f"Sent/{n}", FolderRole.SENT, daemon.at, f"{head}\r\n\r\n".encode()))
    daemon.engine.ingest(MailboxId("ana"), Batch(tuple(answers), Cursor("2"), daemon.at), "1", daemon.at)
    await outage.deliver()
    root, relief = slack.messages["D012AB3CD"]
    assert relief["thread_ts"] == root["ts"]
    assert relief["text"] == "60 waits are done"
    await outage.aclose()


async def test_a_few_waits_are_still_told_with_their_buttons(
    tmp_path: Path, slack: SlackDouble, by_slack: dict[str, Any]
) -> None:
    outage = Outage(tmp_path, {"slack": by_slack | {"app_token": "xapp-app"}}, ["slack"])
    outage.strike(3)
    assert outage.tick()
    await outage.deliver()
    (message,) = slack.messages["D012AB3CD"]
    assert sum(block["type"] == "actions" for block in message["blocks"]) == 3
    await outage.aclose()


async def test_the_first_steps_wait_for_the_rest_of_a_flood_but_not_for_long(tmp_path: Path, hook: HttpSink) -> None:
    """One mailbox that hangs while its waits are due holds back nobody else's page for more than seconds."""
    outage = Outage(tmp_path, {"desk": {"type": "webhook", "url": hook.url}}, ["desk"])
    outage.strike(MANY + 10)
    with outage.daemon.store.reading() as tx:
        first = tx.clocks.due(outage.daemon.at, 1)[0][0]
    outage.daemon.engine.tick(outage.daemon.at, only=frozenset({first}), looked=outage.daemon.at)
    await outage.deliver()
    assert hook.received == []
    outage.daemon.at += timedelta(seconds=6)
    await outage.deliver()
    assert len(hook.received) == 1
    await outage.aclose()


async def test_a_retry_of_a_flood_is_the_same_message_with_the_same_key(tmp_path: Path, hook: HttpSink) -> None:
    outage = Outage(tmp_path, {"desk": {"type": "webhook", "url": hook.url}}, ["desk"])
    hook.answers.append((503, {}, "busy"))
    await outage.strike_and_deliver(SOME)
    outage.daemon.at += HOUR / 12
    await outage.deliver()
    first, *later = hook.received
    same = [post for post in later if post.headers["Idempotency-Key"] == first.headers["Idempotency-Key"]]
    assert [len(post.json["clocks"]) for post in (first, *same)] == [200, 200]
    assert len(hook.received) == 3
    all_sent(outage, 2 * SOME)
    await outage.aclose()
