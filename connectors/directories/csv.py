"""Our people from a CSV file, as personnel departments and identity systems export it."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import ClassVar

from connectors.csv_table import SPLIT, address_in, entries
from inboxwatch.connector import ConfigPath, Context, MailboxError, Member, MemberList, Reason, Settings


class MemberCsvSettings(Settings):
    """A file with the header `email,name,id,team,manager,aliases`, of which only `email` is required.

    `id` is what the person is called here, and stays theirs where the address changes; `manager` is an id or an
    address; `aliases` are separated by spaces. Other columns mean nothing.
    """

    path: ConfigPath
    """The file, in UTF-8."""


class MemberCsv:
    """The directory `csv`."""

    settings: ClassVar[type[Settings]] = MemberCsvSettings

    def __init__(self, settings: MemberCsvSettings, context: Context) -> None:
        self._path = settings.path

    async def read(self) -> MemberList:
        """See MemberSource. Raises MailboxError where the file cannot be read or has no `email` column."""
        try:
            content = await asyncio.to_thread(self._path.read_bytes)
        except OSError as error:
            raise MailboxError(Reason.CLIENT, f"{self._path}: {error.strerror}") from error
        return _parsed(content, self._path)

    async def aclose(self) -> None:
        """See MemberSource."""


def _parsed(content: bytes, path: Path) -> MemberList:
    try:
        found, refused = entries(content, path.name, _member, _names)
    except ValueError as error:
        hint = "the first line must be a header such as email,name,id,team,manager,aliases"
        raise MailboxError(Reason.CLIENT, f"{path}: {error}", hint=hint) from None
    return MemberList(tuple(member for member, _ in found or ()), tuple(refused))


def _names(member: Member) -> list[str]:
    return sorted({member.ref, member.address, *member.aliases})


def _member(given: dict[str, str]) -> Member:
    if not (email := given.get("email", "")):
        raise ValueError("has no email")
    address = address_in(email)
    aliases = (address_in(alias) for alias in SPLIT.split(given.get("aliases", "")) if alias)
    manager = given.get("manager", "")
    return Member(
        ref=given.get("id", address),
        address=address,
        name=given.get("name", ""),
        aliases=tuple(dict.fromkeys(alias for alias in aliases if alias != address)),
        team=given.get("team", ""),
        manager=manager.lower() if "@" in manager else manager,
        id=given.get("id", ""),
    )
