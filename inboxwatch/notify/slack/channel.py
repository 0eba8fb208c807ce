"""The channel itself: posts a notice, updates it in place, threads what follows, and listens for presses."""

from __future__ import annotations

import asyncio
import hashlib
import re
from datetime import datetime
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

import structlog

from inboxwatch.notify import (
    TO_ACT_ON,
    ChannelError,
    Notice,
    NoticeType,
    Receipt,
    Recipient,
    Settings,
)
from inboxwatch.notify.actions import Actions
from inboxwatch.notify.render import Renderer
from inboxwatch.notify.slack import blocks
from inboxwatch.notify.slack.api import SlackApi, SlackError, done
from inboxwatch.notify.slack.listeners import Listeners
from inboxwatch.notify.slack.settings import SlackSettings
from inboxwatch.notify.slack.socket import Socket
from inboxwatch.notify.text import clean, web_link
from inboxwatch.words import words

if TYPE_CHECKING:
    from inboxwatch.notify.links import Links

_NAME = re.compile(r"#[^\s#<>&|,A-Z]{1,80}")
_ID = re.compile(r"[CGDUW][A-Z0-9]{5,20}")
_EMAIL = re.compile(r"[^@\s<>]+@[^@\s<>]+")
_GONE = frozenset({"message_not_found", "cant_update_message", "edit_window_closed", "thread_not_found"})
_SCOPES = frozenset({"chat:write", "users:read", "users:read.email"})
_PEOPLE = 10_000
"""Addresses whose Slack ids are kept."""

_log = structlog.get_logger(__name__)


class _Posted(NamedTuple):
    """The first message about a wait, as a receipt's reference: `CHANNEL/TS`, with `/group` if it tells of several."""

    channel: str
    ts: str
    group: bool

    @classmethod
    def read(cls, reference: str | None) -> _Posted | None:
        match = re.fullmatch(r"([A-Z0-9]+)/(\d+\.\d+)(/group)?", reference or "")
        return cls(match[1], match[2], bool(match[3])) if match else None

    def __str__(self) -> str:
        return f"{self.channel}/{self.ts}{'/group' if self.group else ''}"


class Slack:
    """One app in one workspace."""

    settings: ClassVar[type[Settings]] = SlackSettings

    def __init__(self, settings: SlackSettings, name: str) -> None:
        self.name = name
        self._settings = settings
        self._renderer = Renderer(settings.zone, settings.templates)
        self._api = SlackApi(
            settings.bot_token.reveal(), settings.api_url, settings.timeout, settings.ca_file, settings.proxy
        )
        self._people: dict[str, str] = {}
        self._listening: asyncio.Task[None] | None = None
        self._socket: Socket | None = None

    async def start(self, actions: Actions, links: Links | None) -> None:
        """Listens in the background, if there is an app token."""
        if self._settings.app_token and self._listening is None:
            listeners = Listeners(self._api, actions, self.name, self._settings.zone)
            self._socket = Socket(self._api, self._settings.app_token.reveal(), listeners.handle, self.name)
            self._listening = asyncio.create_task(self._socket.run(), name=f"slack socket of {self.name}")

    def reaches(self, person: Recipient) -> str | None:
        return person.slack_id or person.email or None

    def accepts(self, destination: str) -> str | None:
        if any(form.fullmatch(destination) for form in (_NAME, _ID, _EMAIL)):
            return None
        return (
            f"{clean(destination)!r} is no Slack destination: write #channel, a channel's or person's id, or an address"
        )

    async def send(
        self, notice: Notice, destination: str, person: Recipient | None, key: str, earlier: str | None = None
    ) -> Receipt:
        """Posts; or, where `earlier` names a message, updates that and answers in its thread."""
        root = _Posted.read(earlier)
        if root and await self._renew(root, notice, person):
            await self._reply(root, notice, person, key)
            return Receipt(str(root))
        message = self.compose(notice, person)
        return Receipt(str(await self._post(await self._id(destination), message, key)))

    async def update(self, notice: Notice, person: Recipient | None, reference: str) -> None:
        posted = _Posted.read(reference)
        if posted is not None:
            await self._change(posted, self.compose(notice, person))

    def compose(self, notice: Notice, person: Recipient | None) -> blocks.SlackMessage:
        """The message of a notice, as Slack gets it."""
        return blocks.message(
            notice.type,
            self._renderer.line("headline.txt", notice, person, 300),
            self._renderer.waits(notice, person),
            web_link(notice.link),
            interactive=self._interactive and notice.type in {*TO_ACT_ON, NoticeType.RESOLVED},
            listed=notice.listed,
            error=notice.error or "",
            words=words(notice.language),
        )

    async def find(self, destination: str, key: str, since: datetime, earlier: str | None = None) -> Receipt | None:
        root = _Posted.read(earlier)
        try:
            channel, posted = await self._posted_since(root, destination, since)
        except ChannelError as error:
            if not error.permanent:
                raise
            # Most often the app lacks channels:history: the page matters more than a rare second one.
            _log.warning("slack_cannot_look", channel=self.name, key=key, error=str(error))
            return None
        for message in posted:
            payload = (message.get("metadata") or {}).get("event_payload") or {}
            if payload.get("key") == fingerprint(key):
                return Receipt(str(root or _Posted(channel, message["ts"], bool(payload.get("group")))))
        return None

    async def probe(self) -> str:
        who = await done(self._api.web.auth_test())
        scopes = {scope.strip() for scope in who.headers.get("x-oauth-scopes", "").split(",") if scope.strip()}
        missing = _SCOPES - scopes if scopes else set()
        if missing:
            raise ChannelError(f"the bot token lacks the scopes {', '.join(sorted(missing))}", permanent=True)
        seen = f"{clean(who.get('user', 'bot'), 40)} in {clean(who.get('team', 'a workspace'), 40)}"
        if not self._settings.app_token:
            return f"{seen}, no app token: no buttons"
        await done(self._api.web.apps_connections_open(app_token=self._settings.app_token.reveal()))
        return f"{seen}, Socket Mode"

    async def aclose(self) -> None:
        if self._listening:
            self._listening.cancel()
            await asyncio.gather(self._listening, return_exceptions=True)
            self._listening = None
        await self._api.aclose()

    @property
    def _interactive(self) -> bool:
        return self._settings.app_token is not None

    async def _posted_since(
        self, root: _Posted | None, destination: str, since: datetime
    ) -> tuple[str, list[dict[str, Any]]]:
        """The conversation's id and its newest messages: of a thread, or of what stands at a destination."""
        web, oldest = self._api.web, f"{since.timestamp():.6f}"
        if root:
            channel = root.channel
            call = web.conversations_replies(
                channel=channel, ts=root.ts, oldest=oldest, include_all_metadata=True, limit=200
            )
        else:
            channel = await self._conversation(destination)
            call = web.conversations_history(channel=channel, oldest=oldest, include_all_metadata=True, limit=200)
        return channel, (await done(call))["messages"]

    async def _conversation(self, destination: str) -> str:
        """The id of the conversation in which messages to a destination stand."""
        web = self._api.web
        found = await self._id(destination)
        if found.startswith(("U", "W")):
            return str((await done(web.conversations_open(users=found)))["channel"]["id"])
        cursor = ""
        while found.startswith("#"):
            page = await done(
                web.conversations_list(
                    cursor=cursor, exclude_archived=True, limit=1000, types="public_channel,private_channel"
                )
            )
            found = next((one["id"] for one in page["channels"] if f"#{one['name']}" == destination), found)
            cursor = (page.get("response_metadata") or {}).get("next_cursor") or ""
            if not cursor and found.startswith("#"):
                raise ChannelError(f"no channel {clean(destination)} that the app can see", permanent=True)
        return found

    async def _renew(self, root: _Posted, notice: Notice, person: Recipient | None) -> bool:
        """Brings an earlier message up to date. False where it is gone, so that a new one is wanted."""
        if root.group or len(notice.clocks) != 1:
            return True
        return await self._change(root, self.compose(notice, person))

    async def _change(self, posted: _Posted, message: blocks.SlackMessage) -> bool:
        """Replaces a message; False where it is gone."""
        try:
            await done(
                self._api.web.chat_update(
                    channel=posted.channel, ts=posted.ts, text=message.text, blocks=message.blocks, link_names=False
                )
            )
        except SlackError as error:
            if error.code in _GONE:
                return False
            raise
        return True

    async def _reply(self, root: _Posted, notice: Notice, person: Recipient | None, key: str) -> None:
        """A thread notifies those in it; a step up is shown to the whole channel too, a repeat is not."""
        if len(notice.clocks) == 1:
            message = blocks.reply(
                self._renderer.line("headline.txt", notice, person, 300), web_link(notice.link), words(notice.language)
            )
        else:
            message = self.compose(notice, person)
        repeats = all(told.reason == "repeated" for told in notice.clocks)
        loud = notice.type is NoticeType.ESCALATION and not repeats
        await self._post(root.channel, message, key, root.ts, loud)

    async def _post(
        self, channel: str, message: blocks.SlackMessage, key: str, thread: str | None = None, loud: bool = False
    ) -> _Posted:
        group = not blocks.is_single(message.blocks)
        answer = await done(
            self._api.web.chat_postMessage(
                channel=channel,
                text=message.text,
                blocks=message.blocks,
                thread_ts=thread,
                reply_broadcast=loud if thread else None,
                unfurl_links=False,
                unfurl_media=False,
                link_names=False,
                metadata={
                    "event_type": "inboxwatch_notice",
                    "event_payload": {"key": fingerprint(key), "group": group},
                },
            )
        )
        return _Posted(answer["channel"], answer["ts"], group)

    async def _id(self, destination: str) -> str:
        """What Slack posts to: an address becomes its owner's id, asked once."""
        problem = self.accepts(destination)
        if problem:
            raise ChannelError(problem, permanent=True)
        if not _EMAIL.fullmatch(destination):
            return destination
        if destination not in self._people:
            found = await done(self._api.web.users_lookupByEmail(email=destination))
            while len(self._people) >= _PEOPLE:
                self._people.pop(next(iter(self._people)))
            self._people[destination] = found["user"]["id"]
        return self._people[destination]


def fingerprint(key: str) -> str:
    return hashlib.sha256(key.encode(errors="surrogatepass")).hexdigest()[:32]
