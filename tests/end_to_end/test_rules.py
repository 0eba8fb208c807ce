"""The rules that need the whole house: mailboxes, store, ticker, outbox and channels, on the stage in virtual time."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Row, select

from inboxwatch.core.model import FolderRole, MailboxId
from inboxwatch.core.sla.timeline import Deed
from inboxwatch.engine.explanation import explain
from inboxwatch.notify import NoticeType
from inboxwatch.store import tables
from tests.support.facts import at, weekdays
from tests.support.simulation.mail import Letter
from tests.support.simulation.world import LEADS, MINUTE, Sent, Stage, config_of

BO, ED, CY = "bo@buyer.test", "ed@third.test", "cy@other.test"
"""Bo's tier is hot: 40 minutes, told at any hour to the owner and the desk, and 20 minutes later to the manager."""
_NAMED = re.compile(r"def (test_rule_(\d+)_\w+)")
AUTOMATIC = ("Auto-Submitted: auto-replied",)
ANA, BEN, SALES = MailboxId("ana"), MailboxId("ben"), MailboxId("sales")


@pytest.fixture
def stage() -> Iterator[Stage]:
    stage = Stage(config_of("load", True))
    stage.boot()
    stage.engine.learn("known", LEADS, stage.at)
    yield stage
    stage.store.close()


async def write(
    stage: Stage, id_: str, when: datetime, sender: str = BO, to: str = "ana@acme.test", **more: Any
) -> Letter:
    """A letter at an instant, read at once by the mailboxes that hold it."""
    await stage.until(when)
    letter = Letter(
        f"{id_}@{sender.rpartition('@')[2]}", when, sender, (to,), more.pop("subject", f"Lot {id_}"), **more
    )
    await stage.post(letter)
    await stage.until(when)
    return letter


async def answer(stage: Stage, question: Letter, when: datetime, by: str = "ana") -> Letter:
    more = {"subject": question.subject, "answers": question, "answers_buyer": True}
    return await write(stage, f"re.{question.id}", when, f"{by}@acme.test", question.sender, **more)


def silence(stage: Stage, until: datetime, *channels: str) -> None:
    """Channels are down from now on, for a while."""
    for name in channels:
        stage.wires[name].down = [(stage.at, until, False)]


def waits(stage: Stage) -> list[Row[Any]]:
    with stage.store.reading() as tx:
        found = select(tables.clock).where(tables.clock.c.metric != "follow_up").order_by(tables.clock.c.started_at)
        return list(tx.connection.execute(found))


def sent(stage: Stage, kind: NoticeType = NoticeType.ESCALATION) -> list[Sent]:
    return [one for one in stage.sent if one.notice.type is kind]


def steps(stage: Stage) -> list[tuple[datetime, str, int, int]]:
    """(when, to whom, step, round) of everything that escalated."""
    pages = sent(stage)
    return [(page.at, page.destination, one["step"], one["round"]) for page in pages for one in page.notice.clocks]


async def test_rule_10_auto_submitted_no_is_a_person_and_a_vacation_reply_without_any_header_is_none(
    stage: Stage,
) -> None:
    await write(stage, "person", at("8:10"), marks=("Auto-Submitted: no",))
    await write(stage, "outlook", at("8:11"), ED, marks=("X-Auto-Response-Suppress: All",))
    await write(stage, "away", at("8:12"), CY, subject="Automatic reply: your offer")
    assert [row.started_by for row in waits(stage)] == ["person@buyer.test", "outlook@third.test"]


async def test_rule_13_a_late_detection_is_no_part_of_a_latency(stage: Stage) -> None:
    await stage.until(at("8:10"))
    stage.boxes[ANA].put(
        late := Letter("q@buyer.test", stage.at, BO, ("ana@acme.test",), "Lot"), FolderRole.INBOX, 15 * MINUTE
    )
    await stage.until(at("8:25"))
    await stage.push(ANA)
    await answer(stage, late, at("8:30"))
    (row,) = waits(stage)
    assert (row.started_at, row.wall_seconds) == (at("8:10"), 20 * 60)


@pytest.mark.parametrize("first", [ANA, SALES])
async def test_rule_14_the_mailbox_that_is_read_first_changes_no_clock(stage: Stage, first: MailboxId) -> None:
    stage.boxes[SALES].skew = -timedelta(seconds=30)
    boxes = [first, SALES if first is ANA else ANA]
    await stage.until(at("8:10"))
    letter = Letter("q@buyer.test", stage.at, BO, ("ana@acme.test", "sales@acme.test"), "Lot")
    for minutes, name in enumerate(boxes):
        await stage.until(at("8:10") + minutes * MINUTE)
        stage.boxes[name].put(letter, FolderRole.INBOX, minutes * MINUTE)
        await stage.push(name)
    (row,) = waits(stage)
    assert (row.started_at, row.mailbox) == (at("8:10") - timedelta(seconds=30), "ana")


async def test_rule_15_a_name_that_turns_out_to_be_a_wait_of_its_own_is_counted_as_one(stage: Stage) -> None:
    """The nudge is read first, then the question, then the answer that came between them."""
    await stage.until(at("8:10"))
    question = Letter("q1@buyer.test", stage.at, BO, ("ana@acme.test",), "Lot")
    between = Letter("a@acme.test", at("8:20"), "ana@acme.test", (BO,), "Lot", question, answers_buyer=True)
    stage.boxes[ANA].put(question, FolderRole.INBOX, 30 * MINUTE)
    stage.boxes[ANA].put(between, FolderRole.SENT, 30 * MINUTE)
    await write(stage, "q2", at("8:30"), answers=question, subject="Lot")
    await stage.until(at("8:41"))
    await stage.push(ANA)
    await stage.until(at("8:51"))
    await stage.push(ANA)
    await stage.until(at("11:00"))
    ids = {row.started_by: row.id for row in waits(stage)}
    with stage.store.reading() as tx:
        figures = tx.statistics.figures(stage.at)
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
    stage: Stage,
) -> None:
    await write(stage, "first", at("8:10"), ED)
    (row,) = waits(stage)
    away = await write(stage, "away", at("8:20"), "ana@acme.test", CY, subject="Out of office", marks=AUTOMATIC)
    await write(stage, "second", at("8:30"))
    await write(stage, "back", at("9:00"), "ana@acme.test", "partner@elsewhere.test", answers=away)
    await write(stage, "third", at("9:10"), "di@buyer.test", subject="Another lot")
    assert (row.owner, [one.owner for one in waits(stage)]) == ("ana", ["ben", "ben", "ana"])
    with stage.store.reading() as tx:
        said = [act.reason for act in tx.connection.execute(select(tables.act).where(tables.act.c.clock == row.id))]
    assert any("vacation reply" in reason for reason in said)


async def test_rule_27_one_screen_says_who_owns_it_what_the_sla_is_and_what_happens_when_it_slips(stage: Stage) -> None:
    await write(stage, "q", at("8:10"))
    with stage.store.reading() as tx:
        screen = "\n".join(explain(tx, stage.engine.rules, BO, at("8:30")))
    assert "Owner: ana by routing: rule 1: lead.owner" in screen
    assert "first_response within 40m" in screen
    assert "Next: step 1 (round 1) at Mon 2026-05-04 08:50:00 UTC to ana, desk" in screen


async def test_rule_29_a_crash_between_sending_and_recording_repeats_the_message_under_its_key(stage: Stage) -> None:
    stage.wires["pager"].deadly = 1
    await write(stage, "q", at("8:10"))
    await stage.until(at("9:40"))
    told = [(one.key, one.destination) for one in sent(stage) if one.notice.clocks[0]["step"] == 1]
    (clock,) = waits(stage)
    assert sorted(set(told)) == [(f"{clock.id}/1/1/ana", "ana"), (f"{clock.id}/1/1/desk", "")]
    assert stage.kills == 1
    assert [to for _, to, step, turn in steps(stage) if (turn, step) == (1, 2)] == ["max"]


async def test_rule_30_an_answer_that_no_poll_has_seen_yet_stops_the_page(stage: Stage) -> None:
    question = await write(stage, "q", at("8:10"), to="sales@acme.test")
    await stage.until(at("8:49"))
    reply = Letter("a@acme.test", stage.at, "ben@acme.test", (BO,), question.subject, question)
    stage.boxes[BEN].put(reply, FolderRole.SENT, timedelta())
    await stage.until(at("9:30"))
    (row,) = waits(stage)
    assert (sent(stage), row.answered_by) == ([], "ben")


async def test_rule_30_a_page_that_leaves_late_is_checked_again(stage: Stage) -> None:
    silence(stage, at("9:05"), "pager", "mail")
    question = await write(stage, "q", at("8:10"))
    await stage.until(at("9:02"))
    reply = Letter("a@acme.test", stage.at, "ben@acme.test", (BO,), question.subject, question)
    stage.boxes[BEN].put(reply, FolderRole.SENT, timedelta())
    await stage.until(at("9:30"))
    assert [one.channel for one in sent(stage)] == ["desk"]


async def test_rule_31_a_page_from_a_blind_house_says_so_after_the_grace_and_it_hears_once(stage: Stage) -> None:
    await write(stage, "q", at("8:10"))
    stage.boxes[ANA].dark = [(at("8:20"), at("14:00"))]
    await stage.until(at("13:00"))
    (page, _) = sent(stage)[:2]
    said = page.notice.clocks[0]
    assert (page.at, said["reason"]) == (at("9:05"), "unverified")
    assert said["breached"] is False
    assert [one.notice.mailbox for one in sent(stage, NoticeType.MAILBOX)] == ["ana"]


async def test_rule_33_an_answer_cancels_what_is_queued_and_resolves_once_for_each_who_was_paged(stage: Stage) -> None:
    question = await write(stage, "q", at("8:10"))
    await stage.until(at("9:09"))
    silence(stage, at("9:30"), "pager", "mail")
    await stage.until(at("9:12"))
    await answer(stage, question, at("9:15"), by="ben")
    await stage.until(at("10:30"))
    assert {(to, step) for _, to, step, _ in steps(stage)} == {("ana", 1), ("", 1)}
    assert sorted(one.destination for one in sent(stage, NoticeType.RESOLVED)) == ["", "ana"]


async def test_rule_34_a_page_says_what_is_true_when_it_leaves(stage: Stage) -> None:
    silence(stage, at("8:58"), "pager", "mail")
    await write(stage, "q", at("8:10"))
    await write(stage, "nudge", at("8:55"), subject="Lot q")
    await stage.until(at("9:05"))
    (page,) = (one for one in sent(stage) if one.destination == "ana")
    assert page.at > at("8:58")
    assert page.notice.clocks[0]["waited_seconds"] == (page.at - at("8:10")).total_seconds()


async def test_rule_36_our_own_mail_in_a_watched_mailbox_starts_and_ends_nothing(stage: Stage) -> None:
    question = await write(stage, "q", at("8:10"))
    (before,) = waits(stage)
    ours = ("Auto-Submitted: auto-generated",)
    await write(stage, "page", at("8:51"), "inboxwatch@acme.test", "ana@acme.test", marks=ours, answers=question)
    await write(stage, "loop", at("8:52"), "ana@acme.test", "inboxwatch@acme.test", marks=AUTOMATIC)
    (row,) = waits(stage)
    assert (row.id, row.state, row.nudges) == (before.id, "running", 0)


async def test_rule_37_waits_that_are_due_together_come_as_one_message_with_a_key_each(stage: Stage) -> None:
    await write(stage, "one", at("8:10"))
    await write(stage, "two", at("8:10"), subject="Another lot")
    await stage.until(at("8:50"))
    (page,) = (one for one in sent(stage) if one.destination == "ana")
    with stage.store.reading() as tx:
        keys = set(tx.connection.execute(select(tables.delivery.c.key)).scalars())
    assert {one["id"] for one in page.notice.clocks} == {row.id for row in waits(stage)}
    assert {f"{row.id}/1/1/ana" for row in waits(stage)} <= keys


async def test_rule_38_a_dead_channel_is_told_through_another_one_and_its_letters_are_counted(stage: Stage) -> None:
    stage.wires["desk"].down = [(at("8:00"), at("20:00"), True)]
    await write(stage, "q", at("8:10"))
    await stage.until(at("8:51"))
    (digest,) = sent(stage, NoticeType.DIGEST)
    with stage.store.reading() as tx:
        dead = tx.deliveries.dead()
        counted = tx.statistics.figures(stage.at).deliveries["desk"]
    assert (digest.channel, "desk" in digest.notice.title) == ("mail", True)
    assert ([row.channel for row in dead], counted[2]) == (["desk"], 1)


async def test_rule_39_the_first_sight_of_a_mailbox_pages_nobody_and_tells_what_is_overdue_once() -> None:
    stage = Stage(config_of("load", True))
    for number in range(7):
        old = Letter(f"q{number}@buyer.test", at("9:00", day=-3), BO, ("ana@acme.test",), f"Lot {number}")
        stage.boxes[ANA].put(old, FolderRole.INBOX, timedelta())
    stage.boot()
    stage.engine.learn("known", LEADS, stage.at)
    await stage.until(at("12:00"))
    (digest,) = sent(stage, NoticeType.DIGEST)
    assert (sent(stage), len(digest.notice.clocks)) == ([], 7)
    stage.store.close()


async def test_an_acknowledged_wait_is_held_until_the_acknowledgement_expires(stage: Stage) -> None:
    await write(stage, "q", at("8:10"))
    await stage.until(at("8:45"))
    (row,) = waits(stage)
    stage.act(row, Deed.ACKNOWLEDGED, "max")
    await stage.until(at("9:14"))
    assert steps(stage) == []
    await stage.until(at("9:15"))
    assert {(when, to, step) for when, to, step, _ in steps(stage)} == {(at("9:15"), "max", 2)}


def test_the_table_of_rules_is_complete() -> None:
    """Each rule has a test of its name; `RULES.md` lists all of these under their rule, and none that is not there."""
    folder = Path(__file__).parents[1]
    table = (folder / "RULES.md").read_text(encoding="utf-8").splitlines()
    rows = {
        int(row.split("|")[1]): row for row in table if row.startswith("| ") and row.split("|")[1].strip().isdigit()
    }
    sources = {str(path.relative_to(folder)): path.read_text(encoding="utf-8") for path in folder.rglob("test_*.py")}
    named = {
        (int(found[2]), f"`{name}::{found[1]}`") for name, text in sources.items() for found in _NAMED.finditer(text)
    }
    assert rows.keys() == set(range(1, 41)) == {rule for rule, _ in named}
    assert [name for rule, name in named if name not in rows[rule]] == []
    for name, _, test in re.findall(r"`([\w/]+/test_\w+\.py)(::(\w+))?`", "\n".join(rows.values())):
        assert f"def {test}" in sources[name], f"RULES.md names {name}::{test}, which does not exist"
