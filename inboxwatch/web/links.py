"""Signed links under `/a/`: opening one shows what it would do, the button on the page does it."""

from __future__ import annotations

from typing import Any

from aiohttp import web

from inboxwatch.engine.daemon_port import DaemonPort
from inboxwatch.engine.notice_actions import NoticeActions
from inboxwatch.engine.refused import Refused
from inboxwatch.notify.actions import ActionRefused, Actor
from inboxwatch.notify.links import LABELS, Grant, LinkError, Links
from inboxwatch.web import wait_actions
from inboxwatch.web.pages import Pages


class SignedLinks:
    def __init__(self, daemon: DaemonPort, pages: Pages) -> None:
        self._daemon = daemon
        self._pages = pages
        self._actions = NoticeActions(daemon)
        self._links = Links(daemon.key, daemon.rules.config.web.url, former=daemon.former_key)

    def routes(self) -> list[web.RouteDef]:
        return [web.get("/a/{token}", self.show), web.post("/a/{token}", self.act)]

    async def show(self, request: web.Request) -> web.Response:
        grant = self._grant(request)
        if isinstance(grant, web.Response):
            return grant
        try:
            wait = await wait_actions.shown(self._daemon, grant.clock)
        except Refused as refused:
            return self._say(request, str(refused), refused.status)
        if not wait.running:
            return self._say(request, f"This wait is over: {wait.stop_reason}. There is nothing left to do.")
        return self._page(request, wait=wait, label=LABELS[grant.action], reader=self._name(grant.person))

    async def act(self, request: web.Request) -> web.Response:
        grant = self._grant(request)
        if isinstance(grant, web.Response):
            return grant
        do = {"acknowledge": self._actions.acknowledge, "dismiss": self._actions.dismiss}[grant.action]
        try:
            if not (wait := await wait_actions.shown(self._daemon, grant.clock)).running:
                return self._say(request, f"Nothing was done: the wait is over ({wait.stop_reason}).", 409)
            await do(grant.clock, Actor("link", person=grant.person), "by the link in a message")
        except Refused as refused:
            return self._say(request, f"Nothing was done: {refused}.", refused.status)
        except ActionRefused as refused:
            return self._say(request, str(refused), 409)
        who = self._name(grant.person)
        if grant.action == "acknowledge":
            return self._say(request, f"{who} has it now.")
        return self._say(request, f"Done: no reply is owed, says {who}.")

    def _grant(self, request: web.Request) -> Grant | web.Response:
        try:
            return self._links.verify(request.match_info["token"], self._daemon.now())
        except LinkError as error:
            return self._say(request, str(error), 403)

    def _name(self, person: str) -> str:
        known = {str(one.id): one.name for one in self._daemon.rules.config.people.values()}
        return known.get(person, person)

    def _say(self, request: web.Request, sentence: str, status: int = 200, **values: Any) -> web.Response:
        return self._page(request, status=status, sentence=sentence, **values)

    def _page(self, request: web.Request, status: int = 200, **values: Any) -> web.Response:
        defaults = {"sentence": "", "wait": None, "label": "", "reader": ""}
        return self._pages.render(request, "link.html", status=status, **(defaults | values))
