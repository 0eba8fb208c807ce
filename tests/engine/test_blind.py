"""Nothing is told before the mailboxes were read; one that cannot be read is told, and holds a step for its grace."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from inboxwatch import config as configuration
from inboxwatch.connector import MailboxError, Reason
from tests.support.batched_daemon import ANA, BO, SALES, BatchedDaemon, minutes
from tests.support.in_process_daemon import MONDAY


def test_nothing_is_told_before_the_mailboxes_that_could_hold_the_answer_were_read(daemon: BatchedDaemon) -> None:
    """Rule 30: the engine asks for a look first; an answer that it brings cancels everything."""
    daemon.reads(daemon.asks("q1@buyer.test", 0, to="sales@acme.test"), mailbox=SALES)
    (clock,) = daemon.clocks()
    daemon.at += minutes(61)
    settled = daemon.engine.tick(daemon.at)
    assert (settled.notified, settled.look) == (0, {clock.id: (frozenset({"ana", "sales"}), frozenset())})
    daemon.reads(daemon.replies("a1@acme.test", 60, "q1@buyer.test"))
    daemon.reads(mailbox=SALES)
    assert daemon.engine.tick(daemon.at, only=frozenset({clock.id}), looked=daemon.at).notified == 0
    assert (daemon.steps(), daemon.clocks()[0].state) == ([], "answered")


def test_a_blind_mailbox_holds_a_step_for_its_grace_then_it_is_sent_as_unverified(daemon: BatchedDaemon) -> None:
    """Rule 31: neither answered nor breached is claimed; once the mailbox can be read, the page is not repeated."""
    daemon.reads(daemon.asks("q1@buyer.test", 0))
    daemon.passes(minutes(61))
    daemon.at += minutes(60)
    daemon.engine.failed(ANA, MailboxError(Reason.UNAVAILABLE, "connection refused"), daemon.at)
    assert daemon.engine.tick(daemon.at, looked=daemon.at).notified == 0
    (clock,) = daemon.clocks()
    assert (clock.held, clock.breached_at, daemon.steps()) == (True, None, [(1, 1, "ana")])
    assert clock.wake_at == MONDAY + minutes(120 + 15)
    daemon.at = MONDAY + minutes(136)
    daemon.engine.tick(daemon.at, looked=daemon.at)
    assert [(row.step, row.reason) for row in daemon.owed()[1:]] == [(2, "unverified"), (2, "unverified")]
    daemon.reads()
    daemon.engine.succeeded(ANA, daemon.at)
    daemon.passes(minutes(0))
    (clock,) = daemon.clocks()
    assert (clock.held, clock.breached_at) == (False, MONDAY + minutes(120))
    assert len(daemon.steps()) == 3


def test_a_step_that_falls_due_while_the_mailboxes_are_read_gets_a_look_of_its_own(daemon: BatchedDaemon) -> None:
    """It is neither told unread nor held as if a mailbox were blind."""
    daemon.reads(daemon.asks("q1@buyer.test", 0))
    asked = MONDAY + timedelta(minutes=119, seconds=59)
    daemon.at = MONDAY + minutes(120)
    daemon.reads(seen_until=asked)
    settled = daemon.engine.tick(daemon.at, only=frozenset({daemon.clocks()[0].id}), looked=asked)
    assert (settled.notified, daemon.steps()) == (0, [])
    (clock,) = daemon.clocks()
    assert (clock.held, clock.wake_at) == (False, daemon.at)
    daemon.reads(mailbox=SALES)
    daemon.passes(minutes(0))
    assert daemon.steps() == [(2, 1, "ana"), (2, 1, "max")]


def test_mail_in_the_thread_does_not_hide_that_a_mailbox_is_blind(daemon: BatchedDaemon) -> None:
    daemon.reads(daemon.asks("q1@buyer.test", 0))
    daemon.at += minutes(121)
    daemon.engine.tick(daemon.at, looked=daemon.at)
    daemon.reads(daemon.asks("q2@buyer.test", 121, answers="q1@buyer.test"), mailbox=SALES, seen_until=daemon.at)
    (clock,) = daemon.clocks()
    assert (clock.held, clock.breached_at) == (True, None)


def test_a_mailbox_read_later_than_now_was_not_read_since_anything(daemon: BatchedDaemon) -> None:
    """The clock has been set back since, so the reading may be older than the step: another one is needed."""
    daemon.reads(daemon.asks("q1@buyer.test", 0))
    with daemon.store.transaction() as tx:
        for box in (ANA, SALES):
            tx.cursors.seen(box, daemon.at + minutes(120))
    daemon.at += minutes(61)
    settled = daemon.engine.tick(daemon.at)
    assert (settled.notified, len(settled.look)) == (0, 1)
    daemon.engine.failed(ANA, MailboxError(Reason.UNAVAILABLE, "connection refused"), daemon.at)
    assert daemon.engine.tick(daemon.at, looked=daemon.at).notified == 0
    assert (daemon.clocks()[0].held, daemon.steps()) == (True, [])
    daemon.reads()
    daemon.engine.succeeded(ANA, daemon.at)
    daemon.passes(minutes(0))
    assert daemon.steps() == [(1, 1, "ana")]


def test_it_is_told_once_that_a_mailbox_is_blind_and_once_that_it_sees_again(daemon: BatchedDaemon) -> None:
    daemon.config = configuration.load(daemon.path)
    refusal = MailboxError(Reason.AUTH, "[AUTHENTICATIONFAILED] no", hint="set the password", permanent=True)
    daemon.config = with_it(daemon)
    daemon.restarts()
    for _ in range(5):
        daemon.at += minutes(1)
        daemon.engine.failed(ANA, refusal, daemon.at)
    (told,) = daemon.owed("mailbox")
    assert (told.target, told.body["mailbox"], told.body["error"]) == ("desk", "ana", "[AUTHENTICATIONFAILED] no")
    daemon.restarts()
    daemon.engine.failed(ANA, refusal, daemon.at)
    daemon.engine.succeeded(ANA, daemon.at)
    daemon.engine.succeeded(ANA, daemon.at)
    assert [row.body["error"] for row in daemon.owed("mailbox")] == ["[AUTHENTICATIONFAILED] no", None]


def with_it(daemon: BatchedDaemon) -> Any:
    daemon.path.write_text(daemon.path.read_text() + '\nit_alerts: {notify: ["desk"]}\n')
    return configuration.load(daemon.path)


def test_a_hiccup_of_a_mailbox_is_not_told(daemon: BatchedDaemon) -> None:
    daemon.config = with_it(daemon)
    daemon.restarts()
    daemon.engine.failed(ANA, MailboxError(Reason.UNAVAILABLE, "connection refused"), daemon.at)
    daemon.engine.succeeded(ANA, daemon.at + minutes(1))
    assert daemon.owed("mailbox") == []


def test_a_mailbox_that_left_the_config_holds_nothing_back(daemon: BatchedDaemon) -> None:
    daemon.reads(daemon.asks("q1@buyer.test", 0, to="ana@acme.test, sales@acme.test"), mailbox=SALES)
    daemon.reads(daemon.asks("q1@buyer.test", 0, to="ana@acme.test, sales@acme.test"))
    lines = [line for line in daemon.path.read_text().splitlines() if not line.startswith("  sales: {connector")]
    daemon.path.write_text("\n".join(lines))
    daemon.config = configuration.load(daemon.path)
    daemon.restarts()
    daemon.at += minutes(61)
    daemon.reads()
    daemon.engine.tick(daemon.at, looked=daemon.at)
    assert [(row.step, row.reason) for row in daemon.owed()] == [(1, "warning")]


def test_where_no_mailbox_is_left_that_could_hold_the_answer_silence_proves_nothing(daemon: BatchedDaemon) -> None:
    """The only mailbox of a wait leaves the config before its due time: no breach is claimed, its steps say so."""
    daemon.lead(BO, owner="ben")
    daemon.reads(daemon.asks("q1@buyer.test", 0, to="sales@acme.test"), mailbox=SALES)
    lines = [line for line in daemon.path.read_text().splitlines() if not line.startswith("  sales: {connector")]
    daemon.path.write_text("\n".join(lines))
    daemon.config = configuration.load(daemon.path)
    daemon.restarts()
    for _ in range(18):
        daemon.at += minutes(10)
        daemon.engine.tick(daemon.at, looked=daemon.at)
    (clock,) = daemon.clocks()
    assert (clock.state, clock.breached_at) == ("running", None)
    assert {row.reason for row in daemon.owed()} == {"unverified"}
    assert {row.step for row in daemon.owed()} == {1, 2, 3}


def test_a_breach_that_was_seen_stays_one_when_its_mailbox_leaves(daemon: BatchedDaemon) -> None:
    daemon.lead(BO, owner="ben")
    daemon.reads(daemon.asks("q1@buyer.test", 0, to="sales@acme.test"), mailbox=SALES)
    daemon.passes(minutes(121))
    lines = [line for line in daemon.path.read_text().splitlines() if not line.startswith("  sales: {connector")]
    daemon.path.write_text("\n".join(lines))
    daemon.config = configuration.load(daemon.path)
    daemon.restarts()
    daemon.passes(minutes(60), seen=False)
    assert daemon.clocks()[0].breached_at == MONDAY + minutes(120)
