"""Rules 41 to 52 in the daemon: classes, verdicts, tiers and ladders in the store, the same in any order of reading."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime
from functools import partial
from pathlib import Path
from random import Random

import pytest
from sqlalchemy import select

from inboxwatch.engine.departures import settle_departures
from inboxwatch.engine.erasure_clock import pass_time
from inboxwatch.engine.repolicy import reapply
from inboxwatch.engine.retention import forget_filtered
from inboxwatch.engine.wait_views import wait_views
from inboxwatch.store import tables
from inboxwatch.store.records import ClockRecord
from tests.support.facts import at
from tests.support.qualified_desk import QualifiedDesk, as_replayed, deeds, letters, replayed
from tests.support.qualified_house import ANA, BO, END, House


@pytest.fixture
def house(tmp_path: Path) -> House:
    return House(tmp_path)


@pytest.fixture
def desk(house: House) -> Iterator[QualifiedDesk]:
    desk = QualifiedDesk(house)
    yield desk
    desk.close()


def test_rule_43_what_is_filtered_has_no_owner_no_step_and_no_latency(desk: QualifiedDesk) -> None:
    desk.house.letter("q@x", "9:15", "Backlinks?")
    desk.now = at("9:16")
    desk.read()
    desk.passes("17:00")
    row = desk.clock()
    assert (row.state, row.stop_reason, row.stopped_by) == ("ended", "filtered", "rule:link building")
    assert (row.owner, row.wall_seconds, row.breached_at, row.wake_at) == (None, 0, None, None)
    assert (desk.told(), desk.acts()[0].inquiry_class) == ([], "vendor")


def test_rule_46_a_verdict_ends_its_clock_and_the_seller_gets_ladder_and_time(desk: QualifiedDesk) -> None:
    desk.house.letter("q@x", "9:05")
    desk.now = at("9:06")
    desk.read()
    desk.passes("9:40")
    wait, verdict = desk.clock(), desk.clock("verdict")
    assert (wait.owner, wait.inquiry_class, wait.policy) == ("tia", "unknown", "triage")
    assert (verdict.owner, verdict.state, verdict.breach_class) == ("tia", "running", "unknown")
    desk.judge("sales", "q@x", tier="hot")
    desk.passes("11:00")
    wait, verdict = desk.clock(), desk.clock("verdict")
    assert (wait.owner, wait.inquiry_class, wait.tier, wait.class_by) == ("ana", "sales", "hot", "person:tia")
    assert (wait.due_at, wait.breached_at, wait.breach_class, wait.era) == (at("9:55"), at("9:55"), "sales", 1)
    assert (verdict.state, verdict.stop_reason, verdict.answered_by, verdict.owner) == (
        "answered",
        "verdict",
        "tia",
        "tia",
    )
    assert desk.told() == [
        ("09:20", "triage", 1, "tia"),
        ("09:47", "sales", 1, "ana"),
        ("09:55", "sales", 2, "ana"),
        ("10:25", "sales", 3, "max"),
    ]


def test_changed_rules_lists_and_policies_touch_no_wait_that_was_folded_before(desk: QualifiedDesk) -> None:
    house = desk.house
    house.leads = f"{BO},open,,,250\n"
    desk.learn()
    house.letter("q@x", "9:05", "Your pricing please")
    desk.now = at("9:06")
    desk.read()
    before = desk.clock()
    assert (before.inquiry_class, before.tier, before.score) == ("sales", "warm", 55)
    house.config = house.config.replace("hot: 60", "hot: 50").replace("first_response: 2bh", "first_response: 3bh")
    house.leads = f"{BO},lost,,vendor,250\n"
    desk.engine.reload(house.loaded())
    desk.now = at("9:11")
    desk.learn()
    desk.engine.acknowledge(before.id, "ana", desk.now)
    after = desk.clock()
    assert (after.inquiry_class, after.class_by, after.tier, after.due_at) == ("sales", "lead", "warm", before.due_at)
    assert (after.score, after.policy_version, after.state) == (55, before.policy_version, "running")


def test_rule_45_a_tier_that_a_list_names_reaches_the_running_wait_and_its_past_stays(desk: QualifiedDesk) -> None:
    house = desk.house
    house.leads = f"{BO},open,,,\n"
    desk.learn()
    house.letter("q@x", "9:05")
    desk.now = at("9:06")
    desk.read()
    desk.passes("9:40")
    before = desk.clock()
    house.leads = f"{BO},open,hot,,\n"
    desk.learn()
    row = desk.clock()
    assert (before.tier, before.due_at, row.tier, row.due_at, row.policy) == ("", at("11:05"), "hot", at("9:55"), "hot")
    assert [(one.by, one.at, one.tier) for one in desk.acts()] == [
        ("rules", at("9:05"), ""),
        ("source:known", at("9:40"), "hot"),
    ]
    desk.learn()
    desk.folds_all()
    assert (len(desk.acts()), desk.clock().due_at) == (2, at("9:55")), "told once"
    desk.judge("sales", "q@x", tier="warm")
    house.leads = f"{BO},open,cold,,\n"
    desk.learn()
    assert desk.clock().tier == "warm", "a person's tier goes before the list's"


def test_rule_45_a_tier_said_of_one_buyer_keeps_no_list_from_another_in_the_thread(desk: QualifiedDesk) -> None:
    house, cy = desk.house, "cy@other.test"
    desk.lists(f"{BO},open,,,\n{cy},open,hot,,\n")
    house.letter("q@x", "9:05")
    house.letter("p@x", "9:06", sender=cy, answers="q@x")
    desk.now = at("9:07")
    desk.read()
    desk.judge("sales", "q@x", tier="hot")
    before = {row.lead: row.tier for row in desk.clocks() if row.metric.is_reply}
    desk.lists(f"{BO},open,,,\n{cy},open,cold,,\n")
    after = {row.lead: row.tier for row in desk.clocks() if row.metric.is_reply}
    assert (before, after) == ({BO: "hot", cy: "hot"}, {BO: "hot", cy: "cold"})
    told = len(desk.acts())
    desk.engine.write(reapply, desk.engine.rules, desk.now)
    assert len(desk.acts()) == told, "nothing is recorded again"


def test_rule_53_a_class_that_a_list_names_later_decides_what_is_unknown_and_ends_nothing(desk: QualifiedDesk) -> None:
    house = desk.house
    house.letter("q@x", "9:05")
    desk.now = at("9:06")
    desk.read()
    desk.passes("9:10")
    assert desk.clock("verdict").state == "running"
    house.leads = f"{BO},lost,,vendor,\n"
    desk.learn()
    assert (desk.clock().inquiry_class, desk.clock().state) == ("unknown", "running")
    house.leads = f"{BO},lost,,support,\n"
    desk.learn()
    row, verdict = desk.clock(), desk.clock("verdict")
    assert (row.inquiry_class, row.class_by, row.policy, row.owner) == ("support", "list", "care", "cas")
    assert (verdict.state, verdict.stop_reason, verdict.stopped_at) == ("ended", "classified", at("9:10"))


def test_rule_51_a_sender_whom_a_list_names_as_open_later_contradicts_the_filter(desk: QualifiedDesk) -> None:
    desk.house.letter("q@x", "9:15", "Backlinks?")
    desk.now = at("9:16")
    desk.read()
    assert desk.clock().contradicted is False
    desk.house.leads = f"{BO},open,,,\n"
    desk.learn()
    desk.folds_all()
    row = desk.clock()
    assert (row.contradicted, row.stop_reason, row.state) == (True, "filtered", "ended")


def test_rule_54_a_contradicted_filter_that_is_taken_back_stays_counted(desk: QualifiedDesk) -> None:
    """The wait is a seller's then, of which nobody says that it is contradicted."""

    def counted() -> dict[str, int]:
        with desk.store.reading() as tx:
            return tx.statistics.figures(desk.now).contradicted

    def said() -> tuple[str, str | None, bool]:
        with desk.store.reading() as tx:
            (view,) = wait_views(tx, desk.engine.rules, [desk.clock()], desk.now)
        return view.state, view.reopened, view.contradicted

    desk.house.letter("q@x", "9:15", "Backlinks?")
    desk.now = at("9:16")
    desk.read()
    assert counted() == {}
    desk.house.leads = f"{BO},open,,,\n"
    desk.learn()
    assert (said(), counted()) == (("ended", None, True), {"link building": 1})
    desk.judge("sales", "q@x")
    assert (said(), counted()) == (("running", "reversed", False), {"link building": 1})
    desk.folds_all()
    assert counted() == {"link building": 1}


def test_filtered_strangers_are_forgotten_after_a_while_and_class_rule_and_day_stay(desk: QualifiedDesk) -> None:
    desk.house.letter("q@x", "9:15", "Backlinks?", sender="cy@other.test", subject="Rank higher")
    desk.house.letter("n@x", "9:20", "Well?", sender="cy@other.test", subject="Re: Rank higher", answers="q@x")
    desk.house.letter("s@x", "9:25", "Hello", subject="An inquiry")
    desk.now = at("9:30")
    desk.read()
    assert desk.engine.write(forget_filtered, desk.engine.rules, at("9:00", 80)) == 0
    for day in range(81, 120, 30):  # time passes as far as a daemon sees it pass
        desk.engine.write(pass_time, at("10:00", day))
    assert desk.engine.write(forget_filtered, desk.engine.rules, at("11:00", 120)) == 1
    assert desk.engine.write(forget_filtered, desk.engine.rules, at("13:00", 120)) == 0
    gone = [row for row in desk.clocks() if row.stop_reason == "filtered"]
    assert {(row.inquiry_class, row.class_by, f"{row.started_at:%d %H:%M}") for row in gone} == {
        ("vendor", "rule:link building", "04 09:15"),
        ("vendor", "rule:link building", "04 09:20"),
    }
    with desk.store.reading() as tx:
        whole = "\n".join(
            str(row) for one in tables.metadata.sorted_tables for row in tx.connection.execute(select(one))
        )
        bare = tx.connection.execute(select(tables.message).where(tables.message.c.thread.is_(None))).all()
    assert [(row.class_rule, row.first_class) for row in sorted(bare, key=lambda row: row.at)] == [
        ("link building", "vendor"),
        (None, None),
    ]
    assert all(word not in whole for word in ("cy@other.test", "Rank higher", "q@x"))
    assert all(word in whole for word in (BO, "An inquiry"))


def test_policies_applied_again_decide_again_what_no_person_has(desk: QualifiedDesk) -> None:
    house = desk.house
    house.letter("q@x", "9:05")
    house.letter("p@x", "9:06", sender="cy@other.test", subject="Other")
    desk.now = at("9:07")
    desk.read()
    desk.judge("support", "p@x")
    house.config = house.config.replace("  audit: AUDIT", "  otherwise: sales\n  audit: AUDIT").replace("8bh", "6bh")
    desk.engine.reload(house.loaded())
    assert {row.inquiry_class for row in desk.clocks() if row.metric.is_reply} == {"unknown", "support"}
    moves = desk.engine.write(reapply, desk.engine.rules, desk.now)
    found = {
        row.started_by: (row.inquiry_class, row.class_by, row.policy) for row in desk.clocks() if row.state == "running"
    }
    assert found == {"q@x": ("sales", "default", "default"), "p@x": ("support", "person:tia", "care")}
    assert [(one.before.partition(" ")[0], one.after.partition(" ")[0]) for one in moves] == [
        ("unknown,", "sales,"),
        ("support,", "support,"),
    ]
    assert desk.engine.write(reapply, desk.engine.rules, desk.now) == []


def test_what_is_told_of_who_left_is_whom_the_class_gives_the_wait_to(desk: QualifiedDesk) -> None:
    house = desk.house
    house.letter("q@x", "9:05")
    desk.now = at("9:06")
    desk.read()
    assert {row.owner for row in desk.clocks()} == {"tia"}
    house.config = house.config.replace("triage: {members: [tia]}", "triage: {members: [cas]}")
    house.config = house.config.replace("  tia: {name: Tia Dorn, email: tia@acme.test, manager: max}\n", "")
    desk.engine.reload(house.loaded())
    (found,) = desk.engine.write(settle_departures, desk.engine.rules, desk.now)
    assert [(one.clock, one.owner) for one in found.moved] == [(desk.clock().id, "cas")]
    assert {row.owner for row in desk.clocks()} == {"cas"}


def test_with_headers_only_address_sender_and_a_new_subject_decide_and_no_word_of_the_text(house: House) -> None:
    house.config = house.config.replace("privacy: text", "privacy: headers")
    house.letter("q@x", "9:05", "I cannot log in")
    house.letter("s@x", "9:06", subject="Backlinks for you")
    house.letter("h@x", "9:07", to="help@acme.test, info@acme.test")
    house.letter("j@x", "9:08", sender="x@jobs.test")
    desk = QualifiedDesk(house)
    desk.read()
    found = {row.started_by: row.inquiry_class for row in desk.clocks() if row.metric.is_reply}
    assert found == {"q@x": "unknown", "s@x": "vendor", "h@x": "support", "j@x": "recruiting"}
    desk.close()


def test_a_wait_from_before_the_section_stays_a_sellers_under_its_policy(house: House) -> None:
    section, rest = house.config.partition("qualification:")[2].partition("routing:")[::2]
    plain = house.config.replace(f"qualification:{section}", "")
    plain = plain.replace("    - {when: {class: unknown}, assign: {team: triage}}\n", "")
    plain = plain.replace("    - {when: {class: [support, customer]}, assign: {team: care}}\n", "")
    lines = plain.splitlines(keepends=True)
    begins = next(at for at, line in enumerate(lines) if "name: triage, when" in line)
    plain = "".join(lines[:begins] + lines[begins + 4 :])
    whole, house.config = house.config, plain
    house.letter("q@x", "9:05", "I cannot log in")
    desk = QualifiedDesk(house)
    desk.read()
    before = desk.clock()
    house.config = whole
    desk.engine.reload(house.loaded())
    house.letter("n@x", "9:10", "Backlinks?", answers="q@x")
    desk.now = at("9:11")
    desk.read("n@x")
    (after,) = desk.clocks()
    assert (before.inquiry_class, after.inquiry_class, after.class_by) == ("", "sales", "default")
    assert (after.state, after.policy_version, after.due_at) == ("running", before.policy_version, before.due_at)
    assert rest
    desk.close()


def drawn(house: House, chance: Random) -> House:
    """A day's letters of a known lead, a listed one and strangers, and what people say of them."""
    house.audit = chance.choice(("0%", "30%"))
    house.leads = "di@known.test,open,,,250\ncy@won.test,won,cold,,\ned@listed.test,open,,recruiting,\n"
    texts = ("Hello", "Backlinks?", "I cannot log in", "Your pricing please", "Thanks")
    senders = ("di@known.test", "cy@won.test", "ed@listed.test", BO, "x@jobs.test")
    open_: list[tuple[str, str, int]] = []
    minute = 0
    for number in range(chance.randint(6, 14)):
        minute += chance.choice((1, 7, 20, 50))
        id_, when = f"m{number}@x", f"{9 + minute // 60}:{minute % 60:02}"
        if open_ and chance.random() < 0.55:
            parent, sender, _ = chance.choice(open_)
            if chance.random() < 0.35:
                house.letter(id_, when, sender=ANA, to=sender, answers=parent, subject="Re: Question")
                continue
        else:
            parent, sender = "", chance.choice(senders)
        house.letter(id_, when, chance.choice(texts), sender=sender, answers=parent, subject=f"Matter {number}")
        open_.append((id_, sender, minute))
    taken: set[int] = set()
    for _ in range(chance.randint(2, 7)):
        message, _, minute = chance.choice(open_)
        minute += chance.choice((0, 3, 11, 40, 200))
        minute += next(more for more in range(9) if minute + more not in taken)  # two of one instant: as recorded
        taken.add(minute)
        when, by = f"{9 + minute // 60}:{minute % 60:02}", chance.choice(("tia", "max"))
        kind = chance.choice(("verdict", "verdict", "verdict", "undo", "acknowledge", "dismiss"))
        if kind == "verdict":
            gives = chance.choice(("sales", "support", "vendor", "recruiting"))
            more = {"tier": chance.choice(("hot", "warm"))} if chance.random() < 0.4 else {}
            house.verdict(gives, when, message, by, scope=chance.choice(("wait", "wait", "sender")), **more)
        else:
            house.deed(kind, when, message, by, reason="no")
    return house


def test_any_order_of_files_deeds_and_batches_gives_the_clocks_of_replay(tmp_path: Path) -> None:
    for seed in (0, 8, 22):
        folder = tmp_path / str(seed)
        folder.mkdir()
        chance = Random(seed)
        house = drawn(House(folder), chance)
        expected = replayed(house)
        desk = QualifiedDesk(house)
        desk.now = END
        left = [*letters(house)]
        chance.shuffle(left)
        done = deeds(house)
        chance.shuffle(done)
        while left or done:
            ready = [one for one in done if one.message not in left]
            if ready and (not left or chance.random() < 0.5):
                done.remove(ready[0])
                desk.record(ready[0])
            else:
                size = chance.choice((1, 2, 5))
                batch, left = left[:size], left[size:]
                desk.read(*batch, quiet=True)
        desk.folds_all()
        found = as_replayed(desk.clocks())
        desk.close()
        assert found == expected, f"seed {seed}"


def lives(folder: Path, seed: int, engines: int) -> QualifiedDesk:
    """A day in the order of time: letters, deeds, tiers that the list changes, and what is told meanwhile; each by one
    of the processes on the store. Which of them has its turn changes no draw.
    """
    folder.mkdir()
    chance = Random(seed)
    house = drawn(House(folder), chance)
    desk = QualifiedDesk(house, engines=engines)
    story: list[tuple[datetime, int, Callable[[], None]]] = []
    for id_, raw in letters(house).items():
        story.append((raw.received_at, 0, partial(desk.read, id_)))
    story += [(done.at, 1, partial(desk.record, done)) for done in deeds(house)]
    for hour in (10, 11, 13):
        tier = chance.choice(("", "hot", "warm", "cold"))
        listed = house.leads.replace("di@known.test,open,,", f"di@known.test,open,{tier},")
        story.append((at(f"{hour}:30"), 2, partial(desk.lists, listed)))
    before: dict[str, ClockRecord] = {}
    for when, _, happens in sorted(story, key=lambda one: one[:2]):
        desk.passes(f"{when:%H:%M}")
        happens()
        for row in desk.clocks():
            was = before.get(row.id, row)
            assert row.terms[: len(was.terms)] == was.terms, f"seed {seed}: the past of {row.id} changed"
            assert (was.breached_at, was.breach_class) in ((None, ""), (row.breached_at, row.breach_class))
            before[row.id] = row
    desk.passes("17:00")
    return desk


def test_two_processes_that_take_turns_leave_what_one_leaves_and_folding_again_changes_nothing(tmp_path: Path) -> None:
    for seed in (6,):
        alone, shared = (lives(tmp_path / f"{seed}-{count}", seed, count) for count in (1, 2))
        told, rows = alone.told(), alone.clocks()
        assert rows == shared.clocks(), f"seed {seed}"
        assert sorted(told) == sorted(shared.told()), f"seed {seed}"
        shared.folds_all()
        assert shared.clocks() == rows, f"seed {seed}: folded again"
        assert {one.by for one in alone.acts()} == {"rules", "source:known", "max", "tia"}
        alone.close()
        shared.close()
