"""Figure 5: what a message costs in a store that holds a million, against one that holds ten thousand.

python -m tests.benchmarks.growth [MESSAGES]
"""

from __future__ import annotations

import sys
import tempfile
import time
from datetime import timedelta
from pathlib import Path

from inboxwatch.connector import Batch, Cursor
from inboxwatch.core.model import FolderRole, MailboxId, RawMessage
from tests.benchmarks.imap_backfill import BATCH, NOW, message, opened

ANA = MailboxId("ana")
WINDOW = 10_000
"""Messages over which a cost is taken."""


def batch(first: int) -> Batch:
    """Messages as a connector gives them: headers only."""
    begun = NOW - timedelta(days=20)
    messages = tuple(
        RawMessage(
            ref=str(number),
            role=FolderRole.SENT if number % 5 % 2 else FolderRole.INBOX,
            received_at=begun + timedelta(seconds=number),
            header=message(number).partition(b"\r\n\r\n")[0],
        )
        for number in range(first, first + BATCH)
    )
    return Batch(messages, Cursor(str(first)))


def main() -> None:
    most = int(sys.argv[1]) if len(sys.argv) > 1 else 200_000
    with tempfile.TemporaryDirectory() as name:
        store, engine = opened(Path(name))
        cursor = engine.begin_history(ANA, NOW - timedelta(days=30), NOW).cursor
        costs: list[float] = []
        for window in range(0, most, WINDOW):
            spent = 0.0
            for first in range(window, window + WINDOW, BATCH):
                given = batch(first)
                begun = time.process_time()
                engine.ingest_history(ANA, given, cursor, NOW)
                spent += time.process_time() - begun
                cursor = given.cursor
            costs.append(spent / WINDOW * 1e6)
        size = (store.file.stat().st_size if store.file else 0) / most
        store.close()
    # The first window warms caches; the medians of three windows are compared.
    early, late = sorted(costs[1:4])[1], sorted(costs[-3:])[1]
    print(f"figure 5: {early:.0f} us of CPU a message at {2 * WINDOW}, {late:.0f} at {most}: {late / early:.2f} times")
    print(f"the store takes {size:.0f} bytes a message")


if __name__ == "__main__":
    main()
