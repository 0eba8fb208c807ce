"""Figure 5: what a message costs in a store that holds a million, against one that holds ten thousand; and the bytes
that a message takes, of a lead and of nobody.

python -m tests.benchmarks.growth [MESSAGES]
"""

from __future__ import annotations

import sqlite3
import sys
import tempfile
import time
from contextlib import closing
from datetime import timedelta
from pathlib import Path

from inboxwatch.connector import Batch, Cursor
from inboxwatch.core.model import FolderRole, MailboxId, RawMessage
from tests.benchmarks.imap_backfill import BATCH, BUYERS, NOW, message, opened
from tests.support.figures import Figure, note

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


LEADS = 5 * BUYERS
"""So many of the first messages are of leads: each buyer has a thread of five; later ones are of strangers."""


def taken(file: Path) -> int:
    """Bytes of the pages in use, those that wait in the log included."""
    with closing(sqlite3.connect(file)) as connection:
        pages, free, size = (
            connection.execute(f"PRAGMA {name}").fetchone()[0] for name in ("page_count", "freelist_count", "page_size")
        )
    return int((pages - free) * size)


def main() -> None:
    most = int(sys.argv[1]) if len(sys.argv) > 1 else 200_000
    with tempfile.TemporaryDirectory() as name:
        store, engine = opened(Path(name))
        cursor = engine.begin_history(ANA, NOW - timedelta(days=30), NOW).cursor
        assert store.file is not None
        costs: list[float] = []
        sizes = {0: taken(store.file)}
        for window in range(0, most, WINDOW):
            spent = 0.0
            for first in range(window, window + WINDOW, BATCH):
                given = batch(first)
                begun = time.process_time()
                engine.ingest_history(ANA, given, cursor, NOW)
                spent += time.process_time() - begun
                cursor = given.cursor
            costs.append(spent / WINDOW * 1e6)
            sizes[window + WINDOW] = taken(store.file)
        store.close()
    # The first window warms caches; the medians of three windows are compared.
    early, late = sorted(costs[1:4])[1], sorted(costs[-3:])[1]
    print(f"figure 5: {early:.0f} us of CPU a message at {2 * WINDOW}, {late:.0f} at {most}: {late / early:.2f} times")
    of_leads, of_nobody = (sizes[LEADS] - sizes[0]) / LEADS, (sizes[most] - sizes[LEADS]) / (most - LEADS)
    print(f"the store takes {of_leads:.0f} bytes a message of a lead, {of_nobody:.0f} of nobody")
    note(
        Figure(f"a message's cost in a store of {most:,} against {2 * WINDOW:,} (times)", late / early),
        Figure("history in the store alone (us of CPU a message of nobody)", late),
        Figure("store (bytes a message of a lead)", of_leads),
        Figure("store (bytes a message of nobody)", of_nobody),
    )


if __name__ == "__main__":
    main()
