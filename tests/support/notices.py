"""Notices as the outbox would send them, written by us."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from inboxwatch.core.model import ClockId, LeadId, MessageId, ThreadId
from inboxwatch.core.sla.clock import State
from inboxwatch.core.sla.policy import Metric
from inboxwatch.core.wait_view import NextStep, WaitView
from inboxwatch.notify import FailedContact, Notice, NoticeType, NoticeWait, Recipient

ANA = Recipient("ana", "Ana Diaz", "ana@acme.test", "U012AB3CD", ZoneInfo("Europe/London"))
MAX = Recipient("max", "Max Ode", "max@acme.test", zone=ZoneInfo("America/New_York"))


STARTED = datetime(2026, 11, 3, 10, tzinfo=UTC)


def wait(*, waited_seconds: float = 3900, **changes: Any) -> WaitView:
    """A breached wait of Bo Buyer since 10:00 UTC on 3 November 2026, due 11:00, seen at 11:05.

    `changes` are fields of the view; instants and words may be given as in the contract's JSON.
    """
    fields: dict[str, Any] = {
        "id": "c1",
        "thread": "t1",
        "lead": "bo@buyer.test",
        "lead_name": "Bo Buyer",
        "company": "Buyer Ltd",
        "subject": "Offer for 40 seats",
        "tier": "hot",
        "metric": Metric.NEXT_RESPONSE,
        "owner": "ana",
        "owner_name": "Ana Diaz",
        "team": "emea",
        "mailbox": "sales",
        "policy": "default",
        "state": State.RUNNING,
        "started_by": "m1@buyer.test",
        "started_at": STARTED,
        "due_at": STARTED + timedelta(hours=1),
        "breached_at": STARTED + timedelta(hours=1),
        "exchanged": 7,
        "last_exchanged_at": datetime(2026, 11, 2, 16, 20, tzinfo=UTC),
        "next_step": NextStep(3, 1, STARTED + timedelta(minutes=90), ("max", "desk:desk")),
        "next_names": ("Max Ode", "desk"),
        **{name: _instant(value) if name.endswith(_TIMES) else value for name, value in changes.items()},
    }
    fields |= {"metric": Metric(fields["metric"]), "state": State(fields["state"])}
    return WaitView(as_of=STARTED + timedelta(seconds=waited_seconds), **fields)


_TOLD = ("step", "round", "reason", "section", "note", "choices", "inquiry")
_TIMES = ("_at", "_until", "_since")


def _instant(value: Any) -> Any:
    return datetime.fromisoformat(value) if isinstance(value, str) else value


def clock(**changes: Any) -> NoticeWait:
    """The same wait as the second step of its ladder tells it; `changes` also take what only notices say."""
    told: dict[str, Any] = {"step": 2, "round": 1, "reason": "breach"}
    told |= {name: _instant(changes.pop(name)) for name in ("unread_since",) if name in changes}
    told |= {name: changes.pop(name) for name in _TOLD if name in changes}
    return NoticeWait(wait(**changes), **told)


BARE = NoticeWait(
    WaitView(
        as_of=STARTED,
        id=ClockId("c1"),
        thread=ThreadId("t1"),
        lead=LeadId("bo@buyer.test"),
        metric=Metric.FIRST_RESPONSE,
        owner=None,
        started_by=MessageId("m1@buyer.test"),
        started_at=STARTED,
        due_at=STARTED,
    )
)
"""A wait of which no more is known than must be."""
LOST = FailedContact(
    LeadId("bo@buyer.test"), "Bo Buyer", "Buyer Ltd", "hot", "ana", "Ana Diaz", "Our offer", MessageId("o1@acme.test")
)
"""Our first message to Bo, which bounced."""
OVER: dict[str, Any] = {
    "state": State.ANSWERED,
    "answered_by": "Ana Diaz",
    "stop_reason": "answered",
    "wall_at_end": 4200.0,
    "next_step": None,
}
"""What of the wait is other once Ana has answered it."""
ANSWERED: dict[str, Any] = {**OVER, "reason": ""}
"""The same as a notice tells it."""


def notice(*clocks: NoticeWait, kind: NoticeType = NoticeType.ESCALATION, **changes: Any) -> Notice:
    """An escalation of the wait above, or of the given ones."""
    fields: dict[str, Any] = {
        "type": kind,
        "id": "c1/2/1",
        "at": datetime(2026, 11, 3, 11, 5, tzinfo=UTC),
        "clocks": clocks or (clock(),),
        "targets": ("ana", "desk:desk"),
        "link": "http://127.0.0.1:9842/clocks/c1",
        "thread_key": "c1",
    }
    return Notice(**{**fields, **changes})


def lost(contact: FailedContact = LOST) -> Notice:
    """A first contact that failed."""
    return notice(kind=NoticeType.FIRST_CONTACT_FAILED, **{"clocks": (), "contact": contact})


def of_people(*, kind: NoticeType = NoticeType.MAILBOX, **changes: Any) -> Notice:
    """A notice without clocks: IT's own."""
    return notice(kind=kind, **{"clocks": (), "mailbox": "ana", "error": "LOGIN failed", "thread_key": "", **changes})
