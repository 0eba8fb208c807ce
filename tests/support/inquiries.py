"""The inquiries that rules of classes are measured on: which part may be read, and how far two readers agree."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

FOLDER = Path(__file__).parent.parent / "core" / "qualification" / "inquiries"
CLASSES = ("sales", "support", "order", "customer", "vendor", "recruiting", "unknown")
SEEN_PERCENT = 40


@dataclass(frozen=True)
class LabelledInquiry:
    """One mail; keys as in the files, see the README beside them."""

    id: str
    language: str
    to: str
    sender: str
    subject: str
    text: str
    label_1: str
    label_2: str
    hard: bool


def belongs_to(identity: str) -> str:
    """The folder of an inquiry: `seen` or `held_out`. By a hash, so that nobody chose."""
    return "seen" if int(sha256(identity.encode()).hexdigest(), 16) % 100 < SEEN_PERCENT else "held_out"


def seen() -> tuple[LabelledInquiry, ...]:
    """What authors of rules may read."""
    return _part("seen")


def held_out() -> tuple[LabelledInquiry, ...]:
    """What rules are measured on; their authors never read it."""
    return _part("held_out")


def agreed(those: Iterable[LabelledInquiry]) -> tuple[LabelledInquiry, ...]:
    """Those that both readers gave one class."""
    return tuple(one for one in those if one.label_1 == one.label_2)


def kappa(pairs: Iterable[tuple[str, str]]) -> float:
    """Cohen's kappa of two readers' labels: 1 is full agreement, 0 what chance gives.

    Raises ZeroDivisionError without pairs, or where both readers gave all of them one label.
    Source: J. Cohen, A coefficient of agreement for nominal scales, 1960.
    """
    counted = Counter(pairs)
    total = counted.total()
    first, second = Counter[str](), Counter[str]()
    for (one, other), times in counted.items():
        first[one] += times
        second[other] += times
    observed = sum(times for (one, other), times in counted.items() if one == other) / total
    by_chance = sum(times * second[label] for label, times in first.items()) / total**2
    return (observed - by_chance) / (1 - by_chance)


def _part(name: str) -> tuple[LabelledInquiry, ...]:
    files = sorted((FOLDER / name).glob("*.jsonl"))
    lines = [line for file in files for line in file.read_text(encoding="utf-8").splitlines()]
    return tuple(_read(json.loads(line)) for line in lines)


def _read(found: dict[str, str | bool]) -> LabelledInquiry:
    words = {key: str(found[key]) for key in ("id", "language", "to", "subject", "text", "label_1", "label_2")}
    return LabelledInquiry(sender=str(found["from"]), hard=found["hard"] is True, **words)
