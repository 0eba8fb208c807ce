"""The bodies that the API takes. All problems of a body are reported at once."""

from __future__ import annotations

import json
from datetime import UTC
from typing import Annotated, Any, Literal, TypeVar

from aiohttp import web
from pydantic import AfterValidator, AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from inboxwatch.core.sla.policy import Duration
from inboxwatch.core.told_instant import told_instant
from inboxwatch.web.audit import fill_in
from inboxwatch.web.identity import acting, signed_in
from inboxwatch.web.problems import Problem

Text = Annotated[str, Field(max_length=2000)]
Word = Annotated[str, Field(min_length=1, max_length=200)]
Instant = Annotated[AwareDatetime, AfterValidator(lambda at: at.astimezone(UTC))]


def _duration(value: Any) -> Duration:
    duration = Duration.parse(value)
    if not duration.length:
        raise ValueError("must be longer than nothing")
    return duration


class Body(BaseModel):
    model_config = ConfigDict(extra="forbid", arbitrary_types_allowed=True, str_strip_whitespace=True)


class Acknowledge(Body):
    by: Word
    reason: Text = ""


class Snooze(Body):
    by: Word
    until: Instant | None = None
    length: Annotated[Duration, BeforeValidator(_duration)] | None = Field(default=None, alias="for")
    reason: Text = ""

    @model_validator(mode="after")
    def _one_end(self) -> Snooze:
        if (self.until is None) == (self.length is None):
            raise ValueError("give exactly one of `until` (an instant) and `for` (a duration such as 2h or 4bh)")
        return self


class PutOff(Snooze):
    """A follow-up is for another day."""


class Assign(Body):
    by: Word
    owner: Word
    reason: Text = ""


class Called(Acknowledge):
    """A call instead of a mail."""


class Stop(Acknowledge):
    """Nobody follows up any more."""


class Dismiss(Body):
    by: Word
    reason: Annotated[str, Field(min_length=1, max_length=2000)]


class Reopen(Body):
    by: Word
    reason: Text = ""
    """Needed once ten minutes have passed since the dismissal."""


class Qualify(Body):
    """A person's verdict."""

    by: Word
    inquiry_class: Word = Field(alias="class")
    tier: Annotated[str, Field(max_length=60)] = ""
    scope: Literal["wait", "sender"] = "wait"
    owner: Word | None = None
    reason: Text = ""


class UndoVerdict(Acknowledge):
    """The last verdict is taken back."""


class Reviewed(Body):
    by: Word
    reason: Text = ""


class SaidKind(Body):
    by: Word
    kind: Literal["human"] = "human"
    sender: bool = False
    """Whatever the sender writes, not this message alone."""
    reason: Text = ""


class Erasing(Body):
    by: Word
    reason: Text = ""
    with_open_waits: bool = False
    dry_run: bool = False


class Activity(Body):
    lead: Word
    type: Literal["call", "meeting", "other"]
    at: Instant
    by: Word
    note: Text = ""
    id: Word | None = None
    """Its own id where it comes from: logged again, it changes nothing."""


def _address(value: str) -> str:
    local, at, domain = value.rpartition("@")
    if not (local and at and domain) or any(char.isspace() or not char.isprintable() for char in value):
        raise ValueError(f"{value!r} is no e-mail address")
    return value.lower()


Address = Annotated[str, Field(max_length=320), AfterValidator(_address)]
TIMES = ("opportunity_at", "closed_at")
"""Columns of a lead that hold a date or an instant."""


class LeadBody(BaseModel):
    """A lead with the CSV's columns; further columns are attributes."""

    model_config = ConfigDict(extra="allow", str_strip_whitespace=True)
    __pydantic_extra__: dict[str, str] = Field(init=False)

    email: str | None = None
    aliases: Annotated[list[Address], Field(max_length=50)] = []
    name: Text = ""
    company: Text = ""
    domain: Annotated[str, Field(max_length=253, pattern=r"^[^\s@/]*$"), AfterValidator(str.lower)] = ""
    owner: Word | None = None
    tier: Annotated[str, Field(max_length=60)] = ""
    status: Literal["open", "won", "lost", "closed"] = "open"
    country: Annotated[str, Field(max_length=60)] = ""
    language: Annotated[str, Field(max_length=60)] = ""

    @model_validator(mode="after")
    def _times(self) -> LeadBody:
        for name in TIMES:
            if value := self.__pydantic_extra__.get(name, ""):
                try:
                    told_instant(value)
                except ValueError as error:
                    raise ValueError(f"{name}: {error}") from None
        return self

    @property
    def attributes(self) -> tuple[tuple[str, str], ...]:
        return tuple(sorted((self.__pydantic_extra__ or {}).items()))


class Listed(LeadBody):
    """One of many leads."""

    email: Address


class Push(Body):
    """Leads in bulk; each is looked at by itself, so that one that cannot be used holds back no other."""

    put: list[Any] = []
    delete: list[Any] = []

    @model_validator(mode="after")
    def _not_too_many(self) -> Push:
        if (count := len(self.put) + len(self.delete)) > MOST_PUSHED:
            raise ValueError(f"{count} leads in one request are too many: send at most {MOST_PUSHED}")
        return self


MOST_PUSHED = 1000
Model = TypeVar("Model", bound=BaseModel)


async def read(request: web.Request, model: type[Model]) -> Model:
    """The body as its model. Raises Problem where it is no JSON, ValidationError with all that is wrong in it."""
    if request.content_type != "application/json":
        raise Problem(415, "send the body as JSON, with the header `Content-Type: application/json`")
    try:
        data = json.loads(await request.text())
    except (ValueError, RecursionError, LookupError):
        raise Problem(400, "the body is no JSON") from None
    if not isinstance(data, dict):
        raise Problem(422, "the body must be a JSON object")
    fill_in(data)
    if signed_in(request) and "by" in model.model_fields:
        data["by"] = acting(request, str(data.get("by", "")))
    return model.model_validate(data)
