"""Notices to IT past the outbox: for what the outbox itself may not live to tell."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

import structlog

from inboxwatch.engine.delivery.enqueue import reader
from inboxwatch.engine.rules import Rules
from inboxwatch.notify import Channel, ChannelError, Notice, NoticeType
from inboxwatch.now import Now

log = structlog.get_logger(__name__)

SEND_LIMIT = 30.0
"""Seconds that a channel may take for one message."""


class DirectNotice:
    """Tries each way to each target of `it_alerts` once; nothing is kept, and nothing is tried again."""

    def __init__(self, rules: Rules, channels: Mapping[str, Channel], now: Now) -> None:
        self._rules = rules
        self._channels = channels
        self._now = now

    async def send(self, subject: str, title: str, error: str | None) -> None:
        """`subject` begins the notice's key, such as `store`; `error` are the words of what failed."""
        key = f"{subject}/{self._now().isoformat()}"
        for target in dict.fromkeys(self._rules.config.it_alerts):
            await self._reach(target, key, title, error)

    async def _reach(self, target: str, key: str, title: str, error: str | None) -> None:
        """Tries each way to a target until one works."""
        config = self._rules.config
        person, ways = self._rules.notices.ways(config.fallback if target == "fallback" else target)
        known = next((reader(one) for one in config.people.values() if one.id == person), None)
        link = f"{config.web.url}/"
        notice = Notice(
            NoticeType.DIGEST,
            key,
            self._now(),
            targets=(target,),
            link=link,
            error=error,
            title=title,
            language=config.language,
        )
        for name, destination in ways:
            try:
                async with asyncio.timeout(SEND_LIMIT):
                    await self._channels[name].send(notice, destination, known, f"{key}/{target}")
            except (ChannelError, TimeoutError) as failure:
                why = str(failure) or f"no answer within {SEND_LIMIT:.0f} s"
                log.warning("direct notice not sent", channel=name, people=[target], key=key, error=why)
            else:
                return
