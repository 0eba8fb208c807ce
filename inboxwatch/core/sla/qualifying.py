"""What each wait of a thread is about and worth, as its facts come: rules 41, 42, 48, 49 and 52 for one thread."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from inboxwatch.core.model import ClockId, MessageId
from inboxwatch.core.qualification.decision import REPLY, SALES, UNKNOWN, Decision, Qualifier, Worth
from inboxwatch.core.sla.holds import FILTERED, Hold
from inboxwatch.core.sla.running import Running, Side
from inboxwatch.core.sla.terms import Qualified
from inboxwatch.core.sla.timeline import Action, ActionKind, Fact, Mail
from inboxwatch.core.sla.verdicts import RULES, is_verdict, said, tier_named


class Qualifying:
    """Judges the waits of one thread. `facts` are all of the thread's, in order: a filter that a person takes back
    later only holds the ladder meanwhile. What a wait was worth at a message is taken from what was recorded then.
    """

    def __init__(self, qualifier: Qualifier, facts: Sequence[Fact]) -> None:
        self._qualifier = qualifier
        told = [one for one in facts if isinstance(one, Action) and one.kind is ActionKind.QUALIFIED]
        self._verdicts = [one for one in told if is_verdict(one)]
        self._recorded = {one.seen: one for one in told if one.by == RULES}
        self.first: dict[MessageId, Decision] = {}
        """What each inquiry was as it came."""
        self.decided: dict[MessageId, Decision] = {}
        """What lists, rules and status have decided now for the first time."""
        self.found: list[Action] = []
        """What waits were found to be at their messages, where that changed and is not recorded yet."""
        self.stale = {one.serial for one in told if one.by == RULES}
        """The records of what is found no more, by their numbers."""

    def begin(self, side: Side, wait: Running, filtered: Decision | None, *, answered: bool) -> bool:
        """What a new wait is. Returns whether anybody owes an answer.

        `filtered` is what the thread's last wait was filtered as; `answered`: one of ours has written in the thread.
        """
        first, *nudges = wait.mails
        decision = self._first(side, first, filtered, answered=answered)
        wait.worth = self._weigh(wait, 1)
        wait.changes = [Qualified(first.at, decision, self._of_people(side, wait), first.id)]
        self._find(wait, decision, 1)
        side.last = decision
        if not answered:
            self.first.setdefault(first.id, decision)
        owed = self._is_owed(wait, first.at)
        for number, mail in enumerate(nudges, 2):
            owed = owed and self._nudge(side, wait, mail, number)
        return owed

    def nudge(self, side: Side, wait: Running, *, answered: bool) -> bool:
        """What a wait is once its last message has come. Returns whether anybody owes an answer still."""
        owed = self._nudge(side, wait, wait.mails[-1], len(wait.mails))
        if not answered:
            self.first.setdefault(wait.mails[-1].id, wait.changes[-1].decision)
        return owed

    def verdict(self, side: Side, wait: Running, action: Action) -> bool:
        """What a wait is by a person's word. Returns whether anybody owes an answer."""
        decision = said(action)
        self.hear(side, action)
        wait.actions.append(action)
        wait.holds = [_ended(hold, action.at) for hold in wait.holds]
        worth = self._of_people(side, wait)
        wait.changes.append(Qualified(action.at, decision, worth, action.by, verdict=True, reason=action.reason))
        return self._is_owed(wait, action.at, action)

    def learn(self, side: Side, wait: Running, action: Action) -> None:
        """What other data or other rules make of a wait from now on; its class only where they say one."""
        if action.by == RULES:
            return
        last = wait.changes[-1]
        decision = Decision(action.inquiry_class, action.rule) if action.rule else last.decision
        side.last = decision
        wait.actions.append(action)
        wait.worth = Worth(action.tier, action.score or 0, action.lines)
        worth = self._of_people(side, wait)
        wait.changes.append(Qualified(action.at, decision, worth, action.by, reason=action.reason))

    def hear(self, side: Side, action: Action) -> None:
        """A person's word holds for the thread; one that is taken back leaves what stood before it."""
        side.last = said(action)
        side.verdict = side.last if side.last.by_person else None
        side.verdict_tier = tier_named([action], side.verdict_tier)

    def of_follow_up(self, side: Side, follow_up: Running) -> Qualified:
        """What the thread is about in which we follow up."""
        named = [one for one in (side.verdict, side.last) if one is not None and self._has_clock(one)]
        decision = named[0] if named else Decision(SALES, REPLY)
        mail = follow_up.mails[0]
        known = self._qualifier.before.get(follow_up.id_by(mail))
        worth = known.worth if known is not None else self._qualifier.worth(follow_up.lead, [mail])
        return Qualified(mail.at, decision, worth._replace(tier=side.verdict_tier or worth.tier), mail.id)

    def _first(self, side: Side, mail: Mail, filtered: Decision | None, *, answered: bool) -> Decision:
        word = side.verdict
        if answered:
            stands = word is not None and word.gives != UNKNOWN and self._has_clock(word)
            return Decision(word.gives if word is not None and stands else SALES, REPLY)
        if word is not None:
            return word
        if filtered is not None and filtered.by_rule:
            return filtered
        return self._decide(mail)

    def _decide(self, mail: Mail) -> Decision:
        decision = self._qualifier.decide(mail)
        if mail.id not in self._qualifier.pinned:
            self.decided[mail.id] = decision
        return decision

    def _nudge(self, side: Side, wait: Running, mail: Mail, number: int) -> bool:
        """Only what is unknown, and not left to people, is decided by what comes later."""
        last = wait.changes[-1]
        decision, tier = last.decision, wait.worth.tier
        if decision.gives == UNKNOWN and not decision.audited and decision.by != REPLY:
            found = self._decide(mail)
            decision = found if found.gives != UNKNOWN or found.audited else decision
        wait.worth = self._weigh(wait, number)
        worth = self._of_people(side, wait)
        side.last = decision
        if (decision, wait.worth.tier) != (last.decision, tier):
            self._find(wait, decision, number)
        if (decision, worth.tier) == (last.decision, last.worth.tier):
            wait.changes[-1] = replace(last, worth=worth)
            return True
        wait.changes.append(Qualified(mail.at, decision, worth, mail.id))
        return decision == last.decision or self._is_owed(wait, mail.at)

    def _weigh(self, wait: Running, messages: int) -> Worth:
        """What its first messages make it worth; of what was recorded, or changed nothing when it came, that stays."""
        mails = wait.mails[:messages]
        ids = _ids(wait, messages)
        if (recorded := self._recorded.get(ids)) is not None:
            return Worth(recorded.tier, recorded.score or 0, recorded.lines)
        known = self._qualifier.before.get(wait.id_by(mails[0]))
        worth = known.worth if known is not None and ids == known.ids else self._qualifier.worth(wait.lead, mails)
        changed_nothing = known is not None and messages > 1 and ids <= known.ids
        return worth._replace(tier=wait.worth.tier) if changed_nothing else worth

    def _find(self, wait: Running, decision: Decision, messages: int) -> None:
        """Has it recorded what a wait turned out to be at a message."""
        ids, mail, worth = _ids(wait, messages), wait.mails[messages - 1], wait.worth
        recorded = self._recorded.get(ids)
        if recorded is not None and recorded.inquiry_class == decision.gives:
            self.stale.discard(recorded.serial)
            return
        self.found.append(
            Action(
                at=mail.at,
                kind=ActionKind.QUALIFIED,
                by=RULES,
                clock=wait.id_by(wait.mails[0]),
                lead=wait.lead,
                rule=mail.id,
                inquiry_class=decision.gives,
                tier=worth.tier,
                score=worth.points,
                lines=worth.lines,
                version=self._qualifier.qualification.version,
                messages=messages,
                seen=ids,
            )
        )

    def _of_people(self, side: Side, wait: Running) -> Worth:
        """What a wait is worth: a tier that a person named goes before all others."""
        said = side.verdict_tier or self._qualifier.tier_said(wait.mails[0])
        return wait.worth._replace(tier=said) if said else wait.worth

    def _has_clock(self, decision: Decision) -> bool:
        return self._qualifier.qualification.clock(decision.gives)

    def _is_owed(self, wait: Running, at: datetime, by: Action | None = None) -> bool:
        """Whether a wait goes on under its last class: it has a clock, or a person will say so later (rule 48)."""
        if self._has_clock(wait.changes[-1].decision):
            return True
        later = self._verdicts[self._verdicts.index(by) + 1 :] if by is not None else self._verdicts
        for one in later:
            if one.at >= at and wait.goes_by(one.clock) and self._has_clock(said(one)):
                wait.holds.append(Hold(at, one.at, FILTERED, wait.changes[-1].decision.by))
                return True
        return False


def _ids(wait: Running, messages: int) -> frozenset[ClockId]:
    return frozenset(map(wait.id_by, wait.mails[:messages]))


def _ended(hold: Hold, at: datetime) -> Hold:
    """An acknowledgement ends with the verdict (rule 46)."""
    return replace(hold, end=min(hold.end, at)) if hold.why == ActionKind.ACKNOWLEDGED and hold.end > at else hold
