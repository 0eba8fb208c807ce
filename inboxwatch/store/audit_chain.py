"""The chain of the audit log: each row holds a hash of itself and of the row before, so that none can be changed,
added or removed in the middle without every row behind it telling.

The hash is plain SHA-256, no secret is needed to check it: also an export can be. What is hashed must never change.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from datetime import UTC, datetime

HASHED = ("at", "door", "by", "deed", "object", "lead", "owner", "outcome", "status", "times")
"""The columns that are hashed, in their order. Numbers are the database's own, and follow the chain."""


def link(previous: str, values: Sequence[object]) -> str:
    """The hash of a row with the values of `HASHED` behind one with the hash `previous` ("" before the first)."""
    parts = [_instant(one) if isinstance(one, datetime) else one for one in values]
    text = json.dumps([previous, *parts], ensure_ascii=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def _instant(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="microseconds")
