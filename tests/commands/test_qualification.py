"""Rules 41 to 52 by `replay --deeds`: what inquiries are, who says so, what becomes of their clocks, to the minute."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from tests.support.facts import at
from tests.support.qualified_house import ANA, BO, INFO, House


@pytest.fixture
def house(tmp_path: Path) -> House:
    return House(tmp_path)


def due(clock: dict[str, Any]) -> str:
    """`09:20` of the day itself, `1 09:05` of the next one."""
    days = (datetime.fromisoformat(clock["due_at"]).date() - at("9:00").date()).days
    return clock["due_at"][11:16] if not days else f"{days} {clock['due_at'][11:16]}"


def test_rule_41_a_stranger_is_unknown_until_a_message_of_the_wait_tells(house: House) -> None:
    house.letter("q@x", "9:00")
    house.letter("n@x", "9:10", "I cannot log in", answers="q@x")
    clock = house.clock()
    assert (clock["class"], clock["class_by"], clock["started_at"][11:16]) == ("support", "rule:cannot log in", "09:00")
    assert [house.message(one)["class"] for one in ("q@x", "n@x")] == ["unknown", "support"]
    assert house.message("n@x")["class_rule"] == "cannot log in"
    verdict = house.clock(metric="verdict")
    assert (verdict["state"], verdict["stop_reason"], verdict["stopped_at"][11:16]) == ("ended", "classified", "09:10")


@pytest.mark.parametrize(
    ("lead", "text", "to", "expected"),
    [
        ("", "Hello", INFO, ("unknown", "default")),
        ("", "Hello", "help@acme.test", ("support", "rule:help desk")),
        (f"{BO},open,,,", "Hello", INFO, ("sales", "lead")),
        (f"{BO},open,,,", "I cannot log in", INFO, ("support", "rule:cannot log in")),
        (f"{BO},open,,recruiting,", "I cannot log in", INFO, ("recruiting", "list")),
        (f"{BO},won,,,", "Hello", INFO, ("customer", "status")),
        (f"{BO},won,,,", "I cannot log in", INFO, ("support", "rule:cannot log in")),
        (f"{BO},lost,,,", "Hello", INFO, ("unknown", "default")),
        ("other@buyer.test,open,,,", "Hello", INFO, ("sales", "lead")),
    ],
)
def test_rule_41_the_first_that_knows_decides_the_class(
    house: House, lead: str, text: str, to: str, expected: tuple[str, str]
) -> None:
    house.leads = f"{lead}\n"
    house.letter("q@x", "9:05", text, to=to)
    clock = house.clock()
    assert (clock["class"], clock["class_by"]) == expected


def test_rule_42_no_rule_filters_a_known_open_lead_or_an_answer_to_us(house: House) -> None:
    house.leads = f"{BO},open,,,\n"
    house.letter("q@x", "9:05", "About backlinks")
    assert (house.clock()["class_by"], house.message("q@x")["class_rule"]) == ("lead", "link building")
    house.leads = ""
    house.letter("o@acme", "10:00", sender=ANA, to="cy@other.test", subject="Our offer")
    house.letter("r@x", "10:30", "Thanks. And backlinks?", sender="cy@other.test", to=ANA, answers="o@acme")
    clock = next(one for one in house.clocks() if one["started_by"] == "r@x")
    assert (clock["class"], clock["class_by"], clock["state"]) == ("sales", "reply", "running")
    assert house.message("r@x")["class"] is None


def test_rule_42_a_further_inquiry_in_a_filtered_thread_is_filtered_too(house: House) -> None:
    house.letter("q@x", "9:15", "Backlinks?")
    house.letter("n@x", "11:00", "Any news?", answers="q@x")
    assert [(one["class_by"], one["stop_reason"], one["stopped_at"][11:16]) for one in house.clocks()] == [
        ("rule:link building", "filtered", "09:15"),
        ("rule:link building", "filtered", "11:00"),
    ]


def test_rule_43_what_is_filtered_ends_at_its_own_start_and_has_no_owner_and_no_step(house: House) -> None:
    house.letter("q@x", "9:15", "Backlinks?")
    clock = house.clock()
    assert (clock["state"], clock["stop_reason"], clock["stopped_by"]) == ("ended", "filtered", "rule:link building")
    assert (clock["wall_seconds"], clock["owner"], clock["breached"], due(clock)) == (0.0, None, False, "11:15")
    assert house.told() == []
    assert house.clocks(metric="verdict") == []


@pytest.mark.parametrize(("when", "breached"), [("9:12", False), ("9:20", False), ("9:21", True)])
def test_rule_44_a_verdict_at_its_own_due_instant_is_in_time(house: House, when: str, breached: bool) -> None:
    house.letter("q@x", "9:05")
    house.verdict("sales", when)
    clock = house.clock(metric="verdict")
    assert (due(clock), clock["state"], clock["stop_reason"]) == ("09:20", "answered", "verdict")
    assert (clock["stopped_by"], clock["answered_by"], clock["owner"]) == ("tia", "tia", "tia")
    assert clock["breached"] is breached
    assert [one[1] for one in house.told(at("9:30"))].count("triage") == int(breached)


def test_rule_44_our_answer_ends_the_verdict_clock_and_unknown_is_no_verdict(house: House) -> None:
    house.letter("q@x", "9:05")
    house.letter("a@acme", "9:10", sender=ANA, to=BO, answers="q@x")
    clock = house.clock(metric="verdict")
    assert (clock["state"], clock["stop_reason"], clock["stopped_at"][11:16]) == ("ended", "answered", "09:10")
    house.verdict("unknown", "9:12")
    house.verdict("nonsense", "9:12")
    assert house.problems() == [f"'{one}' is no class that a verdict can give" for one in ("nonsense", "unknown")]


@pytest.mark.parametrize(
    ("verdict", "when", "expected"),
    [
        ({"gives": "sales", "tier": "hot"}, "9:12", "09:20"),
        ({"gives": "sales", "tier": "hot"}, "9:40", "09:55"),
        ({"gives": "sales", "tier": "hot"}, "10:58", "11:05"),
        ({"gives": "support"}, "9:12", "1 09:05"),
        ({"gives": "sales"}, "9:12", "11:05"),
    ],
)
def test_rule_45_a_verdict_chooses_the_policy_again_and_saves_no_deadline(
    house: House, verdict: dict[str, str], when: str, expected: str
) -> None:
    house.letter("q@x", "9:05")
    house.verdict(when=when, **verdict)
    clock = house.clock()
    assert (due(clock), clock["started_at"][11:16]) == (expected, "09:05")


def test_rule_46_owner_and_ladder_follow_the_verdict(house: House) -> None:
    house.letter("q@x", "9:05")
    house.verdict("sales", "9:40", tier="hot")
    told = [one for one in house.told(at("11:00")) if one[1] == "sales"]
    assert told == [
        ("09:47", "sales", 1, ["ana"]),
        ("09:55", "sales", 2, ["ana"]),
        ("10:25", "sales", 3, ["max"]),
    ]
    assert house.clock(at("11:00"))["owner"] == "ana"


def test_rule_46_whom_a_person_assigned_keeps_it_and_an_acknowledgement_ends(house: House) -> None:
    house.letter("q@x", "9:05")
    house.deed("assign", "9:10", "q@x", owner="cas")
    house.verdict("sales", "9:12")
    assert house.clock(at("9:30"))["owner"] == "cas"
    house.deeds.clear()
    house.deed("acknowledge", "9:10", "q@x")
    house.verdict("sales", "9:12", tier="hot")
    assert house.clock(at("9:30"))["owner"] == "ana", "taking over is no assigning"
    assert ("09:20", "sales", 2, ["ana"]) in house.told(at("9:30")), "the acknowledgement held to 09:40"
    house.deeds.clear()
    house.verdict("sales", "9:12", owner="cas")
    assert house.clock(at("9:30"))["owner"] == "cas", "the verdict itself may assign"


@pytest.mark.parametrize(("gives", "when"), [("support", "11:10"), ("support", "11:05"), ("vendor", "11:10")])
def test_rule_47_a_breach_stays_whatever_is_said_later(house: House, gives: str, when: str) -> None:
    house.letter("q@x", "9:05")
    house.verdict(gives, when)
    clock = house.clock(at("11:30"))
    assert clock["breached"] is True
    assert gives != "support" or (due(clock), clock["owner"], clock["state"]) == ("1 09:05", "cas", "running")


@pytest.mark.parametrize(("when", "expected", "then"), [("10:00", "11:15", "11:00"), ("12:00", "14:00", "12:30")])
def test_rule_48_from_filtered_back_it_is_open_from_its_original_start(
    house: House, when: str, expected: str, then: str
) -> None:
    house.letter("q@x", "9:15", "Backlinks?")
    house.verdict("sales", when)
    clock = house.clock(at(then))
    assert (due(clock), clock["state"], clock["reopened"]) == (expected, "running", "reversed")
    assert (clock["started_at"][11:16], clock["breached"], clock["owner"]) == ("09:15", False, "ana")
    assert all(one[0] >= when.zfill(5) for one in house.told(at(then))), "nothing is told of the time it seemed over"


def test_rule_48_of_a_wait_that_is_over_only_the_class_changes(house: House) -> None:
    house.letter("q@x", "9:05")
    house.letter("a@acme", "9:30", sender=ANA, to=BO, answers="q@x")
    before = house.clock()
    house.verdict("vendor", "10:00")
    after = house.clock()
    changed = {key for key in after if after[key] != before[key]}
    assert changed == {"class", "class_by"}
    assert (after["class"], after["class_by"]) == ("vendor", "person:tia")


def test_rule_48_a_verdict_taken_back_leaves_what_stood_before_it(house: House) -> None:
    house.letter("q@x", "9:05")
    house.verdict("support", "9:10", owner="cas")
    house.deed("undo", "9:12", "q@x")
    clock = house.clock(at("9:30"))
    assert (clock["class"], clock["class_by"], clock["policy"], due(clock)) == ("unknown", "default", "triage", "11:05")
    assert clock["owner"] == "tia", "who was named with the verdict goes with it"
    assert house.clock(metric="verdict")["stopped_at"][11:16] == "09:10", "the clock of the verdict never runs again"
    house.letter("n@x", "9:20", "I cannot log in", answers="q@x")
    assert house.clock(at("9:30"))["class_by"] == "rule:cannot log in"


def test_rule_48_of_several_verdicts_the_last_that_stands_is_taken_back(house: House) -> None:
    house.letter("q@x", "9:05")
    house.verdict("support", "9:10")
    house.verdict("sales", "9:12", by="max", tier="hot")
    assert house.clock(at("9:14"))["tier"] == "hot"
    house.deed("undo", "9:15", "q@x", by="ana")
    clock = house.clock(at("9:30"))
    assert (clock["class"], clock["class_by"], clock["tier"]) == ("support", "person:tia", "")
    house.deed("undo", "9:16", "q@x", by="ana")
    house.deed("undo", "9:17", "q@x", by="ana")
    assert house.clock(at("9:30"))["class"] == "unknown"
    assert house.problems() == ["no verdict on this wait stands"]


def test_rule_48_a_filter_taken_back_is_in_force_again_when_that_is_taken_back(house: House) -> None:
    house.letter("q@x", "9:15", "Backlinks?")
    house.verdict("sales", "10:00")
    house.deed("undo", "10:05", "q@x")
    clock = house.clock()
    assert (clock["stop_reason"], clock["class_by"]) == ("filtered", "rule:link building")
    assert (clock["stopped_by"], clock["stopped_at"][11:16]) == ("tia", "10:05")


def test_rule_47_a_filter_taken_back_after_our_answer_makes_no_other_wait_of_those_that_began_meanwhile(
    house: House,
) -> None:
    house.letter("q@x", "9:15", "Backlinks?")
    house.letter("a@acme", "9:30", sender=ANA, to=BO, answers="q@x")
    house.letter("n@x", "9:40", "And now?", answers="a@acme")
    before = next(one for one in house.clocks() if one["started_by"] == "n@x")
    house.verdict("sales", "12:00")
    after = next(one for one in house.clocks() if one["started_by"] == "n@x")
    assert (before["metric"], before["breached"]) == ("first_response", True)
    assert after == before | {"class": after["class"], "class_by": after["class_by"]}


def test_rule_49_for_the_sender_only_when_asked_and_only_from_then_on(house: House) -> None:
    house.letter("early@x", "8:00", subject="First", sender="r@jobs.example")
    house.letter("q@x", "9:00", subject="Second", sender="r@jobs.example")
    house.letter("late@x", "10:00", subject="Third", sender="r+tag@jobs.example")
    house.verdict("recruiting", "9:10", scope="sender")
    found = {one["started_by"]: (one["class"], one["class_by"], one["stop_reason"]) for one in house.clocks()}
    assert found == {
        "early@x": ("unknown", "default", None),
        "q@x": ("recruiting", "person:tia", "filtered"),
        "late@x": ("recruiting", "person:tia", "filtered"),
    }
    house.deed("undo", "9:50", "q@x")
    assert {one["started_by"]: one["class_by"] for one in house.clocks()}["late@x"] == "default"
    house.deeds.pop()
    house.deeds[0]["scope"] = "wait"
    assert {one["started_by"]: one["class"] for one in house.clocks()}["late@x"] == "unknown"


def test_rule_51_an_audited_inquiry_is_left_to_people_alone(house: House) -> None:
    house.audit = "10%"
    house.letter("v2@x", "9:05", "Backlinks?", subject="One")
    house.letter("n2@x", "9:10", "I cannot log in", answers="v2@x", subject="Re: One")
    house.letter("v1@x", "9:05", "Backlinks?", subject="Two", sender="cy@other.test")
    found = {one["started_by"]: (one["class"], one["class_by"]) for one in house.clocks()}
    assert found["v2@x"] == ("unknown", "audit:link building")
    assert found["v1@x"] == ("vendor", "rule:link building")
    assert house.message("v2@x")["class_rule"] == "link building"


def test_rule_51_an_answer_of_ours_contradicts_the_filter_and_reopens_nothing(house: House) -> None:
    house.letter("q@x", "9:15", "Backlinks?")
    assert house.clock()["contradicted"] is False
    house.letter("a@acme", "9:30", sender=ANA, to=BO, answers="q@x")
    clock = house.clock()
    assert (clock["contradicted"], clock["stop_reason"]) == (True, "filtered")


def test_rule_52_points_add_up_and_a_nudge_may_make_a_lead_hot(house: House) -> None:
    house.leads = f"{BO},open,,,250\n"
    house.letter("q@x", "9:05", "Your pricing please")
    clock = house.clock(at("9:10"))
    assert (clock["score"], clock["tier"], due(clock)) == (55, "warm", "11:05")
    house.letter("n@x", "9:20", "Hello?", answers="q@x")
    clock = house.clock(at("9:30"))
    assert (clock["score"], clock["tier"], due(clock), clock["policy"]) == (65, "hot", "09:35", "hot")


def test_rule_52_a_persons_tier_goes_before_the_lists_and_that_before_the_score(house: House) -> None:
    house.leads = f"{BO},open,cold,,250\n"
    house.letter("q@x", "9:05", "Your pricing please")
    assert house.clock()["tier"] == "cold"
    house.verdict("sales", "9:10", tier="hot")
    house.letter("n@x", "9:20", "Hello?", answers="q@x")
    assert house.clock(at("9:30"))["tier"] == "hot"


@pytest.mark.parametrize(
    ("order", "expected"),
    [(("known", "second"), ("customer", "cold", 30)), (("second", "known"), ("support", "hot", 0))],
)
def test_rule_53_the_first_source_that_lists_an_address_has_him(
    house: House, order: tuple[str, str], expected: tuple[str, str, int]
) -> None:
    files = {"known": "leads.csv", "second": "second.csv"}
    sources = ", ".join(f"{name}: {{source: csv, path: {files[name]}}}" for name in order)
    house.config = house.config.replace("leads: {known: {source: csv, path: leads.csv}}", f"leads: {{{sources}}}")
    house.folder.joinpath("second.csv").write_text(
        f"email,status,tier,class,employees\n{BO},open,hot,support,20\n", encoding="utf-8"
    )
    house.leads = f"{BO},open,cold,customer,250\n"
    house.letter("q@x", "9:05")
    clock = house.clock()
    assert (clock["class"], clock["tier"], clock["score"]) == expected


def test_nobody_judges_a_follow_up(house: House) -> None:
    house.config = house.config.replace(
        "next_response: 4bh, escalation: sales", "next_response: 4bh, follow_up: 16bh, escalation: sales"
    )
    house.leads = f"{BO},open,,,\n"
    house.letter("o@acme", "9:00", sender=ANA, to=BO)
    house.verdict("support", "9:30", message="o@acme")
    assert house.problems() == ["a follow-up is no inquiry: nobody judges it"]


def _files_reversed(house: House) -> None:
    paths = sorted(house.mail.iterdir())
    for number, path in enumerate(paths):
        path.rename(path.with_name(f"z{len(paths) - number:02}.eml"))


@pytest.mark.parametrize("change", [_files_reversed, lambda house: house.deeds.reverse()])
def test_the_order_of_files_and_deeds_changes_nothing(house: House, change: Callable[[House], None]) -> None:
    house.letter("q@x", "9:05", "Backlinks?")
    house.letter("n@x", "9:10", "I cannot log in", answers="q@x")
    house.letter("p@x", "9:30", sender="cy@other.test", subject="Prices")
    house.verdict("sales", "9:40", tier="hot")
    house.verdict("vendor", "9:40", by="max")
    house.verdict("support", "9:50", message="p@x")
    before = [one for one in house.lines() if one["type"] != "message"]
    change(house)
    assert [one for one in house.lines() if one["type"] != "message"] == before


@pytest.mark.parametrize(
    ("deed", "problem"),
    [
        ({"deed": "verdict", "class": "sales", "by": "nobody"}, "'nobody' is no person of the config"),
        ({"deed": "verdict", "class": "sales", "message": "none@x"}, "no message 'none@x' was read"),
        ({"deed": "verdict", "class": "sales", "at": "2026-05-01T09:00:00Z"}, "stands before its message"),
        ({"deed": "verdict"}, "Value error, a verdict needs `class`"),
        ({"deed": "praise"}, "deed: Input should be"),
    ],
)
def test_a_deed_that_fits_nothing_is_a_problem_and_the_rest_counts(
    house: House, deed: dict[str, str], problem: str
) -> None:
    house.letter("q@x", "9:05")
    house.deeds.append({"at": at("9:10").isoformat(), "message": "q@x", "by": "tia"} | deed)
    house.verdict("support", "9:12")
    (found,) = house.problems()
    assert found.startswith(problem)
    assert house.clock()["class"] == "support"
