"""Brings one wait up to now: who owns it, who is notified, when it must be looked at again."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from inboxwatch.core.model import PersonId
from inboxwatch.core.ownership.advance import EVERYTHING, ROUTING, Advance, advance, assignment_at, foreseen
from inboxwatch.core.ownership.owner_change import owner_change
from inboxwatch.core.ownership.routing import Roster
from inboxwatch.core.sla.clock import Clock
from inboxwatch.core.sla.escalation import StepKey, StepReason, overdue, plan
from inboxwatch.core.sla.gone_quiet import GONE_QUIET
from inboxwatch.core.sla.policy import Metric
from inboxwatch.core.sla.running import clock_id
from inboxwatch.core.sla.timeline import Action, ActionKind
from inboxwatch.core.wait_view import NextStep
from inboxwatch.engine.assignment_reasons import in_words
from inboxwatch.engine.delivery.step_notifier import FIRST_SIGHT, PASSED, StepNotifier
from inboxwatch.engine.qualifiers import class_and_tier, qualified_at, terms_of
from inboxwatch.engine.rule_context import Leads
from inboxwatch.engine.rules import Rules
from inboxwatch.engine.visibility import Sight, Unread, Visibility
from inboxwatch.engine.workload import Workload
from inboxwatch.store import Transaction
from inboxwatch.store.records import ClockRecord


@dataclass(frozen=True, slots=True)
class Before:
    """What the store had of a wait, under any of its ids."""

    rows: Sequence[ClockRecord]
    notified: set[StepKey]
    """The keys of the steps that notified or were passed."""
    witnesses: set[str]
    """The mailboxes that have seen mail of its thread."""
    may_notify: bool = True
    """Whether its step may notify now."""

    @property
    def running(self) -> bool:
        return any(row.state == "running" for row in self.rows)

    @property
    def held(self) -> bool:
        return any(row.held for row in self.rows)

    @property
    def owners(self) -> list[PersonId | None]:
        """Who had it, as far as it was open."""
        return [row.owner for row in self.rows if row.state == "running"]


@dataclass(frozen=True, slots=True)
class After:
    """What has become of a wait."""

    clock: ClockRecord
    notified: bool = False
    """Whether a step notified."""
    unread: Unread | None = None
    """What must be read before its next step leaves."""
    given: tuple[Action, ...] = ()
    """New assignments."""


class Progress:
    """Works inside one transaction on waits whose facts have changed or whose time has come."""

    def __init__(
        self,
        tx: Transaction,
        rules: Rules,
        leads: Leads,
        visibility: Visibility,
        now: datetime,
        *,
        history: datetime | None,
    ) -> None:
        """`history` pages nobody for what was overdue by that instant: it is only recorded, as at first sight."""
        config = rules.config
        self._tx = tx
        self._rules = rules
        self._leads = leads
        self._visibility = visibility
        self._now = now
        self._history = history
        self._notifier = StepNotifier(tx, rules, now)
        self._work = Workload(tx, config.rules, config.teams)
        self._roster: Roster = rules.context.roster(tx.absences.at(now), self._work.waits, self._work.assignments)
        self._assigned: list[tuple[Action, str | None]] = []

    def of_thread(self, clocks: Sequence[Clock], before: Sequence[Before]) -> Iterator[tuple[Clock, Before, After]]:
        """Brings the clocks of a thread up to now; that of a verdict stands beside the wait that awaits it."""
        verdicts = {clock.started_by: place for place, clock in enumerate(clocks) if clock.metric is Metric.VERDICT}
        for clock, known in zip(clocks, before, strict=True):
            place = verdicts.get(clock.started_by) if clock.metric.is_reply else None
            if place is not None:
                verdict, of_verdict = clocks[place], before[place]
                after, told = self._with_verdict(clock, known, verdict, of_verdict)
                yield verdict, of_verdict, told
                yield clock, known, after
            elif clock.metric is not Metric.VERDICT:
                yield clock, known, self._of(clock, known)

    def _with_verdict(self, clock: Clock, before: Before, verdict: Clock, of_verdict: Before) -> tuple[After, After]:
        """A wait, and the clock of the verdict that it awaits: they have one owner, whichever ladder names them."""
        if not verdict.running:
            after = self._of(clock, before)
            told = self._of(replace(verdict, actions=(*clock.actions, *after.given)), of_verdict)
            return after, told
        told = self._of(verdict, of_verdict, of=clock)
        after = self._of(replace(clock, actions=(*clock.actions, *told.given)), before)
        row = told.clock._replace(owner=after.clock.owner, owned_since=after.clock.owned_since)
        return after, replace(told, clock=row)

    def _of(self, clock: Clock, before: Before, of: Clock | None = None) -> After:
        """Brings a wait up to now, and notifies of its step where one is owed and may notify.

        `of`: of a verdict the wait that awaits it, whose the assignments are.
        """
        notified, may_notify = set(before.notified), before.may_notify
        if not clock.running:
            standing, made = self._stop(clock, before)
            return After(self._shown(clock, before, self._row(clock, before, standing)), given=made)
        if before.rows and not before.running:
            self._notifier.reopened(clock)
        if self._history is not None and not before.running:
            notified |= self._notifier.withhold(clock, overdue(clock, self._history), FIRST_SIGHT)
        sight = self._visibility.of(clock, before.witnesses)
        moved, unread = self._advance(clock, notified, sight, may_notify=may_notify)
        given = self._assign(of or clock, moved)
        for action in given:
            self._work.add(action)
        changed = owner_change(before.owners, moved.owner, (*clock.actions, *given)) if of is None else None
        if changed is not None:
            self._notifier.moved(clock, changed, history=self._is_history(clock))
        elif moved.nobody_left and not self._is_history(clock):
            self._notifier.nobody_left(of or clock)
        values: dict[str, Any] = {}
        if moved.notification is not None:
            known = self._rules.notices.reachable(moved.notification.targets)
            notified |= self._notifier.withhold(clock, moved.passed, PASSED)
            notified |= self._notifier.notify(clock, replace(moved.notification, targets=known))
            if moved.notification.step.reason is StepReason.WARNING:
                values["warned_at"] = self._now
        values |= self._standing(clock, moved, notified, sight, was_held=before.held, unread=unread)
        row = self._shown(clock, before, self._row(clock, before, values))
        return After(row, moved.notification is not None, unread, tuple(given))

    def _shown(self, clock: Clock, before: Before, row: ClockRecord) -> ClockRecord:
        """The row; what was sent about the wait is brought up to date where somebody's deed or its end changed it."""
        if before.rows and all(_standing(row) != _standing(one) for one in before.rows):
            self._notifier.changed(clock.id, clock.ids)
            if row.inquiry_class and clock.metric.is_reply:
                verdict = clock_id(row.started_by, Metric.VERDICT)
                self._notifier.changed(verdict, [verdict])  # it says what the wait is by now
        return row

    def _is_history(self, clock: Clock) -> bool:
        """Whether nobody is to hear of a wait: it is read in a quiet reading, or was overdue in the one it missed."""
        if self._history is None:
            return False
        return self._history >= self._now or bool(overdue(clock, self._history))

    def _assign(self, clock: Clock, moved: Advance) -> list[Action]:
        """New assignments of a wait, to be recorded with their reasons in words."""
        given = [
            replace(handover.action, clock=clock.id, reason=in_words(handover.reasons)) for handover in moved.handovers
        ]
        self._assigned += [(action, clock.thread) for action in given]
        return given

    def withdraw(self, clock: ClockRecord) -> None:
        """A wait is none any more, as its message was judged again: whoever was paged for it is notified."""
        self._notifier.withdrawn(clock)

    def record_assignments(self) -> None:
        """Writes the assignments made so far, in their order."""
        self._tx.clocks.record_all(self._assigned)
        self._assigned.clear()

    def _advance(
        self, clock: Clock, notified: set[StepKey], sight: Sight, *, may_notify: bool
    ) -> tuple[Advance, Unread | None]:
        """The wait at now; and what must be read first, in which case nobody is notified yet."""
        case = self._rules.context.case(clock, self._leads)
        moved = advance(clock, case, self._roster, notified if may_notify else EVERYTHING, self._now, sight.seen_until)
        # A step that fell due while the mailboxes were being read needs another look of its own.
        if may_notify and not sight.blind and (unread := self._visibility.unread(moved, sight)):
            return advance(clock, case, self._roster, EVERYTHING, self._now, sight.seen_until), unread
        return moved, None

    def _standing(
        self,
        clock: Clock,
        moved: Advance,
        notified: set[StepKey],
        sight: Sight,
        *,
        was_held: bool,
        unread: Unread | None,
    ) -> dict[str, Any]:
        """How a running wait stands: its owner, its next step, when it must be looked at again."""
        now = self._now
        waiting = plan(clock, notified, now, sight.seen_until)
        ahead = clock.due_at if clock.due_at > now else None
        wake_at = min((at for at in (waiting.wake_at, moved.wake_at, ahead) if at is not None), default=None)
        if not sight.blind and (waiting.step is not None or waiting.look or sight.due_unseen or unread):
            wake_at = now
        owner = PersonId(moved.owner)
        given = (action.at for action in (*clock.actions, *moved.assigned) if action.kind is ActionKind.ASSIGNED)
        # Of several at once the last to end counts, as for the ladder (`Clock.held_until`).
        holding = sorted((hold for hold in clock.holds if hold.start <= now < hold.end), key=lambda hold: hold.end)
        holds = {hold.why: hold.end for hold in holding}
        return {
            "owner": owner,
            "owned_since": max(given, default=now),
            "wake_at": wake_at,
            "held": (sight.blind or was_held) and (moved.look or waiting.look or sight.due_unseen),
            "breached_at": clock.missed_at or (clock.due_at if clock.breached(now) and not sight.due_unseen else None),
            "acknowledged_until": holds.get("acknowledged"),
            "snoozed_until": holds.get("snoozed"),
            "next_step": self._next(clock, owner, notified),
        }

    def _next(self, clock: Clock, owner: PersonId, notified: set[StepKey]) -> NextStep | None:
        case = self._rules.context.case(clock, self._leads)
        first = next(foreseen(clock, case, self._roster, owner, notified, self._now), None)
        if first is None:
            return None
        targets, step = self._rules.notices.reachable(first.targets), first.step
        return NextStep(step.number, step.round, first.at, targets, first.moves_to)

    def _stop(self, clock: Clock, before: Before) -> tuple[dict[str, Any], tuple[Action, ...]]:
        """How a wait that is over stands, and new assignments; whoever was paged for it is notified."""
        owner, given = self._last_owner(clock, before)
        if before.running and clock.stop_reason == GONE_QUIET:
            self._notifier.closed(clock)
        elif before.running:
            self._notifier.over(clock, None if self._is_history(clock) else owner)
        return {
            "owner": owner,
            "wake_at": None,
            "held": False,
            "breached_at": clock.missed_at or (clock.due_at if clock.breached(self._now) else None),
            "acknowledged_until": None,
            "snoozed_until": None,
            "next_step": None,
            "wall_seconds": clock.waited(self._now).total_seconds(),
            "business_seconds": clock.waited_business(self._now).total_seconds(),
        }, given

    def _last_owner(self, clock: Clock, before: Before) -> tuple[PersonId | None, tuple[Action, ...]]:
        """Whose a wait was that is over, and the assignment to them where none was recorded."""
        if clock.never_owed:
            return None, ()
        stopped_at = clock.stopped_at or self._now
        if clock.metric is Metric.VERDICT:  # whose the wait was just before it
            made = assignment_at(clock.actions, stopped_at - timedelta.resolution)
            return (made.owner if made is not None else None), ()
        held_by, given = assignment_at(clock.actions, stopped_at), list[Action]()
        owner = held_by.owner if held_by is not None else None
        if owner is None or self._over_before_seen(clock, before):
            # A wait that was over before it was first seen: who would have owned it.
            case = self._rules.context.case(clock, self._leads)
            alone = replace(clock, actions=()) if clock.actions else clock
            moved = advance(alone, case, self._roster, EVERYTHING, clock.started_at)
            if held_by is None:
                given = self._assign(clock, moved)
            elif moved.owner != owner:
                (then,) = moved.handovers
                self._tx.clocks.correct(held_by, replace(then.action, reason=in_words(then.reasons)))
            owner = moved.owner
        return owner, tuple(given)

    def _over_before_seen(self, clock: Clock, before: Before) -> bool:
        """Whether a quiet reading took it for open only because the mailbox that holds its end was read after it: who
        is there today had nothing to do with it, and which mailbox is read first changes nothing (rule 14). Whom a
        team's turn had chosen keeps it: the turn has passed on.
        """
        given = [action for action in clock.actions if action.kind is ActionKind.ASSIGNED]
        quiet = self._history is not None and before.running and all(row.first_sight for row in before.rows)
        return quiet and len(given) == 1 and given[0].by == ROUTING and not given[0].team

    def _row(self, clock: Clock, before: Before, values: dict[str, Any]) -> ClockRecord:
        box = self._rules.config.mailboxes.get(clock.mailbox) if clock.mailbox else None
        lead = self._leads.get(clock.lead)
        fresh = {
            "wall_seconds": None,
            "business_seconds": None,
            "warned_at": None,
            "first_sight": self._history is not None and clock.started_at <= self._history,
            "owned_since": None,
            "tier": lead.tier if lead else "",
        }
        return ClockRecord(
            id=clock.id,
            thread=clock.thread,
            lead=clock.lead,
            metric=clock.metric,
            started_by=clock.started_by,
            started_at=clock.started_at,
            due_at=clock.due_at,
            state=clock.state,
            stop_reason=clock.stop_reason,
            stopped_by=clock.stopped_by,
            stopped_at=clock.stopped_at,
            answered_by=clock.answered_by,
            nudges=clock.nudges,
            reopened=clock.reopened,
            flags=clock.flags,
            aliases=tuple(sorted(clock.aliases)),
            policy=clock.policy.name,
            policy_version=clock.policy.version,
            mailbox=clock.mailbox,
            team=box.team if box else None,
            **(fresh | _carried(before.rows) | values | self._qualified(clock, before.rows, values["breached_at"])),
        )

    def _qualified(self, clock: Clock, rows: Sequence[ClockRecord], breached_at: datetime | None) -> dict[str, Any]:
        """What a wait is about and worth; nothing without qualification."""
        if clock.qualified is None or self._rules.qualification is None:
            return {}
        decision, worth = clock.qualified.decision, clock.qualified.worth
        now = (*class_and_tier(clock.qualified), worth.points)
        versions = (one.qualification for one in rows if (one.inquiry_class, one.tier, one.score) == now)
        late = qualified_at(clock, breached_at) if breached_at is not None else None
        over = qualified_at(clock, clock.stopped_at) if clock.stopped_at is not None else None
        return {
            "inquiry_class": decision.gives,
            "class_by": decision.by,
            "tier": worth.tier,
            "score": worth.points,
            "score_lines": worth.lines,
            "qualification": next(versions, self._rules.qualification.version),
            "breach_class": late.decision.gives if late is not None else "",
            "breach_tier": late.worth.tier if late is not None else None,
            "stop_class": over.decision.gives if over is not None else "",
            "contradicted": clock.contradicted or any(one.contradicted for one in rows),
            "era": clock.era,
            "terms": terms_of(clock),
        }


def _standing(row: ClockRecord) -> tuple[Any, ...]:
    """What of a wait changes by what people do, and by its end."""
    put_off_to = row.due_at if row.metric == Metric.FOLLOW_UP else None
    about = row.inquiry_class, row.tier, row.policy
    held = row.acknowledged_until, row.snoozed_until, put_off_to
    return row.state, row.owner, *held, row.stopped_at, row.stop_reason, *(about if row.inquiry_class else ())


def _carried(before: Sequence[ClockRecord]) -> dict[str, Any]:
    """What a row keeps when its wait is folded again."""
    if not before:
        return {}
    oldest = min(before, key=lambda row: row.started_at)
    return {
        "tier": oldest.tier,
        "warned_at": min((row.warned_at for row in before if row.warned_at), default=None),
        "first_sight": oldest.first_sight,
        "owned_since": oldest.owned_since,
    }
