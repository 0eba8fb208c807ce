"""What mail costs in units of reading its headers with Python's own parser, in the same run: a figure that machines and
their load change little. With wide bounds it is part of what every change must pass.

python -m tests.benchmarks.ratios [--strict]  (strict: fails where a bound is passed)
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Callable
from datetime import timedelta
from email.parser import BytesHeaderParser
from pathlib import Path
from statistics import median

from inboxwatch.connector import Batch, Cursor
from inboxwatch.core.mail.classify import classify
from inboxwatch.core.mail.headers import parse
from inboxwatch.engine.ingest import Arrival, ingest
from tests.benchmarks.growth import ANA, LEADS, batch, taken
from tests.benchmarks.imap_backfill import BATCH, NOW, opened
from tests.support.figures import Figure, note

BATCHES = 8
SINGLE = 60
"""Batches of one message, as live mail comes."""
PARSER = BytesHeaderParser()
BOUNDS = {
    "reading a header": 2.5,
    "history of a lead": 12,
    "history of nobody": 5.4,
    "live mail of a lead": 400,
    "bytes of a lead's message": 1500,
    "bytes of nobody's message": 180,
}
"""1.8 times what was measured when they were set (1.2 times of bytes): no change that costs twice as much passes."""


def spent(work: Callable[[], object]) -> float:
    begun = time.process_time()
    work()
    return time.process_time() - begun


def yardstick(given: Batch) -> float:
    """CPU seconds of Python's parser for the headers of a batch."""
    return spent(lambda: [PARSER.parsebytes(one.header).items() for one in given.messages])


def measured() -> dict[str, float]:
    ratios: dict[str, list[float]] = {}
    with tempfile.TemporaryDirectory() as name:
        store, engine = opened(Path(name))
        assert store.file is not None
        cursor = engine.begin_history(ANA, NOW - timedelta(days=30), NOW).cursor
        sizes = []
        for what, start in (("history of a lead", 0), ("history of nobody", LEADS)):
            before = taken(store.file)
            for first in range(start, start + BATCHES * BATCH, BATCH):
                given = batch(first)
                unit = yardstick(given)
                read = spent(lambda given=given: [classify(parse(one)) for one in given.messages])  # type: ignore[misc]
                ours = spent(lambda given=given, cursor=cursor: engine.ingest_history(ANA, given, cursor, NOW))  # type: ignore[misc]
                ratios.setdefault("reading a header", []).append(read / unit)
                ratios.setdefault(what, []).append(ours / unit)
                cursor = given.cursor
            sizes.append((taken(store.file) - before) / (BATCHES * BATCH))
        live, at = batch(BATCHES * BATCH).messages, None
        for number in range(SINGLE):
            given = Batch(live[number : number + 1], Cursor(str(number)))
            unit = yardstick(Batch(live, Cursor(""))) / len(live)
            ours = spent(lambda given=given, at=at: engine.write(ingest, engine.rules, given, at, Arrival(ANA, NOW)))  # type: ignore[misc]
            ratios.setdefault("live mail of a lead", []).append(ours / unit)
            at = given.cursor
        store.close()
    found = {what: median(its) for what, its in ratios.items()}
    return found | {"bytes of a lead's message": sizes[0], "bytes of nobody's message": sizes[1]}


def main() -> None:
    found = measured()
    note(
        *(
            Figure(name if "bytes" in name else f"{name}, in units of Python's parser", its)
            for name, its in found.items()
        )
    )
    passed = {name for name, its in found.items() if its > BOUNDS[name]}
    for name, its in found.items():
        print(f"{name}: {its:.4g} (bound {BOUNDS[name]:.4g}){' PASSED' if name in passed else ''}")
    if passed and "--strict" in sys.argv:
        sys.exit(f"{len(passed)} bound(s) passed: a change has made it slower by far, or the bound must be said anew")


if __name__ == "__main__":
    main()
