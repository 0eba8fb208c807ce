"""Errors as problem details (RFC 9457)."""

from __future__ import annotations

import json
import traceback
from collections.abc import Sequence
from http import HTTPStatus
from typing import Any

import structlog
from aiohttp import web
from pydantic import ValidationError

from inboxwatch.engine.refused import Refused
from inboxwatch.store import Outage
from inboxwatch.words import Wording, english

log = structlog.get_logger(__name__)


class Problem(Exception):  # noqa: N818  (the word of RFC 9457)
    """An answer that is an error. `detail` is for the person who asked; `problems` are further members, one a field."""

    def __init__(
        self,
        status: int,
        detail: str,
        *,
        problems: Sequence[dict[str, str]] = (),
        headers: dict[str, str] | None = None,
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.problems = list(problems)
        self.headers = headers or {}
        self._refused: Refused | None = None

    @classmethod
    def unusable(cls, refused: ValidationError) -> Problem:
        """Every field of a body that cannot be used, by its path."""
        problems = [
            {"field": ".".join(str(step) for step in error["loc"]) or "body", "problem": _sentence(error)}
            for error in refused.errors(include_url=False, include_context=False)
        ]
        detail = "; ".join(f"{one['field']}: {one['problem']}" for one in problems)
        return cls(422, detail, problems=problems)

    @classmethod
    def because(cls, status: int, text: str, **values: object) -> Problem:
        """One whose text, with the values of its `%(name)s`, is said in the language of a page."""
        return cls.refused(Refused(status, text, **values))

    @classmethod
    def refused(cls, refused: Refused) -> Problem:
        """What cannot be done."""
        found = cls(refused.status, str(refused))
        found._refused = refused
        return found

    def said(self, words: Wording) -> str:
        """The detail to a reader of a language; fields stand as forms name them."""
        if self._refused is not None:
            return self._refused.said(words)
        named = [
            (words.say(_FIELDS.get(one["field"], one["field"])), words.say(one["problem"])) for one in self.problems
        ]
        return "; ".join(f"{field}: {problem}" for field, problem in named) or words.say(self.detail)

    def response(self) -> web.Response:
        title = HTTPStatus(self.status).phrase
        body: dict[str, Any] = {"type": "about:blank", "title": title, "status": self.status, "detail": self.detail}
        if self.problems:
            body["problems"] = self.problems
        text = json.dumps(body, ensure_ascii=False)
        return web.Response(
            status=self.status, text=text, content_type="application/problem+json", headers=self.headers
        )


def _sentence(error: Any) -> str:
    if error["type"] == "missing":
        return english("is required")
    if error["type"] == "extra_forbidden":
        return english("is no known field")
    text: str = error["msg"].removeprefix("Value error, ")
    return text[:1].lower() + text[1:]


def of(error: Exception) -> Problem | None:
    """The problem that an exception stands for, or None for our own defects."""
    if isinstance(error, Problem):
        return error
    if isinstance(error, Refused):
        return Problem.refused(error)
    if isinstance(error, Outage):
        return away(str(error))
    if isinstance(error, ValidationError):
        return Problem.unusable(error)
    if isinstance(error, web.HTTPException) and error.status >= HTTPStatus.BAD_REQUEST:
        headers = {"Allow": error.headers["Allow"]} if "Allow" in error.headers else {}
        return Problem(error.status, _PLAIN.get(error.status, error.reason), headers=headers)
    return None


def away(words: str) -> Problem:
    """The store cannot be used now; `words` are its driver's."""
    first = next(iter(words.strip().splitlines()), "it does not say why")
    return Problem(503, f"the store cannot be used now: {first}", headers={"Retry-After": "10"})


_FIELDS = {
    "by": english("by"),
    "for": english("for"),
    "owner": english("owner"),
    "reason": english("reason"),
    "until": english("until"),
}
"""Of the forms."""
TITLES: dict[int, str] = {
    HTTPStatus.BAD_REQUEST: english("Bad Request"),
    HTTPStatus.FORBIDDEN: english("Forbidden"),
    HTTPStatus.NOT_FOUND: english("Not Found"),
    HTTPStatus.METHOD_NOT_ALLOWED: english("Method Not Allowed"),
    HTTPStatus.CONFLICT: english("Conflict"),
    HTTPStatus.UNPROCESSABLE_ENTITY: english("Unprocessable Entity"),
    HTTPStatus.INTERNAL_SERVER_ERROR: english("Internal Server Error"),
    HTTPStatus.SERVICE_UNAVAILABLE: english("Service Unavailable"),
}
"""Of pages; another status stands under the name that HTTP gives it."""
_PLAIN: dict[int, str] = {
    HTTPStatus.NOT_FOUND: english("nothing is at this address"),
    HTTPStatus.METHOD_NOT_ALLOWED: english(
        "this address does not take this method; the header Allow says which ones it takes"
    ),
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: english("the body is too large"),
}


def defect(request: web.Request, error: Exception) -> Problem:
    """A defect of our own: written to the log with its trace, to the outside without.

    The log gets no values and not the error's own words, which may hold a buyer's address.
    """
    trace = [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in traceback.extract_tb(error.__traceback__)]
    kind = type(error).__name__
    log.error("a request failed by a defect", method=request.method, route=_route(request), error=kind, trace=trace)
    return Problem(500, english("inboxwatch has failed here by a defect of its own; its log says more"))


def _route(request: web.Request) -> str:
    """The pattern of a path: the path itself may hold a lead's address."""
    resource = request.match_info.route.resource
    return resource.canonical if resource is not None else "unknown"
