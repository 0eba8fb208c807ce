"""What is remembered of a placed message, as JSON and back. Nothing derived from text is kept."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

from inboxwatch.core.mail.copies import Account
from inboxwatch.core.mail.threads.known import Known
from inboxwatch.core.model import Direction, Evidence, Kind, LeadId, MessageId, ThreadId


def dump(known: Known) -> dict[str, Any]:
    account = known.account
    return {
        "account": [account.rank, account.at.isoformat(), account.digest, sorted(account.authors)] if account else None,
        "named": known.named,
        "name": known.name,
        "answer_to": sorted(known.answer_to),
        "to": sorted(known.to),
        "participants": sorted(known.participants),
        "answers": known.answers,
        "above": known.above,
        "was_key": known.was_key,
        "sent_at": known.sent_at.isoformat() if known.sent_at else None,
        "thread_index": known.thread_index.hex() if known.thread_index else None,
        "beside": known.beside,
        "open": known.open,
        "sides": sorted(known.sides),
        "in_reply_to": known.in_reply_to,
        "references": known.references,
        "answered": known.answered,
        "told": known.told,
        "provider_threads": sorted(known.provider_threads),
        "sender_lead": known.sender_lead,
    }


def load(row: Any) -> Known:
    """A row of the message table (with its `known`) -> Known. Rows of version 9 and before lack the newer names."""
    data = row.known
    sent_at = datetime.fromisoformat(data["sent_at"]) if data["sent_at"] else None
    account = None
    if told := data.get("account"):
        rank, at, digest, authors = told
        account = Account(rank, datetime.fromisoformat(at), digest, frozenset(authors), sent_at, row.subject_key)
    named = [one for one in (data["named"],) if one]
    above = [one for one in (data["above"], data["named"]) if one]
    return Known(
        id=MessageId(row.message_id),
        thread=ThreadId(row.thread),
        at=row.at,
        direction=Direction(row.direction),
        kind=Kind(row.kind),
        parent=row.parent,
        evidence=Evidence(row.evidence),
        confidence=row.confidence,
        named=data["named"],
        sender=row.sender,
        name=data["name"],
        answer_to=frozenset(data.get("answer_to", ())),
        to=frozenset(data["to"]),
        participants=frozenset(data["participants"]),
        subject_key=row.subject_key,
        answers=data["answers"],
        above=data["above"],
        was_key=data["was_key"],
        sent_at=sent_at,
        thread_index=bytes.fromhex(data["thread_index"]) if data["thread_index"] else None,
        lead=LeadId(row.lead) if row.lead else None,
        apart=ThreadId(row.apart_from) if row.apart_from else None,
        account=account,
        provider_threads=frozenset(data.get("provider_threads", ())),
        component=ThreadId(row.component or row.thread),
        beside=data.get("beside"),
        open=data.get("open", row.parent is None),
        sides=frozenset(data["sides"]) if "sides" in data else _sides(row),
        in_reply_to=tuple(data.get("in_reply_to", named)),
        references=tuple(data.get("references", above)),
        answered=data.get("answered", False),
        told=data.get("told", True),
        sender_lead=data["sender_lead"],
    )


def _sides(row: Any) -> frozenset[str]:
    """The sides of a message that was filed before they were kept."""
    told = json.loads(row.recipients) if isinstance(row.recipients, str) else row.recipients
    recipients = [side or email for email, _, side in told or ()]
    return frozenset([row.side or row.sender, *recipients] if row.direction == "inbound" else recipients)
