"""How far a Gmail mailbox was read: the connector's cursor, as JSON."""

from __future__ import annotations

import json
from dataclasses import dataclass

from inboxwatch.connector import Cursor

_VERSION = 1


@dataclass(frozen=True, slots=True)
class HistoryPosition:
    """All that happened up to `history` was read.

    While the mailbox's past is read, `newest` is the newest of its messages that were read (empty: none yet).
    """

    history: str
    """A 64-bit number; JSON would round it."""
    newest: str | None = None


def encode(position: HistoryPosition) -> Cursor:
    """The cursor that holds this position."""
    past = {} if position.newest is None else {"newest": position.newest}
    return Cursor(json.dumps({"v": _VERSION, "history": position.history} | past, separators=(",", ":")))


def decode(cursor: str) -> HistoryPosition | None:
    """The position of a cursor; None where it is not one of ours, which calls for a resync."""
    try:
        content = json.loads(cursor)
        if content["v"] != _VERSION or not str(content["history"]).isdigit():
            return None
        return HistoryPosition(str(content["history"]), str(content["newest"]) if "newest" in content else None)
    except (ValueError, TypeError, KeyError, AttributeError):
        return None
