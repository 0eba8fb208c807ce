"""`replay` over crafted .eml files: clocks and escalations exactly as the public contract (section 5) says."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.support.facts import at
from tests.support.replayed_archive import Archive, only


@pytest.fixture
def archive(tmp_path: Path) -> Archive:
    return Archive(tmp_path)


def told(lines: list[dict[str, Any]]) -> list[tuple[str, int, int, str, list[str]]]:
    return [
        (one["at"][11:16], one["step"], one["round"], one["reason"], one["targets"])
        for one in only(lines, "escalation")
    ]


BO, ANA, BEN = "bo@buyer.test", "ana@acme.test", "ben@acme.test"


def test_a_clock_and_its_steps_are_told_as_the_contract_says(archive: Archive) -> None:
    archive.letter("q@buyer.test", at("9:00"), BO, ANA)
    archive.letter("a@acme.test", at("11:30"), ANA, BO, answers="q@buyer.test")
    lines = archive.replayed()
    (clock,) = only(lines, "clock")
    thread = clock.pop("thread")
    assert thread == only(lines, "message")[0]["thread"]
    assert clock == {
        "type": "clock",
        "id": only(lines, "escalation")[0]["clock"],
        "lead": BO,
        "metric": "first_response",
        "owner": "ana",
        "started_by": "q@buyer.test",
        "started_at": "2026-05-04T09:00:00Z",
        "due_at": "2026-05-04T11:00:00Z",
        "state": "answered",
        "stop_reason": "answered",
        "stopped_by": "a@acme.test",
        "stopped_at": "2026-05-04T11:30:00Z",
        "answered_by": "ana",
        "wall_seconds": 9000.0,
        "business_seconds": 9000.0,
        "breached": True,
    }
    assert told(lines) == [
        ("10:00", 1, 1, "warning", ["ana"]),
        ("11:00", 2, 1, "breach", ["ana", "max", "desk:floor"]),
    ]


def test_an_open_wait_climbs_the_whole_ladder_as_of_the_end(archive: Archive) -> None:
    archive.letter("q@buyer.test", at("9:00"), BO, ANA)
    lines = archive.replayed(at("20:00"))
    (clock,) = only(lines, "clock")
    assert (clock["state"], clock["owner"], clock["wall_seconds"], clock["business_seconds"]) == (
        "running",
        "max",
        11 * 3600.0,
        7 * 3600.0,
    )
    assert told(lines) == [
        ("10:00", 1, 1, "warning", ["ana"]),
        ("11:00", 2, 1, "breach", ["ana", "max", "desk:floor"]),
        ("11:30", 3, 1, "escalated", ["ana"]),
        ("12:30", 3, 2, "repeated", ["max"]),
        ("13:30", 3, 3, "repeated", ["max"]),
    ]


def test_mail_after_the_end_is_left_out(archive: Archive) -> None:
    archive.letter("q@buyer.test", at("9:00"), BO, ANA)
    archive.letter("a@acme.test", at("11:30"), ANA, BO, answers="q@buyer.test")
    lines = archive.replayed(at("11:00"))
    assert [message["message_id"] for message in only(lines, "message")] == ["q@buyer.test"]
    assert (only(lines, "clock")[0]["state"], only(lines, "clock")[0]["breached"]) == ("running", True)


def test_an_answer_at_the_due_instant_is_in_time_and_nothing_is_told_then(archive: Archive) -> None:
    archive.letter("q@buyer.test", at("9:00"), BO, ANA)
    archive.letter("a@acme.test", at("11:00"), ANA, BO, answers="q@buyer.test")
    lines = archive.replayed(at("20:00"))
    assert only(lines, "clock")[0]["breached"] is False
    assert [step for _, step, *_ in told(lines)] == [1]


def test_the_same_letter_in_two_files_is_one_message_and_one_wait(archive: Archive) -> None:
    archive.letter("q@buyer.test", at("9:01"), BO, ANA)
    archive.letter("q@buyer.test", at("9:00"), BO, ANA)
    lines = archive.replayed(at("9:30"))
    assert len(only(lines, "message")) == 2
    assert [clock["started_at"] for clock in only(lines, "clock")] == ["2026-05-04T09:00:00Z"]


def test_business_hours_move_the_due_time_and_the_telling(archive: Archive) -> None:
    archive.letter("q@buyer.test", at("16:30"), BO, ANA)
    lines = archive.replayed(at("11:40", day=1), FIRST="2bh", IN_HOURS="true")
    assert only(lines, "clock")[0]["due_at"] == "2026-05-05T10:30:00Z"
    assert [(one["at"], one["step"]) for one in only(lines, "escalation")] == [
        ("2026-05-05T09:30:00Z", 1),
        ("2026-05-05T10:30:00Z", 2),
        ("2026-05-05T11:00:00Z", 3),
    ]


def test_a_bounced_answer_reopens_the_wait_and_the_ladder_rested_meanwhile(archive: Archive) -> None:
    archive.letter("q@buyer.test", at("9:00"), BO, ANA)
    archive.letter("a@acme.test", at("9:30"), ANA, BO, answers="q@buyer.test")
    report = "Content-Type: multipart/report; report-type=delivery-status; boundary=cut\r\n\r\n--cut\r\n"
    report += "Content-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; mx.test\r\n\r\n"
    report += f"Final-Recipient: rfc822; {BO}\r\nAction: failed\r\nStatus: 5.1.1\r\n\r\n--cut\r\n"
    report += "Content-Type: text/rfc822-headers\r\n\r\nMessage-ID: <a@acme.test>\r\n\r\n--cut--"
    archive.letter("dsn@mx.test", at("11:10"), "mailer-daemon@mx.buyer.test", ANA, subject="Undelivered", extra=report)
    lines = archive.replayed(at("11:15"))
    (clock,) = only(lines, "clock")
    assert (clock["state"], clock["started_at"], clock["breached"]) == ("running", "2026-05-04T09:00:00Z", True)
    assert told(lines) == [("11:10", 2, 1, "breach", ["ana", "max", "desk:floor"])]


def test_a_stranger_whom_the_buyer_brings_in_is_on_his_side_and_a_lead_of_another_company_is_not(
    archive: Archive,
) -> None:
    archive.letter("q1@buyer.test", at("9:00"), BO, f"{ANA}, cy@other.test")
    archive.letter("q2@other.test", at("9:10"), "cy@other.test", f"{ANA}, {BO}", answers="q1@buyer.test")
    archive.letter("a@acme.test", at("9:20"), ANA, BO, answers="q1@buyer.test")

    def states() -> dict[str, str]:
        return {clock["lead"]: clock["state"] for clock in only(archive.replayed(at("9:30")), "clock")}

    assert states() == {BO: "answered"}
    archive.leads = "bo@buyer.test,Buyer,buyer.test\ncy@other.test,Other,other.test\n"
    assert states() == {BO: "answered", "cy@other.test": "running"}


def test_a_vacation_reply_of_the_owner_moves_the_wait_from_then_on(archive: Archive) -> None:
    archive.letter("q@buyer.test", at("9:00"), BO, ANA)
    away = "Auto-Submitted: auto-replied"
    archive.letter("away@acme.test", at("9:30"), ANA, "cy@other.test", subject="Out of office", extra=away)
    lines = archive.replayed(at("10:30"))
    assert told(lines) == [("10:00", 1, 1, "warning", ["ben"])]
    assert [clock["owner"] for clock in only(lines, "clock") if clock["lead"] == BO] == ["ben"]


def test_round_robin_takes_turns_and_load_goes_to_the_idle(archive: Archive) -> None:
    for number in range(4):
        archive.letter(f"q{number}@b{number}.test", at(f"9:0{number}"), f"bo@b{number}.test", "sales@acme.test")
    archive.letter("a@acme.test", at("9:01") + timedelta(seconds=30), BEN, "bo@b1.test", answers="q1@b1.test")
    owners = {
        by: [clock["owner"] for clock in only(archive.replayed(BY=by), "clock")] for by in ("round_robin", "load")
    }
    assert owners == {"round_robin": ["ana", "ben", "ana", "ben"], "load": ["ana", "ben", "ben", "ana"]}


def test_unknown_senders_are_leads_in_shared_mailboxes_alone_unless_the_config_says_otherwise(archive: Archive) -> None:
    archive.letter("rep@buyer.test", at("9:00"), BO, ANA)
    archive.letter("shared@other.test", at("9:00"), "io@other.test", "Sales <sales@acme.test>")
    for word, leads in (("shared", {"io@other.test"}), ("always", {BO, "io@other.test"}), ("never", set())):
        lines = archive.replayed(None, **{"unknown_senders: always": f"unknown_senders: {word}"})
        assert {one["lead"] for one in only(lines, "message") if one["lead"]} == leads, word
        assert {one["lead"] for one in only(lines, "clock")} == leads, word


def test_a_column_of_a_list_never_stands_for_the_mailbox_that_was_written_to(archive: Archive) -> None:
    archive.columns = "email,mailbox,team,domain,skill"
    archive.leads = f"{BO},sales,emea,buyer.test,legal\n"
    archive.letter("q@buyer.test", at("9:00"), BO, ANA)
    by_team = "{when: {mailbox: sales}, assign: {team: emea, by: load}}"
    rules = (
        "{when: {mailbox: sales}, assign: max}, {when: {team: emea}, assign: max}, {when: {skill: legal}, assign: ben}"
    )
    (clock,) = only(archive.replayed(None, **{by_team: rules}), "clock")
    assert clock["owner"] == "ben"  # a column of another name is a fact


def test_the_order_of_files_changes_nothing(archive: Archive, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    other = Archive(tmp_path / "other")
    letters = [("q@buyer.test", "9:00", BO, ANA, ""), ("n@buyer.test", "9:20", BO, ANA, "q@buyer.test")]
    letters += [("a@acme.test", "10:30", ANA, BO, "n@buyer.test")]
    for one, order in ((archive, letters), (other, letters[::-1])):
        for id_, when, sender, to, answers in order:
            one.letter(id_, at(when), sender, to, answers=answers, subject="Offer")
    here, there = archive.replayed(), other.replayed()
    assert (only(here, "clock"), told(here)) == (only(there, "clock"), told(there))


def test_a_forged_answer_in_an_archive_ends_nothing_unless_a_copy_lies_in_sent(archive: Archive) -> None:
    stamp = "Authentication-Results: mx.acme.test; dmarc=fail header.from=acme.test"
    archive.letter("q@buyer.test", at("9:00"), BO, ANA)
    archive.letter("a@acme.test", at("9:30"), ANA, BO, answers="q@buyer.test", extra=stamp)
    (clock,) = only(archive.replayed(), "clock")
    assert (clock["state"], clock["flags"]) == ("running", ["answer_not_verified"])
    (sent := archive.folder / "Sent").mkdir()
    for file in archive.folder.glob("*.eml"):
        if "<a@acme.test>" in (text := file.read_text(encoding="utf-8")):
            (sent / file.name).write_text(text.partition("\n")[2], encoding="utf-8")
    (clock,) = only(archive.replayed(), "clock")
    assert (clock["state"], clock["stopped_by"], "flags" in clock) == ("answered", "a@acme.test", False)
