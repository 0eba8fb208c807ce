"""A verdict by Slack: judged by a select, shown wherever it was told, taken back, and no press counts twice."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from copy import deepcopy
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from inboxwatch import config as configuration
from inboxwatch.engine.notice_actions import NoticeActions
from inboxwatch.engine.qualify import GivenVerdict, judge
from inboxwatch.notify.actions import ActionRefused, Actor, ClassChoice
from inboxwatch.store.records import ClockRecord
from tests.support.slack_outbox import SlackOutbox, slack_outbox
from tests.support.triage_daemon import TriageDaemon

MINUTE, SECONDS = timedelta(minutes=1), timedelta(seconds=10)
TEAM, TIA = "C0SALES01", "D0TIA0001"


class Desk:
    """Tia, the triage, is told in Slack, and so is the team's channel."""

    def __init__(self, daemon: TriageDaemon, sent: SlackOutbox) -> None:
        self.daemon, self.double, self.slack = daemon, sent.double, sent.slack
        self.leave, self.shown = sent.leave, sent.shown

    async def told_of_an_inquiry(self) -> dict[str, Any]:
        """A stranger's inquiry that nobody has judged after half the time; the message in the team's channel."""
        self.daemon.letter("q@buyer", subject="Trouble <!channel>")
        self.daemon.passes(8 * MINUTE)
        await self.leave()
        return self.double.post(0, TEAM)

    async def choose(self, label: str, message: dict[str, Any] | None = None, user: str = "U0TIA0001") -> None:
        """Tia says what it is, and the message she says it in is changed, or she is told why not."""
        posted = message or self.double.post(0, TEAM)
        await self.press(self.double.choose(posted, "inboxwatch.qualify", label, user))

    async def undo(self) -> None:
        await self.press(self.double.press(self.double.post(0, TEAM), "inboxwatch.undo_verdict", "U0TIA0001"))

    async def press(self, payload: dict[str, Any]) -> None:
        self.daemon.at += SECONDS
        before = len(self.double.called("chat.update")) + len(self.double.ephemeral)
        await self.double.deliver(payload)
        await self.double.until(lambda: len(self.double.called("chat.update")) + len(self.double.ephemeral) > before)

    def clock(self, metric: str = "first_response") -> ClockRecord:
        with self.daemon.store.reading() as tx:
            (row,) = (one for one in tx.clocks.listed({}, None, 9) if one.metric == metric)
        return row


@pytest.fixture
def daemon(tmp_path: Path) -> Iterator[TriageDaemon]:
    """Steps go to their owner and to the team's channel in Slack."""
    daemon = TriageDaemon(tmp_path)
    text = daemon.path.read_text(encoding="utf-8")
    text = text.replace("{at: 50%, notify: [owner]}", '{at: 50%, notify: [owner, "desk:#sales-escalations"]}')
    text = text.replace("email: tia@acme.test,", "email: tia@acme.test, slack_id: U0TIA0001,")
    daemon.path.write_text(text, encoding="utf-8")
    daemon.config = configuration.load(daemon.path)
    yield daemon
    daemon.close()


@pytest.fixture
async def desk(daemon: TriageDaemon) -> AsyncIterator[Desk]:
    async with slack_outbox(daemon, {"U0TIA0001": "tia@acme.test", "U0CAS0001": "cas@acme.test"}) as sent:
        yield Desk(daemon, sent)


async def test_a_select_judges_and_every_message_says_by_whom_with_an_undo(desk: Desk) -> None:
    posted = await desk.told_of_an_inquiry()
    assert "unknown, nothing that is known fits it" in desk.shown(TEAM)
    assert "Trouble &lt;!channel&gt;" in desk.shown(TEAM)
    await desk.choose("support", posted)
    await desk.leave()
    for place in (TEAM, TIA):
        assert "Tia Dorn: it is support." in desk.shown(place)
        assert "inboxwatch.undo_verdict" in desk.shown(place)
        assert "inboxwatch.qualify" not in desk.shown(place)
    wait, verdict = desk.clock(), desk.clock("verdict")
    assert (wait.inquiry_class, wait.class_by, wait.owner, wait.state) == ("support", "person:tia", "cas", "running")
    assert (verdict.state, verdict.stop_reason, verdict.breached_at) == ("answered", "verdict", None)


async def test_an_undo_brings_back_what_it_was_and_the_select_in_every_message(desk: Desk) -> None:
    posted = deepcopy(await desk.told_of_an_inquiry())
    await desk.choose("sales, hot", posted)
    await desk.leave()
    assert (desk.clock().inquiry_class, desk.clock().tier) == ("sales", "hot")
    await desk.undo()
    await desk.leave()
    wait = desk.clock()
    assert (wait.inquiry_class, wait.class_by, wait.tier, wait.owner) == ("unknown", "default", "", "tia")
    for place in (TEAM, TIA):
        assert "Tia Dorn took the verdict back: it is unknown as before." in desk.shown(place)
        assert "inboxwatch.qualify" in desk.shown(place)
        assert "inboxwatch.undo_verdict" not in desk.shown(place)
    await desk.choose("vendor")
    await desk.leave()
    wait = desk.clock()
    assert (wait.state, wait.stop_reason, wait.stopped_by) == ("ended", "filtered", "tia")
    await desk.undo()
    wait = desk.clock()
    assert (wait.state, wait.inquiry_class, wait.reopened) == ("running", "unknown", "reversed")


async def test_a_press_twice_is_one_verdict_and_the_same_word_of_another_is_answered(desk: Desk) -> None:
    posted = deepcopy(await desk.told_of_an_inquiry())
    for _ in range(2):
        await desk.choose("support", posted)
    assert desk.double.ephemeral == []
    await desk.choose("support", posted, user="U0MAX0001")
    assert "that is what it is already, says Tia Dorn: support" in desk.double.ephemeral[0]["text"]
    with desk.daemon.store.reading() as tx:
        acts = tx.clocks.actions([desk.clock().thread], [])[desk.clock().thread]
    assert len([one for one in acts if one.kind == "qualified" and one.by == "tia"]) == 1


async def test_a_verdict_by_another_door_shows_in_slack(desk: Desk) -> None:
    await desk.told_of_an_inquiry()
    given = GivenVerdict(desk.clock().id, "max", "support", reason="login trouble")
    desk.daemon.engine.write(judge, desk.daemon.rules, desk.daemon.at, given)
    await desk.leave()
    for place in (TEAM, TIA):
        assert "Max Ode: it is support (login trouble)." in desk.shown(place)
        assert "inboxwatch.undo_verdict" in desk.shown(place)


async def test_a_class_that_the_config_has_no_more_is_answered_in_words(desk: Desk) -> None:
    posted = deepcopy(await desk.told_of_an_inquiry())
    text = desk.daemon.path.read_text(encoding="utf-8").replace("recruiting: {clock: none}", "partner: {}")
    desk.daemon.path.write_text(text, encoding="utf-8")
    desk.daemon.engine.reload(configuration.load(desk.daemon.path), {"desk": desk.slack})
    await desk.choose("recruiting", posted)
    await desk.double.until(lambda: desk.double.ephemeral)
    assert "the classes have changed since" in desk.double.ephemeral[0]["text"]
    assert desk.clock().class_by == "default"
    await desk.choose("partner")
    assert desk.clock().inquiry_class == "partner"


async def test_acknowledging_a_verdict_holds_both_clocks_and_reassigning_moves_the_wait(desk: Desk) -> None:
    posted = deepcopy(await desk.told_of_an_inquiry())
    await desk.press(desk.double.press(posted, "inboxwatch.acknowledge", "U0TIA0001"))
    assert desk.clock().acknowledged_until == desk.clock("verdict").acknowledged_until is not None
    await desk.double.deliver(desk.double.press(posted, "inboxwatch.assign", "U0TIA0001"))
    await desk.double.until(lambda: desk.double.views)
    await desk.press(desk.double.submit(desk.double.views[0], choice="cas", reason=""))
    assert (desk.clock().owner, desk.clock("verdict").owner) == ("cas", "cas")
    assert desk.clock("verdict").state == "running", "to assign is no verdict"


async def test_a_link_to_a_tier_that_the_config_has_no_more_says_so_and_judges_nothing(desk: Desk) -> None:
    await desk.told_of_an_inquiry()
    text = desk.daemon.path.read_text(encoding="utf-8").replace("tiers: {hot: 60}", "tiers: {warm: 60}")
    text = text.replace("{tier: hot}", "{tier: warm}")
    desk.daemon.path.write_text(text, encoding="utf-8")
    desk.daemon.engine.reload(configuration.load(desk.daemon.path), {"desk": desk.slack})
    actions = NoticeActions(desk.daemon)
    with pytest.raises(ActionRefused, match="'hot' is no tier of the config any more"):
        await actions.qualify(desk.clock("verdict").id, Actor("link", person="tia"), ClassChoice("sales", "hot"))
    assert desk.clock().class_by == "default"
