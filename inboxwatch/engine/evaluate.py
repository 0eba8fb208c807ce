"""Settles threads: fold, save, name owners, say what is owed. The only place where clocks meet the store."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any, NamedTuple

from sqlalchemy import Row

from inboxwatch.core.model import PersonId, ThreadId
from inboxwatch.core.ownership.advance import EVERYTHING, Advance, advance, assignment_at, resolve
from inboxwatch.core.ownership.routing import Roster
from inboxwatch.core.sla.clock import Clock, Replay, Wait
from inboxwatch.core.sla.escalation import Reason, Rung, next_rung, overdue, plan
from inboxwatch.core.sla.policy import SLAPolicy
from inboxwatch.core.sla.timeline import Act, Deed, Fact, Mail
from inboxwatch.engine.delivery.enqueue import Owing
from inboxwatch.engine.rule_context import FRESH, Surroundings
from inboxwatch.engine.views import rfc3339
from inboxwatch.engine.workload import Workload
from inboxwatch.notify import NoticeType

if TYPE_CHECKING:
    from inboxwatch.store import Transaction

FIRST_SIGHT = "first sight"


class Unread(NamedTuple):
    """Mailboxes to be read before a step leaves."""

    nearest: frozenset[str]
    """Those of the people who should answer: without them nothing can be claimed."""
    others: frozenset[str]
    """In a house of a usual size all others that can be read: any colleague may have answered."""


@dataclass(slots=True)
class Settled:
    """What settling has left to do."""

    look: dict[str, Unread] = field(default_factory=dict)
    """Clocks whose next step waits until these mailboxes have been read."""
    opened: int = 0
    stopped: int = 0
    told: int = 0

    def add(self, other: Settled) -> None:
        self.look |= other.look
        self.opened += other.opened
        self.stopped += other.stopped
        self.told += other.told


class Desk:
    """Works inside one transaction on threads whose facts have changed or whose time has come."""

    def __init__(
        self, tx: Transaction, around: Surroundings, owing: Owing, pinned: dict[str, SLAPolicy], now: datetime
    ) -> None:
        self._tx = tx
        self._around = around
        self._config = around.config
        self._pinned = pinned
        self._now = now
        self._owing = owing
        self._work = Workload(tx, around.config.rules, around.config.teams)
        self._roster: Roster = around.roster(tx.mailboxes.away_at(now), self._work.waits, self._work.turns)
        rows = tx.mailboxes.all()
        self._seen = {row.id: row.seen_until for row in rows}
        # A mailbox that was taken out of the config is read no further: nobody may wait for it.
        self._readable = set(self._seen) & set(map(str, around.config.mailboxes))
        self._others = around.colleagues(rows)
        self._quiet = False
        self._given: list[tuple[Act, str | None]] = []
        """Assignments to be recorded, in order."""

    def settle(
        self,
        threads: Sequence[str],
        *,
        tell: frozenset[str] | None = frozenset(),
        looked: datetime | None = None,
        quiet: bool = False,
    ) -> Settled:
        """Folds threads and saves their clocks.

        `tell` are the clocks whose steps may be told now (None: all). `looked` is the instant at which the
        mailboxes were asked for on behalf of these steps: one that has not been read since is blind. `quiet` marks what
        is overdue as told: the first sight of a mailbox pages nobody.
        """
        self._quiet = quiet
        settled = Settled()
        old = self._tx.clocks.of_threads(threads)
        folded = dict(self._fold(threads, old))
        ids = [one for clocks in folded.values() for clock in clocks for one in clock.ids]
        told = self._tx.clocks.told(ids)
        witnesses = self._tx.mail.witnesses(threads)
        rows: list[dict[str, Any]] = []
        kept: set[str] = set()
        for thread, clocks in folded.items():
            for clock in clocks:
                before = [old[one] for one in clock.ids if one in old]
                marks = set().union(*(told.get(one, set()) for one in clock.ids))
                row = self._settle(clock, before, marks, witnesses.get(thread, set()), settled, tell, looked, quiet)
                kept.update(one.id for one in before)
                rows.append(row)
                self._rename(clock, before)
        self._tx.clocks.record_all(self._given)
        self._given.clear()
        self._tx.clocks.save(rows)
        self._tx.clocks.own([row["id"] for row in rows])
        self._tx.clocks.drop({one: None for one in old if one not in kept and one not in {row["id"] for row in rows}})
        return settled

    def _fold(self, threads: Sequence[str], old: dict[str, Row[Any]]) -> Iterable[tuple[str, tuple[Clock, ...]]]:
        timelines = self._tx.mail.timeline(threads)
        leads = {party.lead for mails in timelines.values() for mail in mails for party in _parties(mail) if party.lead}
        acts = self._tx.clocks.acts(threads, leads)

        def policy_of(wait: Wait) -> SLAPolicy | None:
            for one in sorted(wait.aliases | {wait.id}):
                if (known := old.get(one)) is not None and known.policy_version in self._pinned:
                    return self._pinned[known.policy_version]
            return self._around.policy(wait)

        for thread, mails in timelines.items():
            concerned = {party.lead for mail in mails for party in _parties(mail) if party.lead}
            facts: list[Fact] = [*mails, *acts.get(thread, ())]
            for lead in concerned:
                facts += acts.get(f"lead:{lead}", ())
            fold = Replay(ThreadId(thread), policy_of, self._config.stop_conditions)
            yield thread, fold.clocks(facts)

    def _settle(
        self,
        clock: Clock,
        before: list[Row[Any]],
        told: set[tuple[int, int]],
        witnesses: set[str],
        settled: Settled,
        tell: frozenset[str] | None,
        looked: datetime | None,
        quiet: bool,
    ) -> dict[str, Any]:
        was_running = any(row.state == "running" for row in before)
        values = _carried(before)
        if not before:
            settled.opened += 1
            values["first_sight"] = quiet
        if clock.running:
            if before and not was_running:
                # It is open again: nobody may hear any more that it is over.
                self._tx.deliveries.cancel(clock.ids, self._now, "resolved")
            if quiet and not before:
                told |= self._mark(clock, overdue(clock, self._now), FIRST_SIGHT)
            values |= self._run(clock, told, witnesses, settled, tell, looked, any(row.held for row in before))
        else:
            values |= self._stop(clock, was_running)
            settled.stopped += was_running
        return self._row(clock, values)

    def _run(
        self,
        clock: Clock,
        told: set[tuple[int, int]],
        witnesses: set[str],
        settled: Settled,
        tell: frozenset[str] | None,
        looked: datetime | None,
        was_held: bool,
    ) -> dict[str, Any]:
        now, case = self._now, self._around.case(clock)
        may_tell = tell is None or bool(clock.ids & tell)
        boxes = self._boxes(clock, witnesses, now)
        seen_until = self._seen_until(boxes)
        # Whether it was answered in time, those know who had it then, whoever has it now.
        boxes_then = self._boxes(clock, witnesses, clock.due_at)
        seen_then = self._seen_until(boxes_then)
        seen_all = self._seen_until(boxes | boxes_then)
        blind = looked is not None and seen_all is not None and seen_all < looked
        due_unseen = now >= clock.due_at and seen_then is not None and seen_then < clock.due_at
        moved: Advance = advance(clock, case, self._roster, told if may_tell else EVERYTHING, now, seen_until)
        # A step that fell due while the mailboxes were being read needs another look of its own.
        if may_tell and not blind and (unread := self._unread(moved, boxes | boxes_then, due_unseen, looked)):
            settled.look[clock.id] = unread
            moved = advance(clock, case, self._roster, EVERYTHING, now, seen_until)
        for act in moved.assigned:
            self._give(clock, act)
        if moved.nobody_left and not self._quiet:
            self._call_fallback(clock)
        values: dict[str, Any] = {}
        if moved.telling is not None:
            told |= self._mark(clock, moved.passed, "passed")
            told |= self._tell(clock, moved)
            settled.told += 1
            if moved.telling.rung.reason is Reason.WARNING:
                values["warned_at"] = now
        waiting = plan(clock, told, now, seen_until)
        owed_now = waiting.rung is not None or waiting.look or due_unseen
        wake_at = min(
            (at for at in (waiting.wake_at, moved.wake_at, _ahead(clock.due_at, now)) if at is not None),
            default=None,
        )
        if not blind and (owed_now or clock.id in settled.look):
            wake_at = now
        owner = PersonId(moved.owner)
        rung = next_rung(clock, told, now)
        holds = {hold.why: hold.end for hold in clock.holds if hold.start <= now < hold.end}
        return values | {
            "owner": owner,
            "owned_since": max(
                (act.at for act in (*clock.acts, *moved.assigned) if act.deed is Deed.ASSIGNED), default=now
            ),
            "wake_at": wake_at,
            "held": (blind or was_held) and (moved.look or waiting.look or due_unseen),
            "breached_at": clock.due_at if clock.breached(now) and not due_unseen else None,
            "acknowledged_until": holds.get("acknowledged"),
            "snoozed_until": holds.get("snoozed"),
            "next_step": self._next(rung, owner, clock),
        }

    def _boxes(self, clock: Clock, witnesses: set[str], at: datetime) -> set[str]:
        """The mailboxes in which the answer of whoever owned a wait at an instant would be seen."""
        held_by = assignment_at(clock.acts, at)
        return (witnesses | self._around.watching(held_by.owner if held_by else None, clock.mailbox)) & self._readable

    def _unread(self, moved: Advance, boxes: set[str], due_unseen: bool, looked: datetime | None) -> Unread | None:
        """What must be read before a step leaves; None: nothing more."""
        others = self._others - boxes
        if moved.look or due_unseen:
            return Unread(frozenset(boxes), frozenset(others))
        if moved.telling is None or looked is not None:
            return None
        least = max(moved.telling.rung.tell_at, self._now - FRESH)
        behind = {box for box in boxes | others if (seen := self._seen[box]) is None or seen < least}
        return Unread(frozenset(boxes & behind), frozenset(others & behind)) if behind else None

    def _seen_until(self, boxes: set[str]) -> datetime | None:
        times = [self._seen[box] for box in boxes]
        return min((at or datetime.min.replace(tzinfo=self._now.tzinfo) for at in times), default=None)

    def _next(self, rung: Rung | None, owner: PersonId, clock: Clock) -> dict[str, Any] | None:
        if rung is None:
            return None
        targets = resolve(rung.notify, owner, self._around.case(clock), self._roster)
        at = max(rung.tell_at, rung.due_at)
        return {"step": rung.step, "round": rung.round, "at": rfc3339(at), "targets": list(targets)}

    def _give(self, clock: Clock, act: Act) -> None:
        self._given.append((act, clock.thread))
        self._work.add(act)

    def _call_fallback(self, clock: Clock) -> None:
        title = "Nobody whom the routing names is present: this wait is yours."
        key = f"{clock.id}/nobody-left"
        targets = [self._config.fallback]
        self._tx.deliveries.owe(
            [
                row | {"clock": clock.id}
                for row in self._owing.told(NoticeType.DIGEST, key, targets, self._now, title=title)
            ]
        )

    def _tell(self, clock: Clock, moved: Advance) -> set[tuple[int, int]]:
        telling = moved.telling
        if telling is None:
            return set()
        self._tx.deliveries.owe(self._owing.step(clock, telling, self._now))
        rung = telling.rung
        self._tx.clocks.tell([self._told(clock, rung, target, rung.reason.value) for target in telling.targets])
        return {rung.key}

    def _mark(self, clock: Clock, rungs: Iterable[Rung], why: str) -> set[tuple[int, int]]:
        rungs = list(rungs)
        self._tx.clocks.tell([self._told(clock, rung, "", why) for rung in rungs])
        return {rung.key for rung in rungs}

    def _told(self, clock: Clock, rung: Rung, target: str, reason: str) -> dict[str, Any]:
        return {
            "clock": clock.id,
            "step": rung.step,
            "round": rung.round,
            "target": target,
            "at": self._now,
            "reason": reason,
            "policy": clock.policy.escalation.name,
        }

    def _stop(self, clock: Clock, was_running: bool) -> dict[str, Any]:
        stopped_at = clock.stopped_at or self._now
        held_by = assignment_at(clock.acts, stopped_at)
        if held_by is None or held_by.owner is None:
            # A wait that was over before it was first seen: who would have owned it.
            case = self._around.case(clock)
            first = replace(clock, state=clock.state, acts=())
            moved = advance(first, case, self._roster, EVERYTHING, clock.started_at)
            for act in moved.assigned:
                self._given.append((act, clock.thread))
            owner = moved.owner
        else:
            owner = held_by.owner
        if was_running:
            self._tx.deliveries.cancel(clock.ids, self._now)
            sent = self._tx.deliveries.sent_for(clock.ids)
            self._tx.deliveries.owe(self._owing.resolved(clock, sent, None if self._quiet else owner, self._now))
        return {
            "owner": owner,
            "wake_at": None,
            "held": False,
            "breached_at": clock.due_at if clock.breached(self._now) else None,
            "acknowledged_until": None,
            "snoozed_until": None,
            "next_step": None,
            "wall_seconds": clock.waited(self._now).total_seconds(),
            "business_seconds": clock.waited_business(self._now).total_seconds(),
        }

    def _row(self, clock: Clock, values: dict[str, Any]) -> dict[str, Any]:
        box = self._config.mailboxes.get(clock.mailbox) if clock.mailbox else None
        tier = values.pop("tier") if "tier" in values else self._around.tier(clock.lead)
        if clock.policy.version not in self._pinned:
            self._tx.mailboxes.pin(clock.policy.version, clock.policy.document)
            self._pinned[clock.policy.version] = clock.policy
        return (
            {
                "wall_seconds": None,
                "business_seconds": None,
                "warned_at": None,
                "first_sight": False,
                "owned_since": None,
            }
            | values
            | {
                "id": clock.id,
                "thread": clock.thread,
                "lead": clock.lead,
                "metric": clock.metric.value,
                "started_by": clock.started_by,
                "started_at": clock.started_at,
                "due_at": clock.due_at,
                "state": clock.state.value,
                "stop_reason": clock.stop_reason,
                "stopped_by": clock.stopped_by,
                "stopped_at": clock.stopped_at,
                "answered_by": clock.answered_by,
                "nudges": clock.nudges,
                "reopened": clock.reopened,
                "aliases": sorted(clock.aliases),
                "policy": clock.policy.name,
                "policy_version": clock.policy.version,
                "mailbox": clock.mailbox,
                "team": box.team if box else None,
                "tier": tier,
            }
        )

    def _rename(self, clock: Clock, before: list[Row[Any]]) -> None:
        for row in before:
            if row.id != clock.id:
                self._tx.clocks.drop({row.id: clock.id})
                self._tx.deliveries.rename(row.id, clock.id)


def _parties(mail: Mail) -> tuple[Any, ...]:
    return (mail.sender, *mail.recipients)


def _ahead(at: datetime, now: datetime) -> datetime | None:
    return at if at > now else None


def _carried(before: list[Row[Any]]) -> dict[str, Any]:
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
