"""Alerts IT that the store cannot be used: past the outbox, which is in the store."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

import structlog

from inboxwatch.engine.delivery.enqueue import reader
from inboxwatch.engine.rules import Rules
from inboxwatch.notify import Channel, ChannelError, Notice, NoticeType, messages
from inboxwatch.now import Now

log = structlog.get_logger(__name__)

PATIENCE = 10.0
"""Seconds that an outage may last before IT is alerted: a database that restarts is no news."""
SEND_LIMIT = 30.0
"""Seconds that a channel may take for one message."""


class StoreAlert:
    """Alerts once for each outage, and once when it is over. Nothing is kept: a restart may alert again."""

    def __init__(self, rules: Rules, channels: Mapping[str, Channel], now: Now, patience: float = PATIENCE) -> None:
        self._rules = rules
        self._channels = channels
        self._now = now
        self._patience = patience
        self._alerting: asyncio.Task[None] | None = None
        self._alerted = False

    def store_away(self, error: str | None) -> None:
        """The store's driver has said `error`; None: the store can be used again."""
        if self._alerting is not None and not self._alerted:
            self._alerting.cancel()
        if error is not None or self._alerted:
            self._alerting = asyncio.create_task(self._alert(error))

    async def aclose(self) -> None:
        if self._alerting is not None:
            self._alerting.cancel()
            await asyncio.gather(self._alerting, return_exceptions=True)

    async def _alert(self, error: str | None) -> None:
        if error is not None:
            await asyncio.sleep(self._patience)
        self._alerted = error is not None
        title = messages.STORE_UP if error is None else messages.STORE_DOWN
        key = f"store/{self._now().isoformat()}"
        for target in dict.fromkeys(self._rules.config.it_alerts):
            await self._reach(target, key, title, error)

    async def _reach(self, target: str, key: str, title: str, error: str | None) -> None:
        """Tries each way to a target until one works."""
        config = self._rules.config
        person, ways = self._rules.notices.ways(config.fallback if target == "fallback" else target)
        known = next((reader(one) for one in config.people.values() if one.id == person), None)
        link = f"{config.web.url}/"
        notice = Notice(NoticeType.DIGEST, key, self._now(), targets=(target,), link=link, error=error, title=title)
        for name, destination in ways:
            try:
                async with asyncio.timeout(SEND_LIMIT):
                    await self._channels[name].send(notice, destination, known, f"{key}/{target}")
            except (ChannelError, TimeoutError) as failure:
                log.warning("notice about the store not sent", channel=name, reason=str(failure) or "no answer")
            else:
                return
