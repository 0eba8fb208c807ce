"""What held for a wait from when on, as its row keeps it."""

from __future__ import annotations

from typing import NamedTuple


class TermRecord(NamedTuple):
    """What held for a wait from an instant on: a changed config does not change it (rule 21)."""

    since: str
    """ISO 8601, UTC."""
    inquiry_class: str
    tier: str
    policy_version: str
