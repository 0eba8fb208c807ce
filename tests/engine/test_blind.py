"""Nothing is told before the mailboxes were read; one that cannot be read is told, and holds a step for its grace."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from inboxwatch import config as configuration
from inboxwatch.connector import MailboxError, Reason
from tests.support.batches import ANA, SALES, Office, minutes
from tests.support.in_process import MONDAY


def test_nothing_is_told_before_the_mailboxes_that_could_hold_the_answer_were_read(office: Office) -> None:
    """Rule 30: the engine asks for a look first; an answer that it brings cancels everything."""
    office.reads(office.asks("q1@buyer.test", 0, to="sales@acme.test"), mailbox=SALES)
    (clock,) = office.clocks()
    office.at += minutes(61)
    settled = office.engine.tick(office.at)
    assert (settled.told, settled.look) == (0, {clock.id: (frozenset({"ana", "sales"}), frozenset())})
    office.reads(office.replies("a1@acme.test", 60, "q1@buyer.test"))
    office.reads(mailbox=SALES)
    assert office.engine.tick(office.at, only=frozenset({clock.id}), looked=office.at).told == 0
    assert (office.steps(), office.clocks()[0].state) == ([], "answered")


def test_a_blind_mailbox_holds_a_step_for_its_grace_then_it_is_sent_as_unverified(office: Office) -> None:
    """Rule 31: neither answered nor breached is claimed; once the mailbox can be read, the page is not repeated."""
    office.reads(office.asks("q1@buyer.test", 0))
    office.passes(minutes(61))
    office.at += minutes(60)
    office.engine.failed(ANA, MailboxError(Reason.UNAVAILABLE, "connection refused"), office.at)
    assert office.engine.tick(office.at, looked=office.at).told == 0
    (clock,) = office.clocks()
    assert (clock.held, clock.breached_at, office.steps()) == (True, None, [(1, 1, "ana")])
    assert clock.wake_at == MONDAY + minutes(120 + 15)
    office.at = MONDAY + minutes(136)
    office.engine.tick(office.at, looked=office.at)
    assert [(row.step, row.reason) for row in office.owed()[1:]] == [(2, "unverified"), (2, "unverified")]
    office.reads()
    office.engine.succeeded(ANA, office.at)
    office.passes(minutes(0))
    (clock,) = office.clocks()
    assert (clock.held, clock.breached_at) == (False, MONDAY + minutes(120))
    assert len(office.steps()) == 3


def test_a_step_that_falls_due_while_the_mailboxes_are_read_gets_a_look_of_its_own(office: Office) -> None:
    """It is neither told unread nor held as if a mailbox were blind."""
    office.reads(office.asks("q1@buyer.test", 0))
    asked = MONDAY + timedelta(minutes=119, seconds=59)
    office.at = MONDAY + minutes(120)
    office.reads(seen_until=asked)
    settled = office.engine.tick(office.at, only=frozenset({office.clocks()[0].id}), looked=asked)
    assert (settled.told, office.steps()) == (0, [])
    (clock,) = office.clocks()
    assert (clock.held, clock.wake_at) == (False, office.at)
    office.reads(mailbox=SALES)
    office.passes(minutes(0))
    assert office.steps() == [(2, 1, "ana"), (2, 1, "max")]


def test_mail_in_the_thread_does_not_hide_that_a_mailbox_is_blind(office: Office) -> None:
    office.reads(office.asks("q1@buyer.test", 0))
    office.at += minutes(121)
    office.engine.tick(office.at, looked=office.at)
    office.reads(office.asks("q2@buyer.test", 121, answers="q1@buyer.test"), mailbox=SALES, seen_until=office.at)
    (clock,) = office.clocks()
    assert (clock.held, clock.breached_at) == (True, None)


def test_it_is_told_once_that_a_mailbox_is_blind_and_once_that_it_sees_again(office: Office) -> None:
    office.config = configuration.load(office.path)
    refusal = MailboxError(Reason.AUTH, "[AUTHENTICATIONFAILED] no", hint="set the password", permanent=True)
    office.config = with_it(office)
    office.restarts()
    for _ in range(5):
        office.at += minutes(1)
        office.engine.failed(ANA, refusal, office.at)
    (told,) = office.owed("mailbox")
    assert (told.target, told.body["mailbox"], told.body["error"]) == ("desk", "ana", "[AUTHENTICATIONFAILED] no")
    office.restarts()
    office.engine.failed(ANA, refusal, office.at)
    office.engine.succeeded(ANA, office.at)
    office.engine.succeeded(ANA, office.at)
    assert [row.body["error"] for row in office.owed("mailbox")] == ["[AUTHENTICATIONFAILED] no", None]


def with_it(office: Office) -> Any:
    office.path.write_text(office.path.read_text() + '\nit_alerts: {notify: ["desk"]}\n')
    return configuration.load(office.path)


def test_a_hiccup_of_a_mailbox_is_not_told(office: Office) -> None:
    office.config = with_it(office)
    office.restarts()
    office.engine.failed(ANA, MailboxError(Reason.UNAVAILABLE, "connection refused"), office.at)
    office.engine.succeeded(ANA, office.at + minutes(1))
    assert office.owed("mailbox") == []


def test_a_mailbox_that_left_the_config_holds_nothing_back(office: Office) -> None:
    office.reads(office.asks("q1@buyer.test", 0, to="ana@acme.test, sales@acme.test"), mailbox=SALES)
    office.reads(office.asks("q1@buyer.test", 0, to="ana@acme.test, sales@acme.test"))
    lines = [line for line in office.path.read_text().splitlines() if not line.startswith("  sales: {connector")]
    office.path.write_text("\n".join(lines))
    office.config = configuration.load(office.path)
    office.restarts()
    office.at += minutes(61)
    office.reads()
    office.engine.tick(office.at, looked=office.at)
    assert [(row.step, row.reason) for row in office.owed()] == [(1, "warning")]
