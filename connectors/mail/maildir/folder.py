"""One Maildir on disk: which files are new since a position, and reading one. Blocks; never writes.

A file's name up to the colon never changes; it begins with the second of delivery. Moving it from `new` to
`cur`, or flagging it, changes the rest of the name and the inode's change time (ctime), but nothing that counts here.
"""

from __future__ import annotations

import errno
import hashlib
import os
import stat
import time
from array import array
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Sequence, Set
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

Result = TypeVar("Result")

_RECENT = 500
"""Names that a position remembers."""
_RACY_NS = 2_000_000_000
"""Within so many nanoseconds before it was listed, a file may have come and been missed."""

Key = tuple[int, str]
"""When a message was delivered, by its name (seconds, 0 where it does not say), and the name: a total order."""
ReceivePlace = tuple[int, str]
"""When a message was received (ns since 1970), and the stable part of its file's name: another total order."""
Stamps = tuple[int, ...]
"""When `new` and `cur` changed (ctime, ns since 1970, which, unlike mtime, cannot be set back)."""


def stable_name(file: str) -> str:
    """The part of a file's name that never changes."""
    return file.partition(":")[0]


def key_of(name: str) -> Key:
    """The order of a message, from the stable part of its file's name."""
    seconds = name.partition(".")[0]
    return (int(seconds) if seconds.isascii() and seconds.isdigit() else 0, name)


@dataclass(frozen=True, slots=True)
class MessageFile:
    """A message's file."""

    directory: str
    file: str

    @property
    def name(self) -> str:
        """The part of the file's name that never changes."""
        return stable_name(self.file)

    @property
    def key(self) -> Key:
        """Its place in the order of delivery."""
        return key_of(self.name)

    @property
    def path(self) -> str:
        """The file's path when it was listed."""
        return f"{self.directory}/{self.file}"


_OPENING = os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOFOLLOW
"""A message is a file of the Maildir: not what a link leads to, which may be anybody's."""


@dataclass(frozen=True, slots=True)
class MaildirPosition:
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
    stamps: Stamps = ()
    """Nothing is new in a directory that bears its stamp still; 0 where more may happen under the same stamp."""
    upto: Key | None = None
    """While a pass lasts: what was delivered up to this is read by the time that it was received at."""
    after: ReceivePlace | None = None
    """What the pass has read: all up to this one."""

    def read(self, entries: Iterable[MessageFile]) -> MaildirPosition:
        """The position after these were read, in order of delivery."""
        names = [entry.name for entry in entries]
        at = max([self.at, *map(key_of, names)])
        return replace(self._remembering(names), at=at, upto=None, after=None)

    def passing(self, upto: Key) -> MaildirPosition:
        """The position where a pass begins, or goes on, over what was delivered up to that."""
        return self if self.upto == upto else replace(self, upto=upto, after=None)

    def past(self, names: Sequence[str], after: ReceivePlace, last: bool) -> MaildirPosition:
        """The position after a pass has read these, of which `after` is the last; `last`: it has read all."""
        its = self._remembering(names)
        if last and self.upto is not None:
            return replace(its, at=max(self.at, self.upto), upto=None, after=None)
        return replace(its, after=after)

    def _remembering(self, names: Sequence[str]) -> MaildirPosition:
        return replace(self, recent=(*self.recent, *map(digest, names[-_RECENT:]))[-_RECENT:], stamps=())

    def encode(self) -> list[Any]:
        """As JSON in the connector's cursor; `decode` reads it."""
        always = [self.inode, self.looked, self.at, "".join(self.recent), self.until, self.stamps]
        return always if self.upto is None else [*always, self.upto, self.after]

    @classmethod
    def decode(cls, value: list[Any]) -> MaildirPosition:
        """Raises ValueError, TypeError or IndexError where it is no position."""
        inode, looked, at, recent, until, *rest = value
        stamps = rest[0] if rest else ()
        upto, after = rest[1:] or (None, None)
        names = tuple(recent[place : place + 8] for place in range(0, len(recent), 8))
        steady = tuple(int(stamp) for stamp in stamps)
        return cls(
            int(inode),
            int(looked),
            _key(at),
            names,
            _key(until) if until else None,
            steady,
            _key(upto) if upto else None,
            _key(after) if after else None,
        )


def _key(value: list[Any]) -> Key:
    seconds, name = value
    return int(seconds), str(name)


def digest(name: str) -> str:
    """Eight characters that stand for a name in a position."""
    return hashlib.blake2b(os.fsencode(name), digest_size=4).hexdigest()


@dataclass(frozen=True, slots=True)
class StampTrust:
    """How far the time stamps of a file system can be believed. Times are seconds."""

    apart: float = 2.0
    """Within it two changes may bear the same stamp, on coarse clocks and file systems."""
    lasts: float = 600.0
    """After it a folder is listed though it bears the old stamps: not every network file system keeps them."""


USUAL_TRUST = StampTrust()


@dataclass(slots=True)
class _Directory:
    """`new` or `cur` of a folder: whether it must be listed again."""

    path: Path
    trust: StampTrust
    listed: bool = False
    """All its names are among those seen."""
    _stamp: int = 0
    _stamped_at: float = 0.0
    """When this stamp was met first (monotonic): what the file server's clock says does not matter then."""
    _checked_at: float | None = None

    def look(self, trusted: int) -> tuple[bool, int]:
        """Whether it must be listed, which must follow; and the stamp to trust after that, 0 for none."""
        now, stamp = time.monotonic(), self.path.stat().st_ctime_ns
        if stamp != self._stamp:
            self._stamp, self._stamped_at = stamp, now
        if self._checked_at is None:
            self._checked_at = now
        if stamp == trusted and now - self._checked_at < self.trust.lasts:
            return False, stamp
        self._checked_at = now
        return True, stamp if now - self._stamped_at >= self.trust.apart else 0


@dataclass(slots=True)
class MaildirFolder:
    """Methods raise OSError where the folder cannot be read."""

    path: Path
    trust: StampTrust = USUAL_TRUST
    _parts: tuple[_Directory, ...] = ()
    _seen: array[int] = field(default_factory=lambda: array("q"))
    """Hashes of all names that were ever listed here, ascending: eight bytes a message.

    None is forgotten: a file that is renamed while its directory is listed may be left out of that listing.
    """
    _moved: dict[str, MessageFile] = field(default_factory=dict)
    """Where messages are now that were renamed since the last look."""
    _moved_at: Stamps = ()

    def __post_init__(self) -> None:
        self._parts = tuple(_Directory(directory, self.trust) for directory in self.directories)

    @property
    def directories(self) -> tuple[Path, Path]:
        """Where messages appear. `new` first: a message moved meanwhile is then seen at least once."""
        return self.path / "new", self.path / "cur"

    @property
    def inode(self) -> int:
        """Another one means that the folder was replaced."""
        return self.path.stat().st_ino

    def new(self, position: MaildirPosition, *, after_last: bool) -> tuple[list[MessageFile], Stamps]:
        """What is new since the position, in order of delivery; and the stamps for the position that follows.

        `after_last`: the position is the one that followed the last look, so that what was seen then is not new.
        """
        fresh: list[MessageFile] = []
        stamps: list[int] = []
        listed: set[int] = set()
        recent = set(position.recent)
        self._moved = {}
        # Each is looked at after the one before was listed: what moves from `new` to `cur` changes the stamp of `cur`.
        for part, trusted in zip(self._parts, position.stamps or (0, 0), strict=True):
            changed, stamp = part.look(trusted)
            stamps.append(stamp)
            if not changed:
                continue
            unknown = list(_listing(part.path, listed.union(self._seen) if after_last else listed))
            listed.update(hash(entry.name) for entry in unknown)
            if not (after_last and part.listed):
                unknown = [
                    one
                    for one in unknown
                    if not self._was_read(one, position) or self._came_late(one, position, recent)
                ]
            part.listed = True
            fresh += unknown
        if listed:
            self._seen = array("q", sorted([*self._seen, *listed.difference(self._seen)]))
        return sorted(fresh, key=lambda entry: entry.key), tuple(stamps)

    def knows(self, file: str) -> bool:
        """Whether this message was seen before, though its flags may have changed."""
        token = hash(stable_name(file))
        place = bisect_left(self._seen, token)
        return place < len(self._seen) and self._seen[place] == token

    def received(self, entry: MessageFile) -> datetime:
        """When the message came: the file's modification time, as IMAP servers on Maildirs have it."""
        return datetime.fromtimestamp(self._where(entry, os.lstat).st_mtime, UTC)

    def received_ns(self, entry: MessageFile) -> int:
        """The same as nanoseconds since 1970."""
        return self._where(entry, os.lstat).st_mtime_ns

    def read(self, entry: MessageFile, limit: int) -> tuple[bytes, datetime]:
        """The message, up to `limit` bytes, and when it came.

        FileNotFoundError: it is gone; another OSError: it cannot be read.
        """
        handle = self._where(entry, lambda path: os.open(path, _OPENING))
        try:
            status = os.fstat(handle)
            if not stat.S_ISREG(status.st_mode):
                raise OSError(errno.EINVAL, "not a regular file")
            raw, size = b"", min(limit, status.st_size)
            while len(raw) < size and (piece := os.read(handle, size - len(raw))):
                raw += piece
            return raw, datetime.fromtimestamp(status.st_mtime, UTC)
        finally:
            os.close(handle)

    def entries(self) -> Iterator[MessageFile]:
        """All messages, each once."""
        known: set[int] = set()
        for directory in self.directories:
            for entry in _listing(directory, known):
                known.add(hash(entry.name))
                yield entry

    def _was_read(self, entry: MessageFile, position: MaildirPosition) -> bool:
        if entry.key <= position.at:
            return True
        if position.upto is None or position.after is None or entry.key > position.upto:
            return False
        try:
            return (self.received_ns(entry), entry.name) <= position.after
        except OSError:  # gone, or what reading it will tell
            return False

    def _came_late(self, entry: MessageFile, position: MaildirPosition, recent: set[str]) -> bool:
        try:
            changed = self._where(entry, os.lstat).st_ctime_ns
        except FileNotFoundError:
            return False
        return changed >= position.looked - _RACY_NS and digest(entry.name) not in recent

    def _where(self, entry: MessageFile, use: Callable[[str], Result]) -> Result:
        """Uses the message's file where it is now: a mail reader may have renamed it."""
        try:
            return use(self._moved.get(entry.name, entry).path if self._moved else entry.path)
        except FileNotFoundError:
            stamps = tuple(directory.stat().st_ctime_ns for directory in self.directories)
            if stamps != self._moved_at or not self._moved:
                self._moved, self._moved_at = {found.name: found for found in self.entries()}, stamps
            if entry.name not in self._moved:
                raise
            return use(self._moved[entry.name].path)


def _listing(directory: Path, known: Set[int]) -> Iterator[MessageFile]:
    """The messages there whose names are not `known`, by their hashes."""
    path = str(directory)
    for file in os.listdir(path):  # noqa: PTH208  (names alone, in half of the time)
        if hash(file.partition(":")[0]) not in known and file[0] != ".":
            yield MessageFile(path, file)
