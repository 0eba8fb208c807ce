"""Copies of one message that name other messages or bear other titles: the best one tells, whichever is read first."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import permutations
from pathlib import Path
from typing import Any

from inboxwatch.core.model import FolderRole
from tests.support.batched_daemon import ANA, BO, SALES, BatchedDaemon, minutes
from tests.support.reading_orders import Batches, Read, Readings, each, states

CY = "cy@far.test"


def agree(
    folder: Path, mails: Callable[[BatchedDaemon], Sequence[Read]], count: int, orders: Sequence[Batches]
) -> dict[str, Any]:
    readings = Readings(folder, mails)
    found = readings.agree(each(range(count)), *orders)
    readings.close()
    return found


def doctored(daemon: BatchedDaemon) -> list[Read]:
    """Whoever has a buyer's mail sends it again with a header that names another buyer's thread."""
    daemon.lead(CY, owner="ana", name="Cy Far")
    question = daemon.asks("q@buyer.test", 0, subject="Prices", to="ana@acme.test, sales@acme.test")
    named = question.header.replace(b"Subject:", b"In-Reply-To: <c@far.test>\r\nSubject:")
    later = question.received_at + minutes(45)
    return [
        (ANA, question),
        (SALES, replace(question, ref="INBOX/91", header=named, received_at=later)),
        (ANA, daemon.asks("c@far.test", -60, sender=CY, subject="A lathe")),
        (ANA, daemon.raw("ana@acme.test", BO, 60, id="a@acme.test", answers="q@buyer.test", subject="Prices")),
    ]


def test_a_copy_that_names_another_thread_joins_no_two_buyers_whichever_is_read_first(tmp_path: Path) -> None:
    found = agree(tmp_path, doctored, 4, [each([1, 2, 3, 0]), each([2, 1, 0, 3]), [[3, 2, 0], [1]]])
    assert sorted(map(len, found["threads"])) == [1, 2]
    assert states(found) == [(BO, "answered"), (CY, "running")]


def sent_bare(daemon: BatchedDaemon) -> list[Read]:
    """The program keeps in Sent what it sends without the headers that tell what was answered; others get them."""
    answer = daemon.replies("a@acme.test", 30, "q@buyer.test", subject="Something new", extra="Cc: sales@acme.test")
    lines = answer.header.split(b"\r\n")
    bare = b"\r\n".join(line for line in lines if not line.startswith((b"In-Reply-To", b"References")))
    return [
        (ANA, daemon.asks("q@buyer.test", 0, subject="Prices")),
        (SALES, replace(answer, ref="INBOX/92", role=FolderRole.INBOX)),
        (ANA, replace(answer, header=bare)),
    ]


def test_what_any_copy_of_our_answer_names_is_answered_by_it(tmp_path: Path) -> None:
    found = agree(tmp_path, sent_bare, 3, [each(order) for order in permutations(range(3))])
    assert states(found) == [(BO, "answered")]
    assert len(found["threads"]) == 1


def titled(daemon: BatchedDaemon) -> list[Read]:
    """On its way to the team a gateway gives a mail another title; a later one without headers has the true title."""
    question = daemon.asks("q@buyer.test", 0, subject="Prices", to="ana@acme.test, sales@acme.test")
    told = question.header.replace(b"Subject: Prices", b"Subject: Ticket 17\r\nX-Spam-Flag: YES")
    return [
        (ANA, question),
        (SALES, replace(question, ref="INBOX/93", header=told)),
        (ANA, daemon.raw("ana@acme.test", BO, 45, id="a@acme.test", subject="Re: Prices")),
    ]


def test_the_title_of_the_best_copy_counts_whichever_is_read_first(tmp_path: Path) -> None:
    found = agree(tmp_path, titled, 3, [each(order) for order in permutations(range(3))])
    assert len(found["threads"]) == 1
