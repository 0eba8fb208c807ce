"""The counters of classes and verdicts, and which of them have fallen."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from inboxwatch.core.statistics.figures import Figures


def counters(figures: Figures) -> dict[str, Mapping[Any, Any]]:
    """All that may never fall."""
    names = ("inquiries", "rule_inquiries", "verdicts", "verdict_breaches", "class_replies", "false_escalations")
    return {name: asdict(figures)[name] for name in (*names, "contradicted")}


def fallen(before: Figures, after: Figures) -> list[str]:
    """The series that are lower than before."""
    old, new = counters(before), counters(after)
    return [f"{name} {key}" for name in old for key, count in old[name].items() if new[name].get(key, 0) < count]
