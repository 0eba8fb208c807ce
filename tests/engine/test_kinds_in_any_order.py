"""The kind of a message is a function of all mail: whatever comes first, in whatever batches, mailboxes, processes."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from inboxwatch.connector import Batch, Cursor
from inboxwatch.core.model import MailboxId, RawMessage
from inboxwatch.engine.delivery.compose import Composed
from inboxwatch.notify import Receipt
from inboxwatch.notify.wait import ShownWait
from inboxwatch.store import Store, tables
from tests.support.batched_daemon import ANA, BO, SALES, BatchedDaemon, minutes
from tests.support.engine import Engine

LIST = "List-Id: <club.groups.test>\r\nPrecedence: list"
TOOL = "List-Unsubscribe: <https://tool.test/u>"

Told = tuple[str, str, bool, str]
"""Kind, signal, owes a reply, and the first name in its thread."""


def story(daemon: BatchedDaemon) -> list[RawMessage]:
    """Mail of which each piece tells something of another one's kind."""
    return [
        daemon.replies("offer@acme.test", 0, "", subject="Offer"),
        # Within seconds after ours, with no header of a machine.
        daemon.asks("got-it@buyer.test", 0.1, answers="offer@acme.test", subject="Offer"),
        # On a list, and an answer to ours all the same.
        daemon.asks("we-take-it@buyer.test", 60, to="club@groups.test", answers="offer@acme.test", extra=LIST),
        # By a tool for sales letters, from an address to which we wrote before.
        daemon.asks("again@buyer.test", 70, subject="Further seats", extra=TOOL),
        # Ours, by such a tool: an answer where the buyer's mail is a person's.
        daemon.replies("fine@acme.test", 80, "we-take-it@buyer.test", extra=TOOL),
        # An answer within seconds to what is an answer of ours only then.
        daemon.asks("received@buyer.test", 80.2, answers="fine@acme.test"),
        # A mailing that nothing makes a person's.
        daemon.asks("news@buyer.test", 90, to="all@readers.test", subject="Our news", extra=LIST),
    ]


KINDS = {
    "offer": "human", "got-it": "auto_reply", "we-take-it": "human", "again": "human", "fine": "human",
    "received": "auto_reply", "news": "bulk",
}  # fmt: skip


def told(daemon: BatchedDaemon) -> dict[str, Told]:
    with daemon.store.reading() as tx:
        found = select(tables.message).where(tables.message.c.message_id.is_not(None))
        rows = {row.message_id.partition("@")[0]: row for row in tx.connection.execute(found)}
    threads: dict[str, str] = {}
    for name, row in sorted(rows.items()):
        threads.setdefault(row.thread, name)
    return {name: (row.kind, row.signal, bool(row.owes_reply), threads[row.thread]) for name, row in rows.items()}


def waits(daemon: BatchedDaemon) -> list[tuple[Any, ...]]:
    return [(row.started_by, row.state, row.started_at, row.stopped_at, row.breached_at) for row in daemon.clocks()]


Reads = Callable[[BatchedDaemon, Sequence[RawMessage]], None]


def one_by_one(daemon: BatchedDaemon, raws: Iterable[RawMessage]) -> None:
    for raw in raws:
        daemon.reads(raw)


def in_turns_of_two_processes(daemon: BatchedDaemon, raws: Iterable[RawMessage]) -> None:
    store = Store(daemon.config.store_url.reveal())
    other = Engine(store, daemon.config)
    for number, raw in enumerate(raws):
        engine = (daemon.engine, other)[number % 2]
        batch = Batch((raw,), Cursor(f"t{number}"), seen_until=daemon.at)
        assert not engine.ingest(ANA, batch, daemon.cursor(ANA), daemon.at).stale
    store.close()


def by_mailbox(daemon: BatchedDaemon, raws: Sequence[RawMessage]) -> None:
    half = len(raws) // 2
    daemon.reads(*raws[:half], mailbox=ANA)
    daemon.reads(*raws[half:], mailbox=SALES)


def by_history(daemon: BatchedDaemon, raws: Sequence[RawMessage]) -> None:
    daemon.reads(*raws[::2])
    for mailbox in (ANA, SALES):
        daemon.engine.begin_history(mailbox, daemon.at.replace(year=2020), daemon.at)
        batch = Batch(tuple(raws), Cursor("h"), seen_until=daemon.at)
        daemon.engine.ingest_history(MailboxId(mailbox), batch, None, daemon.at)


@pytest.fixture
def made(tmp_path: Path) -> Iterable[Callable[[], BatchedDaemon]]:
    daemons: list[BatchedDaemon] = []

    def make() -> BatchedDaemon:
        folder = tmp_path / str(len(daemons))
        folder.mkdir()
        daemon = BatchedDaemon(folder, f"sqlite:///{folder / 'store.db'}")
        daemons.append(daemon)
        return daemon

    yield make
    for daemon in daemons:
        daemon.close()


def test_each_message_has_the_kind_that_all_of_them_give_it(made: Callable[[], BatchedDaemon]) -> None:
    daemon = made()
    daemon.reads(*story(daemon))
    assert {name: kind for name, (kind, *_) in told(daemon).items()} == KINDS


@pytest.mark.parametrize("reads", [one_by_one, in_turns_of_two_processes, by_mailbox, by_history])
def test_no_order_of_arrival_changes_kinds_threads_or_waits(made: Callable[[], BatchedDaemon], reads: Reads) -> None:
    whole = made()
    whole.reads(*story(whole))
    right, right_waits = told(whole), waits(whole)
    turned = list(range(len(KINDS)))
    orders = [turned, turned[::-1], *itertools.islice(itertools.permutations(turned), 1000, 5040, 577)]
    for order in orders:
        daemon = made()
        mail = story(daemon)
        reads(daemon, [mail[number] for number in order])
        assert told(daemon) == right, order
        assert waits(daemon) == right_waits, order


def test_a_stranger_whom_we_wrote_to_before_is_known_in_a_later_batch(made: Callable[[], BatchedDaemon]) -> None:
    """Our mail to a stranger matches no lead: of it the hash and the hashes of its recipients tell enough."""
    zoe = "zoe@stranger.test"
    daemon = made()
    daemon.reads(daemon.raw("ana@acme.test", zoe, 0, id="hello@acme.test", subject="Seats"))
    reply = daemon.asks(
        "yes@stranger.test", 50, sender=zoe, to="sales@acme.test", answers="hello@acme.test", extra=LIST
    )
    daemon.reads(reply, mailbox=SALES)
    assert [clock.lead for clock in daemon.clocks()] == [zoe]
    with daemon.store.reading() as tx:
        kept = "".join(str(tuple(row)) for row in tx.connection.execute(select(tables.written_to)))
    assert "zoe" not in kept


def test_what_has_turned_out_a_machine_s_ends_its_wait_without_a_trace(made: Callable[[], BatchedDaemon]) -> None:
    daemon = made()
    ours, theirs, *_ = story(daemon)
    daemon.reads(theirs)
    (clock,) = daemon.clocks()
    assert clock.state == "running"
    daemon.reads(ours)
    assert daemon.clocks() == []


def test_who_was_paged_hears_that_what_waited_was_a_machine_s(made: Callable[[], BatchedDaemon]) -> None:
    """The page is closed where it stands, by what it stands for: its clock is gone when the notice leaves."""
    daemon = made()
    ours, theirs, *_ = story(daemon)
    daemon.reads(theirs)
    daemon.passes(minutes(61))
    page = leaves(daemon)
    daemon.reads(ours)
    assert daemon.clocks() == []
    end = leaves(daemon)
    (wait,) = end.notice.clocks
    assert (end.notice.type, end.notice.targets, end.earlier) == ("resolved", page.notice.targets, ("desk/1",))
    assert (wait.wait.id, wait.wait.state, wait.wait.stop_reason) == (
        page.notice.clocks[0].wait.id,
        "ended",
        "withdrawn",
    )
    assert (wait.wait.lead_name, wait.wait.subject) == ("Bo Lind", "Re: Offer")
    assert "no reply was owed, as is known now" in ShownWait.of(wait, UTC).standing
    assert daemon.engine.claim("desk", daemon.at) == []


def test_nobody_hears_of_it_who_was_not_paged(made: Callable[[], BatchedDaemon]) -> None:
    daemon = made()
    ours, theirs, *_ = story(daemon)
    daemon.reads(theirs)
    daemon.passes(minutes(61))
    assert [row.state for row in daemon.owed()] == ["pending"]
    daemon.reads(ours)
    assert [row.state for row in daemon.owed()] == ["cancelled"]
    assert daemon.owed("resolved") == []


def test_the_end_of_a_wait_is_not_told_where_the_wait_is_back_and_is_told_each_time(
    made: Callable[[], BatchedDaemon],
) -> None:
    daemon = paged_at_a_persons_word(made())
    daemon.engine.unsay_human("one@buyer.test", "max", daemon.at)
    assert len(daemon.owed("resolved")) == 1
    daemon.engine.say_human("one@buyer.test", "max", daemon.at)
    assert daemon.engine.claim("desk", daemon.at) == []
    assert [row.state for row in daemon.owed("resolved")] == ["cancelled"]
    daemon.at += minutes(1)
    daemon.engine.unsay_human("one@buyer.test", "max", daemon.at)
    assert leaves(daemon).notice.type == "resolved"


def test_who_waits_to_hear_that_a_wait_is_answered_hears_that_there_is_none(
    made: Callable[[], BatchedDaemon],
) -> None:
    daemon = paged_at_a_persons_word(made())
    daemon.reads(daemon.replies("answer@acme.test", 62, "one@buyer.test"))
    daemon.engine.unsay_human("one@buyer.test", "max", daemon.at)
    end = leaves(daemon)
    assert (end.notice.type, end.notice.clocks[0].wait.stop_reason) == ("resolved", "withdrawn")
    assert daemon.engine.claim("desk", daemon.at) == []


def paged_at_a_persons_word(daemon: BatchedDaemon) -> BatchedDaemon:
    """A mailing that a person wrote, as somebody says; its wait has paged its owner."""
    daemon.reads(daemon.asks("one@buyer.test", 0, extra=LIST))
    daemon.engine.say_human("one@buyer.test", "max", daemon.at)
    daemon.passes(minutes(61))
    leaves(daemon)
    return daemon


def leaves(daemon: BatchedDaemon) -> Composed:
    """The next notice of the desk, sent."""
    rows = daemon.engine.claim("desk", daemon.at)
    composed = daemon.engine.render(rows, daemon.at)
    assert composed is not None
    daemon.engine.sent(composed.rows, Receipt("desk/1"), daemon.at)
    return composed


def test_our_answer_sent_later_does_not_make_an_earlier_mailing_a_person_s(made: Callable[[], BatchedDaemon]) -> None:
    daemon = made()
    daemon.reads(daemon.asks("tool@buyer.test", 0, extra=TOOL))
    daemon.reads(daemon.raw("ana@acme.test", BO, 10, id="new@acme.test", subject="Another matter"))
    assert told(daemon)["tool"][0] == "bulk"
    daemon.reads(daemon.raw("ana@acme.test", BO, -10, id="old@acme.test", subject="A first matter"))
    assert told(daemon)["tool"][:3] == ("human", "a known lead's, to us alone, in spite of list-unsubscribe", True)
