"""What clocks measure, as conditions of queries: every query that means one kind of them says so by these."""

from __future__ import annotations

from sqlalchemy import ColumnElement

from inboxwatch.core.sla.policy import Metric
from inboxwatch.store import tables

_metric: ColumnElement[str] = tables.clock.c.metric
REPLY = _metric.in_([one.value for one in Metric if one.is_reply])
"""A buyer waits for a reply: neither for us to follow up nor for a person's word on what it is about."""
FOLLOW_UP = _metric == Metric.FOLLOW_UP.value
VERDICT = _metric == Metric.VERDICT.value
"""An inquiry waits to be judged. Its owner has the reply to give as well, so that it is no load of its own."""
