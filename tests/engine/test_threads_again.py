"""Threads that an older version has joined by likeness come apart after an upgrade, and waits keep what is theirs."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config as AlembicConfig
from sqlalchemy import select, update

from inboxwatch.core.sla.policy import Metric
from inboxwatch.core.sla.running import clock_id
from inboxwatch.daemon.housekeeping import Housekeeping
from inboxwatch.daemon.loop_context import LoopContext
from inboxwatch.engine.evaluate import Occasion, evaluate
from inboxwatch.engine.threads_again import SHARE, place_again
from inboxwatch.store import Store, tables
from inboxwatch.store.known_columns import load
from tests.support.batched_daemon import BO, BatchedDaemon, minutes
from tests.support.inline_writer import InlineWriter

EVE = "eve@other.test"
MESSAGE, CLOCK, ACT = tables.message, tables.clock, tables.act


def joined_as_before(daemon: BatchedDaemon, into: str, *guessed: str) -> None:
    """The store as version 9 has left it: messages with one title in one thread, by a guess; and upgraded since."""
    thread = placed(daemon)[into][0]
    with daemon.store.transaction() as tx:
        rows = list(tx.connection.execute(select(MESSAGE).where(MESSAGE.c.message_id.is_not(None))))
        old = {row.thread for row in rows if row.message_id in guessed}
        for row in rows:
            its = {"known": as_version_9_knew(row), "thread": thread if row.thread in old else row.thread}
            its |= {"parent": into, "evidence": "subject", "confidence": 0.5} if row.message_id in guessed else {}
            tx.connection.execute(update(MESSAGE).where(MESSAGE.c.key == row.key).values(**its))
        for table in (CLOCK, ACT):
            tx.connection.execute(update(table).where(table.c.thread.in_(old)).values(thread=thread))
    daemon.engine.write(evaluate, daemon.engine.rules, [thread], Occasion(daemon.at))
    migrated_from(daemon, "0009")


def migrated_from(daemon: BatchedDaemon, version: str) -> None:
    """The store as an older version made it, opened by this one."""
    config = AlembicConfig()
    config.set_main_option("script_location", str(Path(tables.__file__).parent / "migrations"))
    with daemon.store.transaction() as tx:
        config.attributes["connection"] = tx.connection
        command.downgrade(config, version)
    Store(daemon.config.store_url.reveal()).close()
    daemon.restarts()


def as_version_9_knew(row: Any) -> dict[str, Any]:
    known = load(row)
    return {
        "named": known.named,
        "above": known.above,
        "name": known.name,
        "to": sorted(known.to),
        "participants": sorted(known.participants),
        "answers": known.answers,
        "was_key": known.was_key,
        "sent_at": None,
        "thread_index": None,
        "sender_lead": known.sender_lead,
    }


def placed(daemon: BatchedDaemon) -> dict[str, tuple[Any, ...]]:
    with daemon.store.reading() as tx:
        rows = tx.connection.execute(select(MESSAGE).where(MESSAGE.c.message_id.is_not(None)))
        return {row.message_id: (row.thread, row.parent, row.evidence) for row in rows}


def upgraded(daemon: BatchedDaemon) -> list[int]:
    """How many threads each turn has placed again, each turn by another process."""
    done = []
    while (count := daemon.engine.write(place_again, daemon.engine.rules, daemon.at)) is not None:
        done.append(count)
        daemon.restarts()
    return done


def test_two_buyers_whom_a_title_had_joined_come_apart_and_their_waits_keep_what_was_done(
    daemon: BatchedDaemon,
) -> None:
    daemon.lead(EVE, owner="ben")
    daemon.reads(
        daemon.asks("q1@buyer.test", 0, subject="Prices"),
        daemon.replies("a1@acme.test", 5, "q1@buyer.test", subject="Prices"),
        daemon.asks("q2@other.test", 10, subject="Prices", sender=EVE),
        daemon.asks("n2@other.test", 15, subject="Prices", sender=EVE, answers="q2@other.test"),
    )
    joined_as_before(daemon, "q1@buyer.test", "q2@other.test")
    wait = clock_id("q2@other.test", Metric.FIRST_RESPONSE)  # type: ignore[arg-type]
    assert daemon.clock(wait).metric == "next_response", "another buyer's answer had made it so"
    daemon.passes(minutes(130))
    assert daemon.steps() == [(1, 1, "ben")]
    daemon.engine.acknowledge(wait, "max", daemon.at, "I know them")
    before, first = daemon.clock(wait), daemon.clock(clock_id("q1@buyer.test", Metric.FIRST_RESPONSE))  # type: ignore[arg-type]
    assert upgraded(daemon) == [1]
    after = daemon.clock(wait)
    assert (after.metric, after.started_at, after.state) == ("first_response", before.started_at, "running")
    assert (after.owner, after.acknowledged_until) == ("max", before.acknowledged_until)
    now = placed(daemon)
    assert now["q2@other.test"][0] == now["n2@other.test"][0] != now["q1@buyer.test"][0] == now["a1@acme.test"][0]
    assert daemon.clock(first.id) == first
    assert [row.type for row in daemon.owed("resolved")] == []
    daemon.passes(timedelta(0))
    assert {step for step, *_ in daemon.steps()} == {1}, "nothing is told twice"


def test_what_a_title_joins_of_one_buyer_stays_joined_and_a_wait_that_was_hidden_opens_quietly(
    daemon: BatchedDaemon,
) -> None:
    daemon.reads(
        daemon.asks("q1@buyer.test", 0, subject="Prices"),
        daemon.raw("ana@acme.test", BO, 5, id="a1@acme.test", subject="Re: Prices"),
        daemon.asks("other@buyer.test", 6, subject="A broken machine"),
    )
    daemon.reads(daemon.replies("a2@acme.test", 7, "q1@buyer.test", subject="Prices"))
    whole = placed(daemon)
    joined_as_before(daemon, "q1@buyer.test", "other@buyer.test")
    assert [clock.started_by for clock in daemon.clocks() if clock.state == "running"] == []
    daemon.at += timedelta(days=1)
    upgraded(daemon)
    now = placed(daemon)
    assert now["a1@acme.test"] == whole["a1@acme.test"]
    assert now["other@buyer.test"][0] not in (now["q1@buyer.test"][0], now["a2@acme.test"][0])
    (hidden,) = [clock for clock in daemon.clocks() if clock.state == "running"]
    assert (hidden.started_by, hidden.owner) == ("other@buyer.test", "ana")
    daemon.passes(timedelta(0))
    assert daemon.steps() == []


def test_what_a_person_has_confirmed_stays_joined(daemon: BatchedDaemon) -> None:
    daemon.lead(EVE, owner="ben")
    daemon.reads(daemon.asks("q1@buyer.test", 0), daemon.asks("q2@other.test", 10, sender=EVE))
    joined_as_before(daemon, "q1@buyer.test", "q2@other.test")
    daemon.engine.confirm("q2@other.test", "ana", daemon.at)
    upgraded(daemon)
    now = placed(daemon)
    assert now["q2@other.test"][0] == now["q1@buyer.test"][0]


def test_it_goes_on_after_a_restart_and_ends(daemon: BatchedDaemon) -> None:
    count = SHARE + 5
    daemon.reads(*(daemon.asks(f"q{number}@buyer.test", number, subject=f"Matter {number}") for number in range(count)))
    joined_as_before(daemon, "q0@buyer.test")
    assert upgraded(daemon) == [SHARE, 5]
    assert daemon.engine.write(place_again, daemon.engine.rules, daemon.at) is None
    assert len({thread for thread, *_ in placed(daemon).values()}) == count


async def test_the_daemon_does_it_in_its_housekeeping(daemon: BatchedDaemon) -> None:
    daemon.lead(EVE, owner="ben")
    daemon.reads(daemon.asks("q1@buyer.test", 0), daemon.asks("q2@other.test", 10, sender=EVE))
    joined_as_before(daemon, "q1@buyer.test", "q2@other.test")
    writer, woken = InlineWriter(daemon.store), asyncio.Event()
    context = LoopContext(daemon.engine.rules, writer, daemon.now, woken.set)
    try:
        await Housekeeping(daemon.store.file, list, context).once()
    finally:
        writer.close()
    assert woken.is_set()
    now = placed(daemon)
    assert now["q2@other.test"][0] != now["q1@buyer.test"][0]


def test_what_was_placed_by_the_rules_of_today_is_left_alone(daemon: BatchedDaemon) -> None:
    """A message that names nobody and that nobody answers has little to be remembered by, and is no older one's."""
    daemon.reads(daemon.asks("q1@buyer.test", 0), daemon.replies("a1@acme.test", 5, "q1@buyer.test"))
    before = daemon.everything()["message"]
    migrated_from(daemon, "0010")
    assert daemon.engine.write(place_again, daemon.engine.rules, daemon.at) is None
    assert daemon.everything()["message"] == before
