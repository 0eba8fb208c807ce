"""Mail of ours that reached no lead: by what it is found again when it turns out to have reached one."""

from __future__ import annotations

from collections.abc import Iterable

from inboxwatch.core.leads import plain_address
from inboxwatch.core.mail.intake import Entry, Intake
from inboxwatch.core.mail.threads import ThreadIndex
from inboxwatch.core.model import Direction, Kind, Message

KEPT = frozenset({Kind.HUMAN, Kind.CALENDAR, Kind.AUTO_REPLY})
"""What may answer, or be answered."""
NAMED = 12
"""So many of the ids that a message names, the nearest first, lead to it."""
PEOPLE = 20
"""So many addresses lead to it."""


def is_kept(entry: Entry, index: ThreadIndex) -> bool:
    """Whether a message may turn out to be an answer to a lead: of strangers' own mail nothing is kept."""
    return entry.direction is Direction.OUTBOUND and entry.verdict.kind in KEPT and entry.message.id in index.fresh


def clues_of(intake: Intake, message: Message) -> list[str]:
    """By what a message is found again: its id and those that it names, and the addresses that it went to."""
    named = dict.fromkeys((*message.in_reply_to, *reversed(message.references)))
    ids = dict.fromkeys([message.id, *list(named)[:NAMED]])
    people = dict.fromkeys(map(plain_address, sorted(intake.outside(message))[:PEOPLE]))
    return [*map(_id, ids), *map(_address, people)]


def clues_from(intake: Intake, entries: Iterable[Entry]) -> set[str]:
    """What leads to mail to leads: the ids of and in theirs that are news here, the addresses of those who are new."""
    index = intake.index
    clues = {_address(plain_address(lead.id)) for lead in intake.new_leads}
    for entry in entries:
        message = entry.message
        if message.id in index.fresh and (entry.is_filed or index.leads_beside(message.id)):
            clues.add(_id(message.id))
            named = {*message.in_reply_to, *message.references}
            clues.update(_id(one) for one in named if index.known(one) is None)
    return clues


def _id(message_id: str) -> str:
    return f"id {message_id}"


def _address(plain: str) -> str:
    return f"to {plain}"
