"""Leads from a CSV file, read again when it changes. Refused rows are named by their lines; the good ones load."""

from __future__ import annotations

import asyncio
import codecs
import csv
import re
from collections.abc import Iterator
from functools import partial
from hashlib import blake2b, file_digest
from typing import ClassVar

from inboxwatch.connector import ConfigPath, Context, LeadList, MailboxError, Reason, Row, Settings
from inboxwatch.core.model import Lead, LeadId, PersonId

STATUSES = ("open", "won", "lost", "closed")
_EMAIL = re.compile(r"[^@\s,;:<>\"()\x00-\x1f]+@(?:[^@\s,;:<>\"().\x00-\x1f]+\.)+[^@\s,;:<>\"().\x00-\x1f]+")
_SEPARATORS = ",;\t|"
_SPLIT = re.compile(r"[\s,;|]+")
_hash = partial(blake2b, digest_size=16)
_MAX_LINES = 50
"""Lines of one record; longer ones come from a quotation mark that is never closed."""


class CsvSettings(Settings):
    """A file with the header `email,name,company,domain,owner,tier,status`, of which only `email` is required.

    `aliases` holds further addresses of the person, separated by spaces; `country` and `language` are known too; all
    other columns become attributes.
    """

    path: ConfigPath
    """The file, in UTF-8; read again when it changes."""


class Csv:
    """The lead source `csv`."""

    settings: ClassVar[type[Settings]] = CsvSettings

    def __init__(self, settings: CsvSettings, context: Context) -> None:
        self._path = settings.path
        self._source = context.name
        self._seen: tuple[tuple[int, ...], str] | None = None

    async def read(self, version: str | None) -> LeadList | None:
        """See LeadSource. Raises MailboxError where the file cannot be read or has no `email` column."""
        try:
            return await asyncio.to_thread(self._read, version)
        except OSError as error:
            raise MailboxError(
                Reason.CLIENT, f"{self._path}: {error.strerror}", hint="the known leads stay as they were"
            ) from error

    async def aclose(self) -> None:
        """See LeadSource."""

    def _read(self, version: str | None) -> LeadList | None:
        found = self._path.stat()
        stamp = (found.st_ino, found.st_size, found.st_mtime_ns)
        if version is not None and self._seen == (stamp, version):
            return None
        # A list that is as it was is never held in memory: it may name a million leads.
        with self._path.open("rb") as file:
            digest = file_digest(file, _hash).hexdigest()
        if digest != version:
            content = self._path.read_bytes()
            digest = _hash(content).hexdigest()
        self._seen = (stamp, digest)
        if digest == version:
            return None
        return self._parsed(content, digest)

    def _parsed(self, content: bytes, version: str) -> LeadList:
        rows: list[Row] = []
        refused: list[tuple[str, str]] = []
        taken: dict[str, str] = {}
        columns: list[str] | None = None
        for line, values, problem in _records(_text(content)):
            place = f"{self._path.name}:{line}"
            if columns is None and not problem:
                columns = self._columns(values)
                continue
            try:
                lead = _lead(_fields(columns or [], values), self._source)
            except ValueError as error:
                refused.append((place, problem or str(error)))
                continue
            addresses = (lead.id, *lead.aliases)
            if twice := next((address for address in addresses if address in taken), None):
                refused.append((place, f"{twice} stands at {taken[twice]} already"))
                continue
            taken |= dict.fromkeys(addresses, place)
            rows.append(Row(lead, place))
        if columns is None:
            raise self._unusable("it has no header")
        return LeadList(tuple(rows), version, tuple(refused))

    def _columns(self, values: list[str]) -> list[str]:
        columns = [value.casefold() for value in values]
        if "email" not in columns:
            raise self._unusable(f"its header has no column `email`; it has: {', '.join(columns)[:200]}")
        if twice := sorted({name for name in columns if name and columns.count(name) > 1}):
            raise self._unusable(f"its header names {', '.join(twice)} twice")
        return columns

    def _unusable(self, why: str) -> MailboxError:
        return MailboxError(
            Reason.CLIENT,
            f"{self._path}: {why}",
            hint="the first line must be a header such as email,name,company,domain,owner,tier,status",
        )


def _text(content: bytes) -> str:
    """Spreadsheets save UTF-8 with a byte order mark, UTF-16, or what Windows takes for Latin-1."""
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return content.decode("utf-16", "replace")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return content.decode("cp1252", "replace")


def _records(text: str) -> Iterator[tuple[int, list[str], str]]:
    """(line, values, problem) of each record that is not empty; a broken one costs its own line, not those after it."""
    lines = text.splitlines(keepends=True)
    separator = max(_SEPARATORS, key=next((line for line in lines if line.strip()), "").count)
    place = 0
    while place < len(lines):
        reader = csv.reader(lines[place : place + _MAX_LINES], delimiter=separator, strict=True)
        try:
            values, problem = [value.strip() for value in next(reader)], ""
            consumed = reader.line_num
        except csv.Error as error:
            values, problem, consumed = [], f"cannot be read: {error}", 1
        if problem or any(values):
            yield place + 1, values, problem
        place += consumed


def _fields(columns: list[str], values: list[str]) -> dict[str, str]:
    if any(values[len(columns) :]):
        raise ValueError(f"has {len(values)} values for {len(columns)} columns")
    return {name: value for name, value in zip(columns, values, strict=False) if name and value}


def _lead(fields: dict[str, str], source: str) -> Lead:
    status = fields.pop("status", "open").lower()
    if status not in STATUSES:
        raise ValueError(f"status {status!r} is none of {', '.join(STATUSES)}")
    if not (email := fields.pop("email", "")):
        raise ValueError("has no email")
    own = _address(email)
    aliases = (_address(alias) for alias in _SPLIT.split(fields.pop("aliases", "")) if alias)
    owner = fields.pop("owner", "")
    return Lead(
        id=LeadId(own),
        name=fields.pop("name", ""),
        company=fields.pop("company", ""),
        domain=fields.pop("domain", "").lower().lstrip("@"),
        owner=PersonId(owner) if owner else None,
        tier=fields.pop("tier", ""),
        status=status,
        source=source,
        aliases=tuple(dict.fromkeys(alias for alias in aliases if alias != own)),
        country=fields.pop("country", ""),
        language=fields.pop("language", ""),
        attributes=tuple(fields.items()),
    )


def _address(text: str) -> str:
    address = text.strip().removeprefix("mailto:").lower()
    if not _EMAIL.fullmatch(address):
        raise ValueError(f"{text[:80]!r} is no e-mail address")
    return address
