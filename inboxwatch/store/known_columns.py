"""What is remembered of a placed message, as JSON and back. Nothing derived from text is kept."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from operator import attrgetter
from typing import Any

from inboxwatch.core.mail.copies import Account
from inboxwatch.core.mail.threads.known import Known, parent_above
from inboxwatch.core.model import Direction, Evidence, Kind, LeadId, MessageId, ThreadId
from inboxwatch.store.column_types import storable

_SETS = ("answer_to", "to", "provider_threads", "bearers")
_PLAIN = (
    "name", "answers", "was_key", "beside", "in_reply_to", "references", "answered", "sender_lead", "series", "part",
)  # fmt: skip
_plain = attrgetter(*_PLAIN)


def dump(known: Known, at: datetime) -> dict[str, Any]:
    """What the columns of a row do not tell; names whose value `load` puts in where they are missing are left out.

    `at`: that of the row.
    """
    data: dict[str, Any] = {"sides": sorted(known.sides)}
    if known.account:
        data["account"] = _account(known.account, at, known.sender)
    if known.sent_at:
        data["sent_at"] = int(known.sent_at.timestamp())
    if known.thread_index:
        data["thread_index"] = known.thread_index.hex()
    if others := known.participants - known.to - {known.sender}:
        data["others"] = sorted(others)
    for name in _SETS:
        if value := getattr(known, name):
            data[name] = sorted(value)
    data |= {name: value for name, value in zip(_PLAIN, _plain(known), strict=True) if value}
    if known.in_reply_to and known.in_reply_to == known.references[-1:]:
        data["in_reply_to"] = True
    if not known.told:
        data["told"] = False
    if known.open != (known.parent is None):
        data["open"] = known.open
    return data


def load(row: Any) -> Known:
    """A row of the message table (with its `known`) -> Known.

    Rows of version 10 and before name the parent that headers name, its parent and all participants; those of version 9
    and before lack the newer names.
    """
    data = row.known
    told = data.get
    sent = told("sent_at")
    sent_at = datetime.fromtimestamp(sent, UTC) if isinstance(sent, int) else sent and datetime.fromisoformat(sent)
    account = None
    if its := told("account"):
        rank, when, digest, authors, *more = its
        at = row.at if when is None else datetime.fromisoformat(when)
        outside = frozenset(more[0] if more else ())
        authors = frozenset((row.sender,) if authors is None else authors)
        account = Account(rank, at, digest, authors, sent_at, row.subject_key, outside)
    named, above, in_reply_to, references = _ancestors(data)
    to = told("to", ())
    return Known(
        id=MessageId(row.message_id),
        thread=ThreadId(row.thread),
        at=row.at,
        direction=Direction(row.direction),
        kind=Kind(row.kind),
        parent=row.parent,
        evidence=Evidence(row.evidence),
        confidence=row.confidence,
        named=named,
        above=above,
        sender=row.sender,
        name=told("name", ""),
        answer_to=frozenset(told("answer_to", ())),
        to=frozenset(to),
        participants=frozenset(told("participants") or [one for one in (row.sender, *to, *told("others", ())) if one]),
        subject_key=row.subject_key,
        answers=told("answers", False),
        was_key=told("was_key", ""),
        sent_at=sent_at,
        thread_index=bytes.fromhex(index) if (index := told("thread_index")) else None,
        lead=LeadId(row.lead) if row.lead else None,
        apart=ThreadId(row.apart_from) if row.apart_from else None,
        account=account,
        provider_threads=frozenset(told("provider_threads", ())),
        component=ThreadId(row.component or row.thread),
        beside=told("beside"),
        open=told("open", row.parent is None),
        sides=frozenset(data["sides"]) if "sides" in data else _sides(row),
        in_reply_to=in_reply_to,
        references=references,
        answered=told("answered", False),
        told=told("told", True),
        sender_lead=told("sender_lead"),
        series=told("series", ""),
        part=told("part", 0),
        bearers=frozenset(told("bearers", ())),
    )


def _account(account: Account, at: datetime, sender: str) -> list[Any]:
    """The time and the author are left out where they are those of the message."""
    when = None if account.at == at else account.at.isoformat()
    authors = None if account.authors == {storable(sender)} else sorted(account.authors)
    told = [account.rank, when, account.digest, authors]
    return [*told, sorted(account.to)] if account.to else told


def _ancestors(
    data: dict[str, Any],
) -> tuple[MessageId | None, MessageId | None, tuple[MessageId, ...], tuple[MessageId, ...]]:
    """The parent that headers name, its parent, and the ids of In-Reply-To and References."""
    if "named" in data:
        named, above = data["named"], data["above"]
        answered = data.get("in_reply_to", (named,) if named else ())
        return named, above, tuple(answered), tuple(data.get("references", [one for one in (above, named) if one]))
    references, told = tuple(data.get("references", ())), data.get("in_reply_to", ())
    in_reply_to = references[-1:] if told is True else tuple(told)
    named = in_reply_to[0] if in_reply_to else references[-1] if references else None
    return named, parent_above(named, references), in_reply_to, references


def _sides(row: Any) -> frozenset[str]:
    """The sides of a message that was filed before they were kept."""
    told = json.loads(row.recipients) if isinstance(row.recipients, str) else row.recipients
    recipients = [side or email for email, _, side in told or ()]
    return frozenset([row.side or row.sender, *recipients] if row.direction == "inbound" else recipients)
