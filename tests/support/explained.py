"""What `explain` prints."""

from __future__ import annotations

from datetime import datetime

from inboxwatch.engine.explanation import explain
from inboxwatch.engine.rules import Rules
from inboxwatch.notify.explanation import explanation_lines
from inboxwatch.store import Transaction


def explained(tx: Transaction, rules: Rules, ref: str, at: datetime) -> str:
    """The whole text about a clock, a message or a lead; empty where nothing is known of it."""
    told = explain(tx, rules, ref, at)
    return "" if told is None else "\n".join(explanation_lines(told))
