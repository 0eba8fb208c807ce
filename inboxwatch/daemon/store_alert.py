"""Alerts IT that the store cannot be used: past the outbox, which is in the store."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from inboxwatch.daemon.direct_notice import DirectNotice
from inboxwatch.engine.rules import Rules
from inboxwatch.notify import Channel, alarm_messages
from inboxwatch.now import Now

PATIENCE = 10.0
"""Seconds that an outage may last before IT is alerted: a database that restarts is no news."""


class StoreAlert:
    """Alerts once for each outage, and once when it is over. Nothing is kept: a restart may alert again."""

    def __init__(self, rules: Rules, channels: Mapping[str, Channel], now: Now, patience: float = PATIENCE) -> None:
        self._direct = DirectNotice(rules, channels, now)
        self._words = rules.words
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
        title = self._words.say(alarm_messages.STORE_UP if error is None else alarm_messages.STORE_DOWN)
        await self._direct.send("store", title, error)
