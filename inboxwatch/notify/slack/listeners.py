"""What happens when somebody presses a button, saves a dialog or types `/inboxwatch`: Bolt listeners over Actions."""

from __future__ import annotations

import asyncio
import json
import logging
import re
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

import structlog
from slack_bolt.async_app import AsyncApp
from slack_bolt.authorization import AuthorizeResult
from slack_bolt.request.async_request import AsyncBoltRequest

from inboxwatch.core.sla.policy import Duration
from inboxwatch.notify import ChannelError, NoticeWait, messages
from inboxwatch.notify import choice_messages as said
from inboxwatch.notify.actions import ActionOutcome, ActionRefused, Actions, Actor, Candidate, ClassChoice
from inboxwatch.notify.slack import blocks, markup, verdict_blocks
from inboxwatch.notify.slack.api import SlackApi, done
from inboxwatch.notify.slack.elements import PREFIX, Block
from inboxwatch.notify.text import clean, web_link
from inboxwatch.notify.wait import ShownWait
from inboxwatch.words import Wording, words

_DIALOG_WAIT = 2.0
"""Seconds that a dialog may take to prepare: Slack forgets the press after three."""
_REMEMBERED = 2000
"""Presses and messages kept in memory; Slack redelivers within minutes."""

_log = structlog.get_logger(__name__)

Payload = dict[str, Any]


class Listeners:
    """Carries what people do in Slack to the engine, and shows there what came of it."""

    def __init__(self, api: SlackApi, actions: Actions, channel: str, zone: ZoneInfo) -> None:
        self._api = api
        self._actions = actions
        self._channel = channel
        self._zone = zone
        self._pressed: OrderedDict[str, None] = OrderedDict()
        self._messages: OrderedDict[tuple[str, str], list[Block]] = OrderedDict()
        self._emails: OrderedDict[str, str] = OrderedDict()
        self._app = AsyncApp(client=api.web, name="inboxwatch", logger=api.log, authorize=_authorization(api))
        self._app.action(f"{PREFIX}acknowledge")(self._acknowledge)
        self._app.action(re.compile(f"{re.escape(PREFIX)}(snooze|put_off|assign|dismiss|stop|reopen|activity|judge)$"))(
            self._open_dialog
        )
        self._app.action(verdict_blocks.MORE)(self._open_dialog)
        self._app.action(verdict_blocks.QUALIFY)(self._qualify)
        self._app.action(verdict_blocks.UNDO)(self._undo_verdict)
        self._app.view(re.compile(re.escape(PREFIX)))(self._save_dialog)
        self._app.command("/inboxwatch")(self._command)

    async def handle(self, payload: Payload) -> Payload | None:
        """One envelope of Socket Mode; one that was delivered before is acknowledged and does nothing."""
        identity = _identity(payload)
        if identity in self._pressed:
            return None
        _remember(self._pressed, identity, None)
        response = await self._app.async_dispatch(AsyncBoltRequest(mode="socket_mode", body=payload))
        if response.status == 200:
            return json.loads(response.body) if response.body.startswith("{") else None
        # 404 is what no listener wants, such as buttons of an older version; the rest is our own defect.
        level = logging.DEBUG if response.status == 404 else logging.ERROR
        _log.log(level, "slack_unhandled", channel=self._channel, status=response.status)
        return None

    async def _acknowledge(self, ack: Callable[[], Awaitable[Any]], body: Payload, action: Payload) -> None:
        await ack()
        place = self._place(body)
        actor = self._acting(await self._actor(body), place)
        await self._do(place, body, lambda: self._actions.acknowledge(action["value"], actor))

    async def _qualify(self, ack: Callable[[], Awaitable[Any]], body: Payload, action: Payload) -> None:
        """What was chosen in a select holds at once; what is offered no more is answered by what is."""
        await ack()
        place, clock = self._place(body), verdict_blocks.clock_of(action)
        actor = self._acting(await self._actor(body), place)
        choice = verdict_blocks.picked(action["selected_option"]["value"], self._actions.choices())
        if choice is None:
            await self._guarded(place, body, lambda: self._offer_anew(place, body, clock))
        else:
            await self._do(place, body, lambda: self._actions.qualify(clock, actor, choice))

    async def _offer_anew(self, place: Payload, body: Payload, clock: str) -> None:
        words, key = self._words_at(place, await self._actor(body)), (place["channel"], place["ts"])
        fresh = verdict_blocks.offered_anew(self._messages[key], clock, self._actions.choices(), words)
        _remember(self._messages, key, fresh)
        text = body["message"].get("text") or words.say(messages.OPEN_LINK)
        await done(self._api.web.chat_update(channel=place["channel"], ts=place["ts"], text=text, blocks=fresh))
        await self._tell(place, body, said.CLASSES_CHANGED)

    async def _undo_verdict(self, ack: Callable[[], Awaitable[Any]], body: Payload, action: Payload) -> None:
        await ack()
        place = self._place(body)
        actor = self._acting(await self._actor(body), place)
        await self._do(place, body, lambda: self._actions.undo_verdict(action["value"], actor))

    async def _open_dialog(self, ack: Callable[[], Awaitable[Any]], body: Payload, action: Payload) -> None:
        await ack()
        name = action["action_id"].removeprefix(PREFIX)
        if action["action_id"] == verdict_blocks.MORE:
            name = verdict_blocks.dialog_of(action)
        place, clock = self._place(body), verdict_blocks.clock_of(action)

        async def show() -> None:
            offered: tuple[Candidate, ...] | tuple[ClassChoice, ...] = ()
            actor = await self._actor(body)
            spoken = self._words(actor)
            if name == "assign":
                offered = tuple(await self._actions.candidates(clock, actor))
                if not offered:
                    raise ActionRefused(spoken.say(messages.NOBODY_ELSE))
            elif name in (verdict_blocks.JUDGE, verdict_blocks.NOT_FOR_SALES):
                known = self._actions.choices()
                offered = tuple(one for one in known if name == verdict_blocks.JUDGE or not one.for_sales)
                if not offered:
                    raise ActionRefused(spoken.say(said.NO_CHOICE))
            view = blocks.dialog(name, clock, place, offered, spoken)
            await done(self._api.web.views_open(trigger_id=body["trigger_id"], view=view))

        await self._guarded(place, body, lambda: asyncio.wait_for(show(), _DIALOG_WAIT))

    async def _save_dialog(self, ack: Callable[[], Awaitable[Any]], body: Payload, view: Payload) -> None:
        await ack()
        place = json.loads(view["private_metadata"])
        values = {name: next(iter(fields.values())) for name, fields in view["state"]["values"].items()}
        choice = ((values.get("choice") or {}).get("selected_option") or {}).get("value") or ""
        reason = clean((values.get("reason") or {}).get("value") or "", 300)
        actor = self._acting(await self._actor(body), place)
        clock, name = place.pop("clock"), view["callback_id"].removeprefix(PREFIX)

        async def act() -> ActionOutcome:
            if name == "snooze":
                return await self._actions.snooze(clock, actor, _length(choice), reason)
            if name == "put_off":
                return await self._actions.put_off(clock, actor, _length(choice), reason)
            if name == "stop":
                return await self._actions.stop(clock, actor, reason)
            if name == "assign":
                return await self._actions.assign(clock, actor, choice, reason)
            if name == "activity":
                return await self._actions.activity(clock, actor, "call", reason)
            if name in (verdict_blocks.JUDGE, verdict_blocks.NOT_FOR_SALES):
                picked = verdict_blocks.picked(choice, self._actions.choices())
                if picked is None:
                    raise ActionRefused(self._words(actor).say(said.CLASSES_CHANGED))
                return await self._actions.qualify(clock, actor, picked, reason)
            if name == "reopen":
                return await self._actions.reopen(clock, actor, reason)
            return await self._actions.dismiss(clock, actor, reason)

        await self._do(place, body, act)

    async def _command(self, ack: Callable[[], Awaitable[Any]], body: Payload, respond: Callable[..., Any]) -> None:
        await ack()
        place = {"channel": body.get("channel_id", ""), "ts": ""}
        actor = await self._actor(body)

        async def look() -> None:
            found = await self._actions.lookup(actor, clean(markup.plain(body.get("text", ""))))
            headings = [messages.heading(view.metric) for view in found.clocks]
            both = len(set(headings)) > 1
            spoken = self._words(actor)
            told = [
                NoticeWait(view, section=spoken.say(heading) if both else "")
                for view, heading in zip(found.clocks, headings, strict=True)
            ]
            waits = [ShownWait.of(one, self._zone, spoken) for one in told]
            shown = blocks.answer(found.lines, waits, web_link(found.link), spoken)
            await respond(text=shown.text, blocks=shown.blocks, response_type="ephemeral")

        await self._guarded(place, body, look)

    async def _do(self, place: Payload, body: Payload, act: Callable[[], Awaitable[ActionOutcome]]) -> None:
        """Acts, and renews the message in which the button stands."""

        async def acting() -> None:
            outcome = await act()
            told = NoticeWait(outcome.clock, choices=outcome.choices, inquiry=outcome.inquiry)
            wait = ShownWait.of(told, self._zone, self._words_at(place, await self._actor(body)))
            note = clean(outcome.sentence, 400)
            posted = self._messages.get((place["channel"], place["ts"]))
            if posted is None and place.get("single"):
                posted = blocks.wait_blocks(wait, single=True, interactive=True)
            if posted is None:
                # A restart forgot the longer message around it: say it instead of showing it.
                await self._tell(place, body, note)
                return
            fresh = blocks.replaced(posted, wait, note)
            _remember(self._messages, (place["channel"], place["ts"]), fresh)
            text = markup.escaped(f"{wait.who}: {wait.standing}. {note}", 500)
            await done(self._api.web.chat_update(channel=place["channel"], ts=place["ts"], text=text, blocks=fresh))

        await self._guarded(place, body, acting)

    async def _guarded(self, place: Payload, body: Payload, work: Callable[[], Awaitable[None]]) -> None:
        """Runs one reaction; whatever goes wrong is told to the person who pressed, and to nobody else."""
        try:
            await work()
        except ActionRefused as refusal:
            await self._tell(place, body, str(refusal))
        except (ChannelError, TimeoutError) as error:
            words = str(error) or "too slow"
            _log.warning("slack_reaction_failed", channel=self._channel, waits=_waits(body), error=words)
            await self._tell(place, body, messages.SLACK_TOO_SLOW)
        except Exception:  # noqa: BLE001  (a defect of ours behind a button must not leave the person without a word)
            _log.exception("slack_action_failed", channel=self._channel, waits=_waits(body))
            await self._tell(place, body, messages.OUR_DEFECT)

    async def _tell(self, place: Payload, body: Payload, sentence: str) -> None:
        text = markup.escaped(self._words(await self._actor(body)).say(sentence), 500)
        try:
            await done(self._api.web.chat_postEphemeral(channel=place["channel"], user=_user(body), text=text))
        except ChannelError as error:
            _log.warning("slack_answer_lost", channel=self._channel, waits=_waits(body), error=str(error))

    def _place(self, body: Payload) -> Payload:
        """Where a button was pressed. Keeps the message's blocks, to renew a part of them later."""
        channel, message = body["channel"]["id"], body["message"]
        posted = message.get("blocks") or []
        _remember(self._messages, (channel, message["ts"]), posted)
        single = blocks.is_single(posted)
        return {"channel": channel, "ts": message["ts"], "single": single}

    def _words(self, actor: Actor | None) -> Wording:
        """For who asks; None: for who reads a channel."""
        return words(self._actions.language(actor))

    def _words_at(self, place: Payload, actor: Actor) -> Wording:
        """For who reads a message: in a conversation with the app one person, elsewhere the house."""
        return self._words(actor if place["channel"].startswith("D") else None)

    def _acting(self, actor: Actor, place: Payload) -> Actor:
        return replace(actor, place_language=self._words_at(place, actor).language)

    async def _actor(self, body: Payload) -> Actor:
        user = _user(body)
        if user not in self._emails:
            try:
                profile = (await done(self._api.web.users_info(user=user)))["user"]["profile"]
                _remember(self._emails, user, str(profile.get("email") or "").lower())
            except ChannelError:
                # Without users:read.email people are known by `slack_id` alone.
                pass
        named = body.get("user") or {}
        name = clean(named.get("name") or body.get("user_name") or "", 80)
        return Actor(self._channel, slack_id=user, email=self._emails.get(user, ""), name=name)


def _authorization(api: SlackApi) -> Callable[..., Awaitable[AuthorizeResult]]:
    """One app in one workspace. Left to itself Bolt asks Slack first, and reads SLACK_CLIENT_ID where that is set."""

    async def authorize(enterprise_id: str | None, team_id: str | None) -> AuthorizeResult:
        return AuthorizeResult(enterprise_id=enterprise_id, team_id=team_id, bot_token=api.web.token)

    return authorize


def _user(body: Payload) -> str:
    return str((body.get("user") or {}).get("id") or body.get("user_id") or "")


def _waits(body: Payload) -> list[str]:
    """The wait on which somebody acts, for the log."""
    kept = (body.get("view") or {}).get("private_metadata")
    found = verdict_blocks.clock_of((body.get("actions") or [{}])[0]) or (
        json.loads(kept).get("clock") if kept else None
    )
    return [str(found)] if found else []


def _identity(payload: Payload) -> str:
    """The same for the same press, however often and in whatever envelope it is delivered."""
    action = (payload.get("actions") or [{}])[0]
    container = payload.get("container") or {}
    parts = (
        payload.get("type") or payload.get("command"),
        _user(payload),
        container.get("message_ts"),
        action.get("action_id"),
        action.get("block_id"),
        action.get("action_ts"),
        (payload.get("view") or {}).get("id"),
        None if action else payload.get("trigger_id"),
    )
    return json.dumps(parts)


def _length(choice: str) -> timedelta:
    return Duration.parse(choice if choice in blocks.SNOOZES | blocks.PUT_OFFS else "1h").length


def _remember(store: OrderedDict[Any, Any], key: Any, value: Any) -> None:
    store[key] = value
    store.move_to_end(key)
    while len(store) > _REMEMBERED:
        store.popitem(last=False)
