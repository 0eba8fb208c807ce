"""Answers for somebody who asks from a channel: a lead's three questions, or one's own open waits."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime
from itertools import groupby
from urllib.parse import quote, urlencode

from inboxwatch.core.follow_up_days import Day
from inboxwatch.core.model import Lead, MailboxId
from inboxwatch.core.ownership.people import Person
from inboxwatch.core.sla.policy import SLAPolicy, choose, place_in_lists
from inboxwatch.core.sla.timeline import ActionKind
from inboxwatch.core.wait_view import WaitView
from inboxwatch.engine.follow_ups import follow_ups, next_follow_up
from inboxwatch.engine.ladder import ladder_of, policy_steps
from inboxwatch.engine.roster import owner_between_waits
from inboxwatch.engine.rules import Rules
from inboxwatch.engine.wait_views import person_name, wait_views
from inboxwatch.notify import follow_up_messages, lead_messages, messages, verdict_messages
from inboxwatch.notify.actions import Answer
from inboxwatch.notify.assignment_words import why_given
from inboxwatch.notify.ladder_words import ladder_lines, length_in_words
from inboxwatch.notify.text import clean
from inboxwatch.store import Transaction
from inboxwatch.store.records import ClockRecord
from inboxwatch.words import Wording

MOST = 100
"""Replies, and follow-ups, of one answer."""
COUNTED = 10_000
"""Waits that are counted."""
_NAMED = 5
"""Leads that are named where several match."""
_FOUND = 9
"""Leads that a search lists: a message of Slack has ten lines of these."""
_FOLLOW_UPS = re.compile(r"(?:who\s+follows\s+up|follow-?\s?ups?)\b([^@]*)$", re.IGNORECASE)
_FIND = re.compile(r"find\b", re.IGNORECASE)
_LINK = re.compile(r"<mailto:([^<|>]++)(?:\|[^<>]*+)?>")
"""How Slack writes an address that was typed."""


class Lookup:
    """One question of one person, at one instant."""

    def __init__(self, tx: Transaction, rules: Rules, asker: Person, now: datetime, words: Wording) -> None:
        self._rules = rules
        self._words = words
        self._tx = tx
        self._asker = asker
        self._now = now

    def answer(self, query: str) -> Answer:
        """About a lead by address, name or company; about the asker's own waits for an empty query; `find TEXT` lists
        the leads that match, `follow-ups tomorrow` who follows up then."""
        query = _LINK.sub(r"\1", query).strip()
        if not query:
            return self._own()
        if asked := _FOLLOW_UPS.match(query):
            return self._follow_ups(asked[1])
        if text := _FIND.match(query):
            return self._found(query[text.end() :].strip())
        found, count = self._leads(query)
        if not found:
            return Answer((messages.no_lead(query=query, words=self._words),))
        if count > 1:
            named = [(lead.name, lead.id) for lead in found]
            return Answer((messages.several_leads(count=count, named=named, words=self._words),))
        return self._about(found[0])

    def _own(self) -> Answer:
        rows = self._open(owner=self._asker.id)
        parts = {heading: list(part) for heading, part in groupby(rows, lambda row: messages.heading(row.metric))}
        judge, late, due = (
            [row.due_at <= self._now for row in parts.get(heading, ())]
            for heading in (verdict_messages.TO_BE_JUDGED, messages.REPLIES, messages.FOLLOW_UPS)
        )
        lines = [verdict_messages.own(count=len(judge), overdue=sum(judge), words=self._words)] if judge else []
        lines.append(messages.own_waits(count=len(late), overdue=sum(late), words=self._words))
        if due:
            lines.append(messages.own_follow_ups(count=len(due), due=sum(due), words=self._words))
        shown = [row for part in parts.values() for row in part[:MOST]]
        link = f"{self._rules.config.web.url}/waits?{urlencode({'owner': self._asker.id})}"
        return Answer(tuple(lines), tuple(self._views(shown)), link)

    def _open(self, **where: str) -> list[ClockRecord]:
        """What waits to be judged of a lead's or an owner's, then replies that buyers wait for, then follow-ups; each
        in the order of their due times.
        """
        rows = self._tx.clocks.listed({"state": "open", **where}, None, COUNTED)
        return sorted(rows, key=lambda row: place_in_lists(row.metric))

    def _views(self, rows: Sequence[ClockRecord]) -> list[WaitView]:
        return wait_views(self._tx, self._rules, rows, self._now)

    def _follow_ups(self, words: str) -> Answer:
        """Who follows up on a day; today and tomorrow where none is named."""
        named = [day for day in Day if day in words.lower()] or [Day.TODAY, Day.TOMORROW]
        found = follow_ups(self._tx, self._rules, {}, self._now)
        page = f"{self._rules.config.web.url}/follow-ups?day="
        lines = []
        for day in named:
            people = [(self._name(owner), counts[day]) for owner, counts in found.by_owner.items() if counts[day]]
            lines.append(follow_up_messages.who(day=day, people=people, link=f"{page}{day}", words=self._words))
        return Answer(tuple(lines))

    def _leads(self, query: str) -> tuple[list[Lead], int]:
        """The first leads that match, and how many do."""
        meant = self._tx.leads.meant(query)
        if meant is not None:
            return [meant], 1
        found, count = self._tx.leads.find(query, _NAMED)
        return [one.lead for one in found], count

    def _found(self, query: str) -> Answer:
        """The leads that match a few letters, one line each."""
        found, count = self._tx.leads.find(query, _FOUND)
        lines = [lead_messages.found(count=count, shown=len(found), query=query or "*", words=self._words)]
        for lead, wait in found:
            owner = wait.owner if wait is not None else lead.owner
            left = (wait.due_at - self._now).total_seconds() if wait is not None else None
            told = lead_messages.lead(
                name=clean(lead.name, 80),
                company=clean(lead.company, 80),
                address=clean(lead.id),
                standing=lead_messages.standing(left=left, owner=self._name(owner) if owner else "", words=self._words),
                link=f"{self._rules.config.web.url}/leads/{quote(lead.id, safe='@')}",
            )
            lines.append(told)
        return Answer(tuple(lines))

    def _about(self, lead: Lead) -> Answer:
        rows = self._open(lead=lead.id)[:MOST]
        views = self._views(rows)
        link = f"{self._rules.config.web.url}/leads/{quote(lead.id, safe='')}"
        follow_up = self._follow_up(views)
        replies = [(view, row) for view, row in zip(views, rows, strict=True) if view.is_reply]
        if not replies:
            policy = self._policy_between(lead)
            told = (self._owner_between(lead), self._target_between(policy), *self._steps_between(policy))
            return Answer((*told, follow_up), tuple(views), link)
        first, row = replies[0]
        lines = (self._owner(first, lead), self._target(first), *self._next(first, row), follow_up)
        return Answer(lines, tuple(views), link)

    def _follow_up(self, views: Sequence[WaitView]) -> str:
        """Who follows up, and when."""
        if (found := next_follow_up(self._rules, views, self._now)) is None:
            return self._words.say(follow_up_messages.NOBODY)
        wait, day = found
        at = self._words.when(self._local(wait.due_at))
        return follow_up_messages.of_lead(day=day, person=self._name(wait.owner), at=at, words=self._words)

    def _owner(self, wait: WaitView, lead: Lead) -> str:
        actions = self._tx.clocks.actions([wait.thread], []).get(wait.thread, ())
        given = [action for action in actions if action.kind is ActionKind.ASSIGNED and action.clock in wait.ids]
        last = max(given, key=lambda action: action.serial, default=None)
        why = [why_given(one, words=self._words) for one in (last.rule, last.reason)] if last else []
        return messages.owner_now(owner=self._name(wait.owner), lead=lead.name or lead.id, why=why, words=self._words)

    def _owner_between(self, lead: Lead) -> str:
        owner = owner_between_waits(self._tx, self._rules, lead.id, self._now)
        return messages.owner_next(owner=self._name(owner), lead=lead.name or lead.id, words=self._words)

    def _target(self, wait: WaitView) -> str:
        length = wait.sla.target(wait.metric) if wait.sla else None
        return messages.target(
            policy=wait.policy,
            metric=wait.metric,
            length=length_in_words(length, words=self._words) if length else "",
            due_at=self._local(wait.due_at),
            late=-wait.left,
            words=self._words,
        )

    def _policy_between(self, lead: Lead) -> SLAPolicy | None:
        last = self._tx.mail.last_mailbox(lead.id)
        facts = self._rules.context.facts(lead.id, lead, MailboxId(last) if last else None)
        return choose(self._rules.config.policies, facts)

    def _target_between(self, policy: SLAPolicy | None) -> str:
        if policy is None:
            return self._words.say(messages.NO_POLICY)
        return messages.target_next(
            policy=policy.name,
            first_response=length_in_words(policy.first_response, words=self._words),
            next_response=length_in_words(policy.next_response, words=self._words),
            words=self._words,
        )

    def _steps_between(self, policy: SLAPolicy | None) -> Sequence[str]:
        """What happens when the next wait slips."""
        if policy is None:
            return (self._words.say(messages.NOTHING_DUE),)
        steps = "; ".join(policy_steps(self._rules, policy.escalation, self._words))
        nothing = self._words.say(messages.NOTHING_DUE)
        return (f"{nothing} {self._words.say(messages.IF_THE_NEXT_SLIPS, steps=steps)}",)

    def _next(self, wait: WaitView, row: ClockRecord) -> list[str]:
        """Who is told when, if nobody answers, and whose it is then."""
        held = max((at for at in (wait.acknowledged_until, wait.snoozed_until) if at and at > self._now), default=None)
        if wait.next_step is None:
            return [self._words.say(messages.NO_FURTHER_STEP)]
        steps = [step for step in ladder_of(self._tx, self._rules, row, self._now) if step.ahead]
        first, *later = ladder_lines(steps, lambda at: self._words.when(self._local(at)), words=self._words)
        told = messages.next_step(step=first, held_until=self._local(held) if held else None, words=self._words)
        return [told, *later]

    def _name(self, person: str | None) -> str:
        return person_name(self._rules, person) or person or self._words.say("Nobody")

    def _local(self, at: datetime) -> datetime:
        """An instant in the asker's zone."""
        return at.astimezone(self._asker.zone)
