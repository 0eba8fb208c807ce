"""What people can do to a wait from a channel. The engine implements it, decides who may, and writes the audit."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Literal, Protocol

from inboxwatch.core.wait_view import WaitView
from inboxwatch.notify.notice_inquiry import NoticeInquiry


class ActionRefused(Exception):  # noqa: N818  (it is an answer, not a fault)
    """The action was not done. The message says why, in a sentence for the person who tried."""


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acted, as far as the channel knows; the engine finds the person of the config."""

    channel: str
    """The channel's name in the config."""
    person: str = ""
    """The person's id, where the channel is sure of it (a signed link)."""
    slack_id: str = ""
    email: str = ""
    """Lower case; empty where the channel does not tell."""
    name: str = ""
    language: str = ""
    """In which they are reading, where that is not for the config to say (a browser's)."""
    place_language: str = ""
    """In which the place is written where what they do is shown, where others read there too (a channel)."""


@dataclass(frozen=True, slots=True)
class ClassChoice:
    """What somebody may say that an inquiry is."""

    inquiry_class: str
    tier: str = ""
    """What it is worth; empty: as it was."""
    for_sales: bool = False
    """Whether a seller is needed; such choices stand first, in a group of their own."""

    @property
    def mark(self) -> str:
        """What stands for it in a menu: short, whatever the config calls its classes and tiers."""
        named = f"{self.inquiry_class}\0{self.tier}"
        return hashlib.sha256(named.encode(errors="surrogatepass")).hexdigest()[:16]


def chosen(mark: str, choices: Iterable[ClassChoice]) -> ClassChoice | None:
    """The choice that a mark stands for; None where it is offered no more."""
    return next((one for one in choices if one.mark == mark), None)


@dataclass(frozen=True, slots=True)
class ActionOutcome:
    """The wait after an action, for showing it where it was shown before."""

    clock: WaitView
    sentence: str
    """What happened, with the person's name: `Ana Diaz has it until 14:30.` Shown beside the wait."""
    choices: tuple[ClassChoice, ...] = ()
    """What may be said now that it is; empty without qualification, and of a follow-up."""
    inquiry: NoticeInquiry | None = None
    """What it is by now."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """Somebody who could own a wait."""

    person: str
    name: str
    present: bool = True
    note: str = ""
    """Why not now, in a word or two: `on leave until 14 Aug`."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What somebody asked about: a lead's wait and owner, or one's own open waits."""

    lines: tuple[str, ...]
    """In words. For a lead: who owns it right now, what is the SLA, what happens when it slips."""
    clocks: tuple[WaitView, ...] = ()
    """Replies first, then follow-ups."""
    link: str = ""
    """Where the board shows the same."""


class Actions(Protocol):
    """Every method raises ActionRefused, with a sentence for the person, where the action is not allowed or too late.

    All are idempotent: an action that is delivered twice changes nothing the second time.
    """

    def language(self, by: Actor | None) -> str:
        """In which somebody is spoken to; None, and who is not known, in the house's."""
        ...

    def choices(self) -> tuple[ClassChoice, ...]:
        """What somebody may say now that an inquiry is; empty without qualification."""
        ...

    async def acknowledge(self, clock: str, by: Actor, reason: str = "") -> ActionOutcome:
        """`by` has it, and owns it from now on."""
        ...

    async def snooze(self, clock: str, by: Actor, length: timedelta, reason: str = "") -> ActionOutcome:
        """Holds the ladder for a while."""
        ...

    async def put_off(self, clock: str, by: Actor, length: timedelta, reason: str = "") -> ActionOutcome:
        """A follow-up is due that much later than now."""
        ...

    async def stop(self, clock: str, by: Actor, reason: str = "") -> ActionOutcome:
        """Nobody follows up any more; a reason is needed."""
        ...

    async def assign(self, clock: str, by: Actor, owner: str, reason: str = "") -> ActionOutcome:
        """Moves the wait to another person (a person's id)."""
        ...

    async def dismiss(self, clock: str, by: Actor, reason: str = "") -> ActionOutcome:
        """No reply is owed for this wait; a reason is needed."""
        ...

    async def reopen(self, clock: str, by: Actor, reason: str = "") -> ActionOutcome:
        """A reply is owed after all: a dismissal is taken back. After some minutes a reason is needed."""
        ...

    async def qualify(self, clock: str, by: Actor, choice: ClassChoice, reason: str = "") -> ActionOutcome:
        """It is what was chosen; also of a wait that is over. `clock` may be that of the verdict that is awaited."""
        ...

    async def undo_verdict(self, clock: str, by: Actor, reason: str = "") -> ActionOutcome:
        """The last verdict is taken back: it is what it was before."""
        ...

    async def activity(
        self, clock: str, by: Actor, kind: Literal["call", "meeting", "other"], note: str = ""
    ) -> ActionOutcome:
        """The buyer was reached in another way."""
        ...

    async def candidates(self, clock: str, by: Actor) -> Sequence[Candidate]:
        """Who could own the wait, present people first."""
        ...

    async def lookup(self, by: Actor, query: str) -> Answer:
        """What is known of a lead (address, name or company), or of the asker's own open waits for an empty query."""
        ...
