"""Mailboxes in Exchange Online, through Microsoft Graph; strictly read-only: the client knows GET and nothing else."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import ClassVar
from urllib.parse import quote

from connectors.http_connections import ConnectionPool, connection_pool
from connectors.mail.batching import Chunk, batches
from connectors.mail.capability import Capability
from connectors.mail.delta_position import decode, encode
from connectors.mail.entra import Application, Entra, entra
from connectors.mail.exchange_folders import ExchangeFolderCache, ExchangeFolders
from connectors.mail.graph import grant
from connectors.mail.graph.client import GraphClient, GraphError, limits_of
from connectors.mail.graph.folders import find_folders
from connectors.mail.graph.reader import FoundItems, GraphReader, together
from connectors.mail.graph.settings import GraphSettings
from connectors.mail.login_expiry import LoginExpiry, expiry
from connectors.mail.quota_turns import MailboxTurns
from connectors.mail.unreadable_message import UnreadableMessage, read_one
from inboxwatch import now as instant
from inboxwatch.connector import Batch, Context, Cursor, MailboxError, Probe, Quarantined, Reason, Reread, Settings
from inboxwatch.core.model import Privacy, RawMessage

_CENSUS_PAGE = 500
_MAX_PAGES = 100_000
_TEXT_BATCH = 50
"""Messages a batch where whole messages are read, so that memory stays bounded."""
_CLOUDS = {
    "global": ("https://graph.microsoft.com", "https://login.microsoftonline.com"),
    "us_government": ("https://graph.microsoft.us", "https://login.microsoftonline.us"),
    "us_defense": ("https://dod-graph.microsoft.us", "https://login.microsoftonline.us"),
}
"""National clouds: Graph and Entra (learn.microsoft.com/graph/deployments). The one in China has no delta for mail."""

BASIC = Capability(
    mode="graph, permission: basic",
    grant="RBAC for Applications: Application Mail.ReadBasic, with a resource scope",
    received="all",
    sent="none but sender, recipients, subject, date, Message-ID",
    machine="meeting answers by their type, without their comment; of bounces that they are, not of which message",
    text="no",
    matching="answers by conversation and conversation index: sure for Outlook's own, weaker for answers sent by tools",
)
READ = Capability(
    mode="graph, permission: read",
    grant="RBAC for Applications: Application Mail.Read, with a resource scope",
    received="all",
    sent="with In-Reply-To and References, by extended properties",
    machine="both; meeting answers without their comment",
    text="no",
    matching="by headers",
)
TEXT = replace(
    READ,
    mode="graph, privacy: text",
    machine="both",
    text="in memory, one more request a message",
    matching="by headers, then by quoted text",
)


class Graph:
    """The connector `graph`."""

    settings: ClassVar[type[Settings]] = GraphSettings
    capabilities: ClassVar[tuple[Capability, ...]] = (BASIC, READ, TEXT)

    def __init__(self, settings: GraphSettings, context: Context) -> None:
        self._settings = settings
        self._reading = context.reading
        self._address = settings.user or context.address
        self._user = f"/users/{quote(self._address, safe='@')}"
        graph_url, login_url = _CLOUDS[settings.cloud]
        self._graph_url = settings.graph_url or graph_url
        self._login_url = settings.login_url or login_url
        self._lock = asyncio.Lock()
        self._pool: ConnectionPool | None = None
        self._entra: Entra | None = None
        self._folders = ExchangeFolderCache(self._looked_up)
        self._meetings = True
        self._turns = MailboxTurns(settings.retry_for, lambda: limits_of(self._tokens()).turns)
        self.client = GraphClient(
            f"{self._graph_url}/v1.0",
            self._tokens,
            self._connections,
            self._turns,
            settings.connect_timeout,
            settings.read_timeout,
        )

    @property
    def capability(self) -> Capability:
        """What this mailbox's mode can see."""
        if self._reading.privacy is Privacy.TEXT:
            return TEXT
        return READ if self._settings.permission == "read" else BASIC

    @property
    def expires_at(self) -> datetime | None:
        """See Expires."""
        return self._expiry().at

    def _expiry(self) -> LoginExpiry:
        return expiry("client secret", self._settings.certificate, self._settings.secret_expires)

    async def poll(self, cursor: Cursor | None) -> AsyncIterator[Batch]:
        """See MailConnector."""
        async with self._lock:
            async for batch in self._turns.polled(self._batches(cursor)):
                yield batch

    async def _batches(self, cursor: Cursor | None) -> AsyncGenerator[Batch, None]:
        self._may_read()
        started = instant.now()
        reader = await self._reader()
        await reader.begin({} if cursor is None else decode(cursor))
        size = self._reading.batch_size
        if self._reading.privacy is Privacy.TEXT:
            size = min(size, _TEXT_BATCH)
        async for batch in batches(self._chunks(reader), size, started, lambda: self._turns.long):
            self._meetings = reader.meetings
            yield batch

    async def _chunks(self, reader: GraphReader) -> AsyncIterator[Chunk]:
        async for found in reader.found():
            messages, quarantined = await reader.messages(found)
            yield Chunk(messages, quarantined, encode(found.positions), reader.resynced, found.remaining)

    async def probe(self) -> Probe:
        """See MailConnector."""
        async with self._lock:
            self._may_read()
            token = await self._tokens().token()
            watched = await self._folders.get(again=True)
            warnings = list(
                grant.warnings(token.claims, self._settings.permission, self._settings.client_id, self._address)
            )
            warnings += watched.warnings
            warnings += await self._beyond_the_grant(watched)
        roles = ", ".join(grant.roles(token.claims))
        found = Probe(
            watched.by_role,
            (
                ("server", self._graph_url.removeprefix("https://")),
                ("messages", watched.messages),
                ("tenant-wide permissions", roles or "none, so access comes from a role with a scope"),
                *self.capability.facts,
                (
                    "answers sent as or on behalf of this mailbox",
                    "stay in the sender's own Sent Items unless Set-Mailbox -MessageCopyForSentAsEnabled $true "
                    "-MessageCopyForSendOnBehalfEnabled $true is set: watch every sender too",
                ),
            ),
            tuple(warnings),
        )
        return self._expiry().added_to(found)

    async def census(self, since: datetime) -> AsyncIterator[tuple[str, str]]:
        """See Counts."""
        async with self._lock, self._turns.one():
            watched = await self._folders.get()
        query = {
            "$filter": f"receivedDateTime ge {since.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}",
            "$orderby": "receivedDateTime asc",
            "$select": "internetMessageId,isDraft,receivedDateTime",
            "$top": str(_CENSUS_PAGE),
        }
        for folder in watched.folders:
            first = f"{self._user}/mailFolders/{folder.id}/messages"
            link = ""
            for _ in range(_MAX_PAGES):
                async with self._lock, self._turns.one():  # for so long only: it is polled as well
                    page = await self.client.get(
                        link or first, None if link else query, doing=f"counting {folder.name}"
                    )
                for item in page.get("value") or ():
                    its = str(item.get("internetMessageId") or "").strip(" <>")
                    if its and not item.get("isDraft"):
                        yield str(item["id"]), its
                link = str(page.get("@odata.nextLink") or "")
                if not link:
                    break
            else:
                raise MailboxError(Reason.PROTOCOL, f"counting {folder.name}: the pages have no end")

    async def recover(self, refs: Sequence[str]) -> tuple[RawMessage, ...]:
        """See Recovers."""
        return (await self.reread(refs)).messages

    async def reread(self, refs: Sequence[str]) -> Reread:
        """See Rereads."""
        async with self._lock, self._turns.one():
            reader = await self._reader()
            found = await together([self._placed(reader, ref) for ref in refs])
            folders = {one.id: one for one in reader.watched.folders}
            items = [(folders[place], {"id": ref}) for ref, place in zip(refs, found, strict=True) if place in folders]
            messages, quarantined = await reader.messages(FoundItems(tuple(items), {}))
        unplaced = [one for one in found if isinstance(one, Quarantined)]
        return Reread(tuple(messages), (*quarantined, *unplaced))

    async def _placed(self, reader: GraphReader, ref: str) -> str | Quarantined:
        """The folder that holds a message now; empty where it is gone."""
        path, wanted = f"{self._user}/messages/{ref}", {"$select": "parentFolderId"}
        try:
            found = await read_one(
                lambda: self.client.get(path, wanted, doing="looking for a message"), reader.check_server
            )
        except UnreadableMessage as error:
            gone = isinstance(error.error, GraphError) and error.error.status == 404
            return "" if gone else Quarantined(ref, str(error))
        return str(found.get("parentFolderId") or "")

    async def aclose(self) -> None:
        """See MailConnector."""
        used, self._pool = self._pool, None
        if used is not None:
            await used.leave()

    def _may_read(self) -> None:
        if self._reading.privacy is Privacy.TEXT and self._settings.permission == "basic":
            raise MailboxError(
                Reason.CLIENT,
                "privacy mode text reads whole messages, and Mail.ReadBasic cannot",
                hint="grant the application `Application Mail.Read` for this mailbox and set `permission: read`",
                permanent=True,
            )

    async def _beyond_the_grant(self, watched: ExchangeFolders) -> list[str]:
        """Whether whole messages can be had though `permission: basic` says no; one byte is read."""
        if self._settings.permission == "read":
            return []
        page = await self.client.get(
            f"{self._user}/mailFolders/{watched.folders[0].id}/messages",
            {"$top": "1", "$select": "receivedDateTime"},
            doing="looking at the inbox",
        )
        newest = [str(one["id"]) for one in page.get("value") or ()]
        try:
            if newest and await self.client.content(
                f"{self._user}/messages/{newest[0]}/$value", 1, doing="asking for more than headers"
            ):
                return ["whole messages can be read, though `permission: basic` needs Application Mail.ReadBasic only"]
        except GraphError as error:
            if error.reason is not Reason.AUTH:
                raise
        return []

    async def _reader(self) -> GraphReader:
        return GraphReader(
            self.client,
            self._user,
            await self._folders.get(),
            self._reading,
            self._settings.permission == "read",
            self._meetings,
        )

    async def _looked_up(self, again: bool) -> ExchangeFolders:
        return await find_folders(self.client, self._user, self._settings.folders)

    def _tokens(self) -> Entra:
        if self._entra is None:
            self._entra = entra(
                Application(
                    self._login_url,
                    self._settings.tenant,
                    self._settings.client_id,
                    self._settings.client_secret,
                    self._settings.certificate,
                    f"{self._graph_url}/.default",
                    self._settings.ca_file,
                    self._settings.read_timeout,
                )
            )
        return self._entra

    def _connections(self) -> ConnectionPool:
        if self._pool is None:
            self._pool = connection_pool(self._settings.ca_file)
            self._pool.enter()
        return self._pool
