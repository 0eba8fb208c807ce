"""One loop a channel: claim, look again, compose, send, record."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import replace
from datetime import timedelta

import structlog

from inboxwatch.core.backoff import Backoff, jittered
from inboxwatch.daemon.loop_context import LoopContext
from inboxwatch.engine.delivery.claim import claim, mailboxes, reader_of, render
from inboxwatch.engine.delivery.compose import Composed
from inboxwatch.engine.delivery.settle import Failure, failed, sent
from inboxwatch.engine.report.mailed import pages_of, story_of
from inboxwatch.engine.rule_context import FRESH
from inboxwatch.notify import (
    TO_ACT_ON,
    Bounded,
    Channel,
    ChannelError,
    Finds,
    Joins,
    Notice,
    NoticeType,
    Paced,
    Receipt,
    Updates,
)
from inboxwatch.notify.quoted import unquoted
from inboxwatch.store.deliveries import MOST
from inboxwatch.store.records import DeliveryRecord
from inboxwatch.words import words

log = structlog.get_logger(__name__)

SEND_LIMIT = 60.0
"""Seconds that a channel may take for one message."""
BACK_OFF = Backoff(2.0, 300.0)
"""Pauses between attempts that fail."""
BREATH = 0.05
"""Seconds between looks while a flood gathers."""
IDLE = 30.0
"""Seconds after which the outbox looks into the store unasked."""

Look = Callable[[Iterable[str], Iterable[str]], Awaitable[bool]]
"""Reads mailboxes now, the nearest and others; False where one of the nearest cannot be read."""


class Sender:
    """Delivers what is due through one channel, in order, one message at a time."""

    def __init__(
        self, name: str, channel: Channel, look: Look, context: LoopContext, worker: int | None = None
    ) -> None:
        """The other senders are woken when deliveries have gone over to their channels. `worker` is the number of this
        process among several.
        """
        rules = context.rules
        self.name = name
        self._worker = worker
        self._wake_others = context.wake
        self._channel = channel
        self._rules = rules
        self._writer = context.writer
        self._look = look
        self._now = context.now
        settings = rules.config.channels[name].settings
        self._apart = settings.rate.apart if isinstance(settings, Paced) and settings.rate else 0.0
        """Seconds from one message to the next."""
        self._most = channel.most if isinstance(channel, Bounded) else MOST
        self._left_at = float("-inf")
        self._owed = asyncio.Event()
        self._chance = random.Random(name)  # noqa: S311  (jitter, not secrecy)
        self.sending = asyncio.Lock()
        """Held while a message is on its way: a clean stop waits for it."""

    def wake(self) -> None:
        """Says that something may be due."""
        self._owed.set()

    async def deliver(self) -> None:
        """Delivers until cancelled; no failure of the channel ends it."""
        while True:
            self._owed.clear()
            await self._paced()
            async with self.sending:
                worked = await self.deliver_one()
            if not worked:
                await self._rest()

    async def _rest(self) -> None:
        due = await self._writer.read(lambda tx: tx.deliveries.next_at(self.name))
        seconds = IDLE if due is None else min(IDLE, max(BREATH, (due - self._now()).total_seconds()))
        try:
            async with asyncio.timeout(seconds):
                await self._owed.wait()
        except TimeoutError:
            return

    async def deliver_one(self) -> bool:
        """Sends the next bundle that is due; False where there is none."""
        now = self._now()
        rows: Sequence[DeliveryRecord] = await self._writer.write(claim, self.name, now, self._most, self._worker)
        if not rows:
            return False
        first = rows[0]
        unread = False
        late = first.attempts > 1 or self._now() - first.owed_at > FRESH
        if first.type in TO_ACT_ON and late:
            # Time has passed since the step was owed: look once more before anybody is paged (rule 30).
            nearest, others = await self._writer.read(mailboxes, self._rules, rows)
            unread = not await self._look(nearest, others)
        composed = await self._writer.write(render, self._rules, rows, self._now(), unread=unread)
        if composed is None:
            return True
        rows = composed.rows
        self._left_at = time.monotonic()
        try:
            async with asyncio.timeout(SEND_LIMIT):
                receipt = await self._once(composed)
        except ChannelError as error:
            await self._failed(composed, str(error), error.permanent, error.retry_after)
        except TimeoutError:
            await self._failed(composed, f"no answer within {SEND_LIMIT:.0f} s", False, None)
        except Exception as error:  # a defect in one channel must not end the daemon; the delivery is kept and retried
            log.exception("delivery failed by a defect", channel=self.name, **_named(composed))
            await self._failed(composed, f"defect in the channel: {type(error).__name__}", False, None)
        else:
            await self._writer.write(sent, self._rules, rows, receipt, self._now())
            log.info("notice sent", channel=self.name, **_named(composed))
        return True

    async def _once(self, composed: Composed) -> Receipt:
        first, earlier = composed.rows[0], self._earlier(composed)
        notice = await self._with_report(composed)
        if first.type is NoticeType.COPY:
            if isinstance(self._channel, Updates):
                await self._channel.update(composed.notice, reader_of(self._rules, composed.rows), earlier or "")
            return Receipt()
        if first.attempts > 1 and isinstance(self._channel, Finds):
            found = await self._channel.find(first.destination, first.letter, first.owed_at, earlier)
            if found is not None:
                return found
        reader = reader_of(self._rules, composed.rows)
        return await self._channel.send(notice, first.destination, reader, first.letter, earlier)

    async def _with_report(self, composed: Composed) -> Notice:
        """The notice, with the report that it carries: read and drawn beside the writer, which goes on meanwhile."""
        order, now = composed.report, self._now()
        if order is None:
            return composed.notice
        story = await self._writer.read_beside(story_of, self._rules.config, order, now)
        notice = composed.notice
        pages = await asyncio.to_thread(pages_of, story, order, notice.link, now, words(notice.language))
        return replace(notice, report=pages)

    def _earlier(self, composed: Composed) -> str | None:
        """The message that a notice follows: the one in which all of its waits were reported last."""
        if len(composed.earlier) == 1:
            return composed.earlier[0] or None
        return self._channel.joined(composed.earlier) if isinstance(self._channel, Joins) else None

    async def _paced(self) -> None:
        """Waits until the channel's rate allows another message."""
        pause = self._left_at + self._apart - time.monotonic()
        if pause > 0:
            await asyncio.sleep(pause)

    async def _failed(self, composed: Composed, error: str, permanent: bool, retry_after: float | None) -> None:
        rows, error = composed.rows, unquoted(error, composed.notice)
        pause = jittered(BACK_OFF.pause(rows[0].attempts), self._chance, 0.8, 1.2)
        wait = timedelta(seconds=max(pause, retry_after or 0.0))
        failure = Failure(error, permanent, wait)
        outcomes = await self._writer.write(failed, self._rules, rows, failure, self._now())
        then: dict[str, object] = {"outcomes": sorted(set(outcomes))}
        if "retried" in outcomes:
            then["again_in"] = round(wait.total_seconds(), 1)
        if "diverted" in outcomes:
            then["next_channels"] = sorted({row.ways[row.way + 1][0] for row in rows if row.way + 1 < len(row.ways)})
        if "dead" in outcomes:
            then["see"] = "inboxwatch outbox list"
        if set(outcomes) - {"retried"}:
            self._wake_others()
        log.warning("notice not sent", channel=self.name, **_named(composed), error=error, **then)


def _named(composed: Composed) -> dict[str, object]:
    """By what the log lines of a message, its waits, its readers and its mailbox are found."""
    rows, notice = composed.rows, composed.notice
    found: dict[str, object] = {
        "type": notice.type.value,
        "deliveries": [row.id for row in rows],
        "waits": list(dict.fromkeys(told.wait.id for told in notice.clocks)),
        "people": sorted({row.person for row in rows if row.person}),
        "mailbox": notice.mailbox,
    }
    return {name: value for name, value in found.items() if value} | {"attempt": rows[0].attempts}
