"""A wait as notices tell it: the clock, whose it is by name, and what was exchanged before."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import Row

from inboxwatch.engine.views import clock_view, rfc3339

if TYPE_CHECKING:
    from inboxwatch.engine import Engine
    from inboxwatch.store import Transaction


def describe(engine: Engine, tx: Transaction, clocks: Sequence[Row[Any]], now: datetime) -> list[dict[str, Any]]:
    """Each clock as in a notice's `clocks`; what is not known is left out. A few queries, however many clocks."""
    subjects = tx.mail.subjects([clock.started_by for clock in clocks])
    exchanged = tx.clocks.exchanged([clock.id for clock in clocks])
    return [_described(engine, clock, subjects.get(clock.started_by), exchanged.get(clock.id), now) for clock in clocks]


def _described(
    engine: Engine, clock: Row[Any], subject: str | None, exchanged: tuple[int, datetime] | None, now: datetime
) -> dict[str, Any]:
    lead = engine.around.directory.get(clock.lead)
    people = engine.config.people
    view = clock_view(clock, engine.policies, now)
    count, last = exchanged or (0, None)
    extra = {
        "waited_seconds": view["wall_seconds"],
        "lead_name": lead.name if lead else None,
        "company": lead.company if lead else None,
        "score": dict(lead.attributes).get("score") if lead else None,
        "subject": subject,
        "owner_name": people[clock.owner].name if clock.owner in people else None,
        "answered_by_name": people[clock.answered_by].name if clock.answered_by in people else None,
        "last_exchanged_at": rfc3339(last),
    }
    return view | {"exchanged": count} | {key: value for key, value in extra.items() if value}
