"""Every key reaches its reader: over channels that are down, answers that are lost, and kills around every send."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import pytest

from inboxwatch import config as configuration
from inboxwatch.daemon.loop_context import LoopContext
from inboxwatch.daemon.sender import Sender
from inboxwatch.daemon.writer import Writer
from inboxwatch.notify import ChannelSettings, Notice, NoticeType, Rate, Receipt, Recipient
from inboxwatch.notify.console import Console
from tests.doubles.webhook_sink import WebhookSink
from tests.support import outbox_faults
from tests.support.in_process_daemon import InProcessDaemon
from tests.support.installation import Installation
from tests.support.message_bytes import message_bytes
from tests.support.outbox_faults import CHANNELS, FaultCount
from tests.support.team_mail import MaildirTeamMail
from tests.support.waiting import PATIENCE

FINDS = {"slack"}
"""Channels that can be asked whether a message arrived: their readers never see one twice."""


def told_once(row: FaultCount) -> None:
    """Nothing is lost; a second copy bears the id of the first, and only where the channel cannot be asked."""
    assert (row.lost, row.unsettled) == (0, 0), row
    assert row.copies <= (0 if row.channel in FINDS else row.faults), row


@pytest.mark.parametrize("channel", CHANNELS)
async def test_a_channel_that_was_down_for_an_hour_loses_and_repeats_nothing(channel: str) -> None:
    row = await outbox_faults.down_for_an_hour(channel)
    told_once(row)
    assert row.copies == 0
    assert row.messages < row.keys, "what had to wait leaves bundled"


@pytest.mark.parametrize("channel", CHANNELS)
async def test_a_message_whose_answer_was_lost_is_told_once(channel: str) -> None:
    told_once(await outbox_faults.answer_lost(channel, 3))


@pytest.mark.parametrize("channel", CHANNELS)
async def test_twenty_kills_between_send_and_record_lose_nothing(channel: str) -> None:
    row = await outbox_faults.killed_before_the_record(channel, 20)
    told_once(row)
    assert row.copies == (0 if channel in FINDS else 20)


@pytest.mark.parametrize("channel", CHANNELS)
async def test_kills_at_any_point_of_a_delivery_lose_nothing(channel: str) -> None:
    told_once(await outbox_faults.killed_anywhere(channel, 6))


@pytest.mark.soak
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("channel", CHANNELS)
async def test_two_hundred_kills_between_send_and_record_lose_nothing(channel: str) -> None:
    told_once(await outbox_faults.killed_before_the_record(channel, 200))


@pytest.mark.soak
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("channel", CHANNELS)
async def test_two_hundred_kills_at_any_point_lose_nothing(channel: str) -> None:
    told_once(await outbox_faults.killed_anywhere(channel, 200))


class Timed(Console):
    """A channel that keeps when each message left."""

    def __init__(self, settings: ChannelSettings, name: str) -> None:
        super().__init__(settings, name)
        self.left: list[float] = []
        self.all_left = asyncio.Event()

    def reaches(self, person: Recipient) -> str | None:
        return person.id

    async def send(
        self, notice: Notice, destination: str, person: Recipient | None, key: str, earlier: str | None = None
    ) -> Receipt:
        self.left.append(time.monotonic())
        if len(self.left) == 4:
            self.all_left.set()
        return Receipt()


async def test_a_channels_rate_keeps_its_messages_apart(tmp_path: Path) -> None:
    daemon = InProcessDaemon(tmp_path)
    assert Rate.parse("20/s").apart == 0.05
    daemon.path.write_text(daemon.path.read_text().replace("{type: console}", "{type: console, rate: 20/s}"))
    daemon.config = configuration.load(daemon.path)
    channel = Timed(ChannelSettings(), "desk")
    daemon.engine.reload(daemon.config, {"desk": channel})
    with daemon.store.transaction() as tx:
        for number in range(4):
            tx.deliveries.enqueue(
                daemon.engine.rules.notices.notice(NoticeType.DIGEST, f"x/{number}", ["ana"], daemon.at, title="x")
            )

    async def look(*_: object) -> bool:
        return True

    worker = Writer(daemon.store)
    begun = time.monotonic()
    context = LoopContext(daemon.engine.rules, worker, daemon.now)
    delivering = asyncio.create_task(Sender("desk", channel, look, context).deliver())
    await asyncio.wait_for(channel.all_left.wait(), PATIENCE)
    delivering.cancel()
    await asyncio.gather(delivering, return_exceptions=True)
    assert channel.left[-1] - begun >= 3 * 0.05
    worker.close()
    daemon.close()


def test_dead_letters_are_listed_and_sent_again_from_the_command_line(tmp_path: Path) -> None:
    """The real daemon: a receiver that refuses for good, is mended, and gets what it missed once."""
    team_mail = MaildirTeamMail(tmp_path / "mail", ["ana@acme.test"])
    with WebhookSink() as sink:
        sink.answer = lambda post: 410
        steps = [{"at": "100%", "notify": ["owner"]}]
        daemon = Installation(tmp_path, team_mail.mailboxes(), hook=sink.url, target="1s", steps=steps)
        with daemon.daemon() as running:
            team_mail.deliver("ana@acme.test", message_bytes("bo@buyer.test", "ana@acme.test"))
            found = running.wait(lambda: running.get("/api/v1/dead-letters")["items"], "no dead letter")
            assert found[0]["error"].startswith("the server answered 410")
            listed = daemon.command("outbox", "list")
            assert (listed.returncode, "410" in listed.stdout) == (0, True), listed
            assert running.call("POST", "/api/v1/dead-letters/999999/resend")[0] == 404
            sink.answer = lambda post: 200
            again = daemon.command("outbox", "resend", "--all")
            assert again.returncode == 0, again
            sink.wait(lambda post: post.reasons == ["breach"])
            running.wait(lambda: not running.get("/api/v1/dead-letters")["items"], "still dead")
            assert running.metric("inboxwatch_notifications_total", outcome="sent") >= 1
