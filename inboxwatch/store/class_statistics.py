"""Figures of classes and verdicts: nothing where no inquiry was ever judged. Each by one query.

Counters count what was known when it happened, so that no later word lowers one (rule 54). A wait and the clock of the
verdict that it awaits are found of each other by the message that began both; those of people who were forgotten name
it no more, and what they counted is kept apart (`core.statistics.past`).
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, case, exists, func, literal, or_, select

from inboxwatch.core.qualification.decision import SALES, UNKNOWN
from inboxwatch.core.sla.holds import FILTERED
from inboxwatch.core.sla.policy import Metric
from inboxwatch.core.sla.verdicts import REPOLICY, RULES, SOURCE
from inboxwatch.core.statistics.figures import Figures, Tally
from inboxwatch.store import tables
from inboxwatch.store.clock_metrics import REPLY, VERDICT
from inboxwatch.store.figure_columns import ACTS_ON_CLOCKS, WITHHELD, bucket_of, held_by, metric_state
from inboxwatch.store.traces import GONE

_clock, _act, _message = tables.clock, tables.act, tables.message
_RULE, _AUDIT, _PERSON = "rule", "audit", "person"
_judged = _clock.c.inquiry_class != ""
_found = and_(_judged, _clock.c.started_by != GONE)


class ClassStatistics:
    """Aggregates over waits that have classes."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add(self, figures: Figures, now: datetime) -> None:
        """Adds them to the figures of an instant."""
        if self._connection.execute(select(literal(1)).where(_judged).limit(1)).first() is None:
            return
        figures.inquiries = {(row[0], row[1], row[2]): row[3] for row in self._rows(_inquiries())}
        self._rules(figures)
        words = _words().subquery()
        given = (words.c.by, words.c.was, words.c.inquiry_class)
        spoken = select(*given, func.count()).where(words.c.verdict).group_by(*given)
        figures.verdicts = {(row[0], row[1], row[2]): row[3] for row in self._rows(spoken)}
        self._awaited(figures, now)
        state = metric_state(now)
        running = select(_clock.c.inquiry_class, state, func.count()).where(_clock.c.state == "running", REPLY, _judged)
        running = running.group_by(_clock.c.inquiry_class, state)
        figures.class_open = {(row[0], row[1]): row[2] for row in self._rows(running)}
        late = _clock.c.breached_at.is_not(None)
        answered = select(_clock.c.stop_class, late, func.count()).where(_clock.c.state == "answered", REPLY)
        answered = answered.where(_clock.c.stop_class != "").group_by(_clock.c.stop_class, late)
        figures.class_replies = {(row[0], "false" if row[1] else "true"): row[2] for row in self._rows(answered)}
        figures.false_escalations = {(row[0], row[1]): row[2] for row in self._rows(_false_steps())}
        figures.contradicted = {
            row[0].partition(":")[2]: row[1] for row in self._rows(_contradicted()) if row[0].startswith(f"{_RULE}:")
        }

    def _rows(self, statement: Any) -> Iterator[tuple[Any, ...]]:
        return (tuple(row) for row in self._connection.execute(statement))

    def _rules(self, figures: Figures) -> None:
        """The inquiries that each rule decided, that were left to people though it fitted, or that it was kept from."""
        columns = (_message.c.first_class_by, _message.c.held_back)
        decided = select(*columns, func.count()).where(_message.c.first_class.is_not(None)).group_by(*columns)
        for by, held_back, count in self._rows(decided):
            kind, _, name = (by or "").partition(":")
            for rule in (name if kind in (_RULE, _AUDIT) else "", held_back or ""):
                if rule:
                    figures.rule_inquiries[rule] = figures.rule_inquiries.get(rule, 0) + count

    def _awaited(self, figures: Figures, now: datetime) -> None:
        """The clocks of verdicts; a breach is his who had the wait just before it."""
        owner = func.coalesce(_clock.c.owner, "")
        state = metric_state(now)
        running = select(owner, state, func.count()).where(_clock.c.state == "running", VERDICT).group_by(owner, state)
        figures.verdict_open = {(row[0], row[1]): row[2] for row in self._rows(running)}
        wall, business = bucket_of(_clock.c.wall_seconds), bucket_of(_clock.c.business_seconds)
        sums = (func.count(), func.sum(_clock.c.wall_seconds), func.sum(_clock.c.business_seconds))
        given = select(owner, wall, business, *sums).where(_clock.c.state == "answered", VERDICT)
        for who, wall_at, business_at, count, wall_sum, business_sum in self._rows(
            given.group_by(owner, wall, business)
        ):
            for basis, place, total in (("wall", wall_at, wall_sum), ("business", business_at, business_sum)):
                figures.verdict_latency.setdefault((who, basis), Tally()).add(place, count, float(total or 0))
        held, wait = held_by().cte("held"), _clock.alias("wait")
        since = case((held.c.ordinal == 1, wait.c.started_at), else_=held.c.since)
        due = _clock.c.breached_at
        missed = (
            select(held.c.owner, func.count())
            .select_from(_clock.join(wait, _same_start(wait)).join(held, held.c.clock == wait.c.id))
            .where(VERDICT, _found, due.is_not(None), since < due, or_(held.c.until.is_(None), held.c.until >= due))
        )
        figures.verdict_breaches = dict(self._rows(missed.group_by(held.c.owner)))


def _inquiries() -> Any:
    """(mailbox, class, by, how many): what each wait was as it came."""
    first, worth, ours, word = _message.alias(), _act.alias(), _message.alias(), _act.alias()
    begun = and_(first.c.thread == _clock.c.thread, first.c.message_id == _clock.c.started_by)
    weighed = and_(
        worth.c.clock == _clock.c.id, worth.c.deed == "qualified", worth.c.by == RULES, worth.c.messages == 1
    )
    wrote = exists().where(
        ours.c.thread == _clock.c.thread, ours.c.direction == "outbound", ours.c.at < _clock.c.started_at
    )
    said = exists().where(word.c.thread == _clock.c.thread, word.c.at <= _clock.c.started_at, *_by_person(word))
    kinds = [(first.c.first_class_by.like(f"{kind}:%"), literal(kind)) for kind in (_RULE, _AUDIT, _PERSON)]
    # Nobody asked lists and rules: one of ours had written, a person had judged the thread, or a rule had filtered it.
    by = case(
        *kinds,
        (first.c.first_class.is_not(None), first.c.first_class_by),
        (wrote, literal("reply")),
        (said, literal(_PERSON)),
        else_=literal(_RULE),
    )
    about = func.coalesce(first.c.first_class, worth.c.inquiry_class, _clock.c.inquiry_class)
    told = select(func.coalesce(_clock.c.mailbox, "").label("mailbox"), about.label("about"), by.label("by"))
    waits = _clock.outerjoin(first, begun).outerjoin(worth, weighed)
    each = told.select_from(waits).where(REPLY, _found).subquery()
    return select(*each.c, func.count()).group_by(*each.c)


def _words() -> Any:
    """Each word on a wait in the order of time: by whom, what it was before, what it is said to be."""
    order: dict[str, Any] = {
        "partition_by": (_clock.c.thread, _clock.c.started_by),
        "order_by": (_act.c.at, _act.c.id),
    }
    was = func.lag(_act.c.inquiry_class).over(**order)
    told = select(
        _act.c.by,
        func.coalesce(was, UNKNOWN).label("was"),
        _act.c.inquiry_class,
        and_(*_by_person(_act), _act.c.rule == "").label("verdict"),
    )
    return told.select_from(ACTS_ON_CLOCKS).where(_act.c.deed == "qualified", _act.c.inquiry_class.is_not(None), _found)


def _by_person(act: Any) -> tuple[ColumnElement[bool], ...]:
    """A person's word on what a wait is (`core.sla.verdicts.is_verdict`)."""
    return act.c.deed == "qualified", act.c.by.not_in((RULES, REPOLICY)), ~act.c.by.startswith(SOURCE, autoescape=True)


def _false_steps() -> Any:
    """(ladder, step, how many): told for a wait as a seller's, of which a person said later that it was none or owed
    nothing, or which had been answered before. What is taken back later stays counted.
    """
    other = and_(*_by_person(_act), _act.c.rule == "", _act.c.inquiry_class.not_in((SALES, UNKNOWN)))
    key = (_clock.c.thread, _clock.c.started_by)
    denials = select(*key, func.max(_act.c.at).label("at")).select_from(ACTS_ON_CLOCKS)
    denied = denials.where(or_(other, _act.c.deed == "dismissed"), _found).group_by(*key).subquery()
    told, renamed = tables.told, tables.clock_alias.alias()
    step = (told.c.clock, told.c.era, told.c.round, told.c.step)
    of = and_(denied.c.thread == _clock.c.thread, denied.c.started_by == _clock.c.started_by)
    steps = told.outerjoin(renamed, renamed.c.alias == told.c.clock)
    steps = steps.join(_clock, _clock.c.id == func.coalesce(renamed.c.clock, told.c.clock)).outerjoin(denied, of)
    before = and_(_clock.c.state == "answered", _clock.c.stopped_at < told.c.at)
    once = select(*step, told.c.policy).distinct().select_from(steps)
    once = once.where(
        REPLY,
        _found,
        told.c.reason.not_in(WITHHELD),
        told.c.inquiry_class.in_((SALES, UNKNOWN)),
        or_(denied.c.at >= told.c.at, before),
    )
    false = once.subquery()
    return select(false.c.policy, false.c.step, func.count()).group_by(false.c.policy, false.c.step)


def _contradicted() -> Any:
    """(by, how many) of filtered waits that are contradicted, or were before a person took the filter back. Where mail
    from before the verdict was read after it, what the wait was tells."""
    first = _message.alias()
    begun = and_(first.c.thread == _clock.c.thread, first.c.message_id == _clock.c.started_by)
    other = _clock.alias("other")
    unowed = select(other.c.inquiry_class).where(other.c.stop_reason == FILTERED)
    then = _clock.c.stop_class
    taken_back = and_(
        _clock.c.state == "answered",
        _clock.c.reopened == "reversed",
        # Judged again after the answer: until then it was of the rule's class, or of another one that has no clock.
        or_(then == first.c.first_class, then.in_(unowed)),
    )
    rows = select(first.c.first_class_by, func.count()).select_from(_clock.join(first, begun))
    return rows.where(REPLY, _found, or_(_clock.c.contradicted, taken_back)).group_by(first.c.first_class_by)


def _same_start(wait: Any) -> ColumnElement[bool]:
    same = (wait.c.thread == _clock.c.thread, wait.c.started_by == _clock.c.started_by)
    return and_(*same, wait.c.metric.in_([one.value for one in Metric if one.is_reply]))
