"""The machine's clock is set, or it sleeps: nobody is paged falsely, nothing is told twice, nothing is lost."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from inboxwatch import now as instant
from inboxwatch.connector import Batch, Cursor
from inboxwatch.core.model import FolderRole, MailboxId, RawMessage
from inboxwatch.daemon.clock_watch import ClockWatch
from inboxwatch.daemon.scheduler import Scheduler
from inboxwatch.engine.alarms import watch_all
from inboxwatch.engine.clock_jump import begin_again
from inboxwatch.engine.digests import enqueue_digests
from inboxwatch.store import Store, tables
from inboxwatch.store.marks import DigestsBeganMark, RunningMark
from tests.support.message_bytes import message_bytes
from tests.support.scripted_connector import HOUR, MINUTE, SECOND, PolledMailbox, ScriptedConnector
from tests.support.staff import CsvStaff, RunningApp
from tests.support.virtual_time import START, VirtualTimeLoop, run_in_virtual_time
from tests.support.waiting import wait_in_loop

Polled = Callable[..., PolledMailbox]


class Mailbox(ScriptedConnector):
    """Holds a buyer's question and what is put into Sent, stamped by a mail server whose clock is right."""

    def __init__(self, now: Callable[[], datetime]) -> None:
        super().__init__(now)
        self.held = [(START, letter("bo@buyer.test", "ana@acme.test", id="q@buyer.test"))]

    async def poll(self, cursor: Cursor | None) -> AsyncIterator[Batch]:
        self.polls.append(now := self._now())
        if (hang := self.trouble(0)) is not None:
            await hang
        new = [one for at, one in self.held[int(cursor or 0) :] if at <= now]
        yield Batch(tuple(new), Cursor(str(int(cursor or 0) + len(new))), now)


def letter(sender: str, to: str, *, at: datetime = START, **words: Any) -> RawMessage:
    role = FolderRole.SENT if sender.endswith("acme.test") else FolderRole.INBOX
    header = message_bytes(sender, to, at=at, **words).partition(b"\r\n\r\n")[0] + b"\r\n\r\n"
    return RawMessage(f"{role}/{words.get('id')}", role, at, header)


class Watched:
    """The mailbox under the poller, and the scheduler as the supervisor turns it."""

    def __init__(self, here: PolledMailbox) -> None:
        self.here = here
        self._beside: list[Coroutine[Any, Any, None]] = []
        self._scheduler = Scheduler(self._look, self._beside.append, here.context)
        with here.daemon.store.transaction() as tx:
            tx.cursors.first_sight(MailboxId("ana"), done=True)

    async def _look(self, nearest: Iterable[str], others: Iterable[str]) -> bool:
        return await self.here.poller.look()

    async def passes(self, time: timedelta) -> None:
        """Turns the scheduler every half minute."""
        for _ in range(int(time / (30 * SECOND))):
            await asyncio.sleep(30)
            while await self._scheduler.once():
                while self._beside:
                    await self._beside.pop()

    def steps(self) -> list[tuple[int, str]]:
        return [(row.step, row.target) for row in self.owed("escalation")]

    def owed(self, kind: str) -> list[Any]:
        with self.here.daemon.store.reading() as tx:
            found = select(tables.delivery).where(tables.delivery.c.type == kind).order_by(tables.delivery.c.id)
            return list(tx.connection.execute(found))


def test_after_a_sleep_mailboxes_are_read_before_anybody_is_told(polled_mailbox: Polled) -> None:
    """The answer came while the machine slept, and a step fell due: rule 30 holds, whatever the loop has missed."""

    async def play(loop: VirtualTimeLoop) -> None:
        watched = Watched(polled_mailbox(loop, Mailbox))
        box = watched.here.box
        assert isinstance(box, Mailbox)
        async with watched.here.watched():
            await watched.passes(10 * MINUTE)
            answer = letter(
                "ana@acme.test", "bo@buyer.test", answers="q@buyer.test", at=START + 40 * MINUTE, id="a@acme.test"
            )
            box.held.append((START + 40 * MINUTE, answer))
            loop.jump = 3 * HOUR
            await watched.passes(10 * MINUTE)
            assert watched.steps() == []

    run_in_virtual_time(play)


def test_a_clock_that_is_set_forth_and_back_has_each_step_told_once(polled_mailbox: Polled) -> None:
    async def play(loop: VirtualTimeLoop) -> None:
        watched = Watched(polled_mailbox(loop, Mailbox))
        async with watched.here.watched():
            await watched.passes(10 * MINUTE)
            loop.jump = HOUR
            await watched.passes(10 * MINUTE)
            assert watched.steps() == [(1, "ana")], "the time of day is believed"
            loop.jump = timedelta(0)
            await watched.passes(90 * MINUTE)
            assert watched.steps() == [(1, "ana")]
            await watched.passes(20 * MINUTE)
            assert watched.steps() == [(1, "ana"), (2, "ana"), (2, "max")]

    run_in_virtual_time(play)


def test_a_clock_that_was_set_back_while_no_daemon_ran_loses_nothing_and_tells_nothing_twice(
    polled_mailbox: Polled,
) -> None:
    async def play(loop: VirtualTimeLoop) -> None:
        loop.jump = 26 * HOUR
        watched = Watched(polled_mailbox(loop, Mailbox))
        here, engine = watched.here, watched.here.daemon.engine
        async with here.watched():
            await watched.passes(10 * MINUTE)
        first = watched.steps()
        assert first == [(3, "max")], "the time of day is believed"
        with here.daemon.store.transaction() as tx:
            claimed = tx.deliveries.claim("desk", loop.now(), MINUTE)
            tx.deliveries.retry([row.id for row in claimed], loop.now() + 5 * MINUTE, "unavailable")
        engine.write(enqueue_digests, engine.rules, loop.now())
        engine.write(watch_all, engine.rules, loop.now(), (), None)
        loop.jump = timedelta(0)
        assert engine.write(begin_again, engine.rules, loop.now()) == 26 * HOUR
        assert engine.write(begin_again, engine.rules, loop.now()) == timedelta(0), "not at the next start"
        (told,) = watched.owed("digest")
        assert "is 1 d 2 h behind the time at which inboxwatch last ran" in told.body["title"]
        assert all(row.next_at <= loop.now() for row in watched.owed("escalation")), "none waits for the old hour"
        async with here.watched():
            await watched.passes(4 * HOUR)
        assert watched.steps() == first, "each step once"
        with here.daemon.store.reading() as tx:
            began = tx.marks.get(DigestsBeganMark())
        assert began is None or began <= loop.now(), "daily digests go on at once"

    run_in_virtual_time(play)


def noted(store: Store) -> datetime | None:
    with store.reading() as tx:
        return tx.marks.get(RunningMark())


async def test_a_start_says_that_the_clock_is_behind_the_last_run(tmp_path: Path) -> None:
    staff = CsvStaff(tmp_path)
    staff.lists("ana")
    async with RunningApp(staff.app(lambda: instant.now() + HOUR)) as running:
        await wait_in_loop(lambda: noted(running.app.store))
    for _ in range(2):
        async with RunningApp(staff.app()) as running:
            assert len([one for one in running.told if "behind the time at which inboxwatch last ran" in one]) == 1


@pytest.mark.parametrize(("by", "told"), [(-HOUR, "set back by 1 h"), (HOUR, "went on by 1 h")])
def test_it_is_told_of_a_jump_once_and_what_waits_for_an_attempt_does_not_wait_for_the_old_hour(
    polled_mailbox: Polled, by: timedelta, told: str
) -> None:
    async def play(loop: VirtualTimeLoop) -> None:
        watched = Watched(polled_mailbox(loop, Mailbox))
        here = watched.here
        watch = asyncio.create_task(ClockWatch(here.context).repeat())
        async with here.watched():
            await watched.passes(70 * MINUTE)
            with here.daemon.store.transaction() as tx:
                (row,) = tx.deliveries.claim("desk", loop.now(), MINUTE)
                assert row.type == "escalation"
                tx.deliveries.retry([row.id], loop.now() + 5 * MINUTE, "unavailable")
            loop.jump = by
            await asyncio.sleep(30)
            assert watched.owed("escalation")[0].next_at <= loop.now(), "it does not wait for the old hour"
            for _ in range(600):  # NTP sets the rest right, a tenth of a second a second
                loop.jump += timedelta(seconds=0.1)
                await asyncio.sleep(1)
            assert [told in row.body["title"] for row in watched.owed("digest")] == [True]
        watch.cancel()

    run_in_virtual_time(play)
