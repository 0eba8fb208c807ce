"""How far each EWS folder was read: the connector's cursor, as JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass

from inboxwatch.connector import Cursor

_VERSION = 1


@dataclass(frozen=True, slots=True)
class Mark:
    """A place in one folder: SyncFolderItems tells what changed since `state`.

    While its history is read, `after` is the receive time (RFC 3339) up to which that was done, and `read` names the
    items received at that very instant that were read. Before that, `pinned` is false while `state` is still on its
    way to the folder's present.
    """

    state: str
    after: str | None = None
    read: tuple[str, ...] = ()
    pinned: bool = True


Marks = Mapping[str, Mark]
"""By the folder's id."""


def encode(marks: Marks) -> Cursor:
    folders = {
        name: {"state": mark.state}
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
                str(mark["state"]),
                str(mark["after"]) if "after" in mark else None,
                tuple([str(one) for one in mark.get("read", ())]),
                bool(mark.get("pinned", True)),
            )
            for name, mark in content["folders"].items()
        }
    except (ValueError, TypeError, KeyError, AttributeError):
        return None
