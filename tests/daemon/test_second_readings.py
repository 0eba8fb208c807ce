"""A message that could not be read is tried again until it can be, or is given up; meanwhile it counts as missing."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

from sqlalchemy import select
from structlog.testing import capture_logs

from inboxwatch.connector import Batch, Cursor, MailboxError, Quarantined, Reason, Reread
from inboxwatch.core.model import FolderRole, MailboxId, RawMessage
from inboxwatch.daemon.census import Census
from inboxwatch.daemon.poller import Poller
from inboxwatch.engine.second_tries import SHARE, TRIES
from inboxwatch.store import tables
from tests.support.scripted_connector import (
    ANA,
    HOUR,
    MINUTE,
    PolledMailbox,
    ScriptedConnector,
    numbered_letter,
)
from tests.support.virtual_time import VirtualTimeLoop, run_in_virtual_time

BAD = "inbox/9"


class Damaged(ScriptedConnector):
    """A mailbox in which one message, the tenth, cannot be read for as long as `fate` says so."""

    def __init__(self, now: Any) -> None:
        super().__init__(now)
        self.fate = "unreadable"
        self.asked: list[datetime] = []
        self.quarantines = True

    async def poll(self, cursor: Cursor | None) -> AsyncIterator[Batch]:
        async for batch in super().poll(cursor):
            aside = (Quarantined(BAD, "damaged"),) if self.quarantines else ()
            yield replace(batch, quarantined=aside)
            self.quarantines = False

    async def reread(self, refs: Sequence[str]) -> Reread:
        assert list(refs) == [BAD]
        self.asked.append(self._now())
        if self.fate == "the server fails":
            raise MailboxError(Reason.UNAVAILABLE, "connection reset")
        if self.fate == "a defect":
            raise ZeroDivisionError
        if self.fate == "gone":
            return Reread(())
        if self.fate == "unreadable":
            return Reread((), (Quarantined(BAD, "still damaged"),))
        if self.fate == "nonsense":
            return Reread((replace(self.message(), header=b""),))
        return Reread((self.message(),))

    def message(self) -> RawMessage:
        return numbered_letter(9, self._now() - HOUR)

    async def census(self, since: datetime) -> AsyncIterator[tuple[str, str]]:
        yield "inbox/0", "m0@buyer.test"
        if self.fate == "read":
            yield BAD, "m9@buyer.test"


class Here(PolledMailbox):
    def __init__(self, folder: Path, loop: VirtualTimeLoop) -> None:
        super().__init__(folder, loop, Damaged)
        assert isinstance(self.box, Damaged)
        self.damaged = self.box
        self.damaged.mail.append(loop.now())
        with self.daemon.store.transaction() as tx:
            tx.cursors.first_sight(ANA, done=True)

    def aside(self) -> list[Any]:
        with self.daemon.store.reading() as tx:
            return list(tx.connection.execute(select(tables.quarantine)))

    def row(self) -> Any:
        with self.daemon.store.reading() as tx:
            return tx.mailboxes.get(ANA)

    def waits(self) -> set[str]:
        with self.daemon.store.reading() as tx:
            return {row.started_by for row in tx.connection.execute(select(tables.clock.c.started_by))}


def test_a_message_that_can_be_read_later_is_filed_late_and_told(tmp_path: Path) -> None:
    async def play(loop: VirtualTimeLoop) -> None:
        here = Here(tmp_path, loop)
        async with here.watched():
            await here.passes(2 * MINUTE)
            assert [(row.ref, row.reason, row.tries) for row in here.aside()] == [(BAD, "damaged", 0)]
            await here.passes(HOUR)
            assert [row.reason for row in here.aside()] == ["still damaged"]
            here.damaged.fate = "read"
            with capture_logs() as logs:
                await here.passes(2 * HOUR)
            assert here.aside() == []
            assert here.waits() == {"m0@buyer.test", "m9@buyer.test"}
            assert here.row().recovered == 1
            assert "messages recovered that had been set aside" in [one["event"] for one in logs]
            tried = len(here.damaged.asked)
            await here.passes(48 * HOUR)
            assert len(here.damaged.asked) == tried, "and it is left alone"
            assert here.figure("up") == 1

    run_in_virtual_time(play)


def test_pauses_grow_and_a_message_that_stays_unreadable_is_given_up_and_listed(tmp_path: Path) -> None:
    async def play(loop: VirtualTimeLoop) -> None:
        here = Here(tmp_path, loop)
        async with here.watched():
            await here.passes(timedelta(days=6))
            assert [row.reason for row in here.aside()] == ["still damaged"]
            with here.daemon.store.reading() as tx:
                assert tx.quarantine.given_up() == tx.quarantine.counts() == {"ana": 1}
        asked = here.damaged.asked
        pauses = [later - earlier for earlier, later in pairwise(asked)]
        assert len(asked) == TRIES
        assert pauses[0] < timedelta(minutes=20)
        assert pauses[-1] > timedelta(hours=23)

    run_in_virtual_time(play)


def test_tries_are_counted_across_restarts_and_whatever_becomes_of_them(tmp_path: Path) -> None:
    """A try counts before it is made: a message that ends the process, or the connection, is not tried for ever."""

    async def play(loop: VirtualTimeLoop) -> None:
        here = Here(tmp_path, loop)
        fates = ["the server fails", "a defect", "unreadable", "nonsense"]
        async with here.watched():
            for tries in range(1, 5):
                here.damaged.fate = fates[tries - 1]
                await here.passes(timedelta(minutes=5 * 2 ** (tries - 1)))
                poller = Poller(ANA, here.box, here.daemon.metrics, here.context)  # another process, or after a restart
                assert await poller.poll() is None
                assert [row.tries for row in here.aside()] == [tries]
                assert here.figure("up") == 1
                assert not here.told()

    run_in_virtual_time(play)


def test_a_message_that_is_gone_from_the_server_is_let_go_of(tmp_path: Path) -> None:
    async def play(loop: VirtualTimeLoop) -> None:
        here = Here(tmp_path, loop)
        here.damaged.fate = "gone"
        async with here.watched():
            await here.passes(HOUR)
            assert here.aside() == []
            assert here.row().recovered == 0
            assert here.waits() == {"m0@buyer.test"}

    run_in_virtual_time(play)


def test_what_is_set_aside_counts_as_missing_until_it_is_read(tmp_path: Path) -> None:
    async def play(loop: VirtualTimeLoop) -> None:
        here = Here(tmp_path, loop)
        census = Census(here.poller, here.box, here.context)
        async with here.watched():
            await here.passes(MINUTE)
            assert await census.take() == 0.5
            here.damaged.fate = "read"
            await here.passes(HOUR)
            assert await census.take() == 1.0

    run_in_virtual_time(play)


class Answering(ScriptedConnector):
    """A mailbox with our answers to a stranger in Sent; the server fails at the first of its readings again."""

    def __init__(self, now: Any) -> None:
        super().__init__(now)
        self.asked: list[list[str]] = []

    async def poll(self, cursor: Cursor | None) -> AsyncIterator[Batch]:
        async for batch in super().poll(cursor):
            yield replace(batch, messages=tuple(map(self.ours, batch.messages)))

    async def reread(self, refs: Sequence[str]) -> Reread:
        self.asked.append(list(refs))
        if len(self.asked) == 1:
            raise MailboxError(Reason.UNAVAILABLE, "connection reset")
        letters = [numbered_letter(number, at) for number, at in enumerate(self.mail)]
        return Reread(tuple(self.ours(one) for one in letters if one.ref in refs))

    def ours(self, raw: RawMessage) -> RawMessage:
        header = raw.header.replace(b"Bo <bo@buyer.test>", b"ana@acme.test").replace(
            b"To: ana@acme.test", b"To: zoe@far.test"
        )
        return replace(
            raw,
            role=FolderRole.SENT,
            header=header.replace(b"@buyer.test>", b"@acme.test>\r\nIn-Reply-To: <q@far.test>"),
        )


def test_our_answers_to_a_stranger_are_read_again_when_the_question_comes(tmp_path: Path) -> None:
    async def play(loop: VirtualTimeLoop) -> None:
        here = PolledMailbox(tmp_path, loop, Answering)
        assert isinstance(here.box, Answering)
        here.box.mail = [loop.now() + MINUTE * number for number in range(SHARE + 5)]
        async with here.watched():
            await here.passes(2 * HOUR)
            assert here.box.asked == []
            header = b"From: zoe@far.test\r\nTo: sales@acme.test\r\nMessage-ID: <q@far.test>\r\nSubject: Seats\r\n\r\n"
            question = RawMessage("inbox/1", FolderRole.INBOX, here.box.mail[0] - MINUTE, header)
            batch = Batch((question,), Cursor("1"), seen_until=loop.now())
            here.daemon.engine.ingest(MailboxId("sales"), batch, None, loop.now())
            await here.passes(HOUR)
            assert [len(one) for one in here.box.asked] == [SHARE, SHARE - 45, SHARE]
            with here.daemon.store.reading() as tx:
                (wait,) = [row for row in tx.connection.execute(select(tables.clock)) if row.metric != "follow_up"]
                assert tx.connection.execute(select(tables.recall)).all() == []
            assert (wait.state, wait.stopped_by, wait.answered_by) == ("answered", "m0@acme.test", "ana")

    run_in_virtual_time(play)
