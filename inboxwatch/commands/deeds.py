"""`replay --deeds FILE`: what people did, as JSON Lines, made facts of the timeline that the mail makes."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from itertools import takewhile
from pathlib import Path
from typing import Any, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from inboxwatch.core.leads import plain_address
from inboxwatch.core.model import ClockId, LeadId, MessageId, PersonId, ThreadId
from inboxwatch.core.qualification.decision import UNKNOWN, SenderWord
from inboxwatch.core.sla.clock import Clock
from inboxwatch.core.sla.policy import Duration, Metric
from inboxwatch.core.sla.running import clock_id
from inboxwatch.core.sla.timeline import Action, ActionKind, Mail
from inboxwatch.core.sla.verdicts import Verdicts, of_side, taken_back, word_taken_back


class DeedModel(BaseModel):
    """One line of the file."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    at: AwareDatetime
    deed: Literal["verdict", "undo", "acknowledge", "snooze", "put_off", "assign", "dismiss", "reopen", "activity"]
    message: str
    """Any message of the wait."""
    by: str
    class_: str = Field(default="", alias="class")
    tier: str = ""
    scope: Literal["wait", "sender"] = "wait"
    owner: str | None = None
    until: AwareDatetime | None = None
    for_: str | None = Field(default=None, alias="for")
    """Wall time, such as `2h`."""
    type: Literal["call", "meeting", "other"] = "other"
    id: str = ""
    reason: str = ""
    seen: tuple[str, ...] = ()
    """Of a dismissal: the ids of the wait as the person knew it. Default: all that was received before it."""

    @field_validator("message")
    @classmethod
    def _bare(cls, message: str) -> str:
        return message.strip().removeprefix("<").removesuffix(">")

    @model_validator(mode="after")
    def _complete(self) -> DeedModel:
        if self.deed == "verdict" and not self.class_:
            raise ValueError("a verdict needs `class`")
        if self.deed == "assign" and self.owner is None:
            raise ValueError("assign needs `owner`")
        if self.deed in ("snooze", "put_off") and (self.until is None) == (self.for_ is None):
            raise ValueError(f"{self.deed} needs `until` or `for`")
        if self.deed == "dismiss" and not self.reason.strip():
            raise ValueError("dismiss needs `reason`")
        return self

    @property
    def ends(self) -> datetime:
        """Until when a snooze holds, or to when a follow-up is put off."""
        if self.until is not None:
            return self.until.astimezone(UTC)
        return self.at.astimezone(UTC) + Duration.parse(self.for_).length


@dataclass(frozen=True, slots=True)
class PlacedDeed:
    """A deed and where it stands: `deeds.jsonl:3`."""

    place: str
    deed: DeedModel


@dataclass(slots=True)
class Deeds:
    """Facts made of deeds, and those of which nothing could be made."""

    actions: dict[ThreadId, list[Action]] = field(default_factory=dict)
    everywhere: list[Action] = field(default_factory=list)
    """Of a lead, whatever the thread."""
    said: dict[str, list[SenderWord]] = field(default_factory=dict)
    known: set[str] = field(default_factory=set)
    """Ids of activities: what comes twice counts once."""
    problems: list[tuple[str, str]] = field(default_factory=list)
    """(place, reason)."""


def read(path: Path) -> tuple[list[PlacedDeed], list[tuple[str, str]]]:
    """(deeds in the order in which they count, (place, reason) of lines that are none). Raises OSError."""
    deeds, problems = list[PlacedDeed](), list[tuple[str, str]]()
    for number, line in enumerate(path.read_text(encoding="utf-8", errors="replace").splitlines(), 1):
        place = f"{path}:{number}"
        if not line.strip():
            continue
        try:
            deeds.append(PlacedDeed(place, DeedModel.model_validate(json.loads(line))))
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(map(str, first["loc"]))
            problems.append((place, f"{where}: {first['msg']}" if where else str(first["msg"])))
        except ValueError as error:
            problems.append((place, f"is no JSON: {error}"))
    deeds.sort(key=lambda one: (one.deed.at, one.deed.by, one.deed.class_))
    return deeds, problems


@dataclass(frozen=True, slots=True)
class DeedContext:
    """What deeds are checked against."""

    people: Iterable[str]
    classes: Iterable[str]
    """Empty without qualification."""
    mails: Mapping[MessageId, tuple[ThreadId, Mail]]
    clocks: Callable[[ThreadId, datetime, Deeds], Sequence[Clock]]
    """The clocks of a thread as an instant knows it."""


def applied(deeds: Iterable[PlacedDeed], house: DeedContext) -> Deeds:
    """Facts made of deeds, one after the other: each sees what those before it did."""
    made = Deeds()
    for one in deeds:
        try:
            _apply(one.deed, house, made)
        except ValueError as error:
            made.problems.append((one.place, str(error)))
    return made


def _apply(deed: DeedModel, house: DeedContext, made: Deeds) -> None:
    """Raises ValueError with what does not fit."""
    at = deed.at.astimezone(UTC)
    for name in (deed.by, *([deed.owner] if deed.owner is not None else [])):
        if name not in house.people:
            raise ValueError(f"{name!r} is no person of the config")
    found = house.mails.get(MessageId(deed.message))
    if found is None:
        raise ValueError(f"no message {deed.message!r} was read")
    thread, mail = found
    if at < mail.at:
        raise ValueError("stands before its message")
    clock = _wait_of(mail, house.clocks(thread, at, made))
    if clock is None:
        raise ValueError(f"{deed.message!r} is of no wait")
    if deed.deed in ("verdict", "undo") and not clock.metric.is_reply:
        raise ValueError("a follow-up is no inquiry: nobody judges it")
    if deed.deed == "verdict":
        _judge(deed, at, house, made, thread, mail, clock)
        return
    if deed.deed == "undo":
        _take_back(deed, at, house, made, thread, clock)
        return
    if deed.deed == "reopen":
        _reopen(deed, at, made, thread, clock)
        return
    if deed.deed != "activity" and not clock.running:
        raise ValueError("the wait is over")
    if deed.deed == "activity":
        if not deed.id or deed.id not in made.known:
            made.everywhere.append(Action(at, ActionKind.ACTIVITY, deed.by, lead=LeadId(clock.lead), reason=deed.type))
            made.known.add(deed.id)
        return
    made.actions.setdefault(thread, []).extend(_actions(deed, at, clock))


def _wait_of(mail: Mail, clocks: Sequence[Clock]) -> Clock | None:
    ids = {clock_id(mail.id, Metric.FIRST_RESPONSE), clock_id(mail.id, Metric.FOLLOW_UP)}
    return next((one for one in clocks if one.metric is not Metric.VERDICT and ids & one.ids), None)


def _judge(  # seven parameters: what was said, of what, and what it is checked against
    deed: DeedModel, at: datetime, house: DeedContext, made: Deeds, thread: ThreadId, mail: Mail, clock: Clock
) -> None:
    given = deed.class_.lower()
    if given == UNKNOWN or given not in house.classes:
        raise ValueError(f"{deed.class_!r} is no class that a verdict can give")
    by = PersonId(deed.by)
    actions = made.actions.setdefault(thread, [])
    actions.append(
        Action(at, ActionKind.QUALIFIED, by, clock.id, clock.lead, reason=deed.reason, inquiry_class=given,
               tier=deed.tier)
    )  # fmt: skip
    if deed.owner is not None:
        owner = PersonId(deed.owner)
        actions.append(Action(at, ActionKind.ASSIGNED, by, clock.id, clock.lead, owner=owner, rule="by hand"))
    if deed.scope == "sender":
        words = made.said.setdefault(plain_address(mail.sender.email), [])
        words.append(SenderWord(at, given, by, deed.tier))


def _take_back(  # six parameters: what is taken back, of what, and what it is checked against
    deed: DeedModel, at: datetime, house: DeedContext, made: Deeds, thread: ThreadId, clock: Clock
) -> None:
    """The last verdict on a wait that stands, and what it said of the sender."""
    actions = made.actions.get(thread, [])
    standing = Verdicts.of(one for one in actions if one.clock in clock.ids).standing
    if not standing:
        raise ValueError("no verdict on this wait stands")
    verdict = standing[-1]
    others = replace(made, actions={**made.actions, thread: [one for one in actions if one is not verdict]})
    clocks = house.clocks(thread, at, others)
    without = next(one for one in clocks if one.metric.is_reply and one.ids & clock.ids)
    earlier = of_side(clocks, without.side, takewhile(lambda one: one is not verdict, actions))
    back = Action(at, ActionKind.QUALIFIED, PersonId(deed.by), clock.id, clock.lead, reason=deed.reason)
    actions.append(taken_back(verdict, without, earlier, back))
    for words in made.said.values():
        if words[-1] == SenderWord(verdict.at, verdict.inquiry_class, verdict.by, verdict.tier):
            words.append(word_taken_back(words[:-1], at, deed.by))


def _reopen(deed: DeedModel, at: datetime, made: Deeds, thread: ThreadId, clock: Clock) -> None:
    """Takes a dismissal back."""
    if clock.stop_reason != "dismissed":
        raise ValueError("the wait is not dismissed")
    ids = frozenset(clock.ids)
    back = Action(at, ActionKind.REOPENED, PersonId(deed.by), clock.id, clock.lead, reason=deed.reason, seen=ids)
    made.actions.setdefault(thread, []).append(back)


def _actions(deed: DeedModel, at: datetime, clock: Clock) -> list[Action]:
    by, lead = PersonId(deed.by), LeadId(clock.lead)
    if deed.deed == "acknowledge":
        until = clock.policy.escalation.acknowledge_for.after(at, clock.policy.calendar)
        held = Action(at, ActionKind.ACKNOWLEDGED, by, clock.id, lead, until, reason=deed.reason)
        return [held, Action(at, ActionKind.ASSIGNED, by, clock.id, lead, owner=by, rule="by hand")]
    if deed.deed in ("snooze", "put_off"):
        if deed.ends <= at:
            raise ValueError("until: must lie after the deed")
        if deed.deed == "put_off" and clock.metric is not Metric.FOLLOW_UP:
            raise ValueError("only a follow-up is put off")
        kind = ActionKind.SNOOZED if deed.deed == "snooze" else ActionKind.PUT_OFF
        return [Action(at, kind, by, clock.id, lead, deed.ends, reason=deed.reason)]
    if deed.deed == "assign":
        owner = PersonId(str(deed.owner))
        return [Action(at, ActionKind.ASSIGNED, by, clock.id, lead, owner=owner, reason=deed.reason, rule="by hand")]
    if deed.deed == "dismiss":
        seen = frozenset(map(ClockId, deed.seen)) or frozenset(clock.ids)
        return [Action(at, ActionKind.DISMISSED, by, clock.id, lead, reason=deed.reason, seen=seen)]
    raise AssertionError(deed.deed)


def problem_lines(problems: Iterable[tuple[str, str]]) -> Iterable[dict[str, Any]]:
    """The `problem` objects of the contract, section 5."""
    return ({"type": "problem", "path": place, "reason": reason} for place, reason in problems)
