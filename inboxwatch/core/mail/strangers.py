"""Mail that concerned no lead when it was read: by what it is found again when it turns out to concern one.

Nothing of it is kept but *clues*, as keyed hashes: the ids that it bears and names, and the addresses of whom it went
to or came from. Where later mail brings one of them as news, the message is read again from its mailbox, and takes its
place as if it were read only now.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import NamedTuple

from inboxwatch.core.leads import plain_address
from inboxwatch.core.mail import bookings
from inboxwatch.core.mail.intake import Entry, Intake
from inboxwatch.core.mail.threads import ThreadIndex
from inboxwatch.core.model import Direction, Kind, Message, MessageId

KEPT = frozenset({Kind.HUMAN, Kind.CALENDAR, Kind.AUTO_REPLY})
"""What of ours may answer, or be answered."""
NAMED = 12
"""So many of the ids that a message names, the nearest first, lead to it."""
PEOPLE = 20
"""So many addresses lead to it."""


class News(NamedTuple):
    """Clues that a batch brings."""

    of_leads: Collection[str]
    """To whatever was nobody's: a lead has it now."""
    of_ours: Collection[str]
    """To what strangers wrote and what looked like a machine's: it answers us, or comes from whom we wrote to."""


def is_kept(entry: Entry, index: ThreadIndex) -> bool:
    """Whether a message of nobody's may turn out to be a lead's: to or of a stranger, or in answer to us."""
    message, verdict = entry.message, entry.verdict
    if not index.is_new(message.id):
        return False
    if entry.direction is Direction.OUTBOUND:
        return verdict.kind in KEPT
    if entry.direction is not Direction.INBOUND:
        return False
    answers = bool(message.in_reply_to or message.references)
    asks = verdict.kind is Kind.HUMAN or verdict.owes_reply or verdict.effect == bookings.EFFECT
    return asks or answers or verdict.weight is not None


def clues_of(intake: Intake, entry: Entry) -> list[str]:
    """By what a message is found again beside its id: those that it names, and the addresses of the people outside."""
    message = entry.message
    ids = _named(message)[:NAMED]
    if entry.direction is Direction.OUTBOUND:
        people = sorted(intake.outside(message))[:PEOPLE]
    else:
        booked = bookings.named(message, intake.us) if entry.verdict.effect == bookings.EFFECT else ()
        authors = [message.sender.email, *intake.us.outside_authors(message), *booked]
        people = [one for one in authors if "@" in one and not intake.us.is_ours(one)]
    return [*map(_id, ids), *map(clue_of_address, dict.fromkeys(map(plain_address, people)))]


def news_of(intake: Intake, entries: Sequence[Entry], written: Collection[str]) -> News:
    """What a batch tells of mail that was nobody's; `written`: the plain addresses to which it was the first to write.

    Of mail to leads these are the ids of and in it that are news here, and the addresses of leads that are new.
    """
    index = intake.index
    leads = {clue_of_address(plain_address(lead.id)) for lead in intake.new_leads}
    ours = set(map(clue_of_address, written))
    for entry in entries:
        message = entry.message
        if not index.is_new(message.id):
            continue
        if entry.is_filed or index.leads_beside(message.id):
            leads.add(_id(message.id))
            leads.update(_id(one) for one in _named(message) if one not in index)
        elif entry.direction is Direction.OUTBOUND:
            ours.add(_id(message.id))
    return News(leads, ours)


def _named(message: Message) -> list[MessageId]:
    return list(dict.fromkeys((*message.in_reply_to, *reversed(message.references))))


def _id(message_id: str) -> str:
    return f"id {message_id}"


def id_of(clue: str) -> MessageId | None:
    """The id that a clue is, if it is one: what bears it is found as well."""
    kind, _, id_ = clue.partition(" ")
    return MessageId(id_) if kind == "id" else None


def clue_of_address(plain: str) -> str:
    """The clue that a plain address is."""
    return f"to {plain}"
