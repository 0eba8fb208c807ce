"""Invitation and acceptance in a thread of their own, read in any order and from any mailbox."""

from __future__ import annotations

from dataclasses import replace
from itertools import permutations
from pathlib import Path

import pytest

from inboxwatch.core.model import Part, RawMessage
from tests.support.batched_daemon import ANA, BO, SALES, BatchedDaemon

EVENT = """BEGIN:VCALENDAR
METHOD:{method}
BEGIN:VEVENT
UID:{uid}
ATTENDEE;PARTSTAT={status}:mailto:bo@buyer.test
END:VEVENT
END:VCALENDAR
"""


def of_calendar(raw: RawMessage, method: str, status: str, uid: str = "u-1@acme.test") -> RawMessage:
    payload = EVENT.format(method=method, uid=uid, status=status).encode()
    return replace(raw, parts=(Part(f"text/calendar; method={method.lower()}", len(payload), payload),))


def mails(daemon: BatchedDaemon, uid: str = "u-1@acme.test") -> list[RawMessage]:
    invitation = daemon.raw("ana@acme.test", BO, 30, id="i@acme.test", subject="A visit")
    answer = daemon.asks("y@buyer.test", 40, subject="Accepted: A visit")
    return [
        daemon.asks("q@buyer.test", 0),
        of_calendar(invitation, "REQUEST", "NEEDS-ACTION"),
        of_calendar(answer, "REPLY", "ACCEPTED", uid),
    ]


def house(folder: Path, store: str = "") -> BatchedDaemon:
    daemon = BatchedDaemon(folder, store or f"sqlite:///{folder}/store.db")
    daemon.engine.reload(replace(daemon.config, stop_conditions=daemon.config.stop_conditions | {"meeting_accepted"}))
    return daemon


@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_the_wait_ends_whichever_is_read_last(tmp_path: Path, order: tuple[int, ...]) -> None:
    daemon = house(tmp_path)
    read = mails(daemon)
    for place in order:
        daemon.reads(read[place], mailbox=SALES if place == 2 else ANA)
    (clock,) = daemon.clocks()
    assert (clock.state, clock.stop_reason, clock.stopped_by) == ("ended", "meeting_accepted", "y@buyer.test")
    again = daemon.everything()["act"]
    daemon.reads(*read)
    assert daemon.everything()["act"] == again, "read again, nothing is recorded twice"
    daemon.close()


def test_all_in_one_batch_is_the_same(tmp_path: Path) -> None:
    daemon = house(tmp_path)
    daemon.reads(*mails(daemon))
    (clock,) = daemon.clocks()
    assert clock.stop_reason == "meeting_accepted"
    daemon.close()


def test_an_acceptance_of_a_meeting_that_we_never_proposed_leaves_the_wait(tmp_path: Path) -> None:
    daemon = house(tmp_path)
    daemon.reads(*mails(daemon, uid="u-2@elsewhere.test"))
    (clock,) = daemon.clocks()
    assert clock.state == "running"
    daemon.close()


def test_what_was_asked_between_invitation_and_acceptance_is_still_owed(tmp_path: Path) -> None:
    daemon = house(tmp_path)
    question, invitation, answer = mails(daemon)
    late = replace(question, received_at=question.received_at.replace(minute=35))
    daemon.reads(late, invitation, answer)
    (clock,) = daemon.clocks()
    assert clock.state == "running"
    daemon.close()


BOOKED = """BEGIN:VCALENDAR
METHOD:REQUEST
BEGIN:VEVENT
UID:u-3@slots.test
ORGANIZER:mailto:ana@acme.test
ATTENDEE:mailto:{guest}
END:VEVENT
END:VCALENDAR
"""


def notice(daemon: BatchedDaemon, id_: str, minutes: float, guest: str) -> RawMessage:
    """What a booking service writes to Ana."""
    payload = BOOKED.format(guest=guest).encode()
    raw = daemon.raw("no-reply@slots.test", "ana@acme.test", minutes, id=id_)
    return replace(raw, parts=(Part("text/calendar; method=request", len(payload), payload),))


def test_rule_50_a_meeting_is_booked_once_whichever_notice_is_read_first(tmp_path: Path, database: str) -> None:
    daemon = house(tmp_path, database)
    for number, order in enumerate(("bmq", "qmb", "qbm")):
        guest = f"cy@new{number}.test"
        asks = {"sender": guest, "to": "sales@acme.test"}
        reads = {
            "q": daemon.asks(f"q{number}", 0, subject="A question", **asks),
            "b": notice(daemon, f"booked{number}", 20, guest),
            "m": notice(daemon, f"reminder{number}", 60, guest),
        }
        for what in order:
            daemon.reads(reads[what], mailbox=SALES if what == "q" else ANA)
        daemon.reads(daemon.asks(f"more{number}", 30, subject="One more", **asks), mailbox=SALES)
        daemon.reads_again()
    told = {clock.started_by: (clock.state, clock.stopped_by) for clock in daemon.clocks()}
    ended = {f"q{number}": ("ended", f"booked{number}") for number in range(3)}
    assert told == ended | {f"more{number}": ("running", None) for number in range(3)}
    daemon.close()
