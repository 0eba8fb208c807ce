"""Completeness is measured: what the server holds and the store does not is found, read and told."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import delete
from structlog.testing import capture_logs

from inboxwatch import config as configuration
from inboxwatch import now as instant
from inboxwatch.connector import Batch, Cursor, Reading
from inboxwatch.core.model import Lead, LeadId, MailboxId, PersonId, RawMessage
from inboxwatch.daemon.census import Census
from inboxwatch.daemon.loop_context import LoopContext
from inboxwatch.daemon.poller import Poller
from inboxwatch.daemon.writer import Writer
from inboxwatch.metrics import Metrics
from inboxwatch.store import Store, tables
from tests.support.engine import Engine
from tests.support.in_process_daemon import CONFIG
from tests.support.scripted_connector import PolledMailbox, ScriptedConnector
from tests.support.virtual_time import VirtualTimeLoop, run_in_virtual_time

ANA = MailboxId("ana")


class CountedMaildir:
    """A real Maildir, a real store, and the census between them."""

    def __init__(self, folder: Path) -> None:
        for name in ("ana", "sales"):
            for part in ("cur", "new", "tmp"):
                (folder / name / part).mkdir(parents=True)
        text = CONFIG.replace("WEB", "").replace("STORE", "sqlite:///store.db").replace("FOLLOW_UP", "")
        (folder / "inboxwatch.yaml").write_text(text, encoding="utf-8")
        config = configuration.load(folder / "inboxwatch.yaml")
        self.store = Store(config.store_url.reveal())
        self.engine = Engine(self.store, config, {})
        lead = Lead(LeadId("bo@buyer.test"), owner=PersonId("ana"), source="known")
        self.engine.learn("known", [lead], instant.now())
        self.worker = Writer(self.store)
        reading = Reading(since=instant.now() - timedelta(days=2))
        self.connector = config.mailboxes[ANA].connect(reading)
        self.context = LoopContext(self.engine.rules, self.worker, instant.now)
        self.poller = Poller(ANA, self.connector, Metrics(), self.context)
        self.census = Census(self.poller, self.connector, self.context)
        self.folder = folder

    def deliver(self, name: str) -> None:
        raw = (
            f"From: Bo <bo@buyer.test>\nTo: ana@acme.test\nMessage-ID: <{name}@buyer.test>\nSubject: {name}\n\nHello\n"
        )
        (self.folder / "ana" / "tmp" / name).write_text(raw, encoding="utf-8")
        (self.folder / "ana" / "tmp" / name).rename(self.folder / "ana" / "new" / name)

    def lose_everything_read(self) -> None:
        """As if a defect had moved the cursor past messages that were never filed."""
        with self.store.transaction() as tx:
            for table in (tables.message, tables.sighting, tables.unfiled, tables.clock, tables.act):
                tx.connection.execute(delete(table))

    def waits(self) -> int:
        with self.store.reading() as tx:
            return len(tx.clocks.running())

    def coverage(self) -> float | None:
        with self.store.reading() as tx:
            row = tx.mailboxes.get(ANA)
        return None if row is None else row.coverage


@pytest.fixture
async def maildir(tmp_path: Path) -> AsyncIterator[CountedMaildir]:
    made = CountedMaildir(tmp_path)
    yield made
    await made.poller.aclose()
    made.worker.close()
    made.store.close()


async def test_a_census_of_a_mailbox_that_was_read_whole_finds_nothing_missing(maildir: CountedMaildir) -> None:
    maildir.deliver("one")
    maildir.deliver("two")
    assert await maildir.census.take() == 1.0
    assert (maildir.coverage(), maildir.waits()) == (1.0, 2)


async def test_messages_that_were_never_read_are_found_read_and_counted(maildir: CountedMaildir) -> None:
    maildir.deliver("one")
    maildir.deliver("two")
    await maildir.poller.poll()
    maildir.lose_everything_read()
    assert await maildir.census.take() == 1.0
    assert maildir.waits() == 2


async def test_what_stays_missing_lowers_the_coverage(maildir: CountedMaildir) -> None:
    for name in ("one", "two", "three", "four"):
        maildir.deliver(name)
    await maildir.poller.poll()
    maildir.lose_everything_read()

    class Blunt:
        """A connector that can count but not read single messages again."""

        poll, probe, aclose = (
            maildir.connector.poll,
            maildir.connector.probe,
            maildir.connector.aclose,
        )
        census = maildir.connector.census  # type: ignore[attr-defined]  # a Maildir counts

    blunt = Census(maildir.poller, Blunt(), maildir.context)  # type: ignore[arg-type]  # no settings
    assert await blunt.take() == 0.0
    assert maildir.coverage() == 0.0


class Counting(ScriptedConnector):
    """A mailbox of one session, whose count goes as `ails` says."""

    ails = ""
    counts = 0

    def __init__(self, now: Any) -> None:
        super().__init__(now)
        self.session = asyncio.Lock()
        self.released = asyncio.Event()

    async def poll(self, cursor: Cursor | None) -> AsyncIterator[Batch]:
        async with self.session:
            async for batch in super().poll(cursor):
                yield batch

    async def census(self, since: datetime) -> AsyncIterator[tuple[str, str]]:
        self.counts += 1
        async with self.session:
            yield "inbox/0", "m0@buyer.test"
            if self.ails == "it hangs":
                await self.released.wait()
            if self.ails == "a defect":
                raise ZeroDivisionError
        while self.ails == "it hangs and cannot be cancelled" and not self.released.is_set():
            with contextlib.suppress(asyncio.CancelledError):
                await self.released.wait()

    async def recover(self, refs: Sequence[str]) -> tuple[RawMessage, ...]:
        if self.ails == "reading again hangs":
            await self.released.wait()
        return ()


@pytest.mark.parametrize(
    ("ails", "told"),
    [
        ("it hangs", "census not taken"),
        ("it hangs and cannot be cancelled", "census not taken"),
        ("reading again hangs", "census not taken"),
        ("a defect", "census failed by a defect"),
    ],
)
def test_a_census_that_fails_is_told_leaves_the_mailbox_readable_and_is_taken_again(
    tmp_path: Path, ails: str, told: str
) -> None:
    async def play(loop: VirtualTimeLoop) -> None:
        here = PolledMailbox(tmp_path, loop, Counting)
        box = here.box
        assert isinstance(box, Counting)
        box.ails = ails
        census = Census(here.poller, box, here.context)
        async with here.watched():
            with capture_logs() as logs:
                repeating = asyncio.create_task(census.repeat(timedelta(hours=1)))
                await here.passes(timedelta(hours=3))
            assert told in [one["event"] for one in logs]
            assert here.poller.healthy
            assert len(box.pauses(loop.now() - timedelta(hours=2))) > 20
            assert here.figure("up") == 1
            assert not here.told()
            box.ails = ""
            box.released.set()
            await here.passes(timedelta(hours=2))
            assert box.counts >= 2
            with here.daemon.store.reading() as tx:
                row = tx.mailboxes.get(ANA)
            assert row is not None
            assert row.coverage == 0.0, "the one message on the server cannot be had"
            repeating.cancel()

    run_in_virtual_time(play)
