"""Forged, gamed and odd mail through the whole engine: in any order, from any mailbox, read live or as history."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from email.utils import format_datetime
from itertools import permutations
from pathlib import Path
from typing import Any

import pytest

from inboxwatch.connector import Batch, Cursor
from inboxwatch.core.model import FolderRole, Part, RawMessage
from inboxwatch.engine.explanation import explain
from inboxwatch.notify.explanation import explanation_lines
from inboxwatch.web.history import history
from inboxwatch.web.wait_story import timeline
from tests.support.batched_daemon import ANA, BO, SALES, BatchedDaemon, minutes
from tests.support.in_process_daemon import MONDAY

STRANGE = "Received: from evil.test (evil.test [203.0.113.9]) by mx.acme.test with ESMTP id 1; {at}"
FAILED = "Authentication-Results: mx.acme.test; spf=fail smtp.mailfrom=evil.test; dmarc=fail header.from={domain}"
PASSED = "Authentication-Results: mx.acme.test; dkim=pass header.d=acme.test; dmarc=pass header.from=acme.test"
CALENDAR = b"BEGIN:VCALENDAR\r\nMETHOD:REPLY\r\nBEGIN:VEVENT\r\nUID:u1\r\nATTENDEE;PARTSTAT=ACCEPTED:mailto:%s\r\n"


def from_outside(daemon: BatchedDaemon, raw: RawMessage, *stamps: str) -> RawMessage:
    """The message as our server took it in from a strange one, with what it stamped."""
    lines = [STRANGE.format(at=format_datetime(raw.received_at)), *stamps]
    header = "\r\n".join(lines).encode() + b"\r\n" + raw.header
    return replace(raw, role=FolderRole.INBOX, header=header)


def forged_answer(daemon: BatchedDaemon, number: float = 20, **words: Any) -> RawMessage:
    raw = daemon.replies("f@evil.test", number, "q@buyer.test", **words)
    return from_outside(daemon, raw, FAILED.format(domain="acme.test"))


def flags(daemon: BatchedDaemon) -> list[tuple[str, list[str]]]:
    return [(row.state, list(row.flags or ())) for row in daemon.clocks()]


def told(daemon: BatchedDaemon, ref: str) -> str:
    with daemon.store.reading() as tx:
        found = explain(tx, daemon.engine.rules, ref, daemon.at)
    assert found is not None
    return "\n".join(explanation_lines(found))


def test_a_forged_answer_ends_nothing_and_the_wait_shows_it(daemon: BatchedDaemon) -> None:
    daemon.reads(daemon.asks("q@buyer.test", 0), forged_answer(daemon))
    assert flags(daemon) == [("running", ["answer_not_verified"])]
    (clock,) = daemon.clocks()
    assert "Note: answer not verified" in told(daemon, clock.id)
    assert "dmarc=fail by mx.acme.test; answer not verified" in told(daemon, "q@buyer.test")
    with daemon.store.reading() as tx:
        past = history(tx, clock.id)
    (said,) = (one for one in past.as_json()["messages"] if one["message_id"] == "f@evil.test")  # type: ignore[attr-defined]
    assert (said["sender_standing"], said["sender_evidence"]) == ("failed", "dmarc=fail by mx.acme.test")
    assert [one.what for one in timeline(past)][-1] == "seems to have answered, not verified"


@pytest.mark.parametrize("stamps", [(), (PASSED,), ("Authentication-Results: mx.other.test; dmarc=fail",)])
def test_our_answer_seen_in_a_colleagues_inbox_alone_counts_where_nothing_speaks_against_it(
    daemon: BatchedDaemon, stamps: tuple[str, ...]
) -> None:
    answer = from_outside(daemon, daemon.replies("a@acme.test", 20, "q@buyer.test"), *stamps)
    daemon.reads(daemon.asks("q@buyer.test", 0))
    daemon.reads(answer, mailbox=SALES)
    assert flags(daemon) == [("answered", [])]


def test_a_copy_in_sent_makes_an_answer_ours_whenever_it_is_read(tmp_path: Path) -> None:
    """A list that breaks the signature brings our own answer back with a failure: the copy in Sent tells better."""
    ends = set()
    for number, order in enumerate(permutations(("question", "sent", "list"))):
        (folder := tmp_path / str(number)).mkdir()
        daemon = BatchedDaemon(folder, "sqlite:///inboxwatch.db")
        answer = daemon.replies("a@acme.test", 20, "q@buyer.test")
        back = replace(answer, received_at=answer.received_at + minutes(2))
        batches = {
            "question": (ANA, daemon.asks("q@buyer.test", 0)),
            "sent": (ANA, answer),
            "list": (SALES, from_outside(daemon, back, FAILED.format(domain="acme.test"))),
        }
        for name in order:
            box, raw = batches[name]
            daemon.reads(raw, mailbox=box)
        (clock,) = daemon.clocks()
        ends.add((clock.state, clock.stopped_at, clock.answered_by, tuple(clock.flags)))
        daemon.close()
    assert len(ends) == 1
    assert {state for state, *_ in ends} == {"answered"}


@pytest.mark.parametrize("order", list(permutations(("failed", "passed"))))
def test_a_copy_that_our_server_vouches_for_outweighs_one_that_came_by_a_list(
    daemon: BatchedDaemon, order: tuple[str, ...]
) -> None:
    answer = daemon.replies("a@acme.test", 20, "q@buyer.test")
    copies = {
        "failed": (SALES, from_outside(daemon, answer, FAILED.format(domain="acme.test"))),
        "passed": (ANA, from_outside(daemon, answer, PASSED)),
    }
    daemon.reads(daemon.asks("q@buyer.test", 0))
    for name in order:
        box, raw = copies[name]
        daemon.reads(raw, mailbox=box)
    assert flags(daemon) == [("answered", [])]


def test_an_alias_of_ours_that_the_config_does_not_know_is_ours_in_sent(daemon: BatchedDaemon) -> None:
    answer = daemon.replies("a@acme.test", 20, "q@buyer.test", sender="Ana <ana@acme-brand.test>")
    daemon.reads(daemon.asks("q@buyer.test", 0), replace(answer, role=FolderRole.SENT))
    assert flags(daemon) == [("answered", [])]


def test_a_forged_word_or_that_of_a_stranger_is_shown_only(daemon: BatchedDaemon) -> None:
    daemon.reads(daemon.asks("q@buyer.test", 0))
    word = daemon.asks("u@evil.test", 10, answers="q@buyer.test", subject="unsubscribe")
    forged = replace(word, header=word.header.replace(b"Subject: Re: ", b"Subject: "))
    daemon.reads(from_outside(daemon, forged, FAILED.format(domain="buyer.test")))
    assert "opted_out in a forged name: shown only" in told(daemon, "u@evil.test")
    assert [row.state for row in daemon.clocks()] == ["running"]
    stranger = replace(forged, header=forged.header.replace(b"bo@buyer", b"x@evil").replace(b"u@evil", b"s@evil"))
    daemon.reads(stranger)
    assert {row.state for row in daemon.clocks()} == {"running"}
    own = replace(forged, header=forged.header.replace(b"u@evil.test", b"u@buyer.test"))
    daemon.reads(own)
    assert {row.stop_reason for row in daemon.clocks()} == {"opted_out"}


def test_a_strangers_calendar_answer_ends_nothing(daemon: BatchedDaemon) -> None:
    daemon.reads(daemon.asks("q@buyer.test", 0))
    kind = "Content-Type: text/calendar; method=REPLY"
    answer = daemon.asks("i@evil.test", 10, answers="q@buyer.test", sender="mallory@evil.test", extra=kind)
    part = Part("text/calendar; method=reply", 100, CALENDAR % b"bo@buyer.test")
    daemon.reads(replace(answer, parts=(part,)))
    assert {row.state for row in daemon.clocks()} == {"running"}
    own = daemon.asks("j@buyer.test", 12, answers="q@buyer.test", extra=kind)
    daemon.reads(replace(own, parts=(part,)))
    assert {row.state for row in daemon.clocks()} == {"running"}, "the lead's own, to a meeting that nobody proposed"


# A vacation notice of ours.


def away(daemon: BatchedDaemon, until: str) -> RawMessage:
    subject = f"Automatic reply: out of office until {until}"
    return daemon.raw("ana@acme.test", BO, 5, id="v@acme.test", subject=subject, extra="Auto-Submitted: auto-replied")


def absences(daemon: BatchedDaemon) -> list[tuple[str, timedelta]]:
    with daemon.store.reading() as tx:
        found = tx.absences.between(MONDAY, MONDAY + timedelta(days=1000))
    return [(one.person, one.until - one.since) for one in found]


def test_a_forged_vacation_notice_sends_nobody_away_and_a_true_one_for_a_sane_time(daemon: BatchedDaemon) -> None:
    notice = away(daemon, "2027-04-30")
    daemon.reads(from_outside(daemon, notice, FAILED.format(domain="acme.test")), mailbox=SALES)
    assert absences(daemon) == []
    daemon.reads(replace(notice, role=FolderRole.INBOX), mailbox=SALES)
    assert absences(daemon) == [("ana", timedelta(days=60))], "a house without stamps loses nothing"


def test_a_forged_letter_does_not_bring_an_absent_person_back(daemon: BatchedDaemon) -> None:
    daemon.reads(away(daemon, "2026-05-20"))
    (before,) = absences(daemon)
    daemon.reads(forged_answer(daemon), mailbox=SALES)
    assert absences(daemon) == [before]
    daemon.reads(daemon.replies("a@acme.test", 30, "q@buyer.test"))
    assert absences(daemon) == [("ana", minutes(25))]


# Bounces.


def test_a_plain_mail_with_failed_recipients_reopens_nothing(daemon: BatchedDaemon) -> None:
    daemon.reads(daemon.asks("q@buyer.test", 0), daemon.replies("a@acme.test", 20, "q@buyer.test"))
    extra = f"X-Failed-Recipients: {BO}"
    daemon.reads(daemon.asks("b@evil.test", 40, sender="x@evil.test", answers="a@acme.test", extra=extra))
    assert [row.state for row in daemon.clocks()] == ["answered"], "nor does it ask for anything"
    words = {"sender": "Mail Delivery System <mailer-daemon@evil.test>", "subject": "Undelivered mail"}
    daemon.reads(
        daemon.asks("c@evil.test", 41, answers="a@acme.test", extra=f"{extra}\r\nReturn-Path: <x@evil.test>", **words)
    )
    assert daemon.clocks()[0].state == "answered"
    daemon.reads(daemon.asks("d@relay.test", 42, answers="a@acme.test", extra=f"{extra}\r\nReturn-Path: <>", **words))
    assert (daemon.clocks()[0].state, daemon.clocks()[0].reopened) == ("running", "bounced")


@pytest.mark.parametrize("name", [f"Bo Lind <{BO}>", "Bo <mallory@evil.test>", "mailer-daemon@evil.test"])
@pytest.mark.parametrize(
    "claim", [f"X-Failed-Recipients: {BO}", "Content-Type: multipart/report; report-type=delivery-status"]
)
def test_a_forged_bounce_opens_nothing_whoever_it_says_wrote_it(daemon: BatchedDaemon, name: str, claim: str) -> None:
    daemon.reads(daemon.asks("q@buyer.test", 0), daemon.replies("a@acme.test", 20, "q@buyer.test"))
    extra = f"{claim}\r\nReturn-Path: <x@evil.test>"
    forged = daemon.asks("b@evil.test", 40, sender=name, answers="a@acme.test", extra=extra)
    daemon.reads(from_outside(daemon, forged, FAILED.format(domain="evil.test")))
    assert flags(daemon) == [("answered", [])]
    assert "inbound bounce" in told(daemon, "b@evil.test")
    daemon.reads(daemon.asks("c@buyer.test", 50, answers="a@acme.test"))
    assert [row.state for row in daemon.clocks()] == ["answered", "running"], "the buyer's own next word does"


# Copies that are laid into Sent.


def laid(daemon: BatchedDaemon, *, stamped: datetime) -> RawMessage:
    """An answer dated twenty past nine on Monday, with the server's stamp of the copy."""
    return replace(daemon.replies("a@acme.test", 20, "q@buyer.test"), received_at=stamped)


def test_a_copy_laid_into_sent_days_later_keeps_the_breach(daemon: BatchedDaemon) -> None:
    daemon.reads(daemon.asks("q@buyer.test", 0))
    daemon.passes(timedelta(days=3))
    daemon.reads(laid(daemon, stamped=daemon.at))
    (clock,) = daemon.clocks()
    assert (clock.state, clock.stopped_at, list(clock.flags)) == ("answered", daemon.at, ["answer_dated_back"])
    assert clock.breached_at is not None
    assert "its first copy came long after its Date" in told(daemon, "a@acme.test")


@pytest.mark.parametrize("role", FolderRole)
def test_a_copy_whose_stamp_was_dated_back_too_was_not_there_when_we_looked(
    daemon: BatchedDaemon, role: FolderRole
) -> None:
    """IMAP lets who appends a message choose its stamp, and the folder."""
    daemon.reads(daemon.asks("q@buyer.test", 0))
    daemon.passes(timedelta(days=3))
    copy = replace(laid(daemon, stamped=MONDAY + minutes(20)), role=role)
    daemon.reads(copy)
    (clock,) = daemon.clocks()
    assert (clock.stopped_at, list(clock.flags)) == (daemon.at, ["answer_dated_back"])
    history_read = Batch((copy,), Cursor("h1"), seen_until=daemon.at)
    daemon.engine.begin_history(ANA, MONDAY - timedelta(days=9), daemon.at)
    daemon.engine.ingest_history(ANA, history_read, None, daemon.at)
    assert list(daemon.clocks()[0].flags) == ["answer_dated_back"], "its history read again changes nothing"


@pytest.mark.parametrize("read", ["first sight", "history", "after an outage", "a folder not read before"])
def test_what_is_read_late_for_a_good_reason_counts_from_the_servers_stamp(daemon: BatchedDaemon, read: str) -> None:
    daemon.reads(daemon.asks("q@buyer.test", 0))
    daemon.passes(timedelta(days=3), seen=read != "after an outage")
    answer = laid(daemon, stamped=MONDAY + minutes(20))
    if read == "history":
        daemon.engine.begin_history(ANA, MONDAY - timedelta(days=9), daemon.at)
        batch = Batch((answer,), Cursor("h1"), seen_until=daemon.at)
        daemon.engine.ingest_history(ANA, batch, None, daemon.at)
    elif read == "a folder not read before":
        others = [daemon.raw("ana@acme.test", BO, number, subject=f"Note {number}") for number in range(30)]
        daemon.reads(answer, *others)
    else:
        daemon.reads(answer, quiet=read == "first sight")
    (clock,) = daemon.clocks()
    assert (clock.stopped_at, list(clock.flags)) == (MONDAY + minutes(20), [])


def test_in_a_mailbox_that_was_moved_the_dates_are_believed(daemon: BatchedDaemon) -> None:
    moved = MONDAY + timedelta(days=30)
    daemon.at = moved
    asked = daemon.asks("q@buyer.test", 0)
    relay = STRANGE.format(at=format_datetime(asked.received_at)).encode() + b"\r\n"
    daemon.reads(
        replace(asked, received_at=moved, header=relay + asked.header), laid(daemon, stamped=moved), quiet=True
    )
    (clock,) = daemon.clocks()
    assert (clock.stopped_at, list(clock.flags)) == (MONDAY + minutes(20), [])


def test_an_empty_answer_is_flagged_and_one_that_only_brings_a_file_is_not(daemon: BatchedDaemon) -> None:
    daemon.reads(daemon.asks("q@buyer.test", 0))
    empty, file = Part("text/plain", 2), Part("application/pdf", 4000)
    answer = daemon.replies("a@acme.test", 20, "q@buyer.test")
    daemon.reads(replace(answer, parts=(empty,)))
    assert flags(daemon) == [("answered", ["answer_empty"])]
    daemon.reads(daemon.asks("q2@buyer.test", 30, subject="Another"))
    second = daemon.replies("b@acme.test", 40, "q2@buyer.test", subject="Another")
    daemon.reads(replace(second, parts=(empty, file)))
    assert [list(row.flags) for row in daemon.clocks()] == [["answer_empty"], []]
