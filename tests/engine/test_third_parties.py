"""What we and third parties say to each other in a buyer's thread, read in any order."""

from __future__ import annotations

from itertools import permutations
from pathlib import Path

import pytest

from inboxwatch.core.model import MailboxId, RawMessage
from tests.support.batched_daemon import ANA, BO, SALES, BatchedDaemon

SU = "su@parts.test"


def talk(daemon: BatchedDaemon) -> list[RawMessage]:
    """Bo asks, Ana asks Su, Su answers her, Ana thanks Su."""
    chain = "References: <q@buyer.test> <f@acme.test>"
    return [
        daemon.asks("q@buyer.test", 0),
        daemon.raw("ana@acme.test", SU, 10, id="f@acme.test", answers="q@buyer.test"),
        daemon.raw(SU, "ana@acme.test", 20, id="s@parts.test", extra=f"In-Reply-To: <f@acme.test>\r\n{chain}"),
        daemon.raw("ana@acme.test", SU, 30, id="t@acme.test", extra=f"In-Reply-To: <s@parts.test>\r\n{chain}"),
    ]


@pytest.mark.parametrize("mailbox", [ANA, SALES])
@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_a_third_party_ends_and_starts_no_wait_of_the_buyer_whatever_is_read_first(
    tmp_path: Path, mailbox: MailboxId, order: tuple[int, ...]
) -> None:
    """In a shared mailbox unknown senders are leads: there too a supplier's answer is none of the buyer's."""
    daemon = BatchedDaemon(tmp_path, f"sqlite:///{tmp_path}/store.db")
    mails = talk(daemon)
    for place in (*order, 3):
        daemon.reads(mails[place], mailbox=mailbox)
    waits = [(clock.started_by, clock.state) for clock in daemon.clocks() if clock.lead == BO]
    daemon.close()
    assert waits == [("q@buyer.test", "running")]
