"""Figures of what is not stored any more: counts since the store began stay, whatever is erased by age."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from inboxwatch.core.statistics.figures import Figures, Holding, Latency, Reply, Tally

Rows = list[list[Any]]
"""[what is counted, its labels, how many], as JSON has it."""

_PLAIN: dict[str, Callable[..., Any]] = {
    "messages": lambda *key: key,
    "matches": lambda key: key,
    "replies": Reply,
    "breaches": lambda *key: key,
    "first_contact_failures": lambda *key: key,
    "gone_quiet": lambda *key: key,
    "escalations": lambda *key: key,
    **dict.fromkeys(("inquiries", "verdicts", "class_replies", "false_escalations"), lambda *key: key),
    **dict.fromkeys(("rule_inquiries", "verdict_breaches", "contradicted"), lambda key: key),
}
"""Counts by labels, and how the labels are made of JSON's."""
_TALLIES: dict[str, Callable[..., Any]] = {
    "latency": Latency,
    "ownership": lambda *key: key,
    "verdict_latency": lambda *key: key,
}
_DELIVERIES, _HELD = "deliveries", "held_once"
_SENT = 4
"""Of a channel's deliveries: those that are over. What is pending is never erased."""


def lost(before: Figures, after: Figures) -> Rows:
    """What the figures have lost by an erasure."""
    rows: Rows = []
    for name in _PLAIN:
        old, new = getattr(before, name), getattr(after, name)
        rows += [
            [name, _labels(key), count - new.get(key, 0)] for key, count in old.items() if count != new.get(key, 0)
        ]
    for name in _TALLIES:
        old, new = getattr(before, name), getattr(after, name)
        for key, tally in old.items():
            rest = new.get(key, Tally())
            counts = [one - other for one, other in zip(tally.counts, rest.counts, strict=True)]
            if any(counts):
                rows.append([name, _labels(key), [*counts, tally.total - rest.total]])
    for channel, sent in before.deliveries.items():
        over = [one - other for one, other in zip(sent, after.deliveries.get(channel, (0,) * 5), strict=True)]
        if any(over[:_SENT]):
            rows.append([_DELIVERIES, [channel], over[:_SENT]])
    return rows + [[_HELD, list(one), 0] for one in sorted(before.held_once - after.held_once)]


def add(figures: Figures, rows: Iterable[list[Any]]) -> None:
    """Adds what was lost to figures."""
    for name, labels, value in rows:
        if name in _PLAIN:
            key, counts = _PLAIN[name](*labels), getattr(figures, name)
            counts[key] = counts.get(key, 0) + value
        elif name in _TALLIES:
            tally = getattr(figures, name).setdefault(_TALLIES[name](*labels), Tally())
            for bucket, count in enumerate(value[:-1]):
                tally.add(bucket, count, 0.0)
            tally.total += value[-1]
        elif name == _DELIVERIES:
            known = figures.deliveries.get(labels[0], (0, 0, 0, 0, 0))
            sent, retried, dead, cancelled = (one + more for one, more in zip(known, value, strict=False))
            figures.deliveries[labels[0]] = (sent, retried, dead, cancelled, known[_SENT])
        elif name == _HELD:
            figures.held_once.add(Holding(*labels))


def together(rows: Iterable[list[Any]], more: Iterable[list[Any]]) -> Rows:
    """The sum of what was lost before and what was lost now."""
    figures = Figures()
    add(figures, rows)
    add(figures, more)
    return lost(figures, Figures())


def _labels(key: Any) -> list[Any]:
    return [key] if isinstance(key, str) else list(key)
