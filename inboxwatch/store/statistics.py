"""Figures read from the store: one pass a table, all counting done by the database; and those of what was erased."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, case, extract, func, literal, or_, select

from inboxwatch.core.sla.holds import FILTERED
from inboxwatch.core.statistics import past
from inboxwatch.core.statistics.figures import (
    Figures,
    Health,
    Holding,
    Latency,
    Reply,
    SourceHealth,
    Tally,
)
from inboxwatch.store import tables
from inboxwatch.store.class_statistics import ClassStatistics
from inboxwatch.store.clock_metrics import FOLLOW_UP, REPLY, VERDICT, for_sales
from inboxwatch.store.figure_columns import ACTS_ON_CLOCKS, WITHHELD, bucket_of, held_by, metric_state
from inboxwatch.store.lead_sources import LeadSources

_clock, _act = tables.clock, tables.act
PAST = "figures of what was erased"
"""Among the store's own notes: `core.statistics.past`."""


class Statistics:
    """Aggregates for metrics and reports."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def figures(self, now: datetime) -> Figures:
        """Everything that is exported of the store at an instant."""
        figures = Figures()
        self._mail(figures)
        self._open(figures, now)
        self._answered(figures)
        self._ownership(figures)
        self._escalations(figures)
        self._mailboxes(figures)
        self._lead_sources(figures)
        ClassStatistics(self._connection).add(figures, now)
        past.add(figures, past_rows(self._connection))
        return figures

    def _rows(self, statement: Any) -> Iterator[tuple[Any, ...]]:
        return (tuple(row) for row in self._connection.execute(statement))

    def _mail(self, figures: Figures) -> None:
        message, sighting = tables.message, tables.sighting
        columns = (sighting.c.mailbox, message.c.direction, message.c.kind)
        seen = select(*columns, func.count()).join(message, message.c.key == sighting.c.key).group_by(*columns)
        nobodys = (tables.unfiled.c.mailbox, tables.unfiled.c.direction, tables.unfiled.c.kind)
        for rows in (seen, select(*nobodys, func.count()).group_by(*nobodys)):
            for *labels, count in self._rows(rows):
                label = (labels[0], labels[1], labels[2])
                figures.messages[label] = figures.messages.get(label, 0) + count
        placed = select(message.c.evidence, func.count()).where(message.c.evidence.is_not(None))
        figures.matches = dict(self._rows(placed.group_by(message.c.evidence)))
        failed = tables.first_contact
        owner = func.coalesce(failed.c.owner, "")
        counted = select(owner, failed.c.tier, func.count()).group_by(owner, failed.c.tier)
        figures.first_contact_failures = {(row[0], row[1]): row[2] for row in self._rows(counted)}
        known = tables.lead
        named = select(func.coalesce(known.c.owner, ""), known.c.data["tier"].as_string()).distinct()
        figures.lead_owners = {(row[0], row[1] or "") for row in self._rows(named)}

    def _open(self, figures: Figures, now: datetime) -> None:
        columns = (*_holding(), metric_state(now))
        waits = select(*columns, func.count(), func.min(_clock.c.started_at)).group_by(*columns)
        waits = waits.where(_clock.c.state == "running", REPLY, for_sales(_clock.c.inquiry_class))
        for mailbox, owner, tier, state, count, oldest in self._rows(waits):
            holding = Holding(mailbox, owner, tier)
            figures.open[holding, state] = count
            figures.oldest[holding] = min(figures.oldest.get(holding, oldest), oldest)
            figures.held_once.add(holding)
        owner = func.coalesce(_clock.c.owner, "")
        ahead = select(owner, _clock.c.tier, func.count()).where(
            _clock.c.state == "running", FOLLOW_UP, for_sales(_clock.c.inquiry_class)
        )
        figures.follow_ups = {(row[0], row[1]): row[2] for row in self._rows(ahead.group_by(owner, _clock.c.tier))}
        quiet = select(_act.c.owner, _clock.c.tier, func.count()).select_from(ACTS_ON_CLOCKS)
        theirs = _act.c.deed == "gone_quiet", for_sales(_clock.c.inquiry_class)
        closed = quiet.where(*theirs).group_by(_act.c.owner, _clock.c.tier)
        figures.gone_quiet = {(row[0] or "", row[1]): row[2] for row in self._rows(closed)}
        nobody = select(func.count()).where(_clock.c.state == "running", _clock.c.owner.is_(None))
        figures.ownerless = int(self._connection.execute(nobody).scalar_one())

    def _answered(self, figures: Figures) -> None:
        wall, business = bucket_of(_clock.c.wall_seconds), bucket_of(_clock.c.business_seconds)
        late = _clock.c.breached_at.is_not(None)
        own = _clock.c.answered_by == _clock.c.owner
        columns = (func.coalesce(_clock.c.owner, ""), _clock.c.tier, _clock.c.metric, wall, business, late, own)
        sums = (func.count(), func.sum(_clock.c.wall_seconds), func.sum(_clock.c.business_seconds))
        replies = select(*columns, *sums).where(_clock.c.state == "answered", REPLY, for_sales(_clock.c.stop_class))
        for owner, tier, metric, wall_at, business_at, was_late, by_owner, count, wall_sum, business_sum in self._rows(
            replies.group_by(*columns)
        ):
            for basis, bucket, total in (("wall", wall_at, wall_sum), ("business", business_at, business_sum)):
                tally = figures.latency.setdefault(Latency(owner, tier, metric, basis), Tally())
                tally.add(bucket, count, float(total or 0))
            by = "owner" if by_owner else "colleague"
            reply = Reply(owner, tier, metric, "false" if was_late else "true", by)
            figures.replies[reply] = figures.replies.get(reply, 0) + count

    def _ownership(self, figures: Figures) -> None:
        """Breaches go to whom the wait belonged when it fell due, for a ladder may have moved it since."""
        held = held_by().cte("held")
        # What a verdict filtered was not held to its end: one word opens it again, and no counter falls (rule 54).
        stop = case((_clock.c.stop_reason == FILTERED, None), else_=_clock.c.stopped_at)
        due, end = _clock.c.breached_at, func.coalesce(held.c.until, stop)
        # The first owner holds it from its start, also where mail that came late has moved the start back.
        since = case((held.c.ordinal == 1, _clock.c.started_at), else_=held.c.since)
        seconds = self._seconds(since, end)
        breached = and_(due.is_not(None), since < due, or_(held.c.until.is_(None), held.c.until >= due))
        parts = (
            *_holding(held.c.owner)[:2],
            _clock.c.metric,
            func.coalesce(_clock.c.breach_tier, _clock.c.tier).label("due_tier"),
            case((held.c.judged, held.c.tier), else_=_clock.c.tier).label("given_tier"),
            and_(breached, for_sales(_clock.c.breach_class)).label("breached"),
            and_(REPLY, held.c.for_sales).label("counted"),
            seconds.label("seconds"),
        )
        named: Any = select(*parts).select_from(held.join(_clock, _clock.c.id == held.c.clock)).where(~VERDICT)
        spans = named.subquery()
        bucket = case((spans.c.seconds.is_(None), literal(-1)), else_=bucket_of(spans.c.seconds))
        labels = (spans.c.mailbox, spans.c.owner, spans.c.metric, spans.c.due_tier, spans.c.given_tier)
        columns = (*labels, spans.c.breached, spans.c.counted, bucket)
        counted = select(*columns, func.count(), func.sum(spans.c.seconds)).group_by(*columns)
        for mailbox, owner, metric, due_tier, tier, late, is_counted, held_for, count, total in self._rows(counted):
            if late:
                key = (owner, due_tier, metric)
                figures.breaches[key] = figures.breaches.get(key, 0) + count
            if not is_counted:
                continue
            figures.held_once.add(Holding(mailbox, owner, tier))
            if held_for >= 0:
                figures.ownership.setdefault((owner, tier), Tally()).add(held_for, count, float(total))

    def _escalations(self, figures: Figures) -> None:
        notified = tables.told
        step = (notified.c.clock, notified.c.era, notified.c.round, notified.c.step)
        once = select(*step, notified.c.reason, notified.c.policy).distinct()
        steps = once.where(notified.c.reason.not_in(WITHHELD), for_sales(notified.c.inquiry_class)).subquery()
        columns = (steps.c.policy, steps.c.step, steps.c.reason)
        counted = select(*columns, func.count()).group_by(*columns)
        figures.escalations = {(row[0], row[1], row[2]): row[3] for row in self._rows(counted)}
        row = tables.delivery

        def number(*states: str) -> ColumnElement[int]:
            return func.sum(case((row.c.state.in_(states), 1), else_=0))

        outcomes = (number("sent"), func.sum(row.c.retries), number("dead"), number("cancelled"))
        sent = select(row.c.channel, *outcomes, number("pending", "claimed")).group_by(row.c.channel)
        figures.deliveries = {
            one[0]: (int(one[1]), int(one[2]), int(one[3]), int(one[4]), int(one[5])) for one in self._rows(sent)
        }

    def _mailboxes(self, figures: Figures) -> None:
        apart = tables.quarantine.c.mailbox
        quarantined: Mapping[str, int] = dict(self._rows(select(apart, func.count()).group_by(apart)))
        for row in self._connection.execute(select(tables.mailbox)):
            tried = row.last_success is not None or row.failing_since is not None
            figures.mailboxes[row.id] = Health(
                row.failing_since is None if tried else None,
                row.last_success,
                row.coverage,
                quarantined.get(row.id, 0),
            )
        filled = tables.backfill.c
        for name, read, remaining in self._rows(select(filled.mailbox, filled.read, filled.remaining)):
            figures.backfills[name] = (read, remaining)

    def _lead_sources(self, figures: Figures) -> None:
        for one in LeadSources(self._connection).all():
            tried = one.last_success is not None or one.failing_since is not None
            figures.lead_sources[one.name] = SourceHealth(
                one.failing_since is None if tried else None,
                one.last_success,
                one.leads,
                len(one.refused),
                sum(one.unowned.values()),
            )

    def _seconds(self, start: Any, end: Any) -> Any:
        """The length of time between two instants, as the database counts it."""
        if self._connection.dialect.name == "sqlite":
            # To the millisecond: a Julian day is a float that holds no more than some ten microseconds.
            return func.round((func.julianday(end) - func.julianday(start)) * 86400.0, 3)
        return extract("epoch", end - start)


def past_rows(connection: Connection) -> past.Rows:
    """What was counted of what is not stored any more."""
    kept = connection.execute(select(tables.meta.c.value).where(tables.meta.c.key == PAST)).scalar()
    rows: past.Rows = json.loads(kept) if kept else []
    return rows


def _holding(owner: Any = _clock.c.owner) -> tuple[Any, Any, Any]:
    mailbox = func.coalesce(_clock.c.mailbox, "").label("mailbox")
    return mailbox, func.coalesce(owner, "").label("owner"), _clock.c.tier
