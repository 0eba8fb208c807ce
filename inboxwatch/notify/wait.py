"""A wait as a reader sees it: a notice's clock with clean text, words for its state, times in the reader's zone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from typing import Any

from inboxwatch.notify import messages
from inboxwatch.notify.text import clean, span


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


@dataclass(frozen=True, slots=True)
class ShownWait:
    """All text in it is cleaned, so a template cannot show anything harmful; missing facts are empty or None."""

    id: str
    metric: str
    """first_response, next_response or follow_up."""
    state: str
    """running, answered, dismissed or ended."""
    reason: str
    """Why it is told: warning, breach, escalated, repeated, unverified; empty once it is over."""
    step: int | None
    round: int
    lead: str
    """The lead's address."""
    name: str
    company: str
    tier: str
    score: str
    subject: str
    owner: str
    """The owner's name where the notice gives one, else the person's id."""
    owner_id: str
    team: str
    mailbox: str
    exchanged: int | None
    """Messages to and fro before this wait."""
    last_exchanged: datetime | None
    since: datetime | None
    due: datetime | None
    as_of: datetime | None
    """The instant at which the rest of this was true."""
    seconds: float
    """How long it has waited, or had waited at its end (wall time)."""
    unread_since: datetime | None
    """Since when the mailbox that could hold the answer has not been read."""
    next_at: datetime | None
    next_targets: tuple[str, ...]
    held_until: datetime | None
    """Until when it is acknowledged or snoozed."""
    held_as: str
    """acknowledged or snoozed where `held_until` is given."""
    answered_by: str
    stop_reason: str
    section: str
    """The heading under which a digest lists it."""

    @property
    def who(self) -> str:
        """`Bo Buyer (Buyer Ltd)`; without a name the address."""
        known = self.name or self.lead or "A buyer"
        return f"{known} ({self.company})" if self.company else known

    @property
    def over(self) -> bool:
        return self.state != "running"

    @property
    def follow_up(self) -> bool:
        return self.metric == "follow_up"

    @property
    def waited(self) -> str:
        return span(self.seconds)

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
        if self.state == "answered":
            return messages.answered(waited=self.waited, by=self.answered_by)
        if self.over:
            return messages.ended(waited=self.waited, stop_reason=self.stop_reason or self.state)
        if self.reason == "unverified":
            return messages.unverified(mailbox=self.mailbox, unread_since=self.unread_since)
        return messages.due(left=self.left, waited=self.waited) if self.since else messages.NEVER_ARRIVED

    @property
    def next(self) -> str:
        """What happens if nobody answers: `Max Ode, desk at Tue 3 Nov 14:30 GMT`. Empty when nothing does."""
        if not self.next_at:
            return ""
        return messages.next_tellings(targets=self.next_targets, at=self.next_at)

    @classmethod
    def of(cls, clock: Mapping[str, Any], zone: tzinfo) -> ShownWait:
        """Reads a clock of a notice; unknown keys are ignored, missing ones are fine.

        Beside those of the contract it shows `owner_name`, `answered_by_name`, `score`, `exchanged` (a count),
        `last_exchanged_at`, `unread_since` and, in digests, `section`, where the notice has them.
        """

        def text(key: str, limit: int = 120) -> str:
            return clean(clock[key], limit) if clock.get(key) is not None else ""

        def moment(value: Any) -> datetime | None:
            if not value:
                return None
            parsed = value if isinstance(value, datetime) else datetime.fromisoformat(str(value))
            return parsed.astimezone(zone)

        upcoming = clock.get("next_step") or {}
        since = moment(clock.get("started_at"))
        seconds = float(clock.get("waited_seconds") or clock.get("wall_seconds") or 0)
        held = next((key for key in ("snoozed", "acknowledged") if clock.get(f"{key}_until")), "")
        return cls(
            id=str(clock.get("id", "")),
            metric=text("metric"),
            state=text("state") or "running",
            reason=text("reason"),
            step=clock.get("step"),
            round=int(clock.get("round") or 1),
            lead=text("lead"),
            name=text("lead_name"),
            company=text("company"),
            tier=text("tier", 40),
            score=text("score", 20),
            subject=text("subject", 200),
            owner=text("owner_name") or text("owner"),
            owner_id=str(clock.get("owner") or ""),
            team=text("team"),
            mailbox=text("mailbox"),
            exchanged=clock.get("exchanged"),
            last_exchanged=moment(clock.get("last_exchanged_at")),
            since=since,
            due=moment(clock.get("due_at")),
            as_of=since + timedelta(seconds=seconds) if since else None,
            seconds=seconds,
            unread_since=moment(clock.get("unread_since")),
            next_at=moment(upcoming.get("at")),
            next_targets=tuple(clean(target, 80) for target in upcoming.get("targets") or ()),
            held_until=moment(clock.get(f"{held}_until")) if held else None,
            held_as=held,
            answered_by=text("answered_by_name") or text("answered_by"),
            stop_reason=text("stop_reason"),
            section=text("section", 60),
        )
