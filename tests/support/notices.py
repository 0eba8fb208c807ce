"""Notices as the outbox would send them, written by us."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from inboxwatch.notify import Notice, NoticeType, Recipient

ANA = Recipient("ana", "Ana Diaz", "ana@acme.test", "U012AB3CD", ZoneInfo("Europe/London"))
MAX = Recipient("max", "Max Ode", "max@acme.test", zone=ZoneInfo("America/New_York"))


def clock(**changes: Any) -> dict[str, Any]:
    """A breached wait of Bo Buyer since 10:00 UTC on 3 November 2026, due 11:00, seen at 11:05."""
    return {
        "id": "c1",
        "thread": "t1",
        "lead": "bo@buyer.test",
        "lead_name": "Bo Buyer",
        "company": "Buyer Ltd",
        "subject": "Offer for 40 seats",
        "tier": "hot",
        "metric": "next_response",
        "owner": "ana",
        "owner_name": "Ana Diaz",
        "team": "emea",
        "mailbox": "sales",
        "policy": "default",
        "state": "running",
        "metric_state": "breached",
        "started_by": "m1@buyer.test",
        "started_at": "2026-11-03T10:00:00Z",
        "due_at": "2026-11-03T11:00:00Z",
        "waited_seconds": 3900,
        "breached": True,
        "exchanged": 7,
        "last_exchanged_at": "2026-11-02T16:20:00Z",
        "step": 2,
        "round": 1,
        "reason": "breach",
        "next_step": {"step": 3, "at": "2026-11-03T11:30:00Z", "targets": ["max", "desk:desk"]},
        **changes,
    }


ANSWERED = {
    "state": "answered",
    "reason": "",
    "answered_by": "Ana Diaz",
    "stop_reason": "answered",
    "waited_seconds": 4200,
    "wall_seconds": 4200,
    "next_step": None,
}


def notice(*clocks: dict[str, Any], kind: NoticeType = NoticeType.ESCALATION, **changes: Any) -> Notice:
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


def of_people(*, kind: NoticeType = NoticeType.MAILBOX, **changes: Any) -> Notice:
    """A notice without clocks: IT's own."""
    return notice(kind=kind, **{"clocks": (), "mailbox": "ana", "error": "LOGIN failed", "thread_key": "", **changes})
