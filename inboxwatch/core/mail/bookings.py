"""Booking notices: what a booking service writes to one of ours when somebody has taken a slot of ours (rule 50).

Not the buyer speaks but the service, so that it is neither an inquiry nor an answer. It names whoever booked by
Reply-To, or as ATTENDEE of the calendar part (RFC 5545, 3.8.4.1), a machine part that is read in every privacy mode.
Whoever invites us themselves through a service is its ORGANIZER: that is an invitation, and owed an answer. A form is
the buyer's own words, whatever its subject.
"""

from __future__ import annotations

import re

from inboxwatch.core.frozen import record
from inboxwatch.core.leads import Directory
from inboxwatch.core.mail import forms
from inboxwatch.core.mail.calendar_part import DECLARED, METHOD, calendar_part, unfolded
from inboxwatch.core.mail.classify import is_machine
from inboxwatch.core.mail.forms import same_house
from inboxwatch.core.mail.parties import Us
from inboxwatch.core.mail.words import bookings
from inboxwatch.core.mail.words.freemail import FREE_MAIL
from inboxwatch.core.model import Address, Kind, LeadId, Message, Verdict

EFFECT = "meeting_booked"
MAX_PEOPLE = 20
"""So many attendees are looked at."""
MAX_CALENDAR = 200_000
"""Bytes of a calendar part that are looked at."""
_CANCELLED = re.compile(rb"^STATUS[ \t]*:[ \t]*CANCELLED", re.IGNORECASE | re.MULTILINE)
_PERSON = re.compile(
    rb"^(ORGANIZER|ATTENDEE)((?:;(?:[^\":\r\n]|\"[^\"\r\n]*\")*)?):mailto:([^\s<>]{3,320})",
    re.IGNORECASE | re.MULTILINE,
)
_BOOKED = re.compile(bookings.BOOKED)
_OTHERWISE = re.compile(bookings.OTHERWISE)
_WORD = re.compile(r"[^\W\d_]{2,}")
_MAILING = ("list-", "x-campaign", "x-mailchimp")


@record(frozen=True, slots=True)
class Event:
    """The people of an event that is proposed or published, as far as they are seen; addresses in lower case."""

    is_request: bool
    """Whether it asks to come (METHOD:REQUEST), and does not only tell (PUBLISH)."""
    organizer: str
    """Empty where it names none."""
    attendees: tuple[str, ...]
    """Without who declined."""


def event_of(message: Message) -> Event | None:
    """The event of a message's first calendar part; None of answers, cancellations, and where no part was read."""
    part = calendar_part(message)
    if part is None or not part.payload:
        return None
    payload = unfolded(part.payload[:MAX_CALENDAR])
    methods = {one.decode().lower() for one in METHOD.findall(payload)[:2]}
    methods.update(DECLARED.findall(part.content_type))
    if not methods or not methods <= {"request", "publish"} or _CANCELLED.search(payload):
        return None
    organizer, attendees = "", list[str]()
    for name, parameters, address in _PERSON.findall(payload):
        email = address.decode("utf-8", "replace").lower()
        if name.upper() == b"ORGANIZER":
            organizer = organizer or email
        elif b"PARTSTAT=DECLINED" not in parameters.upper() and len(attendees) < MAX_PEOPLE:
            attendees.append(email)
    return Event("request" in methods, organizer, tuple(dict.fromkeys(attendees)))


def attendees_of(message: Message) -> tuple[str, ...]:
    """Whom an event that a message proposes or publishes has as attendees."""
    event = event_of(message) if message.parts else None
    return event.attendees if event is not None else ()


def verdict(message: Message, alone: Verdict, us: Us) -> Verdict:
    """The verdict of mail from outside, with what a booking notice is; the same where it is none."""
    if alone.kind not in (Kind.CALENDAR, Kind.BULK, Kind.HUMAN) or not named(message, us):
        return alone
    event = alone.meeting or f"notice {message.id}"
    return Verdict(Kind.CALENDAR, "booking notice of a service", effect=EFFECT, meeting=event)


def named(message: Message, us: Us) -> tuple[str, ...]:
    """Whoever booked, by a notice to one of ours, the likeliest first; nobody where it is no booking notice."""
    if not (message.reply_to or message.parts):
        return ()
    sender = message.sender
    event = event_of(message)
    asked = [one for one in message.reply_to if _is_guest(one, sender, us)]
    is_service = is_machine(sender.email)
    if not (is_service or (event is not None and asked)) or sender.domain in FREE_MAIL or us.is_ours(sender.email):
        return ()
    if not any(us.is_ours(one.email) for one in message.recipients):
        return ()
    if event is not None:
        people = _by_event(event, sender, asked, us, is_service=is_service)
        return tuple(dict.fromkeys(one for one in people if one != event.organizer))
    if calendar_part(message) is not None:
        return ()
    return tuple(one.email for one in asked[:1] if _is_told_booked(message, one))


def booker(message: Message, us: Us, directory: Directory) -> tuple[LeadId | None, str]:
    """The lead who booked by a notice, and the evidence; by an own address: a company tells not which colleague."""
    for email in named(message, us):
        if (lead := directory.by_address(email)) is not None:
            answers = any(one.email == email for one in message.reply_to)
            return lead.id, "reply_to" if answers else "attendee"
    return None, "none"


def _by_event(event: Event, sender: Address, asked: list[Address], us: Us, *, is_service: bool) -> list[str]:
    """Who booked by the event: the house's own, or one for which nobody but the service stands."""
    told = [one.email for one in asked]
    guests = [one for one in event.attendees if _is_guest(Address(one), sender, us)]
    if event.organizer and us.is_ours(event.organizer):
        return [*told, *guests]
    if not is_service or (event.organizer and not same_house(Address(event.organizer), sender)):
        return []
    if not event.organizer and event.is_request and event.attendees:
        return [*told, *guests]
    # What a service publishes may name the buyer for answers only, as their newsletters do.
    return [*[one for one in told if one in guests], *guests]


def _is_guest(one: Address, sender: Address, us: Us) -> bool:
    """Whether an address is a person's outside us and outside the service."""
    email = one.email
    return "@" in email and not us.is_ours(email) and not same_house(one, sender) and not is_machine(email)


def _is_told_booked(message: Message, guest: Address) -> bool:
    """Whether the subject says that the guest, by name, has booked; a mailing or a form says no such thing."""
    subject = message.subject.casefold()
    if not _BOOKED.search(subject) or _OTHERWISE.search(subject) or forms.author(message):
        return False
    if any(name.startswith(_MAILING) for name, _ in message.marks):
        return False
    words = set(_WORD.findall(subject))
    return not words.isdisjoint(_WORD.findall(f"{guest.name} {guest.email.partition('@')[0]}".casefold()))
