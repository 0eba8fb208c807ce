"""Leads from a CSV file, read again when it changes. Refused rows are named by their lines; the good ones load."""

from __future__ import annotations

import asyncio
from functools import partial
from hashlib import blake2b, file_digest
from typing import ClassVar

from connectors.csv_table import entries
from connectors.leads.lead_columns import lead_of
from inboxwatch.connector import ConfigPath, Context, LeadList, MailboxError, Reason, Row, Settings

_hash = partial(blake2b, digest_size=16)


class CsvSettings(Settings):
    """A file with the header `email,name,company,domain,owner,tier,status`, of which only `email` is required.

    `aliases` holds further addresses of the person, separated by spaces; `country` and `language` are known too.
    `opportunity_at` and `closed_at` (a date or an instant) say what became of the lead; all other columns become
    attributes.
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
        try:
            found, refused = entries(
                content,
                self._path.name,
                lambda given: lead_of(given, self._source),
                lambda lead: (lead.id, *lead.aliases),
            )
        except ValueError as error:
            raise self._unusable(str(error)) from None
        if found is None:
            raise self._unusable("it has no header")
        rows = [Row(lead, place) for lead, place in found]
        return LeadList(tuple(rows), version, tuple(refused))

    def _unusable(self, why: str) -> MailboxError:
        return MailboxError(
            Reason.CLIENT,
            f"{self._path}: {why}",
            hint="the first line must be a header such as email,name,company,domain,owner,tier,status",
        )
