"""The fold: a thread's dated facts in, its clocks out.

Clocks are never edited, they are replayed: order of arrival, duplicates, several mailboxes and restarts cannot change
them. Each side of a thread walks these tables; `tests/core/sla/test_state_table.py` reads them and drives the fold
through every row. Rules are those of RULES.md; a stop condition counts where the config lists it. Where the config has
classes of inquiries, `core.sla.qualifying` says beside these tables what a wait is about, and ends what nobody owes.

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

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import replace
from datetime import datetime

from inboxwatch.core.model import Direction, Kind, LeadId, MessageId, ThreadId
from inboxwatch.core.qualification.decision import PERSON, UNKNOWN, Decision, Qualifier
from inboxwatch.core.sla.clock import Clock, State, Wait
from inboxwatch.core.sla.gone_quiet import GONE_QUIET
from inboxwatch.core.sla.holds import FILTERED, Hold, reopened, rests, settled, taken_back
from inboxwatch.core.sla.meetings import is_invitation
from inboxwatch.core.sla.policy import Metric, SLAPolicy
from inboxwatch.core.sla.put_off import DueMove, due
from inboxwatch.core.sla.qualifying import Qualifying
from inboxwatch.core.sla.running import Running, Side, clock_id
from inboxwatch.core.sla.sides import Sides
from inboxwatch.core.sla.terms import Qualified, course
from inboxwatch.core.sla.timeline import Action, ActionKind, Fact, Mail, in_order
from inboxwatch.core.sla.trust import Flag, is_failure, is_forged_as_ours, is_their_word, oddities
from inboxwatch.core.sla.verdicts import is_verdict, said

VERDICT, CLASSIFIED = "verdict", "classified"
"""Why the clock of a verdict stops: a person's word, or a rule's that decided later."""


class Replay:
    """Folds one thread. `policy_of` names the policy of a wait as it opens (pinned where it was known before).

    `strangers` are the provisional leads among those who wrote or were written to (`Sides`); `qualifier` says what an
    inquiry is about, where the config asks for it.
    """

    def __init__(
        self,
        thread: ThreadId,
        policy_of: Callable[[Wait], SLAPolicy | None],
        stop_conditions: frozenset[str],
        strangers: Collection[LeadId] = frozenset(),
        qualifier: Qualifier | None = None,
    ) -> None:
        self._thread = thread
        self._policy_of = policy_of
        self._stops = stop_conditions
        self._strangers = strangers
        self._people = Sides(())
        self._sides: dict[str, Side] = {}
        self._answered_once = False
        self._we_wrote = False
        self._qualifier = qualifier
        self.qualifying: Qualifying | None = None
        """What the thread's waits are about, once they are folded; None without a qualifier."""
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
        if self._qualifier is not None:
            self.qualifying = Qualifying(self._qualifier, ordered)
        sent = [fact for fact in ordered if isinstance(fact, Mail) and not is_forged_as_ours(fact)]
        self._people = Sides(sent, self._strangers)
        self._sides = {side: Side() for side in self._people.leads}
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

    @property
    def classes(self) -> Mapping[MessageId, Decision]:
        """What each inquiry of the thread was as it came, once it was folded."""
        return self.qualifying.first if self.qualifying is not None else {}

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
            if self.qualifying is not None and not self.qualifying.nudge(side, side.wait, answered=self._we_wrote):
                self._filter(side, side.wait, mail)
            return
        metric = Metric.NEXT_RESPONSE if self._answered_once else Metric.FIRST_RESPONSE
        self._begin(side, Running(key, [mail], lead, metric))

    def _begin(self, side: Side, wait: Running) -> None:
        """Opens a wait of our court, unless nobody owes an answer."""
        side.wait = wait
        if self.qualifying is None:
            return
        before = self._clocks[side.filtered[-1]].qualified if side.filtered else None
        filtered = before.decision if before is not None else None
        if not self.qualifying.begin(side, wait, filtered, answered=self._we_wrote):
            self._filter(side, wait, next(one for one in wait.mails if one.at >= wait.changes[-1].at))

    def _filter(self, side: Side, wait: Running, fact: Fact) -> None:
        """Ends a wait whose class has no clock."""
        self._close(wait, State.ENDED, FILTERED, fact)
        if self._clocks and self._clocks[-1].stop_reason == FILTERED:
            side.filtered.append(len(self._clocks) - 1)
        side.wait = None

    def _outbound(self, mail: Mail) -> None:
        if is_forged_as_ours(mail):
            self._doubt(mail)
            return
        if mail.kind is Kind.CALENDAR and mail.effect is not None:
            for key in self._reached(mail):
                self._settle_invitation(self._sides[key], mail.effect, mail, mail.author)
        if mail.kind is not Kind.HUMAN and not (mail.kind is Kind.CALENDAR and is_invitation(mail)):
            return
        self._we_wrote = True
        for ordinal, (key, bounced_at) in enumerate(self._reached(mail).items()):
            side = self._sides[key]
            if bounced_at is not None:
                if side.wait is not None:
                    side.wait.holds.append(Hold(mail.at, max(mail.at, bounced_at), "bounced", mail.author))
                continue
            for number in side.filtered:
                self._clocks[number] = replace(self._clocks[number], contradicted=True)
            if side.wait is not None:
                side.wait.flags = oddities(mail, side.wait.mails)
                self._close(side.wait, State.ANSWERED, "answered", mail, by=mail.author)
                self._answered_once |= not rests(side.wait.holds, FILTERED, mail.at)  # else later breaches could go
                side.wait = None
            if mail.kind is not Kind.HUMAN:
                continue  # an invitation waits for the buyer's calendar, and nobody follows up by mail
            if side.follow_up is not None:
                self._close(side.follow_up, State.ENDED, "followed_up", mail, by=mail.author)
            side.follow_up = Running(key, [mail], self._people.leads[key], Metric.FOLLOW_UP, ordinal)
            if self.qualifying is not None:
                side.follow_up.changes = [self.qualifying.of_follow_up(side, side.follow_up)]

    def _settle_invitation(self, side: Side, effect: str, fact: Fact, by: str) -> None:
        """Our calendar's answer settles what the buyer's calendar asked, never a question in words before it."""
        wait = side.wait
        if wait is None or wait.mails[0].kind is not Kind.CALENDAR:
            return
        if effect in self._stops:
            self._stop(side, State.ENDED, effect, fact)
            return
        self._close(wait, State.ANSWERED, "answered", fact, by=by)
        side.wait, self._answered_once = None, True

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
                elif concerned and action.kind is ActionKind.ACTIVITY and side.wait is not None:
                    self._take_up(side.wait, action)
                continue
            if action.kind is ActionKind.QUALIFIED:
                self._judge(side, action)
                continue
            if action.kind is ActionKind.MEETING_ANSWERED:
                if side.wait is not None and side.wait.goes_by(action.clock):
                    self._settle_invitation(side, action.reason, action, action.by)
                continue
            for running in (side.wait, side.follow_up):
                if running is not None and running.goes_by(action.clock):
                    self._apply_to(side, running, action)

    def _take_up(self, running: Running, action: Action) -> None:
        """Whoever called is on the matter: what does not end the wait acknowledges it (rule 35)."""
        qualified = running.changes[-1] if running.changes else None
        policy = self._policy_of(replace(_opened(running), qualified=qualified))
        if policy is not None:
            until = policy.escalation.acknowledge_for.after(action.at, policy.calendar)
            running.holds.append(Hold(action.at, until, ActionKind.ACKNOWLEDGED.value, action.by))

    def _judge(self, side: Side, action: Action) -> None:
        """A person's verdict: of a wait that is over it corrects what it was, and no more (rule 48)."""
        if self.qualifying is None:
            return
        if not is_verdict(action):
            if side.wait is not None and side.wait.goes_by(action.clock):
                self.qualifying.learn(side, side.wait, action)
            return
        if side.wait is not None and side.wait.goes_by(action.clock):
            if not self.qualifying.verdict(side, side.wait, action):
                self._filter(side, side.wait, action)
            return
        for number, clock in enumerate(self._clocks):
            if action.clock in clock.ids and clock.qualified is not None and clock.metric.is_reply:
                self.qualifying.hear(side, action)
                told = replace(clock.qualified, at=action.at, decision=said(action), cause=action.by, verdict=True)
                self._clocks[number] = replace(clock, qualified=told)

    def _meet(self, side: Side, action: Action) -> None:
        """Ends the lead's waits that began before the invitation; what was asked after it is still owed."""
        if action.kind.value not in self._stops or action.until is None:
            return
        wait, follow_up = side.wait, side.follow_up
        if wait is not None and wait.lead == action.lead and wait.mails[0].at <= action.until:
            later = [mail for mail in wait.mails if mail.at > action.until]
            rest = replace(wait, mails=later, holds=[], actions=[], changes=[]) if later else None
            wait.mails = [mail for mail in wait.mails if mail not in later]
            self._close(wait, State.ENDED, action.kind.value, action)
            side.wait = None
            if rest is not None:
                self._begin(side, rest)
        if follow_up is not None and follow_up.lead == action.lead:
            self._close(follow_up, State.ENDED, action.kind.value, action)
            side.follow_up = None

    def _apply_to(self, side: Side, running: Running, action: Action) -> None:
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
            rest = replace(running, mails=unseen, holds=[], actions=[], flags=[], changes=[]) if unseen else None
            running.mails = [mail for mail in running.mails if mail not in unseen]
            self._close(running, State.DISMISSED, "dismissed", action, by=action.by)
            if running is side.wait:
                side.wait = None
                if rest is not None:
                    self._begin(side, rest)
            else:
                side.follow_up = None
            return
        running.actions.append(action)
        if action.kind in (ActionKind.ACKNOWLEDGED, ActionKind.SNOOZED) and action.until is not None:
            running.holds.append(Hold(action.at, max(action.at, action.until), action.kind.value, action.by))
        if action.kind is ActionKind.PUT_OFF and action.until is not None and running is side.follow_up:
            running.moves.append(DueMove(action.at, action.until, by_person=True))

    def _stop(self, side: Side, state: State, reason: str, fact: Fact) -> None:
        for running in (side.wait, side.follow_up):
            if running is not None:
                self._close(running, state, reason, fact)
        side.wait = side.follow_up = None

    def _close(
        self, running: Running, state: State, reason: str | None = None, fact: Fact | None = None, by: str = ""
    ) -> None:
        wait = _opened(running)
        started = wait.started

        def policy_at(qualified: Qualified | None) -> SLAPolicy | None:
            return self._policy_of(wait if qualified is None else replace(wait, qualified=qualified))

        whole = course(started.at, running.metric, running.changes or [None], policy_at, running.holds)
        if whole is None:
            return
        term = whole.terms[-1]
        due_at, missed_at, repetition = due(term.due_at, running.moves, term.policy.calendar)
        missed_at = missed_at or whole.missed_at
        if running.metric.is_reply:
            self._close_verdict(running, whole.terms[0].policy, state, reason, fact)
        self._clocks.append(
            Clock(
                id=wait.id,
                aliases=wait.aliases,
                thread=self._thread,
                lead=running.lead,
                side=running.side,
                metric=running.metric,
                started_by=started.id,
                started_at=started.at,
                due_at=due_at,
                policy=term.policy,
                mailbox=started.mailbox,
                state=state,
                stop_reason=reason,
                stopped_by=_who(fact, reason, running) if fact is not None else None,
                stopped_at=fact.at if fact is not None else None,
                answered_by=by or None if state is State.ANSWERED else None,
                nudges=len(running.mails) - 1,
                reopened=reopened(running.holds),
                holds=settled(running.holds, fact.at if fact is not None else None),
                actions=tuple(running.actions),
                flags=tuple(sorted(running.flags)),
                missed_at=missed_at,
                round=repetition,
                terms=whole.terms if running.changes else (),
                qualified=term.qualified,
            )
        )

    def _close_verdict(  # six parameters: the wait that awaits a verdict, and how it ends
        self, running: Running, policy: SLAPolicy, state: State, reason: str | None, fact: Fact | None
    ) -> None:
        """The clock of the verdict on a wait that was unknown as it began (rule 44): to the first word on its class."""
        if policy.verdict is None or not running.changes or running.changes[0].decision.gives != UNKNOWN:
            return
        started = running.mails[0]
        first, *later = (clock_id(mail.id, Metric.VERDICT) for mail in running.mails)
        told = next((one for one in running.changes if one.decision.gives != UNKNOWN), None)
        if told is not None:
            state, reason = (State.ANSWERED, VERDICT) if told.verdict else (State.ENDED, CLASSIFIED)
        elif state is not State.RUNNING:
            state = State.ENDED
        stopped_at, stopped_by = (told.at, told.cause) if told is not None else (None, None)
        if told is None and fact is not None:
            stopped_at, stopped_by = fact.at, _who(fact, reason, running)
        self._clocks.append(
            Clock(
                id=first,
                aliases=frozenset(later) - {first},
                thread=self._thread,
                lead=running.lead,
                side=running.side,
                metric=Metric.VERDICT,
                started_by=started.id,
                started_at=started.at,
                due_at=policy.verdict.after(started.at, policy.calendar),
                policy=policy,
                mailbox=started.mailbox,
                state=state,
                stop_reason=reason,
                stopped_by=stopped_by,
                stopped_at=stopped_at,
                answered_by=told.cause if told is not None and told.verdict else None,
                holds=settled([hold for hold in running.holds if hold.why != FILTERED], stopped_at),
                actions=tuple(running.actions),
                qualified=running.changes[0],
            )
        )


def _opened(running: Running) -> Wait:
    """What is known of a wait when its policy is chosen."""
    first, *later = map(running.id_by, running.mails)
    return Wait(first, frozenset(later) - {first}, running.metric, running.lead, running.mails[0])


def _who(fact: Fact, reason: str | None, running: Running) -> str:
    """What stopped a wait: the Message-ID, the person who acted, or what has filtered it."""
    if reason == FILTERED and isinstance(fact, Mail):
        return running.changes[-1].decision.by.removeprefix(PERSON)
    if isinstance(fact, Mail):
        return fact.id
    return fact.rule if fact.kind in (ActionKind.MEETING_ACCEPTED, ActionKind.MEETING_ANSWERED) else fact.by
