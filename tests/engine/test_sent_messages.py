"""What was sent about a wait says what is true, wherever it stands, after whoever's deed by whatever door."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from inboxwatch import config as configuration
from tests.support.in_process_daemon import InProcessDaemon
from tests.support.slack_outbox import SlackOutbox, slack_outbox

HOUR = timedelta(hours=1)
TEAM, ANA = "C0SALES01", "D012AB3CD"


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
async def sent(daemon: InProcessDaemon) -> AsyncIterator[SlackOutbox]:
    """A daemon whose steps go to Ana and to the team's channel in Slack."""
    async with slack_outbox(daemon) as outbox:
        yield outbox


async def test_a_press_in_one_place_brings_every_other_message_up_to_date(sent: SlackOutbox) -> None:
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


async def test_a_deed_on_the_board_shows_in_slack_and_so_does_a_change_of_owner(sent: SlackOutbox) -> None:
    sent.daemon.mail("bo@buyer.test", "ana@acme.test")
    sent.daemon.passes(HOUR)
    await sent.leave()
    wait = sent.daemon.only_wait("bo@buyer.test")
    sent.daemon.engine.assign(wait, "max", sent.daemon.at, owner="ben", reason="knows them")
    await sent.leave()
    for place in (TEAM, ANA):
        assert "*Owner*\\nBen Ito" in sent.shown(place)
        assert "Max Ode gave it to Ben Ito (knows them)." in sent.shown(place)


async def test_a_message_about_several_waits_is_brought_up_to_date_too(sent: SlackOutbox) -> None:
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


async def test_a_message_that_was_deleted_is_missed_by_nobody(sent: SlackOutbox) -> None:
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
