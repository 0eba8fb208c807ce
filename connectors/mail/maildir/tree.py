"""A Maildir with its Maildir++ folders: which are watched, what is new in each, reading it. Blocks, never writes."""

from __future__ import annotations

import contextlib
import json
import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

from imapclient import imap_utf7  # type: ignore[import-untyped]  # it ships no types

from connectors.mail.folder_reading import FolderSurvey, ReadMessages, steps_by_order, wants_times
from connectors.mail.folder_roles import ListedFolder, WantedFolders, WatchedFolders, choose
from connectors.mail.maildir.folder import USUAL_TRUST, MaildirFolder, MaildirPosition, MessageFile, StampTrust
from connectors.mail.maildir.reading_plan import MaildirStep, steps
from connectors.mail.message_id import message_id
from inboxwatch.connector import Cursor, MailboxError, Quarantined, Reading, Reason
from inboxwatch.core.mail.headers import MAX_BLOCK
from inboxwatch.core.model import Privacy, RawMessage
from inboxwatch.mime import MAX_RAW, machine_parts

_VERSION = 1
_DELIMITER = "."
_CENSUS_BATCH = 1000
_BLANKS = (b"\r\n\r\n", b"\n\n")

MaildirPositions = Mapping[str, MaildirPosition]


def encode(positions: MaildirPositions) -> Cursor:
    """The cursor that holds these positions."""
    folders = {name: position.encode() for name, position in positions.items()}
    # Names of files may hold bytes that are no UTF-8: JSON escapes what they become.
    return Cursor(json.dumps({"v": _VERSION, "folders": folders}, separators=(",", ":")))


def decode(cursor: str) -> MaildirPositions | None:
    """The positions of a cursor; None where it is not one of ours, which calls for a resync."""
    try:
        content = json.loads(cursor)
        if content["v"] != _VERSION:
            return None
        return {str(name): MaildirPosition.decode(value) for name, value in content["folders"].items()}
    except (ValueError, TypeError, KeyError, AttributeError):
        return None


class MaildirLook(NamedTuple):
    """What was found, and in which order it is read."""

    survey: FolderSurvey[MaildirPosition, MessageFile]
    plan: list[MaildirStep]


@dataclass(slots=True)
class MaildirTree:
    """Methods raise MailboxError."""

    root: Path
    sent_path: Path | None
    wanted: WantedFolders
    reading: Reading
    trust: StampTrust = USUAL_TRUST
    watched: WatchedFolders = field(default_factory=WatchedFolders)
    directories: Mapping[Path, int] = field(default_factory=dict)
    """Where messages appear, with their inodes: those of a folder that was replaced are others."""
    _folders: dict[str, MaildirFolder] = field(default_factory=dict)
    _surveyed: Cursor | None = None
    """The cursor that follows the last survey, once the caller has it."""

    def find_folders(self) -> WatchedFolders:
        """Looks for the watched folders as they are now."""
        try:
            there = dict(self._maildirs())
            if "INBOX" not in there:
                raise FileNotFoundError(2, "No Maildir there: `new` and `cur` are missing", str(self.root))
        except OSError as error:
            raise _unreadable(error, self.root) from error
        wanted = self.wanted
        if self.sent_path is not None:
            there[str(self.sent_path)] = self.sent_path
            wanted = replace(wanted, sent=(str(self.sent_path),))
        self.watched = choose([ListedFolder(name, _DELIMITER) for name in there], wanted)
        self._folders = {
            name: self._folders.get(name, MaildirFolder(there[name], self.trust)) for name in self.watched.roles
        }
        try:
            self.directories = {
                directory: directory.stat().st_ino
                for folder in self._folders.values()
                for directory in folder.directories
            }
        except OSError as error:
            raise _unreadable(error, self.root) from error
        return self.watched

    def look(
        self, cursor: Cursor | None, size: int, is_watched: Callable[[Mapping[Path, int]], bool]
    ) -> MaildirLook | None:
        """Looks for the folders and lists them; None where their directories are to be watched first."""
        self.find_folders()
        return self.listed(cursor, size) if is_watched(self.directories) else None

    def listed(self, cursor: Cursor | None, size: int) -> MaildirLook:
        """Lists the folders that were found."""
        survey = self.survey(cursor)
        return MaildirLook(survey, self.plan(survey, size))

    def survey(self, cursor: Cursor | None) -> FolderSurvey[MaildirPosition, MessageFile]:
        """Lists each folder that was found and compares it with the cursor."""
        known = decode(cursor) if cursor is not None else {}
        resynced = known is None
        after_last = cursor is not None and cursor == self._surveyed
        self._surveyed = None
        positions: dict[str, MaildirPosition] = {}
        goals: dict[str, MaildirPosition] = {}
        pending: dict[str, Sequence[MessageFile]] = {}
        for name, folder in self._folders.items():
            try:
                now, inode = time.time_ns(), folder.inode
                position = (known or {}).get(name)
                if position is not None and position.inode != inode:
                    position, resynced = None, True
                first = position is None
                position = position or MaildirPosition(inode, looked=now)
                fresh, stamps = folder.new(position, after_last=after_last and not first)
            except OSError as error:
                raise _unreadable(error, folder.path) from error
            if first and fresh:
                position = replace(position, until=fresh[-1].key)
            positions[name] = position
            goals[name] = replace(position.read(fresh), looked=now, until=None, stamps=stamps)
            if fresh:
                pending[name] = fresh
        return FolderSurvey(positions, pending, goals, resynced)

    def plan(self, survey: FolderSurvey[MaildirPosition, MessageFile], size: int) -> list[MaildirStep]:
        """In which order the messages of a survey are read."""
        if wants_times(survey, size):
            return list(steps(survey, self._folders, self.reading.since, size))
        return list(steps_by_order(survey, size, MaildirPosition.read))

    def knows(self, path: Path) -> bool:
        """Whether the last listing had the message in this file, perhaps under other flags. Does not block."""
        return any(folder.knows(path.name) for folder in self._folders.values() if folder.path == path.parent.parent)

    def settle(self, cursor: Cursor) -> None:
        """The caller gets the cursor that follows the last survey: what was seen then is not new after it."""
        self._surveyed = cursor

    def read(self, positions: MaildirPositions, share: Mapping[str, Sequence[MessageFile]]) -> ReadMessages:
        """Reads these messages of these folders."""
        messages: list[RawMessage] = []
        quarantined: list[Quarantined] = []
        for name, entries in share.items():
            for entry in entries:
                try:
                    message = self._message(name, positions[name], entry)
                except FileNotFoundError:
                    continue  # deleted meanwhile
                except OSError as error:
                    quarantined.append(Quarantined(_reference(name, entry), error.strerror or str(error)))
                    continue
                if message is not None:
                    messages.append(message)
        messages.sort(key=lambda message: message.received_at)
        return ReadMessages(tuple(messages), tuple(quarantined))

    def _message(self, name: str, position: MaildirPosition, entry: MessageFile) -> RawMessage | None:
        """None: older than the look-back horizon."""
        folder, since = self._folders[name], self.reading.since
        first_pass = position.until is not None and entry.key <= position.until
        if first_pass and since is not None and folder.received(entry) < since:
            return None
        raw, received = folder.read(entry, MAX_RAW)
        return RawMessage(
            ref=_reference(name, entry),
            role=self.watched.roles[name],
            received_at=received,
            header=_header(raw),
            parts=machine_parts(raw),
            text=raw if self.reading.privacy is Privacy.TEXT else None,
        )

    def census(self) -> list[tuple[str, Sequence[MessageFile]]]:
        """Everything in each watched folder, in batches."""
        self.find_folders()
        found: list[tuple[str, Sequence[MessageFile]]] = []
        for name, folder in self._folders.items():
            try:
                entries = list(folder.entries())
            except OSError as error:
                raise _unreadable(error, folder.path) from error
            found += [(name, entries[at : at + _CENSUS_BATCH]) for at in range(0, len(entries), _CENSUS_BATCH)]
        return found

    def identities(self, name: str, entries: Sequence[MessageFile], since: datetime) -> list[tuple[str, str]]:
        """(ref, Message-ID) of those that were received since then and have one."""
        found: list[tuple[str, str]] = []
        folder = self._folders[name]
        for entry in entries:
            with contextlib.suppress(OSError):  # gone meanwhile, or unreadable: then it was set aside when it came
                if folder.received(entry) >= since and (its := message_id(_header(folder.read(entry, MAX_BLOCK)[0]))):
                    found.append((_reference(name, entry), its))
        return found

    def recover(self, refs: Sequence[str]) -> ReadMessages:
        """Reads the messages of these refs, as far as they still exist."""
        self.find_folders()
        wanted = set(refs)
        share = {
            name: [entry for entry in folder.entries() if _reference(name, entry) in wanted]
            for name, folder in self._folders.items()
        }
        return self.read({name: MaildirPosition(folder.inode) for name, folder in self._folders.items()}, share)

    def _maildirs(self) -> Iterator[tuple[str, Path]]:
        """The Maildir itself as INBOX, and its Maildir++ folders by their names (`.Sent` is `Sent`)."""
        if _is_maildir(self.root):
            yield "INBOX", self.root
        home = self.root.resolve()
        for path in sorted(self.root.iterdir()):
            if path.name.startswith(_DELIMITER) and _is_maildir(path) and _is_inside(path, home):
                yield _folder_name(path.name[1:]), path


def _is_maildir(path: Path) -> bool:
    return (path / "new").is_dir() and (path / "cur").is_dir()


def _is_inside(path: Path, home: Path) -> bool:
    """Whether a folder, and where its mail lies, is within a Maildir: no link in it shows somebody else's mail."""
    return all(one.resolve().is_relative_to(home) for one in (path, path / "new", path / "cur"))


def _folder_name(name: str) -> str:
    """Maildir++ writes names as IMAP does, in modified UTF-7; where it is none, the name as it is."""
    try:
        return str(imap_utf7.decode(name.encode("ascii")))
    except ValueError:
        return name


def _header(raw: bytes) -> bytes:
    """The header block, up to its blank line."""
    ends = [place + len(blank) for blank in _BLANKS if (place := raw.find(blank)) >= 0]
    return raw[: min(ends)] if ends else raw


def _reference(folder: str, entry: MessageFile) -> str:
    name = os.fsencode(entry.name).decode("utf-8", "backslashreplace")
    return f"{folder}/{name}"


def _unreadable(error: OSError, path: Path) -> MailboxError:
    words = f"{error.filename or path}: {error.strerror or error}"
    if isinstance(error, PermissionError):
        return MailboxError(Reason.CLIENT, words, hint="the daemon's user must be able to list and read the Maildir")
    if isinstance(error, FileNotFoundError | NotADirectoryError):
        return MailboxError(Reason.UNAVAILABLE, words, hint="check `path`; is the file system mounted?")
    return MailboxError(Reason.UNAVAILABLE, words)
