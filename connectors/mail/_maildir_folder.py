"""One Maildir on disk: which files are new since a mark, and reading one. Blocks; never writes.

A file's name up to the colon is the message's for ever; it begins with the second of delivery. Moving it from `new` to
`cur`, or flagging it, changes the rest of the name and the inode's change time (ctime), but nothing that counts here.
"""

from __future__ import annotations

import errno
import hashlib
import os
import stat
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

Result = TypeVar("Result")

_RECENT = 500
"""Names that a mark remembers."""
_RACY_NS = 2_000_000_000
"""Nanoseconds within which two changes may bear the same time stamp, on coarse clocks and file systems."""

Key = tuple[int, str]
"""When a message was delivered, by its name (seconds, 0 where it does not say), and the name: a total order."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A message's file."""

    name: str
    """The lasting part of its name."""
    path: str

    @property
    def key(self) -> Key:
        seconds = self.name.partition(".")[0]
        return (int(seconds) if seconds.isascii() and seconds.isdigit() else 0, self.name)


@dataclass(frozen=True, slots=True)
class Mark:
    """How far the folder was read.

    New is what was delivered after `at`; and what appeared or changed since `looked` unless its name is among `recent`:
    files that came late, or under an old name, which may be a changed one read long ago. Better twice than never.
    """

    inode: int
    """Of the folder: another one is another folder."""
    looked: int = 0
    """When the folder was last listed (ns since 1970)."""
    at: Key = (-1, "")
    recent: tuple[str, ...] = ()
    until: Key | None = None
    """While the first pass lasts: what is not delivered after this is read only back to the look-back horizon."""

    def read(self, entries: Iterable[Entry]) -> Mark:
        """The mark after these were read."""
        names = [entry.name for entry in entries]
        at = max([self.at, *(Entry(name, "").key for name in names)])
        return replace(self, at=at, recent=(*self.recent, *map(digest, names))[-_RECENT:])

    def encode(self) -> list[Any]:
        return [self.inode, self.looked, self.at, "".join(self.recent), self.until]

    @classmethod
    def decode(cls, value: list[Any]) -> Mark:
        """Raises ValueError, TypeError or IndexError where it is no mark."""
        inode, looked, at, recent, until = value
        names = tuple(recent[place : place + 8] for place in range(0, len(recent), 8))
        return cls(int(inode), int(looked), _key(at), names, _key(until) if until else None)


def _key(value: list[Any]) -> Key:
    seconds, name = value
    return int(seconds), str(name)


def digest(name: str) -> str:
    """Eight characters that stand for a name in a mark."""
    return hashlib.blake2b(os.fsencode(name), digest_size=4).hexdigest()


@dataclass(slots=True)
class MaildirFolder:
    """Methods raise OSError where the folder cannot be read."""

    path: Path
    _seen: set[int] = field(default_factory=set)
    """Hashes of all names of the last listing."""
    _stamps: tuple[int, ...] = ()
    """When the directories had changed at the last listing; empty where more may happen under the same stamp."""
    _moved: dict[str, str] = field(default_factory=dict)
    """Where messages are now that were renamed since the last listing."""

    @property
    def directories(self) -> tuple[Path, Path]:
        """Where messages appear. `new` first: a message moved while both are listed is then seen at least once."""
        return self.path / "new", self.path / "cur"

    @property
    def inode(self) -> int:
        return self.path.stat().st_ino

    def new(self, mark: Mark, *, after_last: bool) -> list[Entry]:
        """What is new since the mark, in order of delivery.

        `after_last`: the mark is the one that followed the last listing, so that what was seen then is not new.
        """
        if after_last and self._stamps == self._stamps_now():
            return []
        now, stamps = time.time_ns(), self._stamps_now()
        recent = set(mark.recent)
        seen: set[int] = set()
        fresh: list[Entry] = []
        for entry in self.entries():
            token = hash(entry.name)
            if token in seen:
                continue
            seen.add(token)
            if after_last:
                is_new = token not in self._seen
            else:
                is_new = entry.key > mark.at or self._came_late(entry, mark, recent)
            if is_new:
                fresh.append(entry)
        self._seen, self._moved = seen, {}
        self._stamps = stamps if max(stamps) < now - _RACY_NS else ()
        return sorted(fresh, key=lambda entry: entry.key)

    def received(self, entry: Entry) -> datetime:
        """When the message came: the file's modification time, as IMAP servers on Maildirs have it."""
        return datetime.fromtimestamp(self._where(entry, os.stat).st_mtime, UTC)

    def read(self, entry: Entry, limit: int) -> bytes:
        """The message, up to `limit` bytes. FileNotFoundError: it is gone; another OSError: it cannot be read."""
        handle = self._where(entry, lambda path: os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC))
        with os.fdopen(handle, "rb") as file:
            if not stat.S_ISREG(os.fstat(handle).st_mode):
                raise OSError(errno.EINVAL, "not a regular file")
            return file.read(limit)

    def _stamps_now(self) -> tuple[int, ...]:
        return tuple(directory.stat().st_mtime_ns for directory in self.directories)

    def entries(self) -> Iterator[Entry]:
        """All messages; one that is moved meanwhile may come twice."""
        for directory in self.directories:
            with os.scandir(directory) as files:
                for file in files:
                    if not file.name.startswith("."):
                        yield Entry(file.name.partition(":")[0], file.path)

    def _came_late(self, entry: Entry, mark: Mark, recent: set[str]) -> bool:
        try:
            changed = self._where(entry, os.stat).st_ctime_ns
        except FileNotFoundError:
            return False
        return changed >= mark.looked - _RACY_NS and digest(entry.name) not in recent

    def _where(self, entry: Entry, use: Callable[[str], Result]) -> Result:
        """Uses the message's file where it is now: a mail reader may have renamed it."""
        try:
            return use(self._moved.get(entry.name, entry.path))
        except FileNotFoundError:
            self._moved = {found.name: found.path for found in self.entries()}
            if entry.name not in self._moved:
                raise
            return use(self._moved[entry.name])
