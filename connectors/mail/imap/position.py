"""How far each IMAP folder was read: the connector's cursor, as JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date

from inboxwatch.connector import Cursor

_VERSION = 1


@dataclass(frozen=True, slots=True)
class UidPosition:
    """A place in one folder: all UIDs below `next` were read.

    While the first pass over a folder lasts, UIDs below `until` are read only where received on or after `since`.
    """

    validity: int
    """UIDVALIDITY: another one makes the position void."""
    next: int
    until: int = 0
    since: date | None = None

    def read(self, uid: int) -> UidPosition:
        """The position after all UIDs up to this one were read."""
        return self.at(uid + 1)

    def at(self, uid: int) -> UidPosition:
        """The position before this UID; the first pass ends at `until`."""
        if uid < self.until:
            return replace(self, next=uid)
        return UidPosition(self.validity, uid)


UidPositions = Mapping[str, UidPosition]
"""A position for each watched folder."""


def encode(positions: UidPositions) -> Cursor:
    """The cursor that holds these positions."""
    return Cursor(
        json.dumps(
            {
                "v": _VERSION,
                "folders": {
                    name: [position.validity, position.next]
                    + (
                        [position.until, position.since.isoformat() if position.since else None]
                        if position.until
                        else []
                    )
                    for name, position in positions.items()
                },
            },
            ensure_ascii=False,
            separators=(",", ":"),
        )
    )


def decode(cursor: str) -> UidPositions | None:
    """The positions of a cursor; None where it is not one of ours, which calls for a resync."""
    try:
        content = json.loads(cursor)
        if content["v"] != _VERSION:
            return None
        return {
            str(name): UidPosition(int(validity), int(uid), *_first_pass(rest))
            for name, (validity, uid, *rest) in content["folders"].items()
        }
    except (ValueError, TypeError, KeyError, AttributeError):
        return None


def _first_pass(rest: Sequence[object]) -> tuple[int, date | None]:
    if not rest:
        return 0, None
    until, since = rest
    if not isinstance(until, int):
        raise TypeError("not a UID")
    return until, date.fromisoformat(since) if isinstance(since, str) else None


def ranges(uids: Sequence[int]) -> str:
    """Ascending UIDs as an IMAP set: `3:7,9`."""
    parts: list[str] = []
    start = end = uids[0]
    for uid in (*uids[1:], 0):
        if uid == end + 1:
            end = uid
            continue
        parts.append(f"{start}:{end}" if end > start else str(start))
        start = end = uid
    return ",".join(parts)
