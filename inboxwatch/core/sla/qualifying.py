"""What each wait of a thread is about and worth, as its facts come: rules 41, 42, 48, 49 and 52 for one thread."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from inboxwatch.core.model import MessageId
from inboxwatch.core.qualification.decision import PERSON, SALES, UNKNOWN, Decision, Qualifier, Worth
from inboxwatch.core.sla.holds import FILTERED, Hold
from inboxwatch.core.sla.running import Running, Side
from inboxwatch.core.sla.terms import Qualified
from inboxwatch.core.sla.timeline import Action, ActionKind, Fact, Mail
from inboxwatch.core.sla.verdicts import said, tier_named


class Qualifying:
    """Judges the waits of one thread. `facts` are all of the thread's, in order: a filter that a person takes back
    later only holds the ladder meanwhile.
    """

    def __init__(self, qualifier: Qualifier, facts: Sequence[Fact]) -> None:
        self._qualifier = qualifier
        self._verdicts = [one for one in facts if isinstance(one, Action) and one.kind is ActionKind.QUALIFIED]
        self.first: dict[MessageId, Decision] = {}
        """What each inquiry was as it came."""

    def begin(self, side: Side, wait: Running, filtered: Decision | None, *, answered: bool) -> bool:
        """What a new wait is. Returns whether anybody owes an answer.

        `filtered` is what the thread's last wait was filtered as; `answered`: one of ours has written in the thread.
        """
        first, *nudges = wait.mails
        decision = self._first(side, first, filtered, answered=answered)
        wait.changes = [Qualified(first.at, decision, self._worth(side, wait, 1), first.id)]
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
        worth = self._worth(side, wait, len(wait.mails))
        wait.changes.append(Qualified(action.at, decision, worth, action.by, verdict=True, reason=action.reason))
        return self._is_owed(wait, action.at, action)

    def hear(self, side: Side, action: Action) -> None:
        """A person's word holds for the thread; one that is taken back leaves what stood before it."""
        side.last = said(action)
        side.verdict = side.last if side.last.by.startswith(PERSON) else None
        side.verdict_tier = tier_named([action], side.verdict_tier)

    def of_follow_up(self, side: Side, follow_up: Running) -> Qualified:
        """What the thread is about in which we follow up."""
        named = [one for one in (side.verdict, side.last) if one is not None and self._has_clock(one)]
        decision = named[0] if named else Decision(SALES, "reply")
        return Qualified(follow_up.mails[0].at, decision, self._worth(side, follow_up, 1), follow_up.mails[0].id)

    def _first(self, side: Side, mail: Mail, filtered: Decision | None, *, answered: bool) -> Decision:
        word = side.verdict
        if answered:
            stands = word is not None and word.gives != UNKNOWN and self._has_clock(word)
            return Decision(word.gives if word is not None and stands else SALES, "reply")
        if word is not None:
            return word
        if filtered is not None and filtered.by_rule:
            return filtered
        return self._qualifier.decide(mail)

    def _nudge(self, side: Side, wait: Running, mail: Mail, number: int) -> bool:
        """Only what is unknown, and not left to people, is decided by what comes later."""
        last = wait.changes[-1]
        decision = last.decision
        if decision.gives == UNKNOWN and not decision.audited and decision.by != "reply":
            found = self._qualifier.decide(mail)
            decision = found if found.gives != UNKNOWN or found.audited else decision
        worth = self._worth(side, wait, number)
        side.last = decision
        if (decision, worth.tier) == (last.decision, last.worth.tier):
            wait.changes[-1] = replace(last, worth=worth)
            return True
        wait.changes.append(Qualified(mail.at, decision, worth, mail.id))
        return decision == last.decision or self._is_owed(wait, mail.at)

    def _worth(self, side: Side, wait: Running, messages: int) -> Worth:
        found = self._qualifier.worth(wait.lead, wait.mails[:messages])
        return found._replace(tier=side.verdict_tier) if side.verdict_tier else found

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


def _ended(hold: Hold, at: datetime) -> Hold:
    """An acknowledgement ends with the verdict (rule 46)."""
    return replace(hold, end=min(hold.end, at)) if hold.why == ActionKind.ACKNOWLEDGED and hold.end > at else hold
