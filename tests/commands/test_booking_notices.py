"""A booking notice ends the lead's waits, and is told from whatever else names the lead (rule 50)."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.facts import at
from tests.support.replayed_archive import Archive, only

ANA = "ana@acme.test"
SERVICE = "Slots <no-reply@slots.test>"
ORGANIZER = 'ORGANIZER;CN="Diaz: Ana":mailto:ana@acme.test'
GUEST = "ATTENDEE;PARTSTAT=ACCEPTED:mailto:bo@buyer.test"


def event(*lines: str, method: str = "REQUEST", uid: str = "u1") -> str:
    told = ["BEGIN:VCALENDAR", f"METHOD:{method}", "BEGIN:VEVENT", f"UID:{uid}", *lines, "END:VEVENT", "END:VCALENDAR"]
    return "\r\n".join((f"Content-Type: text/calendar; method={method}", "", *told))


class House(Archive):
    """Many leads, each with a wait and a mail of a service after it: one replay tells of all."""

    def tells(self, number: int, calendar: str = "", *, sender: str = SERVICE, headers: str = "", **words: str) -> None:
        """Bo number so many asks, then a service writes what a case says of Bo."""
        lead, uid = f"bo@buyer{number}.test", f"UID:u{number}"
        self.leads += f"{lead},Buyer,buyer{number}.test\n"
        self.letter(f"q-{number}", at("9:30"), lead, ANA)
        extra = "\r\n".join(one for one in (headers, calendar.replace("UID:u1", uid)) if one)
        self.letter(f"n-{number}", at("10:00"), sender, ANA, extra=extra.replace("bo@buyer.test", lead), **words)

    def clocks(self) -> dict[str, tuple[str, str | None, str | None]]:
        """(state, stop reason, what stopped it) by what began it."""
        told = only(self.replayed(), "clock")
        return {one["started_by"]: (one["state"], one["stop_reason"], one["stopped_by"]) for one in told}


@pytest.fixture
def house(tmp_path: Path) -> House:
    return House(tmp_path)


REPLY_TO = "Reply-To: Bo Buyer <bo@buyer.test>"
NOTICES: list[dict[str, str]] = [
    {"calendar": event(ORGANIZER, GUEST)},
    {"calendar": event(ORGANIZER, GUEST, method="PUBLISH")},
    {"calendar": event("ATTENDEE:mailto:ana@acme.test", GUEST)},
    {"calendar": event("ORGANIZER:mailto:no-reply@slots.test", "ATTENDEE;CN=Bo;\r\n X=1:mailto:bo@buyer.test")},
    {"calendar": event(ORGANIZER), "headers": REPLY_TO},
    {"calendar": event(ORGANIZER), "headers": REPLY_TO, "sender": "Slots <hello@slots.test>"},
    {"headers": REPLY_TO, "subject": "New Event: Bo Buyer - 10:00am Mon, 4 May 2026 - Demo"},
    {"headers": REPLY_TO, "subject": "Bo Buyer hat einen Termin gebucht"},
]


def test_rule_50_a_booking_notice_ends_the_waits_of_the_lead_whom_it_names(house: House) -> None:
    for number, words in enumerate(NOTICES):
        house.tells(number, **words)
    house.letter("other", at("9:40"), "bo@buyer0.test", ANA, subject="Another matter")
    house.letter("later", at("10:05"), "bo@buyer0.test", ANA, subject="One more thing")
    met = {f"q-{number}": ("ended", "meeting_accepted", f"n-{number}") for number in range(len(NOTICES))}
    running = ("running", None, None)
    assert house.clocks() == met | {"other": met["q-0"], "later": running}, "the notices themselves start none"


OTHERS: list[dict[str, str]] = [
    {"calendar": event(ORGANIZER, GUEST, method="CANCEL")},
    {"calendar": event(ORGANIZER, GUEST, "STATUS:CANCELLED")},
    {"calendar": event(ORGANIZER, GUEST.replace("ACCEPTED", "DECLINED"))},
    {"calendar": event(ORGANIZER, "ATTENDEE:mailto:cy@else.test")},
    {"calendar": event(ORGANIZER), "headers": "Reply-To: max@acme.test"},
    {"calendar": event("ORGANIZER:mailto:di@else.test", GUEST)},
    {"calendar": event("ORGANIZER:mailto:no-reply@slots.test", method="PUBLISH"), "headers": REPLY_TO},
    {"calendar": event(ORGANIZER, GUEST), "sender": "Ann Aid <ann@partner.test>"},
    {"headers": REPLY_TO, "subject": "News of Bo Buyer's house"},
    {"headers": REPLY_TO + "\r\nList-Unsubscribe: <https://x.test>", "subject": "New event: Bo Buyer's fair"},
    {"headers": "Reply-To: Cy <cy@else.test>", "subject": "New event: Cy - 10:00"},
    {"headers": REPLY_TO, "subject": "Reminder: New event: Bo Buyer - 10:00"},
]


INQUIRIES: list[dict[str, str]] = [
    {"calendar": event("ORGANIZER:mailto:bo@buyer.test", "ATTENDEE:mailto:ana@acme.test"), "headers": REPLY_TO},
    {"headers": REPLY_TO, "subject": "Contact form: Bo Buyer has booked a call elsewhere"},
    {"headers": REPLY_TO, "subject": "New booking request: Bo Buyer"},
]
"""Of these the lead's words themselves came by the service: they are owed an answer, and end nothing."""


def test_rule_50_what_is_no_booking_of_the_leads_ends_nothing(house: House) -> None:
    for number, words in enumerate([*INQUIRIES, *OTHERS]):
        house.tells(number, **words)
    clocks = house.clocks()
    assert {one[0] for one in clocks.values()} == {"running"}
    assert {f"n-{number}" for number in range(len(INQUIRIES))} <= clocks.keys()
    assert len([one for one in clocks if one.startswith("q-")]) == len(INQUIRIES) + len(OTHERS)


def test_rule_50_a_reminder_or_a_forged_notice_says_nothing_new(house: House) -> None:
    stamp = "Authentication-Results: mx.acme.test; dmarc=fail header.from=slots.test"
    house.tells(1, event(ORGANIZER, GUEST), headers=stamp)
    house.tells(2, event(ORGANIZER, GUEST))
    house.letter("more", at("10:30"), "bo@buyer2.test", ANA, subject="One more thing")
    guest = event(ORGANIZER, GUEST).replace("bo@buyer.test", "bo@buyer2.test").replace("u1", "u2")
    house.letter("reminder", at("11:00"), SERVICE, ANA, extra=guest)
    states = {begun: one[0] for begun, one in house.clocks().items()}
    assert states == {"q-1": "running", "q-2": "ended", "more": "running"}


def test_rule_50_a_strangers_invitation_is_owed_an_answer_and_a_programs_is_not(house: House) -> None:
    asked = event("ORGANIZER:mailto:cy@else.test", "ATTENDEE:mailto:ana@acme.test")
    house.letter("invited", at("10:00"), "Cy Chen <cy@else.test>", ANA, extra=asked)
    house.letter(
        "webinar", at("10:00"), "Fair <noreply@fair.test>", ANA, extra=asked.replace("cy@else", "noreply@fair")
    )
    house.letter("off", at("10:00"), "Di <di@else2.test>", ANA, extra=event("STATUS:CANCELLED", method="CANCEL"))
    assert house.clocks() == {"invited": ("running", None, None)}
