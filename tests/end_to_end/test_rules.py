"""The rules that need the whole daemon: mailboxes, store, ticker, outbox and channels, in a simulated world."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from inboxwatch.core.model import FolderRole, MailboxId
from inboxwatch.core.sla.timeline import ActionKind
from inboxwatch.notify import NoticeType
from inboxwatch.store import tables
from inboxwatch.store.records import ClockRecord, clocks_of
from tests.support.explained import explained
from tests.support.facts import at, weekdays
from tests.support.simulation.mail import SimulatedMail
from tests.support.simulation.world import LEADS, MINUTE, SentNotice, SimulatedWorld, config_of

BO, ED, CY = "bo@buyer.test", "ed@third.test", "cy@other.test"
"""Bo's tier is hot: 40 minutes, told at any hour to the owner and the desk, and 20 minutes later to the manager."""
AUTOMATIC = ("Auto-Submitted: auto-replied",)
ANA, BEN, SALES = MailboxId("ana"), MailboxId("ben"), MailboxId("sales")


@pytest.fixture
def world() -> Iterator[SimulatedWorld]:
    world = SimulatedWorld(config_of("load", True))
    world.boot()
    world.engine.learn("known", LEADS, world.at)
    yield world
    world.close()


async def write(
    world: SimulatedWorld, id_: str, when: datetime, sender: str = BO, to: str = "ana@acme.test", **more: Any
) -> SimulatedMail:
    """A letter at an instant, read at once by the mailboxes that hold it."""
    await world.until(when)
    letter = SimulatedMail(
        f"{id_}@{sender.rpartition('@')[2]}", when, sender, (to,), more.pop("subject", f"Lot {id_}"), **more
    )
    await world.post(letter)
    await world.until(when)
    return letter


async def answer(world: SimulatedWorld, question: SimulatedMail, when: datetime, by: str = "ana") -> SimulatedMail:
    more = {"subject": question.subject, "answers": question, "answers_buyer": True}
    return await write(world, f"re.{question.id}", when, f"{by}@acme.test", question.sender, **more)


def silence(world: SimulatedWorld, until: datetime, *channels: str) -> None:
    """Channels are down from now on, for a while."""
    for name in channels:
        world.channels[name].down = [(world.at, until, False)]


def waits(world: SimulatedWorld) -> list[ClockRecord]:
    with world.store.reading() as tx:
        found = select(tables.clock).where(tables.clock.c.metric != "follow_up").order_by(tables.clock.c.started_at)
        return clocks_of(tx.connection.execute(found))


def sent(world: SimulatedWorld, kind: NoticeType = NoticeType.ESCALATION) -> list[SentNotice]:
    return [one for one in world.sent if one.notice.type is kind]


def steps(world: SimulatedWorld) -> list[tuple[datetime, str, int | None, int | None]]:
    """(when, to whom, step, round) of everything that escalated."""
    pages = sent(world)
    return [(page.at, page.destination, one.step, one.round) for page in pages for one in page.notice.clocks]


async def test_rule_10_auto_submitted_no_is_a_person_and_a_vacation_reply_without_any_header_is_none(
    world: SimulatedWorld,
) -> None:
    await write(world, "person", at("8:10"), marks=("Auto-Submitted: no",))
    await write(world, "outlook", at("8:11"), ED, marks=("X-Auto-Response-Suppress: All",))
    await write(world, "away", at("8:12"), CY, subject="Automatic reply: your offer")
    assert [row.started_by for row in waits(world)] == ["person@buyer.test", "outlook@third.test"]


async def test_rule_13_a_late_detection_is_no_part_of_a_latency(world: SimulatedWorld) -> None:
    await world.until(at("8:10"))
    world.boxes[ANA].put(
        late := SimulatedMail("q@buyer.test", world.at, BO, ("ana@acme.test",), "Lot"), FolderRole.INBOX, 15 * MINUTE
    )
    await world.until(at("8:25"))
    await world.push(ANA)
    await answer(world, late, at("8:30"))
    (row,) = waits(world)
    assert (row.started_at, row.wall_seconds) == (at("8:10"), 20 * 60)


@pytest.mark.parametrize("first", [ANA, SALES])
async def test_rule_14_the_mailbox_that_is_read_first_changes_no_clock(world: SimulatedWorld, first: MailboxId) -> None:
    world.boxes[SALES].skew = -timedelta(seconds=30)
    boxes = [first, SALES if first is ANA else ANA]
    await world.until(at("8:10"))
    letter = SimulatedMail("q@buyer.test", world.at, BO, ("ana@acme.test", "sales@acme.test"), "Lot")
    for minutes, name in enumerate(boxes):
        await world.until(at("8:10") + minutes * MINUTE)
        world.boxes[name].put(letter, FolderRole.INBOX, minutes * MINUTE)
        await world.push(name)
    (row,) = waits(world)
    assert (row.started_at, row.mailbox) == (at("8:10") - timedelta(seconds=30), "ana")


async def test_rule_15_a_name_that_turns_out_to_be_a_wait_of_its_own_is_counted_as_one(world: SimulatedWorld) -> None:
    """The nudge is read first, then the question, then the answer that came between them."""
    await world.until(at("8:10"))
    question = SimulatedMail("q1@buyer.test", world.at, BO, ("ana@acme.test",), "Lot")
    between = SimulatedMail("a@acme.test", at("8:20"), "ana@acme.test", (BO,), "Lot", question, answers_buyer=True)
    world.boxes[ANA].put(question, FolderRole.INBOX, 30 * MINUTE)
    world.boxes[ANA].put(between, FolderRole.SENT, 30 * MINUTE)
    await write(world, "q2", at("8:30"), answers=question, subject="Lot")
    await world.until(at("8:41"))
    await world.push(ANA)
    await world.until(at("8:51"))
    await world.push(ANA)
    await world.until(at("11:00"))
    ids = {row.started_by: row.id for row in waits(world)}
    with world.store.reading() as tx:
        figures = tx.statistics.figures(world.at)
    assert sorted(ids) == ["q1@buyer.test", "q2@buyer.test"]
    assert figures.breaches == {("ana", "hot", "next_response"): 1}


def test_rule_17_business_time_skips_lunch_nights_and_weekends() -> None:
    split = weekdays("08:00-12:00", "13:30-18:00")
    office = weekdays("09:00-17:00")
    assert split.add(at("17:00"), timedelta(hours=4)) == at("11:00", day=1)
    assert office.add(at("16:30", day=4), timedelta(hours=1)) == at("9:30", day=7)


@given(st.integers(0, 20000), st.integers(0, 6000), st.integers(0, 6000))
def test_rule_18_elapsed_undoes_add_and_add_is_additive(start: int, one: int, other: int) -> None:
    office = weekdays("08:00-12:00", "13:30-18:00", zone="Europe/London")
    begin, first, second = at("0:00") + start * MINUTE, one * MINUTE, other * MINUTE
    assert office.elapsed(begin, office.add(begin, first)) == first
    assert office.add(office.add(begin, first), second) == office.add(begin, first + second)


def test_rule_19_a_calendar_that_never_opens_is_refused() -> None:
    with pytest.raises(ValueError, match="never opens"):
        weekdays("09:00-17:00", days="")


async def test_rule_24_an_owner_seen_to_be_away_loses_the_wait_at_once_and_the_next_ones_until_he_is_back(
    world: SimulatedWorld,
) -> None:
    await write(world, "first", at("8:10"), ED)
    (row,) = waits(world)
    away = await write(world, "away", at("8:20"), "ana@acme.test", CY, subject="Out of office", marks=AUTOMATIC)
    await write(world, "second", at("8:30"))
    await write(world, "back", at("9:00"), "ana@acme.test", "partner@elsewhere.test", answers=away)
    await write(world, "third", at("9:10"), "di@buyer.test", subject="Another lot")
    assert (row.owner, [one.owner for one in waits(world)]) == ("ana", ["ben", "ben", "ana"])
    with world.store.reading() as tx:
        said = [act.reason for act in tx.connection.execute(select(tables.act).where(tables.act.c.clock == row.id))]
    assert any("vacation reply" in reason for reason in said)


async def test_rule_27_one_screen_says_who_owns_it_what_the_sla_is_and_what_happens_when_it_slips(
    world: SimulatedWorld,
) -> None:
    await write(world, "q", at("8:10"))
    with world.store.reading() as tx:
        screen = explained(tx, world.engine.rules, BO, at("8:30"))
    assert "Owner: ana by routing: rule 1: lead.owner" in screen
    assert "first_response within 40m" in screen
    assert "Next: step 1 (round 1), unless somebody answers: Ana Diaz, desk are told at Mon 2026-05-04 08:50" in screen


async def test_rule_29_a_crash_between_sending_and_recording_repeats_the_message_under_its_key(
    world: SimulatedWorld,
) -> None:
    world.channels["pager"].deadly = 1
    await write(world, "q", at("8:10"))
    await world.until(at("9:40"))
    told = [(one.key, one.destination) for one in sent(world) if one.notice.clocks[0].step == 1]
    (clock,) = waits(world)
    assert sorted(set(told)) == [(f"{clock.id}/1/1/ana", "ana"), (f"{clock.id}/1/1/desk", "")]
    assert world.kills == 1
    assert [to for _, to, step, turn in steps(world) if (turn, step) == (1, 2)] == ["max"]


async def test_rule_30_an_answer_that_no_poll_has_seen_yet_stops_the_page(world: SimulatedWorld) -> None:
    question = await write(world, "q", at("8:10"), to="sales@acme.test")
    await world.until(at("8:49"))
    reply = SimulatedMail("a@acme.test", world.at, "ben@acme.test", (BO,), question.subject, question)
    world.boxes[BEN].put(reply, FolderRole.SENT, timedelta())
    await world.until(at("9:30"))
    (row,) = waits(world)
    assert (sent(world), row.answered_by) == ([], "ben")


async def test_rule_30_a_page_that_leaves_late_is_checked_again(world: SimulatedWorld) -> None:
    silence(world, at("9:05"), "pager", "mail")
    question = await write(world, "q", at("8:10"))
    await world.until(at("9:02"))
    reply = SimulatedMail("a@acme.test", world.at, "ben@acme.test", (BO,), question.subject, question)
    world.boxes[BEN].put(reply, FolderRole.SENT, timedelta())
    await world.until(at("9:30"))
    assert [one.channel for one in sent(world)] == ["desk"]


async def test_rule_31_a_page_from_a_blind_house_says_so_after_the_grace_and_it_hears_once(
    world: SimulatedWorld,
) -> None:
    await write(world, "q", at("8:10"))
    world.boxes[ANA].dark = [(at("8:20"), at("14:00"))]
    await world.until(at("13:00"))
    (page, _) = sent(world)[:2]
    said = page.notice.clocks[0]
    assert (page.at, said.reason) == (at("9:05"), "unverified")
    assert said.wait.breached is False
    assert [one.notice.mailbox for one in sent(world, NoticeType.MAILBOX)] == ["ana"]


async def test_rule_33_an_answer_cancels_what_is_queued_and_resolves_once_for_each_who_was_paged(
    world: SimulatedWorld,
) -> None:
    question = await write(world, "q", at("8:10"))
    await world.until(at("9:09"))
    silence(world, at("9:30"), "pager", "mail")
    await world.until(at("9:12"))
    await answer(world, question, at("9:15"), by="ben")
    await world.until(at("10:30"))
    assert {(to, step) for _, to, step, _ in steps(world)} == {("ana", 1), ("", 1)}
    assert sorted(one.destination for one in sent(world, NoticeType.RESOLVED)) == ["", "ana"]


async def test_rule_34_a_page_says_what_is_true_when_it_leaves(world: SimulatedWorld) -> None:
    silence(world, at("8:58"), "pager", "mail")
    await write(world, "q", at("8:10"))
    await write(world, "nudge", at("8:55"), subject="Lot q")
    await world.until(at("9:05"))
    (page,) = (one for one in sent(world) if one.destination == "ana")
    assert page.at > at("8:58")
    assert page.notice.clocks[0].wait.wall_seconds == (page.at - at("8:10")).total_seconds()


async def test_rule_36_our_own_mail_in_a_watched_mailbox_starts_and_ends_nothing(world: SimulatedWorld) -> None:
    question = await write(world, "q", at("8:10"))
    (before,) = waits(world)
    ours = ("Auto-Submitted: auto-generated",)
    await write(world, "page", at("8:51"), "inboxwatch@acme.test", "ana@acme.test", marks=ours, answers=question)
    await write(world, "loop", at("8:52"), "ana@acme.test", "inboxwatch@acme.test", marks=AUTOMATIC)
    (row,) = waits(world)
    assert (row.id, row.state, row.nudges) == (before.id, "running", 0)


async def test_rule_37_waits_that_are_due_together_come_as_one_message_with_a_key_each(world: SimulatedWorld) -> None:
    await write(world, "one", at("8:10"))
    await write(world, "two", at("8:10"), subject="Another lot")
    await world.until(at("8:50"))
    (page,) = (one for one in sent(world) if one.destination == "ana")
    with world.store.reading() as tx:
        keys = set(tx.connection.execute(select(tables.delivery.c.key)).scalars())
    assert {one.wait.id for one in page.notice.clocks} == {row.id for row in waits(world)}
    assert {f"{row.id}/1/1/ana" for row in waits(world)} <= keys


async def test_rule_38_a_dead_channel_is_told_through_another_one_and_its_letters_are_counted(
    world: SimulatedWorld,
) -> None:
    world.channels["desk"].down = [(at("8:00"), at("20:00"), True)]
    await write(world, "q", at("8:10"))
    await world.until(at("8:51"))
    (digest,) = sent(world, NoticeType.DIGEST)
    with world.store.reading() as tx:
        dead = tx.deliveries.dead()
        counted = tx.statistics.figures(world.at).deliveries["desk"]
    assert (digest.channel, "desk" in digest.notice.title) == ("mail", True)
    assert ([row.channel for row in dead], counted[2]) == (["desk"], 1)


async def test_rule_39_the_first_sight_of_a_mailbox_pages_nobody_and_tells_what_is_overdue_once() -> None:
    world = SimulatedWorld(config_of("load", True))
    for number in range(7):
        old = SimulatedMail(f"q{number}@buyer.test", at("9:00", day=-3), BO, ("ana@acme.test",), f"Lot {number}")
        world.boxes[ANA].put(old, FolderRole.INBOX, timedelta())
    world.boot()
    world.engine.learn("known", LEADS, world.at)
    await world.until(at("12:00"))
    (digest,) = sent(world, NoticeType.DIGEST)
    assert (sent(world), len(digest.notice.clocks)) == ([], 7)
    world.close()


async def test_an_acknowledged_wait_is_held_until_the_acknowledgement_expires(world: SimulatedWorld) -> None:
    await write(world, "q", at("8:10"))
    await world.until(at("8:45"))
    (row,) = waits(world)
    world.act(row, ActionKind.ACKNOWLEDGED, "max")
    await world.until(at("9:14"))
    assert steps(world) == []
    await world.until(at("9:15"))
    assert {(when, to, step) for when, to, step, _ in steps(world)} == {(at("9:15"), "max", 2)}
