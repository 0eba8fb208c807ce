"""The figures of qualification, as the store knows them: inquiries read for `core.statistics.qualification`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from inboxwatch.core.model import ShownFigures
from inboxwatch.core.ownership.people import teams_of_people
from inboxwatch.core.ownership.routing import people_named
from inboxwatch.core.qualification.decision import UNKNOWN, Decision, Qualification
from inboxwatch.core.sla.clock import State
from inboxwatch.core.sla.escalation import StepKey
from inboxwatch.core.sla.holds import FILTERED
from inboxwatch.core.sla.policy import Metric, SLAPolicy
from inboxwatch.core.sla.timeline import Action, ActionKind
from inboxwatch.core.sla.verdicts import is_taking_back, is_verdict
from inboxwatch.core.statistics.qualification import QualificationFigures, QualificationPeriod, qualification_figures
from inboxwatch.core.statistics.qualification_inquiry import AwaitedVerdict, InquiryCase, Word
from inboxwatch.core.statistics.survival import Length
from inboxwatch.engine.policies import policies_of
from inboxwatch.engine.rules import Rules
from inboxwatch.metrics import team_labels
from inboxwatch.store import Transaction
from inboxwatch.store.figure_columns import WITHHELD
from inboxwatch.store.records import ClockRecord

if TYPE_CHECKING:
    from inboxwatch.config import Config


def read_qualification(
    tx: Transaction, rules: Rules, qualification: Qualification, period: QualificationPeriod, team: str = ""
) -> QualificationFigures:
    """The figures of everybody's inquiries, or of those whose waits are a team's."""
    found = _Reader(tx, rules, period, team).cases()
    return qualification_figures(period, found, qualification.classes, triage_of(rules))


def triage_of(rules: Rules) -> frozenset[str]:
    """The people to whom routing gives what is unknown by a rule of its own."""
    config = rules.config
    asked = [rule.assign for rule in config.rules if UNKNOWN in rule.when.get("class", ())]
    return frozenset(person for target in asked for person in people_named(target, config.teams))


def person_shown(config: Config) -> Callable[[str], str]:
    """By what a person stands in figures: their id, or their team where people are not shown."""
    return str if config.figures is ShownFigures.PEOPLE else team_labels(config).person


class _Reader:
    def __init__(self, tx: Transaction, rules: Rules, period: QualificationPeriod, team: str) -> None:
        self._tx, self._until = tx, period.until
        since = period.matured_since
        rows = tx.waits.begun(since, period.until)
        teams = teams_of_people(rules.config.teams.values())
        self._waits = [row for row in rows if row.metric.is_reply and (not team or teams.get(row.owner or "") == team)]
        self._awaited = {_start(row): row for row in rows if row.metric is Metric.VERDICT}
        self._policies = policies_of(tx, rules, {row.policy_version for row in rows})
        self._decided = tx.qualified_waits.decided(since, period.until)
        self._contradicted = tx.qualified_waits.contradicted(since, period.until)
        self._actions = tx.waits.actions(one for row in (*self._waits, *self._awaited.values()) for one in row.ids)
        self._told = self._steps(one for row in self._waits for one in row.ids)
        self._shown = person_shown(rules.config)

    def cases(self) -> Iterator[InquiryCase]:
        for row in self._waits:
            awaited = self._awaited.get(_start(row))
            yield self._case(row, awaited)

    def _case(self, row: ClockRecord, awaited: ClockRecord | None) -> InquiryCase:
        ids = [*row.ids, *(awaited.ids if awaited is not None else ())]
        acts = sorted((one for id_ in ids for one in self._actions.get(id_, ())), key=lambda one: (one.at, one.serial))
        words = tuple(_words(acts, self._shown))
        came_as, ruled = self._decisions(row, words)
        stop = _stop(row, self._until)
        answered = stop is not None and row.state is State.ANSWERED
        wall, business = _lengths(row, self._until, self._policies, ended=answered)
        return InquiryCase(
            id=row.id,
            at=row.started_at,
            came_as=came_as,
            ruled=ruled,
            gives=row.inquiry_class or came_as.gives,
            by=row.class_by or came_as.by,
            tier=row.tier,
            first_response=row.metric is Metric.FIRST_RESPONSE,
            filtered=row.state is State.ENDED and row.stop_reason == FILTERED,
            contradicted_at=self._contradicted_at(row),
            wall=wall,
            business=business,
            stopped_at=stop,
            answered=answered,
            dismissed=stop is not None and row.state is State.DISMISSED,
            breached_at=row.breached_at,
            breach_class=row.breach_class,
            awaited=self._verdict(awaited) if awaited is not None else None,
            words=words,
            owners=tuple((one.at, one.owner) for one in acts if one.kind is ActionKind.ASSIGNED and one.owner),
            told=tuple(sorted(step for id_ in row.ids for step in self._told.get(id_, {}).values())),
        )

    def _decisions(self, row: ClockRecord, words: Sequence[Word]) -> tuple[Decision, Decision]:
        """What a wait was as it came, and what the program made of it last."""
        pinned = dict(self._decided.get(row.id, ()))
        first = next((word.gives for word in words if not word.by), row.inquiry_class)
        came_as = pinned.get(row.started_by) or Decision(first, "reply")
        by_rule = [one for one in pinned.values() if one.by_rule or one.audited]
        return came_as, by_rule[-1] if by_rule else came_as

    def _contradicted_at(self, row: ClockRecord) -> datetime | None:
        if not row.contradicted or row.stop_reason != FILTERED:
            return None
        # When a lead became an open one is not kept: it counts.
        return self._contradicted.get(row.id) or row.started_at

    def _verdict(self, row: ClockRecord) -> AwaitedVerdict:
        stop = _stop(row, self._until)
        judged = stop is not None and row.state is State.ANSWERED
        late = (stop or self._until) > row.due_at
        in_time = False if late else (True if judged else None)
        wall, business = _lengths(row, self._until, self._policies, ended=judged)
        return AwaitedVerdict(self._shown(row.owner or ""), wall, business, in_time)

    def _steps(self, clocks: Iterable[str]) -> dict[str, dict[StepKey, tuple[datetime, str, int]]]:
        """The steps told of each clock by the end of the period, each once however many were told."""
        steps: dict[str, dict[StepKey, tuple[datetime, str, int]]] = {}
        for one in self._tx.clocks.notifications(clocks):
            if one.target and one.reason not in WITHHELD and one.at <= self._until:
                steps.setdefault(one.clock, {}).setdefault(one.key, (one.at, one.policy, one.step))
        return steps


def _start(row: ClockRecord) -> tuple[str, str]:
    """By which the clock of a verdict and the wait that it is about are found of each other."""
    return row.thread, row.started_by


def _words(actions: Iterable[Action], shown: Callable[[str], str]) -> Iterator[Word]:
    for one in actions:
        if one.kind is ActionKind.QUALIFIED and one.inquiry_class:
            verdict = is_verdict(one)
            yield Word(one.at, one.inquiry_class, shown(one.by) if verdict else "", verdict and is_taking_back(one))


def _stop(row: ClockRecord, until: datetime) -> datetime | None:
    return row.stopped_at if row.stopped_at is not None and row.stopped_at <= until else None


def _lengths(
    row: ClockRecord, until: datetime, policies: Mapping[str, SLAPolicy], *, ended: bool
) -> tuple[Length, Length]:
    """How long it lasted by the end of the period, in elapsed and in business time."""
    stop = _stop(row, until)
    end = max(stop or until, row.started_at)
    wall: timedelta = end - row.started_at
    if stop is not None and row.business_seconds is not None:
        return Length(wall.total_seconds(), ended), Length(row.business_seconds, ended)
    policy = policies.get(row.policy_version)
    business = policy.calendar.elapsed(row.started_at, end) if policy is not None else wall
    return Length(wall.total_seconds(), ended), Length(business.total_seconds(), ended)
