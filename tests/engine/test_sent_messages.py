"""What was sent about a wait says what is true, wherever it stands, after whoever's deed by whatever door."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from inboxwatch import config as configuration
from inboxwatch.daemon.loop_context import LoopContext
from inboxwatch.daemon.sender import Sender
from inboxwatch.daemon.writer import Writer
from inboxwatch.engine.notice_actions import NoticeActions
from inboxwatch.notify.slack.channel import Slack
from inboxwatch.notify.slack.settings import SlackSettings
from tests.doubles.slack import APP, BOT, SlackDouble, slack_double
from tests.support.in_process_daemon import InProcessDaemon

HOUR = timedelta(hours=1)
TEAM, ANA = "C0SALES01", "D012AB3CD"


class Messages:
    """A daemon whose steps go to Ana and to the team's channel in Slack."""

    def __init__(self, daemon: InProcessDaemon, double: SlackDouble, slack: Slack, outbox: Sender) -> None:
        self.daemon, self.double, self.slack, self.outbox = daemon, double, slack, outbox

    async def leave(self) -> None:
        """All that is owed leaves."""
        while (due := self.daemon.engine.next_at("desk")) is not None and due <= self.daemon.at:
            await self.outbox.deliver_one()

    def shown(self, channel: str, place: int = 0) -> str:
        """What a message says now, by the order in which it was sent."""
        return str(self.double.post(place, channel)["blocks"])


@pytest.fixture
def daemon(tmp_path: Path) -> Iterator[InProcessDaemon]:
    daemon = InProcessDaemon(tmp_path)
    text = daemon.path.read_text(encoding="utf-8")
    text = text.replace("{at: 50%, notify: [owner]}", '{at: 50%, notify: [owner, "desk:#sales-escalations"]}')
    daemon.path.write_text(text.replace("manager: max}", "manager: max, slack_id: U012AB3CD}", 1), encoding="utf-8")
    daemon.config = configuration.load(daemon.path)
    daemon.lead("bo@buyer.test", owner="ana", name="Bo Lind")
    daemon.lead("cy@other.test", owner="ana", name="Cy Berg")
    yield daemon
    daemon.close()


@pytest.fixture
async def sent(daemon: InProcessDaemon) -> AsyncIterator[Messages]:
    async with slack_double() as double:
        settings: dict[str, Any] = {"bot_token": BOT, "app_token": APP, "api_url": f"{double.url}/api/"}
        slack = Slack(SlackSettings.model_validate(settings | {"rate": "1000/s"}), "desk")
        daemon.engine.reload(daemon.config, {"desk": slack})
        worker = Writer(daemon.store)
        outbox = Sender("desk", slack, lambda *_: _read(), LoopContext(daemon.engine.rules, worker, daemon.now))
        await slack.start(NoticeActions(daemon), None)
        yield Messages(daemon, double, slack, outbox)
        await slack.aclose()
        worker.close()


async def _read() -> bool:
    return True


async def test_a_press_in_one_place_brings_every_other_message_up_to_date(sent: Messages) -> None:
    sent.daemon.mail("bo@buyer.test", "ana@acme.test")
    sent.daemon.passes(HOUR)
    await sent.leave()
    await sent.double.deliver(sent.double.press(sent.double.post(channel=TEAM), "inboxwatch.acknowledge"))
    await sent.double.until(lambda: "Ana Diaz has it until" in sent.shown(TEAM))
    await sent.leave()
    for place in (TEAM, ANA):
        assert "Ana Diaz has it until Mon 4 May 10:30 UTC." in sent.shown(place)
        assert "acknowledged until" in sent.shown(place)
    assert len(sent.double.called("chat.postMessage")) == 2, "nobody is told anything new"


async def test_a_deed_on_the_board_shows_in_slack_and_so_does_a_change_of_owner(sent: Messages) -> None:
    sent.daemon.mail("bo@buyer.test", "ana@acme.test")
    sent.daemon.passes(HOUR)
    await sent.leave()
    wait = sent.daemon.only_wait("bo@buyer.test")
    sent.daemon.engine.assign(wait, "max", sent.daemon.at, owner="ben", reason="knows them")
    await sent.leave()
    for place in (TEAM, ANA):
        assert "*Owner*\\nBen Ito" in sent.shown(place)
        assert "Max Ode gave it to Ben Ito (knows them)." in sent.shown(place)


async def test_a_message_about_several_waits_is_brought_up_to_date_too(sent: Messages) -> None:
    sent.daemon.mail("bo@buyer.test", "ana@acme.test")
    sent.daemon.mail("cy@other.test", "ana@acme.test")
    sent.daemon.passes(HOUR)
    await sent.leave()
    assert "2 buyers wait" in sent.shown(TEAM)
    sent.daemon.engine.dismiss(sent.daemon.only_wait("bo@buyer.test"), "ana", sent.daemon.at, "spam")
    await sent.leave()
    for place in (TEAM, ANA):
        assert "1 buyer waits" in sent.shown(place)
        assert "No reply is owed, says Ana Diaz (spam)." in sent.shown(place)
        assert "Cy Berg" in sent.shown(place)


async def test_a_message_that_was_deleted_is_missed_by_nobody(sent: Messages) -> None:
    sent.daemon.mail("bo@buyer.test", "ana@acme.test")
    sent.daemon.passes(HOUR)
    await sent.leave()
    gone = sent.double.post(channel=TEAM)
    gone["ts"] = "1.000001"
    sent.daemon.engine.acknowledge(sent.daemon.only_wait("bo@buyer.test"), "ana", sent.daemon.at)
    await sent.leave()
    assert "acknowledged until" in sent.shown(ANA)
    with sent.daemon.store.reading() as tx:
        assert tx.deliveries.dead() == []
        assert {outcome[1:] for outcome in tx.deliveries.outcomes()} == {(2, 0, 0, 0, 0)}, "copies are no notices"
