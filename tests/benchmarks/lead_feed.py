"""What the first sync of a feed of leads costs, and the same records again unchanged: CPU, memory, the store's size.

python -m tests.benchmarks.lead_feed [LEADS [BATCH]]
"""

from __future__ import annotations

import resource
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from inboxwatch.connector import Row
from inboxwatch.core.model import Lead, LeadId
from tests.support.in_process_daemon import InProcessDaemon
from tests.support.lead_feeds import Feeds


def records(first: int, after: int) -> Iterator[Row]:
    """Five of each company, with an owner and two attributes."""
    for number in range(first, after):
        company = f"buyer{number // 5}.test"
        attributes = (("industry", "steel"), ("employees", str(number % 900)))
        lead = Lead(LeadId(f"p{number}@{company}"), f"Person {number}", company, company, attributes=attributes)
        yield Row(lead, f"Contact {number}", f"003{number:012}", "ana@acme.test")


def memory() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
    size = int(sys.argv[2]) if len(sys.argv) > 2 else 2_000
    with tempfile.TemporaryDirectory() as name:
        daemon = InProcessDaemon(Path(name), store=f"sqlite:///{name}/store.db")
        feeds, before, spent = Feeds(daemon.engine, "crm"), memory(), []
        for _ in range(2):
            begun = time.process_time()
            for first in range(0, count, size):
                after = min(count, first + size)
                rows = list(records(first, after))
                feeds.gives("crm", rows, now=daemon.at, begins=first == 0, whole=after == count)
            feeds.ends("crm", daemon.at)
            spent.append(time.process_time() - begun)
        more, stored = memory() - before, (Path(name) / "store.db").stat().st_size / 1e6
        daemon.close()
    print(f"{count} leads of a feed, {size} a batch: {spent[0]:.1f} s of CPU, unchanged again {spent[1]:.1f} s")
    print(f"{more:.0f} MB more memory at most, a store of {stored:.0f} MB")


if __name__ == "__main__":
    main()
