"""Figures of benchmarks, for the table of `python -m tests.benchmarks`."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

FILE = "BENCHMARK_FIGURES"
"""The environment variable with the file to which benchmarks write their figures, if anybody reads them."""
WORSE = 1.10
"""By so much a figure may be worse than the released one before it is pointed out."""


class Figure(NamedTuple):
    """One measured value."""

    name: str
    """With its unit."""
    value: float
    more_is_better: bool = False

    def worse(self, than: float) -> float:
        """How many times it is worse than another value; below 1 it is better."""
        least = 1e-9
        ours, theirs = max(self.value, least), max(than, least)
        return theirs / ours if self.more_is_better else ours / theirs


def note(*figures: Figure) -> None:
    """Writes figures to the file that asks for them."""
    if name := os.environ.get(FILE):
        with Path(name).open("a", encoding="utf-8") as file:
            file.writelines(json.dumps(one) + "\n" for one in figures)


def noted(file: Path) -> list[Figure]:
    """What benchmarks have written."""
    return [Figure(*json.loads(line)) for line in file.read_text(encoding="utf-8").splitlines()]


def table(today: Iterable[Figure], released: dict[str, float]) -> list[str]:
    """Lines of a table: the released value beside today's, and which is worse by more than a tenth."""
    lines = ["| figure | released | today | |", "| --- | --- | --- | --- |"]
    for one in today:
        before = released.get(one.name)
        told = "new" if before is None else ""
        if before is not None and (times := one.worse(before)) > WORSE:
            told = f"WORSE: {times:.2f} times"
        lines.append(f"| {one.name} | {'' if before is None else f'{before:.4g}'} | {one.value:.4g} | {told} |")
    return lines
