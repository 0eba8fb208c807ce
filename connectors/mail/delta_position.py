"""How far each folder of a mail API was read: the connector's cursor, as JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace

from inboxwatch.connector import Cursor

_VERSION = 1


@dataclass(frozen=True, slots=True)
class Mark:
    """A place in one folder: the server tells what came since `position`, a link or state of its own.

    While the folder's history is read, `after` is the receive time (RFC 3339) up to which that was done, and `read`
    names the messages received at that very instant that were read. Before that, `pinned` is false while `position` is
    still on its way to the folder's present.
    """

    position: str
    after: str | None = None
    read: tuple[str, ...] = ()
    pinned: bool = True

    def past(self, at: str, name: str) -> Mark:
        """The mark after one more message of the history."""
        return replace(self, after=at, read=(*self.read, name) if at == self.after else (name,))


Marks = Mapping[str, Mark]
"""By the folder's id."""


def encode(marks: Marks) -> Cursor:
    folders = {
        name: {"at": mark.position}
        | ({} if mark.after is None else {"after": mark.after, "read": mark.read})
        | ({} if mark.pinned else {"pinned": False})
        for name, mark in marks.items()
    }
    return Cursor(json.dumps({"v": _VERSION, "folders": folders}, separators=(",", ":")))


def decode(cursor: str) -> dict[str, Mark] | None:
    """The marks of a cursor; None where it is not one of ours, which calls for a resync."""
    try:
        content = json.loads(cursor)
        if content["v"] != _VERSION:
            return None
        return {
            str(name): Mark(
                str(mark["at"]),
                str(mark["after"]) if "after" in mark else None,
                tuple([str(one) for one in mark.get("read", ())]),
                bool(mark.get("pinned", True)),
            )
            for name, mark in content["folders"].items()
        }
    except (ValueError, TypeError, KeyError, AttributeError):
        return None
