"""Pages: templates that escape everything, words for times and states, problems as pages."""

from __future__ import annotations

from datetime import datetime
from http import HTTPStatus
from pathlib import Path
from typing import Any
from urllib.parse import quote

from aiohttp import web
from jinja2 import Environment, PackageLoader, StrictUndefined

from inboxwatch.core.timestamp import rfc3339
from inboxwatch.engine.daemon_port import DaemonPort
from inboxwatch.notify import messages
from inboxwatch.notify.text import clean, span
from inboxwatch.web.auth import Guard
from inboxwatch.web.problems import Problem
from inboxwatch.web.proxy import signed_in

STATIC = Path(__file__).parent / "static"

BY = "inboxwatch-by"
"""The cookie that remembers who acts from this browser."""


class Pages:
    def __init__(self, daemon: DaemonPort, guard: Guard) -> None:
        self._daemon = daemon
        self._guard = guard
        self._templates = Environment(
            loader=PackageLoader("inboxwatch.web", "templates"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._templates.filters.update(
            clean=clean, span=span, instant=rfc3339, stamp=stamp, segment=lambda text: quote(str(text), safe="")
        )
        self._templates.globals.update(person=self._person, target=self._target, flag=messages.flag)

    def render(self, request: web.Request, template: str, *, status: int = 200, **values: Any) -> web.Response:
        """A page; its template sees the request's path, people, who is signed in and the form key beside `values`."""
        known = {
            "path": request.path,
            "now": self._daemon.now(),
            "people": list(self._daemon.rules.config.people.values()),
            "person_signed_in": signed_in(request),
            "form_key": self._guard.form_key(request),
            "can_leave": self._guard.session(request),
            "by": request.cookies.get(BY, ""),
        }
        text = self._templates.get_template(template).render(known | values)
        return web.Response(status=status, text=text, content_type="text/html")

    def problem(self, request: web.Request, problem: Problem) -> web.Response:
        """An error in the form that was asked for."""
        page = "text/html" in request.headers.get("Accept", "") and not request.path.startswith(("/api/", "/-/"))
        if not page:
            return problem.response()
        title = HTTPStatus(problem.status).phrase
        return self.render(request, "problem.html", status=problem.status, title=title, detail=problem.detail)

    def _person(self, person: str | None) -> str:
        """A person's name; the id where they have left the config."""
        known = {str(one.id): one.name for one in self._daemon.rules.config.people.values()}
        return clean(known.get(person or "", person or "nobody"))

    def _target(self, target: str) -> str:
        """A target of a step: a person by name, a channel as it is."""
        known = {str(one.id): one.name for one in self._daemon.rules.config.people.values()}
        return clean(known.get(target, target))


def stamp(at: datetime | str | None) -> str:
    """An instant as pages show it until the browser turns it into local time: `Mon 4 May 09:30 UTC`."""
    if at is None:
        return ""
    moment = datetime.fromisoformat(at) if isinstance(at, str) else at
    return f"{moment:%a} {moment.day} {moment:%b %H:%M} UTC"
