"""Who must act on a wait, and what happens next: routing, absence, ladder and targets in one pure step.

The daemon's engine and the back-test both advance a wait by `advance`; they differ only in where facts come from.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Set
from dataclasses import dataclass, replace
from datetime import datetime
from typing import NamedTuple

from inboxwatch.core.model import PersonId
from inboxwatch.core.ownership.reasons import AssignmentReason, Departed, OwnsLead, StepReached
from inboxwatch.core.ownership.routing import Assignment, Case, Roster, ToLeadOwner, Window, gave_as
from inboxwatch.core.sla.clock import Clock
from inboxwatch.core.sla.escalation import DueStep, StepKey, ahead, plan
from inboxwatch.core.sla.policy import Reassign
from inboxwatch.core.sla.timeline import Action, ActionKind
from inboxwatch.core.sla.verdicts import Verdicts

EVERYTHING = frozenset({(1 << 30, 0, 0)})
"""Notified steps under which no further one is owed: an owner is named, nobody is notified."""
ROUTING, ESCALATION = "routing", "escalation"
"""Actors of the program's own assignments; every other actor is a person."""


@dataclass(frozen=True, slots=True)
class Notification:
    """A step that must notify now, and whom."""

    step: DueStep
    targets: tuple[str, ...]
    """People's ids and `channel:destination`s."""
    owner: PersonId


@dataclass(frozen=True, slots=True)
class Handover:
    """A new assignment, and why it was made: `action` has no reason in words yet."""

    action: Action
    reasons: tuple[AssignmentReason, ...]


@dataclass(frozen=True, slots=True)
class Advance:
    """What has become of a wait at an instant."""

    owner: PersonId
    handovers: tuple[Handover, ...]
    """New assignments, in order."""
    notification: Notification | None
    passed: tuple[DueStep, ...]
    """Lower steps that notify nobody any more."""
    wake_at: datetime | None
    look: bool
    """True where the mailboxes that could hold the answer must be read before anybody is notified."""
    nobody_left: bool = False
    """True where everybody whom routing names is absent, so that the fallback must be notified at once."""

    @property
    def assigned(self) -> tuple[Action, ...]:
        """The actions of the new assignments, in order."""
        return tuple(handover.action for handover in self.handovers)


def assignment_at(actions: Iterable[Action], at: datetime | None = None) -> Action | None:
    """The assignment in force at an instant (None: the latest).

    The first one holds from the start of the wait, also where mail that came late has moved the start back (rule 22).
    """
    made = sorted(
        (action for action in actions if action.kind is ActionKind.ASSIGNED),
        key=lambda action: (action.at, action.serial),
    )
    in_force = [action for action in made if at is None or action.at <= at]
    return in_force[-1] if in_force else next(iter(made), None)


class _Holder:
    """Hands one wait from owner to owner and records each assignment."""

    def __init__(self, clock: Clock, case: Case, roster: Roster, now: datetime) -> None:
        self._clock, self._case, self._roster, self._now = clock, case, roster, now
        self._serial = max((action.serial for action in clock.actions), default=0)
        self._window = Window(clock.policy.calendar.next_open(now), clock.due_at)
        self.handovers: list[Handover] = []
        self.nobody_left = False
        held = assignment_at(clock.actions)
        if held is None or held.owner is None:
            # Of a wait that turned out to be another one by now routing is not asked a second time for that.
            since = clock.terms[-1].since if clock.terms else clock.started_at
            self.owner = self._give(roster.assign(case, self._window), since, ROUTING)
        else:
            self.owner = held.owner
            self._relieve(held)

    def _relieve(self, held: Action) -> None:
        """Routing's own choice is made again when the owner turns out to be absent, or the lead has another owner now;
        a person's choice stands, as long as the config names whom they chose.
        """
        if self.owner not in self._roster.people:
            self._route_again(Departed(self.owner))
            return
        if _asked_again(self._clock, held):
            # Recorded even where it stays theirs: routing is asked once, and not again as loads change.
            self._route_again()
            return
        if held.by != ROUTING or held.rule == "fallback":
            return
        now_theirs = self._case.lead_owner
        if now_theirs is not None and now_theirs != self.owner and gave_as(held.rule, ToLeadOwner()):
            self._route_again(OwnsLead(now_theirs))
            return
        if why := self._roster.absence(self.owner, self._window.opens_at):
            other = self._roster.assign(self._case, self._window, frozenset({self.owner}))
            if other.owner != self.owner:
                self.owner = self._give(replace(other, reasons=(why, *other.reasons)), self._now, ROUTING)

    def _route_again(self, *why: AssignmentReason) -> None:
        """Has routing name the owner anew, and why it was asked."""
        other = self._roster.assign(self._case, self._window)
        self.owner = self._give(replace(other, reasons=(*why, *other.reasons)), self._now, ROUTING)

    def reassign(self, step: DueStep) -> None:
        """Applies a step's own reassignment."""
        chosen = successor(step, self.owner, self._case, self._roster, self._window)
        if chosen is not None:
            reached = StepReached(step.number, self._clock.policy.escalation.name)
            chosen = replace(chosen, reasons=(reached, *chosen.reasons))
            self.owner = self._give(chosen, self._now, ESCALATION)

    def _give(self, chosen: Assignment, at: datetime, by: str) -> PersonId:
        self._serial += 1
        self.nobody_left = self.nobody_left or chosen.nobody_left
        about = self._clock.qualified
        given = Action(
            at=at,
            kind=ActionKind.ASSIGNED,
            by=by,
            clock=self._clock.id,
            lead=self._clock.lead,
            owner=chosen.owner,
            rule=chosen.rule,
            team=chosen.team,
            serial=self._serial,
            inquiry_class=about.decision.gives if about is not None else "",
            tier=about.worth.tier if about is not None else "",
        )
        self.handovers.append(Handover(given, chosen.reasons))
        return chosen.owner


def _asked_again(clock: Clock, held: Action) -> bool:
    """Whether routing is asked again, as the wait turned out to be of another class or tier since its owner was named,
    and nobody had assigned it by hand; whoever took it over by an acknowledgement had not, nor had whoever named an
    owner with a verdict that was taken back (rule 46).
    """
    changed = max((term.since for term in clock.terms[1:]), default=None)
    if changed is None or held.at > changed or (held.at == changed and not _given_as_other(clock, held)):
        return False
    held_ladder = [one for one in clock.actions if one.kind is ActionKind.ACKNOWLEDGED]
    taken = {(one.at, one.by) for one in (*held_ladder, *Verdicts.of(clock.actions).undone)}
    made = [one for one in clock.actions if one.kind is ActionKind.ASSIGNED and one.by not in (ROUTING, ESCALATION)]
    return all((one.at, one.by) in taken for one in made)


def _given_as_other(clock: Clock, held: Action) -> bool:
    """Whether a wait was of another class or tier when it was given than it is."""
    if clock.qualified is None or not held.inquiry_class:
        return False
    return (held.inquiry_class, held.tier) != (clock.qualified.decision.gives, clock.qualified.worth.tier)


def advance(
    clock: Clock,
    case: Case,
    roster: Roster,
    notified: Set[StepKey],
    now: datetime,
    seen_until: datetime | None = None,
) -> Advance:
    """Brings a running wait up to `now`: names an owner, passes over the absent, says what is owed.

    `notified` and `seen_until` are those of `escalation.plan`.
    """
    holder = _Holder(clock, case, roster, now)
    owed = plan(clock, notified, now, seen_until)
    for step in owed.passed:
        holder.reassign(step)
    notification = None
    if owed.step is not None:
        notification = Notification(owed.step, resolve(owed.step.notify, holder.owner, case, roster), holder.owner)
        holder.reassign(owed.step)
    leave = roster.next_leave(holder.owner, now)
    wake_at = min((at for at in (owed.wake_at, leave) if at is not None), default=None)
    return Advance(
        holder.owner, tuple(holder.handovers), notification, owed.passed, wake_at, owed.look, holder.nobody_left
    )


class Foreseen(NamedTuple):
    """A step that notifies if nobody answers, as routing and absences stand now."""

    step: DueStep
    at: datetime
    """When it may leave."""
    targets: tuple[str, ...]
    moves_to: PersonId | None
    """Whose the wait is from then on; None where it stays with who has it before."""


def foreseen(
    clock: Clock, case: Case, roster: Roster, owner: PersonId, notified: Set[StepKey], now: datetime
) -> Iterator[Foreseen]:
    """What `advance` will do with a wait of this owner's if nobody answers, step by step.

    (Six parameters: those of `advance`, which names an owner itself.)
    """
    for one in ahead(clock, notified, now):
        opens_at = clock.policy.calendar.next_open(max(one.at, now))
        window, before = Window(opens_at, clock.due_at), owner
        for passed in one.passed:
            moved = successor(passed, owner, case, roster, window)
            owner = moved.owner if moved is not None else owner
        targets = resolve(one.step.notify, owner, case, roster)
        moved = successor(one.step, owner, case, roster, window)
        owner = moved.owner if moved is not None else owner
        yield Foreseen(one.step, one.at, targets, owner if owner != before else None)


def successor(step: DueStep, owner: PersonId, case: Case, roster: Roster, window: Window) -> Assignment | None:
    """To whom a step moves a wait, as routing and absences stand; None where it stays with its owner."""
    if step.reassign is None:
        return None
    if step.reassign is Reassign.NEXT:
        chosen = roster.assign(case, window, frozenset({owner}))
    elif step.reassign is Reassign.FALLBACK:
        chosen = Assignment(roster.fallback, "fallback")
    elif step.reassign is Reassign.TEAM_LEAD:
        chosen = Assignment(team_lead(owner, case, roster), "team lead")
    else:
        # A wait that runs under an older policy may name somebody who has left.
        named = step.reassign if step.reassign in roster.people else roster.fallback
        chosen = Assignment(PersonId(named), "named")
    return None if chosen.owner == owner else chosen


def team_lead(owner: PersonId, case: Case, roster: Roster) -> PersonId:
    """The lead of the mailbox's team, else of a team of the owner's, else the fallback."""
    teams = [roster.teams[case.team]] if case.team is not None and case.team in roster.teams else []
    teams += [team for team in roster.teams.values() if owner in team.members]
    return next((team.lead for team in teams if team.lead is not None), roster.fallback)


def manager(person: PersonId, roster: Roster) -> PersonId:
    """Whom the target `manager` means for a person: the fallback where nobody is named."""
    known = roster.people.get(person)
    return (known.manager if known else None) or roster.fallback


def resolve(notify: Iterable[str], owner: PersonId, case: Case, roster: Roster) -> tuple[str, ...]:
    """Targets as written in a step -> people's ids and channels, each once, in order."""
    names = {
        "owner": lambda: owner,
        "manager": lambda: manager(owner, roster),
        "fallback": lambda: roster.fallback,
        "team_lead": lambda: team_lead(owner, case, roster),
    }
    return tuple(dict.fromkeys(names[target]() if target in names else target for target in notify))
