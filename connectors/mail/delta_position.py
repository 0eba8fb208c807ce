"""How far each folder of a mail API was read: the connector's cursor, as JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace

from inboxwatch.connector import Cursor

_VERSION = 1


class PositionForgotten(Exception):  # noqa: N818  (a normal answer, not a defect)
    """The server no longer knows a position that it gave: read again from the look-back horizon."""


@dataclass(frozen=True, slots=True)
class DeltaPosition:
    """A place in one folder, from which the server can say what came since."""

    delta: str
    """The server's own: Graph's delta link, the sync state of EWS."""
    after: str | None = None
    """The receive time (RFC 3339, UTC) up to which the folder's history was read; None: all of it."""
    read: tuple[str, ...] = ()
    """Ids of the messages received at `after` exactly that were read."""
    pinned: bool = True
    """False while `delta` is still being moved to the folder's present, which comes before its history is read."""

    def past(self, at: str, name: str) -> DeltaPosition:
        """The position after one more message of the history."""
        return replace(self, after=at, read=(*self.read, name) if at == self.after else (name,))


DeltaPositions = Mapping[str, DeltaPosition]
"""By the folder's id."""


def encode(positions: DeltaPositions) -> Cursor:
    """The cursor that holds these positions."""
    folders = {
        name: {"at": position.delta}
        | ({} if position.after is None else {"after": position.after, "read": position.read})
        | ({} if position.pinned else {"pinned": False})
        for name, position in positions.items()
    }
    return Cursor(json.dumps({"v": _VERSION, "folders": folders}, separators=(",", ":")))


def decode(cursor: str) -> dict[str, DeltaPosition] | None:
    """The positions of a cursor; None where it is not one of ours, which calls for a resync."""
    try:
        content = json.loads(cursor)
        if content["v"] != _VERSION:
            return None
        return {
            str(name): DeltaPosition(
                str(position["at"]),
                str(position["after"]) if "after" in position else None,
                tuple([str(one) for one in position.get("read", ())]),
                bool(position.get("pinned", True)),
            )
            for name, position in content["folders"].items()
        }
    except (ValueError, TypeError, KeyError, AttributeError):
        return None
