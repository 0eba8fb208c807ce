"""Columns that several queries of figures have in common: states, buckets, who had a wait when."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, and_, case, func, literal, or_, select

from inboxwatch.core.statistics.figures import LATENCY_EDGES
from inboxwatch.store import tables
from inboxwatch.store.clock_metrics import FOLLOW_UP, for_sales

_clock, _act, _alias = tables.clock, tables.act, tables.clock_alias
WITHHELD = ("passed", "first sight")
"""Reasons under which a step is recorded though nobody was notified."""


ITS_CLOCK = func.coalesce(_alias.c.clock, _act.c.clock)
"""The clock of an act in ACTS: ids that a clock had before count for it."""
ACTS = _act.outerjoin(_alias, _alias.c.alias == _act.c.clock)
ACTS_ON_CLOCKS = ACTS.join(_clock, _clock.c.id == ITS_CLOCK)


def metric_state(now: datetime) -> ColumnElement[str]:
    """The state of a running clock at an instant, in the precedence of the contract."""
    return case(
        (_clock.c.held, "unverified"),
        (_clock.c.snoozed_until > now, "snoozed"),
        (_clock.c.acknowledged_until > now, "acknowledged"),
        (
            and_(_clock.c.breached_at.is_not(None), or_(~FOLLOW_UP, _clock.c.due_at <= now)),
            "breached",
        ),
        (_clock.c.warned_at.is_not(None), "warned"),
        else_="running",
    )


def bucket_of(seconds: Any) -> Any:
    """The position of a length of time among LATENCY_EDGES."""
    edges = [(seconds <= edge, literal(position)) for position, edge in enumerate(LATENCY_EDGES)]
    return case(*edges, else_=literal(len(LATENCY_EDGES)))


def held_by() -> Any:
    """Each assignment of a clock with the instant of the next one."""
    window: dict[str, Any] = {"partition_by": ITS_CLOCK, "order_by": (_act.c.at, _act.c.id)}
    until, ordinal = func.lead(_act.c.at).over(**window), func.row_number().over(**window)
    columns = (
        _act.c.owner.label("owner"),
        _act.c.at.label("since"),
        until.label("until"),
        ordinal.label("ordinal"),
        # What it was about and worth when it was given: what is found later moves no figure.
        for_sales(_act.c.inquiry_class).label("for_sales"),
        _act.c.inquiry_class.is_not(None).label("judged"),
        func.coalesce(_act.c.tier, "").label("tier"),
    )
    return (
        select(ITS_CLOCK.label("clock"), *columns)
        .select_from(ACTS)
        .where(_act.c.deed == "assigned", _act.c.owner.is_not(None))
    )
