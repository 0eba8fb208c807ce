"""Mailboxes that share a quota are read in turns: none times out, none is forgotten, all that is spent counts."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime
from itertools import count

import pytest

from connectors.mail.batching import Chunk, batches
from connectors.mail.gmail.quota import ProjectQuota, RateLimiter
from connectors.mail.quota_turns import TURN_LIMIT, MailboxTurns, QuotaTurns
from inboxwatch.connector import Batch, Cursor, MailboxError, Quarantined, Reason
from inboxwatch.daemon.poller import BATCH_LIMIT
from tests.support.virtual_time import VirtualTimeLoop, run_in_virtual_time

NOW = datetime(2026, 5, 4, 8, 0, tzinfo=UTC)


class Account:
    """A mailbox of a project, of which all is still to be read: `chunks` times 50 messages of 20 units each."""

    def __init__(self, project: ProjectQuota, user_per_minute: float, chunks: int, chance: random.Random) -> None:
        self.steps = MailboxTurns(20.0, lambda: project.turns)
        self._pace = RateLimiter(user_per_minute, project)
        self._left = self._chunks = chunks
        self._chance = chance
        self.refused = 0
        self.spent = 0

    @property
    def read(self) -> int:
        return self._chunks - self._left

    async def watch(self) -> None:
        """As a poller does; fails where a step takes too long."""
        while self._left:
            poll = self.steps.polled(self._poll())
            try:
                while True:
                    async with asyncio.timeout(BATCH_LIMIT):
                        batch = await anext(poll)
                    self._left -= len(batch.quarantined)
            except StopAsyncIteration:
                return
            except MailboxError as error:
                assert error.reason is Reason.RATE_LIMITED
                assert error.retry_after
                self.refused += 1
                await asyncio.sleep(error.retry_after * self._chance.uniform(1.0, 1.2))

    def _poll(self) -> AsyncGenerator[Batch, None]:
        return batches(self._chunks_left(), 500, NOW, lambda: self.steps.long)

    async def _chunks_left(self) -> AsyncGenerator[Chunk, None]:
        await self._called(206)  # pinning, listing, finding the horizon
        for number in range(self._left):
            await self._called(1_000)
            yield Chunk((), (Quarantined(str(number), "stands for 50 messages"),), Cursor(str(number)))

    async def _called(self, units: int) -> None:
        await self._pace.take(units, self.steps.left)
        self.spent += units
        await asyncio.sleep(self._chance.uniform(0.1, 2.0))


@pytest.mark.parametrize(
    ("project_per_minute", "user_per_minute", "accounts", "chunks"),
    [(1_200_000, 6_000, 1_000, 4), (60_000, 6_000, 300, 1), (60_000, 6_000, 60, 10), (6_000, 6_000, 20, 2)],
)
def test_a_thousand_mailboxes_of_a_project_that_start_at_once_are_all_read_within_its_quota(
    project_per_minute: float, user_per_minute: float, accounts: int, chunks: int
) -> None:
    async def play(loop: VirtualTimeLoop) -> None:
        chance = random.Random(1)
        project = ProjectQuota(project_per_minute, user_per_minute)
        all_ = [Account(project, user_per_minute, chunks, chance) for _ in range(accounts)]
        await asyncio.gather(*[one.watch() for one in all_])
        assert {one.read for one in all_} == {chunks}
        spent, needed = sum(one.spent for one in all_), accounts * (206 + 1_000 * chunks)
        burst = max(project_per_minute / 6, 1_200)
        at_least = (needed - burst) / project_per_minute * 60
        assert spent <= burst + loop.time() * project_per_minute / 60 + 1, "never more than the quota"
        assert spent <= needed * 1.1, "hardly anything is read for nothing"
        assert loop.time() <= at_least * 2 + 120, "and no time is left unused"

    run_in_virtual_time(play)


def test_nobody_gets_a_second_turn_before_all_who_wait_had_their_first() -> None:
    async def play(loop: VirtualTimeLoop) -> None:
        turns, order, numbers = QuotaTurns(2), list[int](), count()

        async def read() -> None:
            steps, number = MailboxTurns(20.0, lambda: turns), next(numbers)
            for _ in range(2):
                async with steps.one():
                    order.append(number)
                    await asyncio.sleep(1)

        await asyncio.gather(*[read() for _ in range(10)])
        assert sorted(order[:10]) == list(range(10))

    run_in_virtual_time(play)


def test_who_would_wait_too_long_for_his_turn_is_held_back_and_hinders_nobody() -> None:
    async def play(loop: VirtualTimeLoop) -> None:
        turns = QuotaTurns(1)
        slow, late = MailboxTurns(20.0, lambda: turns), MailboxTurns(20.0, lambda: turns)
        await slow.begin()
        with pytest.raises(MailboxError) as caught:
            await late.begin()
        assert caught.value.reason is Reason.RATE_LIMITED
        assert caught.value.retry_after
        assert loop.time() == pytest.approx(TURN_LIMIT)
        slow.end()
        slow.end()  # twice is once
        async with asyncio.timeout(3), late.one():
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(1):
                    await slow.begin()

    run_in_virtual_time(play)


@pytest.mark.parametrize("end", [lambda poll: poll.aclose(), lambda poll: _cancelled(anext(poll))])
def test_a_poll_that_is_broken_off_gives_its_turn_back(
    end: Callable[[AsyncIterator[Batch]], Awaitable[None]],
) -> None:
    async def play(loop: VirtualTimeLoop) -> None:
        turns = QuotaTurns(1)
        steps, other = MailboxTurns(20.0, lambda: turns), MailboxTurns(20.0, lambda: turns)

        async def reading() -> AsyncGenerator[Batch, None]:
            yield Batch((), Cursor("1"))
            await asyncio.sleep(1_000)

        poll = steps.polled(reading())
        await anext(poll)
        await end(poll)
        async with asyncio.timeout(1), other.one():
            pass

    run_in_virtual_time(play)


async def _cancelled(step: object) -> None:
    task = asyncio.ensure_future(step)  # type: ignore[call-overload]  # what anext gives
    await asyncio.sleep(1)
    task.cancel()
    await asyncio.wait({task})
    assert task.cancelled()


def test_a_server_that_throttles_is_not_waited_for_beyond_the_step() -> None:
    async def play(loop: VirtualTimeLoop) -> None:
        steps = MailboxTurns(10_000.0, lambda: turns)
        turns = QuotaTurns(1)

        async def refused() -> None:
            raise MailboxError(Reason.RATE_LIMITED, "not now", retry_after=20.0)

        async with steps.one():
            with pytest.raises(MailboxError):
                await steps.retried(refused)
        assert 100 < loop.time() < BATCH_LIMIT

    run_in_virtual_time(play)


def test_a_step_that_takes_long_gives_what_it_has_and_goes_on_from_there() -> None:
    async def play(loop: VirtualTimeLoop) -> None:
        steps = MailboxTurns(20.0, lambda: turns)
        turns = QuotaTurns(1)

        async def chunks() -> AsyncGenerator[Chunk, None]:
            for number in range(20):
                await asyncio.sleep(10)
                yield Chunk((), (Quarantined(str(number), ""),), Cursor(str(number)), remaining=19 - number)

        given: list[Batch] = []
        async for batch in steps.polled(batches(chunks(), 500, NOW, lambda: steps.long)):
            given.append(batch)
        assert [one.ref for batch in given for one in batch.quarantined] == [str(number) for number in range(20)]
        assert [batch.seen_until for batch in given] == [None] * (len(given) - 1) + [NOW]
        assert [batch.remaining for batch in given] == sorted([batch.remaining or 0 for batch in given], reverse=True)
        assert len(given) == 5
        assert given[-1].cursor == "19"

    run_in_virtual_time(play)
