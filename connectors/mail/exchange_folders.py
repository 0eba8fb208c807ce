"""Which folders of an Exchange mailbox are watched: by patterns of names and paths."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

from inboxwatch.core.model import FolderRole

_LASTS = 600.0
"""Seconds after which folders are looked up again."""


@dataclass(frozen=True, slots=True)
class ExchangeFolder:
    """A folder as the server lists it."""

    id: str
    name: str
    """Its path, `Inbox/Deals`."""
    role: FolderRole
    messages: int
    children: int = 0
    handle: Any = None
    """The client library's own object, where it has one."""
    may_write: bool = False
    """The login could change it: the server says so."""


@dataclass(frozen=True, slots=True)
class ExchangeFolders:
    """The folders that are read, and what an operator should know about the others."""

    folders: tuple[ExchangeFolder, ...]
    """Those that are read."""
    unmatched: tuple[str, ...] = ()
    """Patterns that no folder matches."""
    unwatched: tuple[str, ...] = ()
    """Folders below the inbox with mail in them that are not read: rules may put buyers' mail there."""

    @property
    def by_role(self) -> dict[FolderRole, str]:
        """For `Probe.folders`."""
        names = {role: [one.name for one in self.folders if one.role is role] for role in FolderRole}
        return {role: ", ".join(its) for role, its in names.items() if its}

    @property
    def messages(self) -> str:
        """How many messages each folder holds, for `check`."""
        return ", ".join(f"{one.name}: {one.messages}" for one in self.folders)

    @property
    def warnings(self) -> list[str]:
        """For `Probe.warnings`."""
        found = [f"no folder matches {pattern!r} in `folders`" for pattern in self.unmatched]
        if self.unwatched:
            found.append(
                f"folders below the inbox hold mail and are not watched ({', '.join(self.unwatched[:5])}): if rules "
                "move buyers' mail there, add them to `folders`"
            )
        return found


class ExchangeFolderCache:
    """The watched folders of one mailbox, looked up again from time to time: new ones may match a pattern."""

    def __init__(self, look_up: Callable[[bool], Awaitable[ExchangeFolders]]) -> None:
        """`look_up(again)` asks the server; `again` as in `get`."""
        self._look_up = look_up
        self._found: ExchangeFolders | None = None
        self._found_at = 0.0

    async def get(self, *, again: bool = False) -> ExchangeFolders:
        """The folders as last found; as they are now where that is long ago or `again` says so."""
        now = time.monotonic()
        if again or self._found is None or now - self._found_at > _LASTS:
            self._found = await self._look_up(again)
            self._found_at = now
        return self._found


def choose(
    inbox: ExchangeFolder,
    sent: ExchangeFolder,
    below: Iterable[ExchangeFolder],
    others: Sequence[ExchangeFolder],
    patterns: Sequence[str],
) -> ExchangeFolders:
    """The inbox, sent mail, and those of `others` whose path or name a pattern (`Deals`, `Inbox/*`) matches.

    `below` are the folders below the inbox.
    """
    found = {inbox.id: inbox, sent.id: sent}
    unmatched: list[str] = []
    for pattern in patterns:
        matching = [one for one in others if _matches(one.name, pattern)]
        unmatched += [] if matching else [pattern]
        for one in matching:
            found.setdefault(one.id, one)
    unwatched = [one.name for one in below if one.id not in found and one.messages]
    return ExchangeFolders(tuple(found.values()), tuple(unmatched), tuple(unwatched))


def _matches(name: str, pattern: str) -> bool:
    wanted = pattern.lower()
    return fnmatchcase(name.lower(), wanted) or fnmatchcase(name.lower().rpartition("/")[2], wanted)
