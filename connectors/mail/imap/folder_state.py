"""The state of an IMAP folder, as EXAMINE or STATUS gives it."""

from __future__ import annotations

import re
from dataclasses import dataclass

STATUS_ITEMS = "(MESSAGES UIDNEXT UIDVALIDITY)"
_ITEM = re.compile(rb"(UIDNEXT|UIDVALIDITY|MESSAGES) (\d+)", re.IGNORECASE)

Line = bytes | tuple[bytes, bytes]
"""A response as imaplib hands it over: a literal comes as a pair with what precedes it."""


@dataclass(frozen=True, slots=True)
class FolderState:
    """A folder as EXAMINE or STATUS gives it."""

    validity: int
    uidnext: int
    messages: int = 0
    readonly: bool = False
    """EXAMINE was answered READ-ONLY."""


def status_of(line: Line) -> bytes:
    """The folder that a STATUS response is about, as the server writes it; it may come as a literal."""
    if isinstance(line, tuple):
        return line[1]
    return line.rpartition(b" (")[0].strip(b'"')


def state_of(line: Line) -> FolderState | None:
    """The state in a STATUS response; None where UIDNEXT or UIDVALIDITY is missing."""
    text = line[1] if isinstance(line, tuple) else line
    items = {key.upper(): int(value) for key, value in _ITEM.findall(text.rpartition(b" (")[2])}
    if not {b"UIDNEXT", b"UIDVALIDITY"} <= items.keys():
        return None
    return FolderState(items[b"UIDVALIDITY"], items[b"UIDNEXT"], items.get(b"MESSAGES", 0))
