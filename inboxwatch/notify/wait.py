"""A wait as a reader sees it: a notice's wait with clean text, words for its state, times in the reader's zone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta, tzinfo
from typing import Any

from inboxwatch.core.ladder_view import LadderStep
from inboxwatch.core.qualification.decision import UNKNOWN
from inboxwatch.core.wait_view import WaitView
from inboxwatch.notify import choice_messages, messages, owner_messages, qualification_messages, verdict_messages
from inboxwatch.notify.actions import ClassChoice
from inboxwatch.notify.ladder_words import ladder_lines
from inboxwatch.notify.notice_inquiry import NoticeInquiry
from inboxwatch.notify.notice_wait import FailedContact, NoticeWait
from inboxwatch.notify.text import clean, web_link
from inboxwatch.words import ENGLISH, Wording


def chosen(waits: Sequence[ShownWait], limit: int) -> tuple[ShownWait, ...]:
    """At most `limit` waits to show, in order: the first of every section, for a long one must hide no other."""
    sections = dict.fromkeys(wait.section for wait in waits)
    if len(waits) <= limit:
        return tuple(waits)
    each = max(1, limit // len(sections))
    left = dict.fromkeys(sections, each)
    shown: set[int] = set()
    for place, wait in enumerate(waits):
        if left[wait.section] > 0:
            left[wait.section] -= 1
            shown.add(place)
    rest = (place for place in range(len(waits)) if place not in shown)
    shown.update(place for place, _ in zip(rest, range(limit - len(shown)), strict=False))
    return tuple(waits[place] for place in sorted(shown)[:limit])


_NAME = 120
"""Characters of a name: longer ones are cut."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownWait:
    """All text in it is cleaned, so a template cannot show anything harmful; missing facts are empty or None."""

    id: str = ""
    metric: str = ""
    """first_response, next_response, follow_up or verdict."""
    state: str = "running"
    """running, answered, dismissed or ended."""
    reason: str = ""
    """Why it is told: warning, breach, escalated, repeated, unverified; empty once it is over."""
    step: int | None = None
    round: int = 1
    lead: str
    """The lead's address."""
    name: str
    company: str
    tier: str
    score: str = ""
    subject: str
    owner: str
    """The owner's name where the notice gives one, else the person's id."""
    owner_id: str
    team: str = ""
    mailbox: str = ""
    mail_link: str = ""
    """A plain web address at which the mail is opened, or empty."""
    exchanged: int | None = None
    """Messages to and fro before this wait."""
    last_exchanged: datetime | None = None
    since: datetime | None = None
    due: datetime | None = None
    within: str = ""
    """The target that its policy sets: `first reply within 2h`."""
    as_of: datetime | None = None
    """The instant at which the rest of this was true: now, or the end of a wait that is over."""
    shown_at: datetime | None = None
    """When it was looked at."""
    seconds: float = 0.0
    """How long it has waited, or had waited at its end (wall time)."""
    unread_since: datetime | None = None
    """Since when the mailbox that could hold the answer has not been read."""
    next_at: datetime | None = None
    next_targets: tuple[str, ...] = ()
    """Names, and where channels write to."""
    next_owner: str = ""
    """Who has it after the next step, where it moves."""
    steps: tuple[LadderStep, ...] = ()
    """The ladder: what was told, and what follows; empty where the notice does not carry it."""
    held_until: datetime | None = None
    """Until when it is acknowledged or snoozed."""
    held_as: str = ""
    """acknowledged or snoozed where `held_until` is given."""
    answered_by: str = ""
    stop_reason: str = ""
    flags: tuple[str, ...] = ()
    """What is odd about its answer, or about what pretends to be one."""
    section: str = ""
    """The heading under which a digest lists it."""
    handed: str = ""
    """How it came to whoever has it now, in a sentence; empty where that is not what is told."""
    note: str = ""
    """What somebody has done to it last, in a sentence."""
    inquiry: str = ""
    """Its class and what decided that: `support, says Tia Dorn`; empty without qualification."""
    unjudged: bool = False
    """Whether nobody has said what it is, and no rule has."""
    judged: bool = False
    """Whether a person's verdict on it stands, which can be taken back."""
    points: str = ""
    """The sum of its score; empty where nothing was scored."""
    reasons: tuple[str, ...] = ()
    """The strongest lines of its score: `30 company of 200 and more (employees 250)`."""
    last_owner: str = ""
    """Who had this buyer before."""
    choices: tuple[ClassChoice, ...] = ()
    """What a reader may say that it is."""
    words: Wording = ENGLISH
    """The reader's language."""

    @property
    def who(self) -> str:
        """`Bo Buyer (Buyer Ltd)`; without a name the address."""
        known = self.name or self.lead or self.words.say("A buyer")
        return f"{known} ({self.company})" if self.company else known

    @property
    def rank(self) -> str:
        """`Tier: hot, Score: 87`, as far as the lead list says."""
        return messages.tier(tier=self.tier, score="" if self.points else self.score, words=self.words)

    @property
    def over(self) -> bool:
        return self.state != "running"

    @property
    def closed(self) -> bool:
        """Over by a word that a person may take back."""
        return self.state == "dismissed" or self.stop_reason == "gone_quiet"

    @property
    def follow_up(self) -> bool:
        return self.metric == "follow_up"

    @property
    def is_verdict(self) -> bool:
        """Whether somebody must say what an inquiry is about."""
        return self.metric == "verdict"

    @property
    def to_judge(self) -> bool:
        """Whether a verdict is awaited, or awaited again since one was taken back."""
        return self.is_verdict and bool(self.choices) and (not self.over or (self.unjudged and not self.judged))

    @property
    def waited(self) -> str:
        return self.words.span(self.seconds)

    @property
    def left(self) -> float | None:
        """Seconds until it is due, negative once it is overdue; None without a due time."""
        return (self.due - self.as_of).total_seconds() if self.due and self.as_of else None

    @property
    def overdue(self) -> bool:
        return not self.over and self.left is not None and self.left <= 0

    @property
    def standing(self) -> str:
        """How it stands, in a few words: `overdue by 5 min`, `due in 12 min`, `answered after 42 min by Ana Diaz`."""
        return "; ".join([self._standing, *(messages.flag(one, words=self.words) for one in self.flags)])

    @property
    def to_do(self) -> str:
        """What its reader is to do, where that is no reply; empty elsewhere."""
        if not self.is_verdict or self.over or not self.due:
            return ""
        return verdict_messages.what_to_do(by=self.words.when(self.due), words=self.words)

    @property
    def no_further_step(self) -> str:
        """What is said where its ladder has ended."""
        return self.words.say(messages.no_further_step(self.is_verdict))

    @property
    def _standing(self) -> str:
        words = self.words
        if self.state == "answered":
            told = verdict_messages.judged if self.is_verdict else messages.answered
            return told(waited=self.waited, by=self.answered_by, words=words)
        if self.over:
            return messages.ended(waited=self.waited, stop_reason=self.stop_reason or self.state, words=words)
        return verdict_messages.standing(due=self.urgency, words=words) if self.is_verdict else self.urgency

    @property
    def urgency(self) -> str:
        """How an open one stands with its time: `due in 12 min`."""
        words = self.words
        if self.reason == "unverified":
            return messages.unverified(mailbox=self.mailbox, unread_since=self.unread_since, words=words)
        if not self.since:
            return words.say(messages.NEVER_ARRIVED)
        return messages.due(left=self.left, waited=self.waited, words=words)

    @property
    def line(self) -> str:
        """The whole of it in one line of a list."""
        owner = self.owner or self.words.say("nobody")
        told = self.words.say(
            "%(who)s: %(standing)s, owner %(owner)s", who=self.who, standing=self.standing, owner=owner
        )
        return f"{told}: {self.subject}" if self.subject else told

    @property
    def held(self) -> str:
        """`snoozed until Tue 3 Nov 14:30 GMT`; empty where nothing holds it."""
        if not self.held_until:
            return ""
        return messages.held(
            snoozed=self.held_as == "snoozed", until=self.words.when(self.held_until), words=self.words
        )

    @property
    def next(self) -> str:
        """What happens if nobody answers: `Max Ode is told at Tue 3 Nov 14:30 GMT`."""
        if not self.next_at:
            return self.no_further_step
        at = self.words.when(self.next_at)
        return messages.ladder_step(targets=self.next_targets, moves_to=self.next_owner, at=at, words=self.words)

    @property
    def ladder(self) -> list[str]:
        """Who was told when, who will be, and whose it is then, a line each; `next` alone where that is not known."""
        if self.over:
            return []
        if not self.steps:
            return [self.next]
        return ladder_lines(self.steps, self.words.when, verdict=self.is_verdict, words=self.words)

    @classmethod
    def of(cls, told: NoticeWait, zone: tzinfo, words: Wording = ENGLISH) -> ShownWait:
        """A wait of a notice, for a reader in a zone."""
        wait, upcoming, seconds = told.wait, told.wait.next_step, told.wait.wall_seconds or 0.0
        held_until = wait.snoozed_until or wait.acknowledged_until
        held_as = "snoozed" if wait.snoozed_until else "acknowledged" if held_until else ""
        return cls(
            id=wait.id,
            metric=wait.metric.value,
            state=wait.state.value,
            reason=told.reason,
            step=told.step,
            round=told.round or 1,
            lead=clean(wait.lead, _NAME),
            name=clean(wait.lead_name, _NAME),
            company=clean(wait.company, _NAME),
            tier=clean(wait.tier, 40),
            score=clean(wait.score, 20),
            subject=clean(wait.subject),
            owner=clean(wait.owner_name or wait.owner or "", _NAME),
            owner_id=wait.owner or "",
            team=clean(wait.team or "", _NAME),
            mailbox=clean(wait.mailbox or "", _NAME),
            mail_link=web_link(wait.mail_link),
            exchanged=wait.exchanged,
            last_exchanged=_local(wait.last_exchanged_at, zone),
            since=wait.started_at.astimezone(zone),
            due=wait.due_at.astimezone(zone),
            within=_within(wait, words),
            as_of=(wait.started_at + timedelta(seconds=seconds)).astimezone(zone),
            shown_at=wait.as_of,
            seconds=seconds,
            unread_since=_local(told.unread_since, zone),
            next_at=_local(upcoming.at, zone) if upcoming else None,
            next_targets=tuple(clean(name, 80) for name in wait.next_names or upcoming.targets) if upcoming else (),
            next_owner=clean(wait.next_owner_name or (upcoming.moves_to or ""), 80) if upcoming else "",
            steps=tuple(_local_step(step, zone) for step in wait.ladder),
            held_until=_local(held_until, zone),
            held_as=held_as,
            answered_by=clean(wait.answered_by_name or wait.answered_by or "", _NAME),
            stop_reason=clean(wait.stop_reason or "", _NAME),
            flags=tuple(wait.flags),
            section=clean(told.section, 60),
            handed=clean(_handed(told, words), 400),
            note=clean(told.note, 400),
            choices=told.choices,
            words=words,
            **_inquiry(told.inquiry, words),
        )

    @classmethod
    def of_contact(cls, contact: FailedContact, words: Wording = ENGLISH) -> ShownWait:
        """A buyer whom our first message never reached: nothing runs, so there are no times."""
        return cls(
            lead=clean(contact.lead, _NAME),
            name=clean(contact.lead_name, _NAME),
            company=clean(contact.company, _NAME),
            tier=clean(contact.tier, 40),
            subject=clean(contact.subject),
            owner=clean(contact.owner_name or contact.owner, _NAME),
            owner_id=contact.owner,
            words=words,
        )


def _inquiry(inquiry: NoticeInquiry | None, words: Wording) -> dict[str, Any]:
    if inquiry is None:
        return {}
    told = qualification_messages.what(inquiry.inquiry_class, inquiry.tier)
    lines = [(one.points, one.name, one.because) for one in inquiry.strongest]
    return {
        "inquiry": clean(f"{told}, {inquiry.decided}" if inquiry.decided else told, 300),
        "unjudged": inquiry.inquiry_class == UNKNOWN,
        "judged": inquiry.judged,
        "points": "" if inquiry.score is None else f"{inquiry.score:g}",
        "reasons": tuple(clean(choice_messages.reason(*line, words=words), 160) for line in lines),
        "last_owner": clean(inquiry.last_owner, _NAME),
    }


def _within(wait: WaitView, words: Wording) -> str:
    target = wait.sla.target(wait.metric) if wait.sla else None
    return messages.within(metric=wait.metric.value, length=str(target), words=words) if target is not None else ""


def _handed(told: NoticeWait, words: Wording) -> str:
    how, wait = told.handed, told.wait
    if how is None:
        return ""
    if how.to_reader:
        return owner_messages.yours_now(by=how.by_name, former=how.former_name, reason=how.reason, words=words)
    owner = wait.owner_name or wait.owner or ""
    return owner_messages.no_longer_yours(by=how.by_name, owner=owner, reason=how.reason, words=words)


def _local_step(step: LadderStep, zone: tzinfo) -> LadderStep:
    names = tuple(clean(name, 80) for name in step.targets)
    return replace(step, at=step.at.astimezone(zone), targets=names, moves_to=clean(step.moves_to, 80))


def _local(at: datetime | None, zone: tzinfo) -> datetime | None:
    return None if at is None else at.astimezone(zone)
