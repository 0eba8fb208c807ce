"""Actions that do what they are asked and keep what that was."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any, Literal

from inboxwatch.notify.actions import ActionOutcome, Actor, Answer, Candidate, ClassChoice
from inboxwatch.notify.notice_inquiry import NoticeInquiry
from tests.support.notices import OVER, wait

HELD = {"acknowledged_until": "2026-11-03T11:35:00Z"}


class RecordedActions:
    """Does what it is asked and keeps what that was."""

    def __init__(self) -> None:
        self.done: list[tuple[Any, ...]] = []
        self.actors: list[Actor] = []
        self.refusal: Exception | None = None
        self.house, self.spoken = "en", "en"
        self.people: list[Candidate] = [Candidate("max", "Max Ode"), Candidate("ina", "Ina", False, "on leave")]
        self.offered: tuple[ClassChoice, ...] = ()
        self.inquiry: NoticeInquiry | None = None
        self.now: dict[str, Any] = {}
        """What of the wait is other once somebody has judged it."""
        self.answer = Answer(("Ana Diaz owns it.", "Due at 11:00.", "Then Max is told."), (wait(),))

    def language(self, by: Actor | None) -> str:
        return self.house if by is None else self.spoken

    def _act(self, by: Actor, *what: Any, **changes: Any) -> ActionOutcome:
        self.actors.append(by)
        if self.refusal:
            raise self.refusal
        self.done.append(what)
        shown = wait(**{"id": what[1], **changes})
        return ActionOutcome(shown, f"{what[0]} by {by.name}", self.offered, self.inquiry)

    def choices(self) -> tuple[ClassChoice, ...]:
        return self.offered

    async def acknowledge(self, clock: str, by: Actor, reason: str = "") -> ActionOutcome:
        return self._act(by, "acknowledge", clock, reason, **HELD)

    async def snooze(self, clock: str, by: Actor, length: timedelta, reason: str = "") -> ActionOutcome:
        return self._act(by, "snooze", clock, length, reason)

    async def put_off(self, clock: str, by: Actor, length: timedelta, reason: str = "") -> ActionOutcome:
        return self._act(by, "put_off", clock, length, reason)

    async def stop(self, clock: str, by: Actor, reason: str = "") -> ActionOutcome:
        return self._act(by, "stop", clock, reason)

    async def assign(self, clock: str, by: Actor, owner: str, reason: str = "") -> ActionOutcome:
        return self._act(by, "assign", clock, owner, reason, owner_name="Max Ode")

    async def reopen(self, clock: str, by: Actor, reason: str = "") -> ActionOutcome:
        return self._act(by, "reopen", clock, reason)

    async def dismiss(self, clock: str, by: Actor, reason: str = "") -> ActionOutcome:
        return self._act(by, "dismiss", clock, reason, **{**OVER, "state": "dismissed", "stop_reason": "dismissed"})

    async def qualify(self, clock: str, by: Actor, choice: ClassChoice, reason: str = "") -> ActionOutcome:
        said = (choice.inquiry_class, choice.tier)
        return self._act(
            by, "qualify", clock, said, reason, **{key: self.now[key] for key in self.now if key != "reason"}
        )

    async def undo_verdict(self, clock: str, by: Actor, reason: str = "") -> ActionOutcome:
        return self._act(
            by, "undo_verdict", clock, reason, **{key: self.now[key] for key in self.now if key != "reason"}
        )

    async def activity(
        self, clock: str, by: Actor, kind: Literal["call", "meeting", "other"], note: str = ""
    ) -> ActionOutcome:
        return self._act(by, "activity", clock, kind, note)

    async def candidates(self, clock: str, by: Actor) -> Sequence[Candidate]:
        if self.refusal:
            raise self.refusal
        return self.people

    async def lookup(self, by: Actor, query: str) -> Answer:
        self._act(by, "lookup", query)
        return self.answer
