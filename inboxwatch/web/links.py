"""Signed links under `/a/`: opening one shows what it would do, the button on the page does it."""

from __future__ import annotations

from typing import Any

from aiohttp import web

from inboxwatch.core.wait_view import WaitView
from inboxwatch.engine.actions import UNDO
from inboxwatch.engine.daemon_port import DaemonPort
from inboxwatch.engine.notice_actions import NoticeActions
from inboxwatch.engine.refused import Refused
from inboxwatch.notify import messages
from inboxwatch.notify.actions import ActionRefused, Actor
from inboxwatch.notify.links import LABELS, Grant, LinkError, Links, choice_of
from inboxwatch.notify.qualification_messages import what
from inboxwatch.web import page_messages, wait_actions
from inboxwatch.web.pages import Pages
from inboxwatch.words import english

REOPEN = "reopen"
"""What the link on the page after a dismissal does; no message carries it."""
UNDO_VERDICT = "undo-verdict"
"""Likewise after a verdict."""
WHY = {
    "dismiss": english("Say why no reply is owed."),
    "stop": english("Say why nobody follows up any more."),
}
"""What is asked of deeds that want a reason; they can be undone."""
DONE = {
    "acknowledge": english("%(person)s has it now."),
    "activity": english("The call is noted, says %(person)s."),
    "stop": english("Done: nobody follows up any more, says %(person)s."),
    "dismiss": english("Done: no reply is owed, says %(person)s."),
    REOPEN: english("Undone: the wait runs again from its start."),
    UNDO_VERDICT: english("Undone: it is what it was before."),
}
IT_IS = english("Done: it is %(what)s, says %(person)s.")
UNDONE = {"dismiss": REOPEN, "stop": REOPEN}
"""By which link a deed can be undone."""
REASON = 500
"""Characters of a reason."""


class SignedLinks:
    def __init__(self, daemon: DaemonPort, pages: Pages) -> None:
        self._daemon = daemon
        self._pages = pages
        self._actions = NoticeActions(daemon)
        self._links = Links(daemon.key, daemon.rules.config.web.url, former=daemon.former_key)

    def routes(self) -> list[web.RouteDef]:
        return [web.get("/a/{token}", self.show), web.post("/a/{token}", self.act)]

    async def show(self, request: web.Request) -> web.Response:
        grant = await self._grant(request)
        if isinstance(grant, web.Response):
            return grant
        words = self._pages.words(request)
        try:
            wait = await wait_actions.shown(self._daemon, grant.clock)
        except Refused as refused:
            return await self._say(request, refused.said(words), refused.status)
        if not _judges(grant) and wait.running == (grant.action == REOPEN):
            if wait.running:
                return await self._say(request, words.say("This wait runs. There is nothing to undo."))
            why = page_messages.ending(wait.stop_reason or "", words)
            return await self._say(
                request, words.say("This wait is done: %(why)s. There is nothing left to do.", why=why)
            )
        return await self._ask(request, grant, wait)

    async def act(self, request: web.Request) -> web.Response:
        grant = await self._grant(request)
        if isinstance(grant, web.Response):
            return grant
        words = self._pages.words(request)
        reason = str((await request.post()).get("reason", "")).strip()[:REASON]
        try:
            wait = await wait_actions.shown(self._daemon, grant.clock)
            if not wait.running and grant.action != REOPEN and not _judges(grant):
                why = messages.wait_over(stop_reason=page_messages.ending(wait.stop_reason or "", words), words=words)
                return await self._say(request, messages.nothing_done(why=why, words=words), 409)
            if grant.action in WHY and not reason:
                return await self._ask(request, grant, wait, status=422, problem=words.say(WHY[grant.action]))
            await self._do(grant, Actor("link", person=grant.person, language=words.language), reason)
        except Refused as refused:
            return await self._say(request, messages.nothing_done(why=refused.said(words), words=words), refused.status)
        except ActionRefused as refused:
            return await self._say(request, str(refused), 409)
        choice, name = choice_of(grant.action), self._name(grant.person)
        back = UNDO_VERDICT if choice is not None else UNDONE.get(grant.action)
        if choice is not None:
            told = words.say(IT_IS, what=what(choice.inquiry_class, choice.tier), person=name)
        else:
            told = words.say(DONE[grant.action], person=name)
        if back is None:
            return await self._say(request, told)
        undo = Grant(grant.clock, back, grant.person, self._daemon.now() + UNDO)
        return await self._say(request, told, undo=f"/a/{self._links.sign(undo)}")

    async def _do(self, grant: Grant, by: Actor, reason: str) -> None:
        given = reason or "by the link in a message"
        if (choice := choice_of(grant.action)) is not None:
            await self._actions.qualify(grant.clock, by, choice, reason)
        elif grant.action == UNDO_VERDICT:
            await self._actions.undo_verdict(grant.clock, by, reason)
        elif grant.action == "acknowledge":
            await self._actions.acknowledge(grant.clock, by, given)
        elif grant.action == "activity":
            await self._actions.activity(grant.clock, by, "call", given)
        elif grant.action == "stop":
            await self._actions.stop(grant.clock, by, reason)
        elif grant.action == "dismiss":
            await self._actions.dismiss(grant.clock, by, reason)
        else:
            await self._actions.reopen(grant.clock, by, reason)

    async def _ask(self, request: web.Request, grant: Grant, wait: WaitView, **values: Any) -> web.Response:
        """The page whose button acts."""
        label = messages.UNDO if grant.action in (REOPEN, UNDO_VERDICT) else LABELS.get(grant.action, "")
        if (choice := choice_of(grant.action)) is not None:
            spoken = self._pages.words(request)
            label = spoken.say("It is %(what)s", what=what(choice.inquiry_class, choice.tier))
        reader, why = self._name(grant.person), grant.action in WHY
        return await self._page(request, wait=wait, label=label, reader=reader, why=why, **values)

    async def _grant(self, request: web.Request) -> Grant | web.Response:
        try:
            return self._links.verify(request.match_info["token"], self._daemon.now())
        except LinkError as error:
            return await self._say(request, self._pages.words(request).say(str(error)), 403)

    def _name(self, person: str) -> str:
        known = {str(one.id): one.name for one in self._daemon.rules.config.people.values()}
        return known.get(person, person)

    async def _say(self, request: web.Request, sentence: str, status: int = 200, **values: Any) -> web.Response:
        return await self._page(request, status=status, sentence=sentence, **values)

    async def _page(self, request: web.Request, status: int = 200, **values: Any) -> web.Response:
        defaults = {"sentence": "", "wait": None, "label": "", "reader": "", "why": False, "problem": "", "undo": ""}
        return await self._pages.render(request, "link.html", status=status, **(defaults | values))


def _judges(grant: Grant) -> bool:
    """Whether a link says what an inquiry is, which may be said of a wait that is over as well."""
    return grant.action == UNDO_VERDICT or choice_of(grant.action) is not None
