"""One Message-ID on messages of different people, read in any order: each has its thread, its answers and its clock."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.batched_daemon import ANA, BO, SALES, BatchedDaemon
from tests.support.reading_orders import Read, Readings, each, states

ID = "1@localhost"
CY = "cy@far.test"


def questions(daemon: BatchedDaemon) -> list[Read]:
    """The programs of two buyers number their mail from one; both are answered, and one of them writes again."""
    daemon.lead(CY, owner="ana", name="Cy Far")
    return [
        (ANA, daemon.asks(ID, 0, subject="Prices")),
        (SALES, daemon.asks(ID, 30, sender=CY, to="sales@acme.test", subject="A lathe")),
        (ANA, daemon.raw("ana@acme.test", BO, 60, id="a1@acme.test", answers=ID, subject="Re: Prices")),
        (ANA, daemon.raw("ana@acme.test", CY, 90, id="a2@acme.test", answers=ID, subject="Re: A lathe")),
        (ANA, daemon.asks("2@localhost", 120, sender=CY, answers=ID, subject="Re: A lathe")),
    ]


def test_each_of_two_buyers_who_give_one_id_has_an_own_wait_and_answer_in_any_order(tmp_path: Path) -> None:
    readings = Readings(tmp_path, questions)
    found = readings.agree(
        *map(each, [range(5), [1, 3, 4, 0, 2], [4, 2, 3, 1, 0], [3, 0, 1, 2, 4]]),
        [[0, 2, 3, 4], [1]],
        [[1], [4, 3, 2, 0]],
    )
    readings.close()
    assert states(found) == [(BO, "answered"), (CY, "answered"), (CY, "running")]
    assert sorted(map(len, found["threads"])) == [2, 3]


def letters(gap: float) -> Callable[[BatchedDaemon], list[Read]]:
    """A tool of ours sends its letters under one id; one buyer answers, and is answered."""

    def mails(daemon: BatchedDaemon) -> list[Read]:
        daemon.lead(CY, owner="ana", name="Cy Far")
        return [
            (ANA, daemon.raw("ana@acme.test", BO, 0, id=ID, subject="Our offer")),
            (ANA, daemon.raw("ana@acme.test", CY, gap, id=ID, subject="Our offer")),
            (ANA, daemon.asks("q@far.test", 120, sender=CY, answers=ID, subject="Our offer")),
            (ANA, daemon.raw("ana@acme.test", CY, 150, id="a@acme.test", answers="q@far.test", subject="Our offer")),
        ]

    return mails


@pytest.mark.parametrize("gap", [90, 0.05])
def test_an_answer_to_one_of_our_letters_under_one_id_is_that_buyers(tmp_path: Path, gap: float) -> None:
    readings = Readings(tmp_path, letters(gap))
    found = readings.agree(*map(each, [range(4), [2, 3, 0, 1], [3, 1, 0, 2]]), [[0, 1, 2, 3]])
    readings.close()
    assert states(found) == [(CY, "answered")]
    assert sorted(map(len, found["threads"])) == [1, 3]
