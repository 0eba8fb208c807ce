"""Inquiries as rows of the store: with what they were as they came, what people said of them, what was told."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

from inboxwatch.core.mail.threads.known import Known
from inboxwatch.core.model import Direction, Evidence, Kind, LeadId, MessageId, PersonId, ThreadId
from inboxwatch.core.qualification.decision import Decision
from inboxwatch.core.sla.timeline import Action, ActionKind, Mail, Party
from inboxwatch.store import Transaction
from inboxwatch.store.records import ClockRecord, NotifiedRecord
from inboxwatch.store.timeline_columns import Filed
from tests.support.stored_clocks import START, stored_clock

MINUTE = timedelta(minutes=1)
RULE = "rule:link building"


def file(
    tx: Transaction, thread: str, name: str, direction: Direction = Direction.INBOUND, **changes: Any
) -> MessageId:
    at = changes.pop("at", START)
    lead = LeadId("bo@buyer.test")
    one = Mail(at, MessageId(f"{name}@buyer.test"), direction, Kind.HUMAN, Party(lead, lead, "buyer.test"), **changes)
    known = Known(one.id, ThreadId(thread), at, direction, one.kind, None, Evidence.NONE, component=ThreadId(thread))
    tx.mail.file([Filed(one.id, at, direction, one.kind, one, known)])
    return one.id


def inquiry(tx: Transaction, name: str, about: str, by: str = "", held_back: str = "", **changes: Any) -> ClockRecord:
    """A wait in a thread of its own, with what it was as it came; without `by` nobody asked lists and rules."""
    begun = file(tx, name, name)
    if by:
        tx.first_classes.pin({begun: Decision(about, by, held_back)})
    row = stored_clock(name, thread=ThreadId(name), inquiry_class=about, class_by=by or "reply", owner=PersonId("tia"))
    row = row._replace(**changes)
    weighed = Action(START, ActionKind.QUALIFIED, "rules", row.id, row.lead, rule=begun, messages=1)
    given = Action(START, ActionKind.ASSIGNED, "routing", row.id, row.lead, owner=PersonId("tia"))
    say(tx, row, weighed, about)
    tx.clocks.record(given, row.thread)
    tx.clocks.save([row])
    return row


def say(tx: Transaction, row: ClockRecord, action: Action, about: str) -> None:
    values = {name: getattr(action, name) for name in ("at", "kind", "by", "clock", "lead", "rule", "messages")}
    tx.clocks.record(Action(**values, inquiry_class=about), row.thread)


def judge(
    tx: Transaction, row: ClockRecord, about: str, by: str = "tia", minutes: int = 20, takes_back: str = ""
) -> None:
    """A person's verdict, in the record and on the wait."""
    at = START + minutes * MINUTE
    say(tx, row, Action(at, ActionKind.QUALIFIED, by, row.id, row.lead, rule=takes_back), about)
    tx.clocks.save([row._replace(inquiry_class=about, class_by=f"person:{by}")])


def tell(tx: Transaction, row: ClockRecord, about: str, minutes: int, step: int = 1, reason: str = "escalated") -> None:
    at = START + minutes * MINUTE
    one = NotifiedRecord(row.id, step, 1, "ana", at, reason, "sales", inquiry_class=about)
    tx.clocks.record_notified([one, replace(one, target="max")])
