"""The fold: a thread's dated facts in, its clocks out.

Clocks are never edited, they are replayed: order of arrival, duplicates, several mailboxes and restarts cannot change
them. Each side of a thread walks these tables; `tests/core/sla/test_state_table.py` reads them and drives the fold
through every row. Rules are those of RULES.md; a stop condition counts where the config lists it.

Our court, where a reply is owed:

    state      fact                                      becomes                              rules
    idle       inbound that owes a reply                 waiting                              1, 16
    waiting    inbound that owes a reply                 waiting with its start unchanged     1
    waiting    outbound human that reaches the side      answered                             2, 7
    waiting    outbound human whose every copy bounced   waiting and held                     9
    waiting    dismissal                                 dismissed                            16
    waiting    dismissal of an earlier message only      dismissed and waiting for the rest   16
    waiting    dismissal that was taken back             waiting and held                     16
    waiting    acknowledgement, snooze                   waiting and held                     32
    waiting    outbound human that is not verified       waiting and flagged                  2
    waiting    meeting accepted, opted out               ended                                11, 35
    waiting    meeting accepted in another thread        ended                                11, 35
    waiting    activity, lead closed                     ended                                35
    any        anything else                             unchanged                            2, 7, 8, 9

The buyer's court, where we follow up:

    state      fact                                      becomes                              rules
    idle       outbound human that reaches the side      following                            40
    following  outbound human that reaches the side      ended and following anew             40
    following  inbound that owes a reply                 answered                             40
    following  inbound human that owes none              answered                             40
    following  vacation reply that names a day           following and due later              40
    following  put off by a person                       following and due then               40
    following  dismissal                                 dismissed                            16, 40
    following  dismissal that was taken back             following and held                   16, 40
    following  acknowledgement, snooze                   following and held                   32, 40
    following  gone quiet                                ended                                40
    following  closing that was taken back               following and held                   40
    following  meeting accepted, opted out               ended                                35, 40
    following  meeting accepted in another thread        ended                                35, 40
    following  activity, lead closed                     ended                                35, 40
    any        anything else                             unchanged                            7, 8, 9, 40
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum

from inboxwatch.core.model import ClockId, Direction, Kind, LeadId, MailboxId, MessageId, ThreadId
from inboxwatch.core.sla.gone_quiet import GONE_QUIET
from inboxwatch.core.sla.holds import Hold, reopened, settled, taken_back
from inboxwatch.core.sla.policy import Metric, SLAPolicy
from inboxwatch.core.sla.put_off import DueMove, due
from inboxwatch.core.sla.sides import Sides
from inboxwatch.core.sla.timeline import Action, ActionKind, Fact, Mail, in_order
from inboxwatch.core.sla.trust import Flag, is_failure, is_forged_as_ours, is_their_word, oddities


class State(StrEnum):
    RUNNING = "running"
    ANSWERED = "answered"
    DISMISSED = "dismissed"
    ENDED = "ended"


@dataclass(frozen=True, slots=True)
class Wait:
    """What is known of a wait when its policy is chosen."""

    id: ClockId
    aliases: frozenset[ClockId]
    metric: Metric
    lead: LeadId
    started: Mail


@dataclass(frozen=True, slots=True)
class Clock:
    """The measurement of one wait under one SLA policy."""

    id: ClockId
    """A digest of the wait's first Message-ID as now known."""
    aliases: frozenset[ClockId]
    """Ids this wait had, or could have had, when less of it was known: one for each of its later messages."""
    thread: ThreadId
    lead: LeadId
    side: str
    metric: Metric
    started_by: MessageId
    started_at: datetime
    due_at: datetime
    policy: SLAPolicy
    mailbox: MailboxId | None
    state: State = State.RUNNING
    stop_reason: str | None = None
    """answered, or the stop condition; of a follow-up also `followed_up`: a further message of ours, and
    `gone_quiet`: nobody has said anything for long."""
    stopped_by: str | None = None
    """The Message-ID, or the person who ended it by an action."""
    stopped_at: datetime | None = None
    answered_by: str | None = None
    nudges: int = 0
    reopened: str | None = None
    """bounced: an answer that seemed to end this wait never reached the buyer. reversed: a dismissal was taken back."""
    holds: tuple[Hold, ...] = ()
    actions: tuple[Action, ...] = ()
    """Acknowledgements, snoozes and assignments made while it was open."""
    flags: tuple[Flag, ...] = ()
    """What is odd about its answer, or about what pretends to be one."""
    missed_at: datetime | None = None
    """Of a follow-up that was put off after it had fallen due: when that was."""
    round: int = 1
    """Of a follow-up: how often it has been given a due time."""

    @property
    def ids(self) -> frozenset[ClockId]:
        return self.aliases | {self.id}

    @property
    def running(self) -> bool:
        return self.state is State.RUNNING

    def breached(self, now: datetime) -> bool:
        """True once the due instant has passed unanswered; an answer at that instant is in time."""
        if self.missed_at is not None:
            return True
        return self.stopped_at > self.due_at if self.stopped_at else now >= self.due_at

    def waited(self, now: datetime) -> timedelta:
        """Wall time from the start to the stop, or to `now`."""
        return (self.stopped_at or now) - self.started_at

    def waited_business(self, now: datetime) -> timedelta:
        """Business time in the policy's calendar from the start to the stop, or to `now`."""
        return self.policy.calendar.elapsed(self.started_at, max(self.started_at, self.stopped_at or now))

    def held_until(self, now: datetime) -> datetime | None:
        """The end of the hold that covers `now`, or None."""
        return max((hold.end for hold in self.holds if hold.start <= now < hold.end), default=None)


def clock_id(message: MessageId, metric: Metric, ordinal: int = 0) -> ClockId:
    """The id of the wait that this message started: of the message alone, so that re-reading cannot change it."""
    court = "buyer" if metric is Metric.FOLLOW_UP else "ours"
    named = f"{court}\0{message}\0{ordinal or ''}"
    return ClockId(hashlib.sha256(named.encode("utf-8", "surrogateescape")).hexdigest()[:16])


@dataclass(slots=True)
class _Running:
    """A wait that the fold has open."""

    side: str
    mails: list[Mail]
    """What owes the answer; the first one started the wait."""
    lead: LeadId
    metric: Metric
    ordinal: int = 0
    holds: list[Hold] = field(default_factory=list)
    actions: list[Action] = field(default_factory=list)
    moves: list[DueMove] = field(default_factory=list)
    flags: list[Flag] = field(default_factory=list)

    def id_by(self, mail: Mail) -> ClockId:
        """The id that the wait has where this mail started it."""
        return clock_id(mail.id, self.metric, self.ordinal)

    @property
    def ids(self) -> frozenset[ClockId]:
        return frozenset(map(self.id_by, self.mails))


@dataclass(slots=True)
class _Side:
    wait: _Running | None = None
    follow_up: _Running | None = None


class Replay:
    """Folds one thread. `policy_of` names the policy of a wait as it opens (pinned where it was known before).

    `strangers` are the provisional leads among those who wrote or were written to (`Sides`).
    """

    def __init__(
        self,
        thread: ThreadId,
        policy_of: Callable[[Wait], SLAPolicy | None],
        stop_conditions: frozenset[str],
        strangers: Collection[LeadId] = frozenset(),
    ) -> None:
        self._thread = thread
        self._policy_of = policy_of
        self._stops = stop_conditions
        self._strangers = strangers
        self._people = Sides(())
        self._sides: dict[str, _Side] = {}
        self._answered_once = False
        self._failures: dict[MessageId, list[tuple[datetime, frozenset[str]]]] = {}
        self._clocks: list[Clock] = []
        self._taken_back: dict[Action, datetime] = {}
        """Dismissals and closings as gone quiet, and when they were taken back."""

    def clocks(self, facts: Iterable[Fact]) -> tuple[Clock, ...]:
        """All clocks of the thread, ended and running, in the order of their starts."""
        ordered = in_order(facts)
        for fact in ordered:
            if isinstance(fact, Mail) and is_failure(fact) and fact.delivery is not None and fact.delivery.of:
                known = self._failures.setdefault(fact.delivery.of, [])
                known.append((fact.at, fact.delivery.recipients))
        self._taken_back = taken_back(ordered)
        sent = [fact for fact in ordered if isinstance(fact, Mail) and not is_forged_as_ours(fact)]
        self._people = Sides(sent, self._strangers)
        self._sides = {side: _Side() for side in self._people.leads}
        for fact in ordered:
            if isinstance(fact, Action):
                self._apply(fact)
            elif fact.direction is Direction.INBOUND:
                self._inbound(fact)
            elif fact.direction is Direction.OUTBOUND:
                self._outbound(fact)
        for side in self._sides.values():
            for running in (side.wait, side.follow_up):
                if running is not None:
                    self._close(running, State.RUNNING)
        return tuple(sorted(self._clocks, key=lambda clock: clock.started_at))

    def _inbound(self, mail: Mail) -> None:
        belongs = self._people.of(mail.sender) if mail.kind is not Kind.BOUNCE else None
        if belongs is None:
            return
        key, lead = belongs
        side = self._sides[key]
        theirs = is_their_word(mail, side.wait.mails if side.wait else ())
        if mail.away_until is not None and side.follow_up is not None and theirs:
            side.follow_up.moves.append(DueMove(mail.at, mail.away_until, by_person=False))
        if mail.effect is not None and mail.effect in self._stops and theirs and not mail.meeting:
            # A calendar's answer counts where its UID is that of an invitation of ours (`core.sla.meetings`).
            self._stop(side, State.ENDED, mail.effect, mail)
        elif mail.owes_reply:
            self._open(key, lead, mail)
        if (mail.kind is Kind.HUMAN or mail.owes_reply) and side.follow_up is not None:
            self._close(side.follow_up, State.ANSWERED, "answered", mail, by=mail.sender.email)
            side.follow_up = None

    def _open(self, key: str, lead: LeadId, mail: Mail) -> None:
        side = self._sides[key]
        if side.wait is not None:
            side.wait.mails.append(mail)
            return
        metric = Metric.NEXT_RESPONSE if self._answered_once else Metric.FIRST_RESPONSE
        side.wait = _Running(key, [mail], lead, metric)

    def _outbound(self, mail: Mail) -> None:
        if is_forged_as_ours(mail):
            self._doubt(mail)
            return
        if mail.kind is Kind.CALENDAR and mail.effect in self._stops:
            for key in self._reached(mail):
                side = self._sides[key]
                if side.wait is not None and side.wait.mails[0].kind is Kind.CALENDAR:
                    # Our yes answers what the buyer's calendar asked, never a question in words before it.
                    self._stop(side, State.ENDED, mail.effect, mail)
        if mail.kind is not Kind.HUMAN:
            return
        for ordinal, (key, bounced_at) in enumerate(self._reached(mail).items()):
            side = self._sides[key]
            if bounced_at is not None:
                if side.wait is not None:
                    side.wait.holds.append(Hold(mail.at, max(mail.at, bounced_at), "bounced", mail.author))
                continue
            if side.wait is not None:
                side.wait.flags = oddities(mail, side.wait.mails)
                self._close(side.wait, State.ANSWERED, "answered", mail, by=mail.author)
                side.wait = None
                self._answered_once = True
            if side.follow_up is not None:
                self._close(side.follow_up, State.ENDED, "followed_up", mail, by=mail.author)
            side.follow_up = _Running(key, [mail], self._people.leads[key], Metric.FOLLOW_UP, ordinal)

    def _doubt(self, mail: Mail) -> None:
        """Says of the waits that it would have answered that something pretends to be the answer."""
        if mail.kind is not Kind.HUMAN:
            return
        for party in mail.recipients:
            belongs = self._people.of(party)
            wait = self._sides[belongs[0]].wait if belongs is not None and belongs[0] in self._sides else None
            if wait is not None and Flag.NOT_VERIFIED not in wait.flags:
                wait.flags.append(Flag.NOT_VERIFIED)

    def _reached(self, mail: Mail) -> dict[str, datetime | None]:
        """The sides that this mail of ours was sent to; the instant its loss was known where every copy bounced."""
        copies: dict[str, list[str]] = {}
        for party in mail.recipients:
            if (member := self._people.of(party)) is not None:
                copies.setdefault(member[0], []).append(party.email)
        reached: dict[str, datetime | None] = {}
        for key, emails in copies.items():
            lost = {email: self._lost(mail, email) for email in emails}
            times = [at for at in lost.values() if at is not None]
            reached[key] = max(times) if len(times) == len(lost) else None
        return reached

    def _lost(self, mail: Mail, email: str) -> datetime | None:
        bounces = self._failures.get(mail.id, ())
        return min((at for at, failed in bounces if not failed or email in failed), default=None)

    def _apply(self, action: Action) -> None:
        for key, side in self._sides.items():
            if action.kind is ActionKind.MEETING_ACCEPTED:
                self._meet(side, action)
                continue
            if action.kind in (ActionKind.ACTIVITY, ActionKind.LEAD_CLOSED):
                concerned = action.lead == self._people.leads[key] or any(
                    running is not None and running.lead == action.lead for running in (side.wait, side.follow_up)
                )
                if concerned and action.kind.value in self._stops:
                    self._stop(side, State.ENDED, action.kind.value, action)
                continue
            for running in (side.wait, side.follow_up):
                if running is not None and action.clock in running.ids:
                    self._apply_to(side, running, action)

    def _meet(self, side: _Side, action: Action) -> None:
        """Ends the lead's waits that began before the invitation; what was asked after it is still owed."""
        if action.kind.value not in self._stops or action.until is None:
            return
        wait, follow_up = side.wait, side.follow_up
        if wait is not None and wait.lead == action.lead and wait.mails[0].at <= action.until:
            later = [mail for mail in wait.mails if mail.at > action.until]
            rest = replace(wait, mails=later, holds=[], actions=[]) if later else None
            wait.mails = [mail for mail in wait.mails if mail not in later]
            self._close(wait, State.ENDED, action.kind.value, action)
            side.wait = rest
        if follow_up is not None and follow_up.lead == action.lead:
            self._close(follow_up, State.ENDED, action.kind.value, action)
            side.follow_up = None

    def _apply_to(self, side: _Side, running: _Running, action: Action) -> None:
        if action.kind is ActionKind.GONE_QUIET and running is not side.follow_up:
            return
        if action in self._taken_back:
            running.actions.append(action)
            running.holds.append(Hold(action.at, self._taken_back[action], action.kind.value, action.by))
            return
        if action.kind is ActionKind.GONE_QUIET:
            self._close(running, State.ENDED, GONE_QUIET, action)
            side.follow_up = None
            return
        if action.kind is ActionKind.DISMISSED:
            unseen = [mail for mail in running.mails if action.seen and running.id_by(mail) not in action.seen]
            rest = replace(running, mails=unseen, holds=[], actions=[], flags=[]) if unseen else None
            running.mails = [mail for mail in running.mails if mail not in unseen]
            self._close(running, State.DISMISSED, "dismissed", action, by=action.by)
            if running is side.wait:
                side.wait = rest
            else:
                side.follow_up = None
            return
        running.actions.append(action)
        if action.kind in (ActionKind.ACKNOWLEDGED, ActionKind.SNOOZED) and action.until is not None:
            running.holds.append(Hold(action.at, max(action.at, action.until), action.kind.value, action.by))
        if action.kind is ActionKind.PUT_OFF and action.until is not None and running is side.follow_up:
            running.moves.append(DueMove(action.at, action.until, by_person=True))

    def _stop(self, side: _Side, state: State, reason: str, fact: Fact) -> None:
        for running in (side.wait, side.follow_up):
            if running is not None:
                self._close(running, state, reason, fact)
        side.wait = side.follow_up = None

    def _close(
        self, running: _Running, state: State, reason: str | None = None, fact: Fact | None = None, by: str = ""
    ) -> None:
        started = running.mails[0]
        first, *later = map(running.id_by, running.mails)
        wait = Wait(first, frozenset(later) - {first}, running.metric, running.lead, started)
        policy = self._policy_of(wait)
        target = policy.target(running.metric) if policy is not None else None
        if policy is None or target is None:
            return
        start = started.at
        due_at, missed_at, repetition = due(target.after(start, policy.calendar), running.moves, policy.calendar)
        self._clocks.append(
            Clock(
                id=wait.id,
                aliases=wait.aliases,
                thread=self._thread,
                lead=running.lead,
                side=running.side,
                metric=running.metric,
                started_by=started.id,
                started_at=start,
                due_at=due_at,
                policy=policy,
                mailbox=started.mailbox,
                state=state,
                stop_reason=reason,
                stopped_by=_who(fact) if fact is not None else None,
                stopped_at=fact.at if fact is not None else None,
                answered_by=by or None if state is State.ANSWERED else None,
                nudges=len(running.mails) - 1,
                reopened=reopened(running.holds),
                holds=settled(running.holds, fact.at if fact is not None else None),
                actions=tuple(running.actions),
                flags=tuple(sorted(running.flags)),
                missed_at=missed_at,
                round=repetition,
            )
        )


def _who(fact: Fact) -> str:
    """What stopped a wait: the Message-ID, or the person who acted."""
    if isinstance(fact, Mail):
        return fact.id
    return fact.rule if fact.kind is ActionKind.MEETING_ACCEPTED else fact.by
