"""Mail on disk: mbox files, Maildirs, folders of .eml files and single files, as one stream of raw messages."""

from __future__ import annotations

import re
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from inboxwatch.core.mail.headers import date, field_at
from inboxwatch.core.model import FolderRole, RawMessage
from inboxwatch.mime import machine_parts

MAX_MESSAGE = 64 * 1024 * 1024
"""Of a larger message the beginning is read."""

_FROM = re.compile(
    rb"From (?:.{0,1000}?\s)?(?:[A-Z][a-z]{2}\s+)?([A-Z][a-z]{2})\s+(\d{1,2})\s+(\d\d?:\d\d(?::\d\d)?)\s+"
    rb"(?:[A-Z+-]\S*\s+)?(\d{4})"
)
_QUOTED_FROM = re.compile(rb"^>(>*From )", re.MULTILINE)
_RECEIVED = re.compile(rb"^received[ \t]*:", re.IGNORECASE | re.MULTILINE)
_DATE = re.compile(rb"^date[ \t]*:", re.IGNORECASE | re.MULTILINE)
_BLANK = re.compile(rb"\r?\n\r?\n")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class ArchivedMessage:
    """One message of an archive, or the reason why it cannot be used."""

    path: str
    """The file; for a message of an mbox followed by a colon and the offset of its first byte."""
    raw: RawMessage | None = None
    time_from: str = "received"
    """received, envelope, date, or nothing where no header tells any time."""
    problem: str = ""


def read(path: Path) -> Iterator[ArchivedMessage]:
    """All messages at a path, in a stable order. Raises OSError where the path itself cannot be opened."""
    if path.is_dir():
        yield from _folder(path)
    else:
        yield from _file(path)


def _folder(path: Path) -> Iterator[ArchivedMessage]:
    entries = sorted(path.iterdir())
    names = {entry.name for entry in entries if entry.is_dir()}
    maildir = {"cur", "new"} <= names
    for entry in entries:
        if entry.is_symlink() and not _leads_inside(entry, path):
            yield ArchivedMessage(str(entry), problem="is a link that leads out of its folder, or back into it")
        elif entry.is_dir():
            if maildir and entry.name == "tmp":
                continue
            yield from _guarded_folder(entry)
        elif not maildir and not entry.name.startswith("."):
            yield from _guarded_file(entry)


def _leads_inside(link: Path, folder: Path) -> bool:
    """Whether a link leads to a file of its own folder; others would show what was not asked for, or never end."""
    try:
        return link.resolve().is_relative_to(folder.resolve()) and not link.is_dir()
    except (OSError, RuntimeError):
        return False


def _guarded_folder(path: Path) -> Iterator[ArchivedMessage]:
    try:
        yield from _folder(path)
    except OSError as error:
        yield ArchivedMessage(str(path), problem=f"cannot be opened: {error.strerror}")


def _guarded_file(path: Path) -> Iterator[ArchivedMessage]:
    try:
        yield from _file(path)
    except OSError as error:
        yield ArchivedMessage(str(path), problem=f"cannot be opened: {error.strerror}")


def _file(path: Path) -> Iterator[ArchivedMessage]:
    if not stat.S_ISREG(path.stat().st_mode):  # a pipe would never end
        yield ArchivedMessage(str(path), problem="is no file")
        return
    with path.open("rb") as file:
        start = file.read(5)
    if start == b"From " and path.suffix.lower() != ".eml":
        yield from _mbox(path)
    else:
        with path.open("rb") as file:
            yield found(str(path), file.read(MAX_MESSAGE), role_of(path))


def _mbox(path: Path) -> Iterator[ArchivedMessage]:
    """The messages of an mbox; both its dialects, since `>From ` is unquoted by one level in each."""
    with path.open("rb") as file:
        buffer: list[bytes] = []
        start = size = offset = 0
        blank = True
        for line in file:
            if blank and line.startswith(b"From ") and _FROM.match(line):
                if buffer:
                    yield found(f"{path}:{start}", _unquoted(b"".join(buffer)), role_of(path))
                buffer, start, size = [], offset, 0
            if size < MAX_MESSAGE:
                buffer.append(line)
                size += len(line)
            blank = line in (b"\n", b"\r\n")
            offset += len(line)
        if buffer:
            yield found(f"{path}:{start}", _unquoted(b"".join(buffer)), role_of(path))


def _unquoted(raw: bytes) -> bytes:
    return _QUOTED_FROM.sub(rb"\1", raw) if b"\n>" in raw else raw


def role_of(path: Path) -> FolderRole:
    """The folder's role by its name: an archive has no other word for it."""
    names = {part.strip(".").casefold() for part in (path.stem, *(parent.name for parent in list(path.parents)[:2]))}
    return FolderRole.SENT if names & {"sent", "sent items", "sent messages", "sent mail"} else FolderRole.INBOX


def found(path: str, raw: bytes, role: FolderRole = FolderRole.INBOX) -> ArchivedMessage:
    """One raw message with its receive time: the topmost Received line, else the `From ` line (UTC), else Date."""
    envelope = b""
    if raw.startswith((b"From ", b">From ")):
        envelope, _, raw = raw.partition(b"\n")
    blank = _BLANK.search(raw.lstrip(b"\r\n"))
    head = raw.lstrip(b"\r\n")[: blank.start()] if blank else raw
    if not raw.strip():
        return ArchivedMessage(path, problem="empty")
    at, time_from = _time(head, envelope)
    return ArchivedMessage(
        path,
        RawMessage(ref=path, role=role, received_at=at, header=head, parts=machine_parts(raw), text=raw),
        time_from,
    )


def _time(head: bytes, envelope: bytes) -> tuple[datetime, str]:
    lines = head.replace(b"\r\n", b"\n")
    if (at := date(_value(lines, _RECEIVED).rpartition(b";")[2])) is not None:
        return at, "received"
    if envelope and (stamp := _FROM.match(envelope)):
        month, day, clock, year = stamp.groups()
        if at := date(b" ".join((day, month, year, clock, b"+0000"))):
            return at, "envelope"
    at = date(_value(lines, _DATE))
    return (at, "date") if at is not None else (_EPOCH, "")


def _value(lines: bytes, name: re.Pattern[bytes]) -> bytes:
    """The value of the first header of a name, unfolded."""
    found = name.search(lines)
    return field_at(lines, found.start(), 4096).partition(b":")[2].replace(b"\n", b" ") if found else b""
