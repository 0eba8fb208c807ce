"""Copies of one message in several mailboxes, read in any order by a daemon: the same waits, answers and authors."""

from __future__ import annotations

from dataclasses import replace
from itertools import permutations
from pathlib import Path
from typing import Any

import pytest

from inboxwatch.core.model import FolderRole, MailboxId, RawMessage
from tests.support.batched_daemon import ANA, BO, SALES, BatchedDaemon, minutes

Read = tuple[MailboxId, RawMessage]
BOTH = "ana@acme.test, sales@acme.test"


def without_date(raw: RawMessage) -> RawMessage:
    lines = raw.header.split(b"\r\n")
    return replace(raw, header=b"\r\n".join(line for line in lines if not line.startswith(b"Date:")))


def asked(daemon: BatchedDaemon) -> list[Read]:
    """The buyer's question, and the copy that a filter tagged."""
    tagged = daemon.asks("q@buyer.test", 0, to=BOTH, extra="X-Spam-Flag: YES")
    return [(ANA, daemon.asks("q@buyer.test", 0, to=BOTH)), (SALES, tagged)]


def answered_from_an_alias(daemon: BatchedDaemon) -> list[Read]:
    """Ana answers from an address that nobody told us; Sent has it, and the shared mailbox a copy."""
    words: dict[str, Any] = {"id": "a@brand.test", "answers": "q@buyer.test", "extra": "Cc: sales@acme.test"}
    received = daemon.raw("ana@brand.test", BO, 10, **words)
    return [
        (ANA, daemon.asks("q@buyer.test", 0)),
        (SALES, received),
        (ANA, replace(received, ref="SENT/9", role=FolderRole.SENT)),
    ]


def answered_as_sales(daemon: BatchedDaemon) -> list[Read]:
    """Ana answers from her mailbox under the shared address; the shared mailbox gets a copy."""
    words: dict[str, Any] = {"id": "a@acme.test", "answers": "q@buyer.test", "extra": "Cc: sales@acme.test"}
    sent = daemon.raw("sales@acme.test", BO, 10, **words)
    return [
        (ANA, daemon.asks("q@buyer.test", 0)),
        (SALES, replace(sent, ref="INBOX/9", role=FolderRole.INBOX)),
        (ANA, sent),
    ]


def written_to_a_stranger(daemon: BatchedDaemon) -> list[Read]:
    """Ana writes to nobody's lead from such an address; the shared mailbox, where strangers are leads, gets a copy."""
    received = daemon.raw("ana@brand.test", "eve@new.test", 10, id="a@brand.test", extra="Cc: sales@acme.test")
    return [(SALES, received), (ANA, replace(received, ref="SENT/9", role=FolderRole.SENT))]


def waits(folder: Path, mails: Any, order: tuple[int, ...]) -> list[tuple[Any, ...]]:
    daemon = BatchedDaemon(folder, f"sqlite:///{folder}/store.db")
    read = mails(daemon)
    for place in order:
        mailbox, raw = read[place]
        daemon.reads(raw, mailbox=mailbox)
    found = [(row.lead, row.started_by, row.state, row.stopped_by, row.answered_by) for row in daemon.clocks()]
    daemon.close()
    return found


@pytest.mark.parametrize(
    ("mails", "expected"),
    [
        (asked, (BO, "q@buyer.test", "running", None, None)),
        (answered_from_an_alias, (BO, "q@buyer.test", "answered", "a@brand.test", "ana")),
        (answered_as_sales, (BO, "q@buyer.test", "answered", "a@acme.test", "ana")),
        (written_to_a_stranger, ()),
    ],
)
def test_copies_give_one_wait_whichever_is_read_last(tmp_path: Path, mails: Any, expected: tuple[Any, ...]) -> None:
    count = 2 if mails in (asked, written_to_a_stranger) else 3
    for number, order in enumerate(permutations(range(count))):
        folder = tmp_path / str(number)
        assert waits(folder, mails, order) == ([expected] if expected else []), order


@pytest.mark.parametrize("mailbox", [ANA, SALES])
@pytest.mark.parametrize("extra", ["List-Id: <x>", "Auto-Submitted: auto-generated"])
def test_a_mail_with_the_id_of_a_buyers_hides_nothing(daemon: BatchedDaemon, mailbox: MailboxId, extra: str) -> None:
    daemon.reads(daemon.asks("q@buyer.test", 0))
    (before,) = daemon.clocks()
    forged = daemon.asks("q@buyer.test", 30, sender="mallory@evil.test", subject="Other", extra=extra)
    daemon.reads(without_date(forged), mailbox=mailbox)
    daemon.reads(without_date(forged), mailbox=mailbox)
    assert daemon.clocks() == [before]
    daemon.reads(daemon.replies("a@acme.test", 40, "q@buyer.test"))
    (clock,) = daemon.clocks()
    assert (clock.started_at, clock.state) == (before.started_at, "answered")


def test_a_doctored_copy_of_the_buyers_mail_takes_no_breach_off_the_books(daemon: BatchedDaemon) -> None:
    question = daemon.asks("q@buyer.test", 0)
    daemon.reads(question, daemon.replies("a@acme.test", 240, "q@buyer.test"))
    (before,) = daemon.clocks()
    doctored = question.header.replace(b"From:", b"List-Id: <x>\r\nFrom:")
    daemon.reads(replace(question, ref="INBOX/77", header=doctored, received_at=question.received_at + minutes(300)))
    assert daemon.clocks() == [before]


def test_our_answer_stays_what_it_is_when_the_buyer_writes_a_mail_with_its_id(daemon: BatchedDaemon) -> None:
    daemon.reads(daemon.asks("q@buyer.test", 0), daemon.replies("a@acme.test", 10, "q@buyer.test"))
    before = daemon.clocks()
    daemon.reads(without_date(daemon.asks("a@acme.test", 30, extra="List-Id: <x>")))
    assert daemon.clocks() == before


def test_an_earlier_copy_moves_the_start_back_though_a_better_one_stands(daemon: BatchedDaemon) -> None:
    daemon.reads(daemon.asks("q@buyer.test", 5, to=BOTH))
    tagged = daemon.asks("q@buyer.test", 5, to=BOTH, extra="X-Spam-Flag: YES")
    daemon.reads(replace(tagged, received_at=tagged.received_at - minutes(3)), mailbox=SALES)
    (clock,) = daemon.clocks()
    assert clock.started_at == tagged.received_at - minutes(3)
