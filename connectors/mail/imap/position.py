"""How far each IMAP folder was read: the connector's cursor, as JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date

from inboxwatch.connector import Cursor

_VERSION = 1


ReceivePlace = tuple[int, int]
"""When a message was received (seconds since 1970), and its UID: an order of a folder's messages."""


@dataclass(frozen=True, slots=True)
class UidPosition:
    """A place in one folder: all UIDs below `next` were read.

    While a pass lasts, UIDs below `until` are read by the time they were received at. The first pass over a folder
    reads only those received on or after `since`.
    """

    validity: int
    """UIDVALIDITY: another one makes the position void."""
    next: int
    until: int = 0
    since: date | None = None
    after: ReceivePlace | None = None
    """What the pass has read: all up to this one."""

    def read(self, uid: int) -> UidPosition:
        """The position after all UIDs up to this one were read."""
        return self.at(uid + 1)

    def at(self, uid: int) -> UidPosition:
        """The position before this UID, with all below it read; the pass ends at `until`."""
        if uid < self.until:
            return replace(self, next=uid, after=None)
        return UidPosition(self.validity, uid)

    def past(self, uid: int, at: int, last: bool) -> UidPosition:
        """The position after a pass by time has read a message received at a time; `last`: it has read all."""
        return UidPosition(self.validity, self.until) if last else replace(self, after=(at, uid))

    def has_read(self, uid: int, at: int) -> bool:
        """Whether the pass has read this message, received at that time."""
        return uid < self.next or (uid < self.until and self.after is not None and (at, uid) <= self.after)


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
                    + list(position.after or ())
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
            str(name): UidPosition(int(validity), int(uid), *_pass(rest))
            for name, (validity, uid, *rest) in content["folders"].items()
        }
    except (ValueError, TypeError, KeyError, AttributeError):
        return None


def _pass(rest: Sequence[object]) -> tuple[int, date | None, ReceivePlace | None]:
    if not rest:
        return 0, None, None
    until, since, *after = rest
    match until, after:
        case int(), []:
            place = None
        case int(), [int(at), int(uid)]:
            place = at, uid
        case _:
            raise TypeError("neither a UID nor a place")
    return until, date.fromisoformat(since) if isinstance(since, str) else None, place


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
