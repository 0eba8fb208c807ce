"""Mailboxes on Exchange Server on premises, through EWS; strictly read-only by the operations it knows."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from typing import ClassVar
from urllib.parse import urlsplit

from connectors.mail.batching import batches
from connectors.mail.capability import Capability
from connectors.mail.delta_position import decode
from connectors.mail.ews.login import account_of
from connectors.mail.ews.reader import EwsReader
from connectors.mail.ews.settings import EwsSettings
from connectors.mail.ews.stream import NotificationStream
from connectors.mail.exchange_folders import ExchangeFolderCache, ExchangeFolders
from connectors.mail.login_expiry import LASTING, LoginExpiry, expiry
from inboxwatch import now as instant
from inboxwatch.connector import Batch, Context, Cursor, Probe, Reread, Settings
from inboxwatch.core.model import Privacy, RawMessage

_TEXT_BATCH = 50

HEADERS_MODE = Capability(
    mode="ews",
    grant="Reviewer on the watched folders; or ApplicationImpersonation with a recipient scope, which can write",
    received="all",
    sent="with In-Reply-To and References",
    machine="both; meeting answers without their comment",
    text="no",
    matching="by headers, then by conversation index",
)
TEXT_MODE = replace(
    HEADERS_MODE,
    mode="ews, privacy: text",
    machine="both",
    text="in memory, of messages up to 2 MB; one more request a message",
    matching="by headers, then by conversation index and quoted text",
)


class Ews:
    """The connector `ews`."""

    settings: ClassVar[type[Settings]] = EwsSettings
    capabilities: ClassVar[tuple[Capability, ...]] = (HEADERS_MODE, TEXT_MODE)

    def __init__(self, settings: EwsSettings, context: Context) -> None:
        self._settings = settings
        self._reading = context.reading
        self._address = context.address
        self._lock = asyncio.Lock()
        self._folders = ExchangeFolderCache(self._looked_up)
        self.account = account_of(settings, settings.access, context.address)
        self._turns = self.account.turns
        self._stream = NotificationStream(self.account) if settings.push == "streaming" else None

    @property
    def capability(self) -> Capability:
        """What this mailbox's mode can see."""
        return TEXT_MODE if self._reading.privacy is Privacy.TEXT else HEADERS_MODE

    @property
    def expires_at(self) -> datetime | None:
        """See Expires."""
        return self._expiry().at

    def _expiry(self) -> LoginExpiry:
        if self._settings.auth != "oauth":
            return LASTING
        return expiry("client secret", self._settings.certificate, self._settings.secret_expires)

    async def poll(self, cursor: Cursor | None) -> AsyncIterator[Batch]:
        """See MailConnector."""
        async with self._lock:
            async for batch in self._turns.polled(self._batches(cursor)):
                yield batch

    async def _batches(self, cursor: Cursor | None) -> AsyncGenerator[Batch, None]:
        started = instant.now()
        watched = await self._folders.get()
        if self._stream is not None:
            await self._stream.begin(watched.folders)
        reader = EwsReader(self.account, watched, self._reading)
        size = self._reading.batch_size
        if self._reading.privacy is Privacy.TEXT:
            size = min(size, _TEXT_BATCH)
        chunks = reader.chunks({} if cursor is None else decode(cursor))
        async for batch in batches(chunks, size, started, lambda: self._turns.long):
            yield batch

    async def wait(self, timeout: float) -> bool:  # noqa: ASYNC109  (the port's signature)
        """See Waits: streaming notifications. With `push: off` it only lets the time pass."""
        if self._stream is not None:
            return await self._stream.wait(timeout)
        await asyncio.sleep(timeout)
        return False

    async def probe(self) -> Probe:
        """See MailConnector."""
        async with self._lock:
            watched = await self._folders.get(again=True)
        found = Probe(
            watched.by_role,
            (
                ("server", urlsplit(self._settings.url).netloc),
                ("login", f"{self._settings.auth}, {self._settings.access}"),
                ("messages", watched.messages),
                *self.capability.facts,
            ),
            tuple(self._warnings(watched)),
        )
        return self._expiry().added_to(found)

    async def census(self, since: datetime) -> AsyncIterator[tuple[str, str]]:
        """See Counts."""
        async with self._lock, self._turns.one():
            watched = await self._folders.get()
        reader = EwsReader(self.account, watched, self._reading)
        for folder in watched.folders:
            start: int | None = 0
            while start is not None:
                async with self._lock, self._turns.one():  # for so long only: it is polled as well
                    found, start = await reader.identities(folder, since, start)
                for one in found:
                    yield one

    async def recover(self, refs: Sequence[str]) -> tuple[RawMessage, ...]:
        """See Recovers."""
        return (await self.reread(refs)).messages

    async def reread(self, refs: Sequence[str]) -> Reread:
        """See Rereads."""
        async with self._lock, self._turns.one():
            watched = await self._folders.get()
            messages, quarantined = await EwsReader(self.account, watched, self._reading).recovered(refs)
        return Reread(tuple(messages), tuple(quarantined))

    async def aclose(self) -> None:
        """See MailConnector. Connections belong to all mailboxes of a login."""
        if self._stream is not None:
            self._stream.close()

    def _warnings(self, watched: ExchangeFolders) -> Iterator[str]:
        yield from watched.warnings
        writable = [one.name for one in watched.folders if one.may_write]
        if writable:
            yield _smaller(self._address, self._settings.username or "LOGIN", self._settings.access, writable)

    async def _looked_up(self, again: bool) -> ExchangeFolders:
        return await self.account.folders(self._settings.folders, below=again)


def _smaller(address: str, login: str, access: str, writable: Sequence[str]) -> str:
    """The commands of the Exchange Management Shell for a grant that can only read."""
    lines = [
        f"the login may change what is in {', '.join(writable)}; inboxwatch needs to read only.",
        "The smaller grant, in the Exchange Management Shell:",
        f"  Add-MailboxFolderPermission -Identity {address} -User {login} -AccessRights FolderVisible",
    ]
    lines += [
        f"  Add-MailboxFolderPermission -Identity '{address}:\\{name.replace('/', chr(92))}' -User {login} "
        "-AccessRights Reviewer"
        for name in writable
    ]
    if access == "impersonation":
        lines += [
            "and `access: delegate`. Where impersonation must stay (it can always write), give it a scope:",
            "  New-ManagementScope -Name inboxwatch -RecipientRestrictionFilter \"CustomAttribute1 -eq 'inboxwatch'\"",
            f"  New-ManagementRoleAssignment -Name inboxwatch -Role ApplicationImpersonation -User {login} "
            "-CustomRecipientWriteScope inboxwatch",
            "  Get-ManagementRoleAssignment -Role ApplicationImpersonation -GetEffectiveUsers | "
            "Where-Object RecipientWriteScope -eq Organization",
            "and remove from the last list with Remove-ManagementRoleAssignment what names this login.",
        ]
    else:
        lines += [f"  Remove-MailboxPermission -Identity {address} -User {login} -AccessRights FullAccess"]
    return "\n".join(lines)
