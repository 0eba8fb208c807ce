"""A message as the fold of its thread wants it: from its row, and from what was just written there."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Row

from inboxwatch.core.frozen import record
from inboxwatch.core.mail.threads.known import Known
from inboxwatch.core.model import Delivery, Direction, Kind, LeadId, MailboxId, MessageId
from inboxwatch.core.proof import Proof, combined
from inboxwatch.core.qualification.inquiry import NOTHING, Inquiry
from inboxwatch.core.sla.timeline import Mail, Party
from inboxwatch.store import tables
from inboxwatch.store.column_types import storable
from inboxwatch.store.proofs import CopyProof

_message = tables.message
COLUMNS = (
    *(
        _message.c[name]
        for name in ("key", "thread", "at", "message_id", "direction", "kind", "sender", "side", "recipients")
    ),
    *(_message.c[name] for name in ("parent", "author", "mailbox", "owes_reply", "effect", "delivery", "away_until")),
    _message.c.meeting,
    *(_message.c[name] for name in ("time_from", "own_address", "class_rule", "intents")),
    _message.c.known["sender_lead"].as_string().label("sender_lead"),
)
"""What `to_mail` reads. Of `known` the database takes out one value: decoding all costs more than all the rest."""


@record(frozen=True, slots=True)
class Filed:
    """A message as it is filed. Without `mail` it matched no lead: its hash, times, direction and kind remain."""

    id: MessageId
    at: datetime
    direction: Direction
    kind: Kind
    mail: Mail | None = None
    known: Known | None = None
    signal: str = ""
    subject: str = ""
    time_from: str = ""
    grounds: dict[str, Any] | None = None
    """What its kind was decided by, where anything else than a person can have written it."""
    sender_key: str | None = None


def to_mail(row: Row[Any], proof: Proof) -> Mail:
    """A row of a message; those of older versions do not tell all."""
    delivery = row.delivery
    return Mail(
        at=row.at,
        id=MessageId(row.message_id),
        direction=Direction(row.direction),
        kind=Kind(row.kind),
        sender=Party(row.sender, row.sender_lead, row.side),
        recipients=tuple(Party(email, lead and LeadId(lead), side) for email, lead, side in row.recipients),
        parent=row.parent,
        author=row.author,
        mailbox=row.mailbox and MailboxId(row.mailbox),
        owes_reply=row.owes_reply,
        effect=row.effect,
        delivery=Delivery(delivery[0], delivery[1], frozenset(delivery[2]), *delivery[3:])
        if delivery and row.kind == Kind.BOUNCE
        else None,
        away_until=row.away_until,
        meeting=row.meeting or "",
        own_address=row.own_address is not False,
        stamped=row.time_from == "server",
        proof=proof,
        inquiry=inquiry_of(row) if row.class_rule or row.intents else None,
    )


def inquiry_of(row: Row[Any]) -> Inquiry | None:
    """What a message tells of an inquiry; None where it tells nothing."""
    rule, words = row.class_rule or "", tuple(row.intents or ())
    return Inquiry(rule, words) if rule or words else None


def read_back(filed: Filed, meeting: str, proof: Proof) -> Mail | None:
    """What `to_mail` says of the row of a message of a lead that was just filed for the first time.

    `meeting`: what is stored for the UID of its meeting. None where the row may differ from what was given: where a
    database does not take its words as they are.
    """
    mail, known = filed.mail, filed.known
    if mail is None or known is None:
        return None
    words = (filed.id, mail.sender.email, mail.sender.side, mail.sender.lead, known.parent, mail.author)
    if any(word is not None and storable(word) != word for word in words):
        return None
    delivery = mail.delivery if mail.delivery is not None and mail.kind is Kind.BOUNCE else None
    # Most are as they should be: a copy of one costs more than all this.
    told: dict[str, Any] = {
        "parent": known.parent,
        "delivery": delivery,
        "meeting": meeting,
        "proof": proof,
        "inquiry": None if mail.inquiry == NOTHING else mail.inquiry,
    }
    changed = {name: value for name, value in told.items() if value != getattr(mail, name)}
    if mail.away_until is not None and mail.away_until.tzinfo is not UTC:  # equal, but of another day perhaps
        changed["away_until"] = mail.away_until.astimezone(UTC)
    return replace(mail, **changed) if changed else mail


def proofs_of(copies: Iterable[CopyProof]) -> Mapping[str, Proof]:
    """What the copies prove that were found in one mailbox, by the keys of their messages."""
    first: dict[tuple[str, str], Proof] = {}
    for one in copies:
        first.setdefault((one.key, one.role), one.proof)
    proofs: dict[str, list[Proof]] = {}
    for (key, _), proof in first.items():
        proofs.setdefault(key, []).append(proof)
    return {key: combined(found) if len(found) > 1 else found[0] for key, found in proofs.items()}
