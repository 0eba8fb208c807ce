"""What clocks measure and are about, as conditions of queries: every query that means some of them says so by these."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, func

from inboxwatch.core.qualification.decision import SALES, UNKNOWN
from inboxwatch.core.sla.holds import FILTERED
from inboxwatch.core.sla.policy import Metric
from inboxwatch.store import tables

_metric: ColumnElement[str] = tables.clock.c.metric
REPLY = _metric.in_([one.value for one in Metric if one.is_reply])
"""A buyer waits for a reply: neither for us to follow up nor for a person's word on what it is about."""
FOLLOW_UP = _metric == Metric.FOLLOW_UP.value
VERDICT = _metric == Metric.VERDICT.value
"""An inquiry waits to be judged. Its owner has the reply to give as well, so that it is no load of its own."""
OWED = tables.clock.c.stop_reason.is_distinct_from(FILTERED)
"""Somebody owes an answer, or did: it was not filtered."""


def for_sales(inquiry_class: ColumnElement[Any]) -> ColumnElement[bool]:
    """Whether a class is one of those that figures of sales hold: sales, what is unknown yet, and whatever was never
    asked for its class. What a counter counts must give the class of when it happened, or a verdict would lower it.
    """
    return func.coalesce(inquiry_class, "").in_(["", SALES, UNKNOWN])


def of_sales(inquiry_class: ColumnElement[Any]) -> ColumnElement[bool]:
    """Whether a class, as known now, is one that reports count with sales: it alone, and whatever was never asked."""
    return func.coalesce(inquiry_class, "").in_(["", SALES])
