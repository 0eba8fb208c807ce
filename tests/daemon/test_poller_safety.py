"""A connector that hangs, lies, cancels itself or is refused: its mailbox is told of, and nothing else suffers."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from inboxwatch.connector import Batch, Cursor, MailboxError, Reason
from inboxwatch.daemon.poller import BATCH_LIMIT
from tests.support.scripted_connector import (
    HOUR,
    MINUTE,
    SECOND,
    PolledMailbox,
    PushingConnector,
    ScriptedConnector,
    deaf_to_cancelling,
    refusing,
)
from tests.support.virtual_time import START, VirtualTimeLoop, run_in_virtual_time


@pytest.mark.parametrize("behaviour", ["fails", "breaks", "lies", "returns at once", "cancels itself", "hangs"])
def test_a_push_that_does_not_work_makes_no_mailbox_read_in_a_rush(
    polled_mailbox: Callable[..., PolledMailbox], behaviour: str
) -> None:
    released = asyncio.Event()
    hanging = []

    async def hint(seconds: float) -> bool:
        match behaviour:
            case "hangs":
                hanging.append(seconds)
                await deaf_to_cancelling(released)
            case "fails":
                raise MailboxError(Reason.UNAVAILABLE, "the connection died")
            case "breaks":
                raise ZeroDivisionError
            case "cancels itself":
                raise asyncio.CancelledError
        return behaviour == "lies"

    async def play(loop: VirtualTimeLoop) -> None:
        here = polled_mailbox(loop, PushingConnector)
        assert isinstance(here.box, PushingConnector)
        here.box.hint = hint
        async with here.watched():
            await here.passes(3 * HOUR)
            # An ordinary mailbox would have been read 67 times in the first hour, and 13 times in each further one.
            assert len(here.box.polls) < 67 + 2 * 15 + 15
            assert here.poller.healthy
            assert len(hanging) <= 1, "one that hangs is not asked again"
        released.set()

    run_in_virtual_time(play)


def test_a_hint_is_heeded_at_once_however_many_looks_have_interrupted_the_waiting(
    polled_mailbox: Callable[..., PolledMailbox],
) -> None:
    async def play(loop: VirtualTimeLoop) -> None:
        here = polled_mailbox(loop, PushingConnector)
        box = here.box
        assert isinstance(box, PushingConnector)
        stirred = asyncio.Event()

        async def hint(seconds: float) -> bool:
            stirred.clear()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    await stirred.wait()
            return stirred.is_set()

        def interrupt(batch: int) -> None:
            stirred.set()  # as IMAP does: somebody needs the connection

        box.hint, box.trouble = hint, interrupt
        async with here.watched():
            for _ in range(30):
                await here.passes(5 * SECOND)
                assert await here.poller.look()
            await here.passes(SECOND)
            box.mail = [loop.now()]
            before = loop.now()
            stirred.set()
            await here.passes(timedelta(milliseconds=1))
            assert box.polls[-1] == before

    run_in_virtual_time(play)


def test_a_refused_login_is_not_tried_again_and_again(polled_mailbox: Callable[..., PolledMailbox]) -> None:
    """Servers lock accounts for it."""

    async def play(loop: VirtualTimeLoop) -> None:
        here = polled_mailbox(loop)

        here.box.trouble = refusing(partial(MailboxError, Reason.AUTH, "NO wrong password", permanent=True))
        async with here.watched():
            await here.passes(10 * MINUTE)
            assert len(here.box.polls) <= 4
            assert len(here.told()) == 1

    run_in_virtual_time(play)


def test_a_connector_that_hangs_and_cannot_be_cancelled_is_told_and_holds_up_no_end(
    polled_mailbox: Callable[..., PolledMailbox],
) -> None:
    async def play(loop: VirtualTimeLoop) -> None:
        here = polled_mailbox(loop)
        released = asyncio.Event()

        here.box.trouble = lambda batch: deaf_to_cancelling(released)
        async with here.watched():
            await here.passes(timedelta(seconds=BATCH_LIMIT) + 20 * MINUTE)
            assert here.figure("up") == 0
            assert len(here.box.polls) == 1, "it is not asked again while it hangs"
            assert len(here.told()) == 1
            here.box.trouble = lambda batch: None
            released.set()
            await here.passes(10 * MINUTE)
            assert here.poller.healthy

    run_in_virtual_time(play)


def test_a_watch_ends_when_it_is_told_to_though_its_connector_does_not(
    polled_mailbox: Callable[..., PolledMailbox],
) -> None:
    async def play(loop: VirtualTimeLoop) -> None:
        here = polled_mailbox(loop)
        released = asyncio.Event()

        here.box.trouble = lambda batch: deaf_to_cancelling(released)
        async with here.watched():
            await here.passes(MINUTE)
        released.set()

    run_in_virtual_time(play)


def test_a_connector_that_cancels_itself_does_not_end_the_watch_without_a_word(
    polled_mailbox: Callable[..., PolledMailbox],
) -> None:
    async def play(loop: VirtualTimeLoop) -> None:
        here = polled_mailbox(loop)

        def cancel(batch: int) -> None:
            raise asyncio.CancelledError

        here.box.trouble = cancel
        async with here.watched():
            await here.passes(10 * MINUTE)
            assert here.figure("errors_total", reason="client") > 1  # type: ignore[operator]  # it exists from the start
            here.box.trouble = lambda batch: None
            await here.passes(10 * MINUTE)
            assert here.poller.healthy

    run_in_virtual_time(play)


def test_a_reading_that_another_worker_overtook_leaves_the_connector_free(
    polled_mailbox: Callable[..., PolledMailbox],
) -> None:
    async def play(loop: VirtualTimeLoop) -> None:
        ended: list[bool] = []

        class Held(ScriptedConnector):
            async def poll(self, cursor: Cursor | None) -> AsyncIterator[Batch]:
                try:
                    with here.daemon.store.transaction() as tx:
                        tx.cursors.move("ana", cursor, "somewhere else")
                    yield Batch((), Cursor("1"))
                    yield Batch((), Cursor("2"), loop.now())
                finally:
                    ended.append(True)

        here = polled_mailbox(loop, Held)
        assert await here.poller.poll() is None
        assert ended == [True]
        await here.poller.aclose()
        here.worker.close()
        here.daemon.close()

    run_in_virtual_time(play)


@pytest.mark.parametrize("jump", [-6 * HOUR, 6 * HOUR])
def test_a_clock_that_jumps_lets_a_failing_mailbox_be_looked_at(
    polled_mailbox: Callable[..., PolledMailbox], jump: timedelta
) -> None:
    async def play(loop: VirtualTimeLoop) -> None:
        here = polled_mailbox(loop)

        here.box.trouble = refusing(partial(MailboxError, Reason.UNAVAILABLE, "down"))
        async with here.watched():
            await here.passes(20 * MINUTE)
            here.box.trouble = lambda batch: None
            assert not await here.poller.look(), "it rests after its last failure"
            loop.jump = jump
            assert await here.poller.look()
            await here.passes(3 * HOUR)
            assert max(here.box.pauses(START)) <= 7 * 3600
            assert here.poller.healthy

    run_in_virtual_time(play)


class RenumberingConnector(ScriptedConnector):
    """Its server gives each opening other numbers: every position of before is refused, for as long as it does."""

    def __init__(self, now: Callable[[], datetime]) -> None:
        super().__init__(now)
        self.renumbers = True
        self.batches = 0
        self.size = 2

    async def poll(self, cursor: Cursor | None) -> AsyncIterator[Batch]:
        first = self.renumbers
        async for batch in super().poll(None if self.renumbers else cursor):
            self.batches += 1
            yield replace(batch, resynced=first and cursor is not None)
            first = False


def test_a_server_that_renumbers_at_each_opening_is_told_and_does_not_have_all_read_for_ever(tmp_path: Path) -> None:
    """After a few readings anew the mailbox counts as unreadable, and one batch a try is read until it keeps still."""

    async def script(loop: VirtualTimeLoop) -> None:
        mailbox = PolledMailbox(tmp_path, loop, RenumberingConnector)
        box = mailbox.box
        assert isinstance(box, RenumberingConnector)
        box.mail = [START - HOUR + SECOND * number for number in range(40)]
        async with mailbox.watched():
            await mailbox.passes(HOUR)
            (told,) = mailbox.told()
            assert told.startswith("Mailbox ana is blind (protocol)")
            assert "UIDVALIDITY" in told
            polls, batches = len(box.polls), box.batches
            await mailbox.passes(HOUR)
            assert box.batches - batches <= len(box.polls) - polls, "no reading goes beyond its first batch"
            box.renumbers = False
            await mailbox.passes(10 * MINUTE)
            assert mailbox.told()[1:] == ["Mailbox ana can be read again."]
            assert mailbox.figure("up") == 1

    run_in_virtual_time(script)


def test_a_mailbox_that_was_rebuilt_once_is_read_anew_without_an_alarm(tmp_path: Path) -> None:
    """Counter-case: a restored mailbox has new numbers once."""

    async def script(loop: VirtualTimeLoop) -> None:
        mailbox = PolledMailbox(tmp_path, loop, RenumberingConnector)
        box = mailbox.box
        assert isinstance(box, RenumberingConnector)
        box.mail = [START - HOUR]
        async with mailbox.watched():
            await mailbox.passes(MINUTE * 2.5)
            box.renumbers = False
            await mailbox.passes(3 * HOUR)
            assert mailbox.told() == []

    run_in_virtual_time(script)


def test_a_failure_that_lasts_is_one_line_of_the_log_and_another_cause_another(
    polled_mailbox: Callable[..., PolledMailbox],
) -> None:
    async def play(loop: VirtualTimeLoop) -> list[tuple[Any, ...]]:
        here = polled_mailbox(loop)
        with capture_logs() as logs:
            async with here.watched():
                await here.passes(MINUTE)
                here.box.trouble = refusing(partial(MailboxError, Reason.AUTH, "NO [AUTHENTICATIONFAILED] not you"))
                await here.passes(HOUR)
                here.box.trouble = refusing(partial(MailboxError, Reason.UNAVAILABLE, "connection refused"))
                await here.passes(HOUR)
                here.box.trouble = lambda batch: None
                await here.passes(HOUR)
        told = [line for line in logs if line["log_level"] in ("warning", "info")]
        return [(line["event"], line["mailbox"], line.get("reason"), line.get("error")) for line in told]

    assert run_in_virtual_time(play) == [
        ("mailbox unreadable", "ana", "auth", "NO [AUTHENTICATIONFAILED] not you"),
        ("mailbox unreadable", "ana", "unavailable", "connection refused"),
        ("mailbox readable again", "ana", None, None),
    ]
