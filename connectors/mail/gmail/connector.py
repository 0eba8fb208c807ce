"""Mailboxes in Google Workspace, through the Gmail API; strictly read-only: by its scope, and by the calls it knows."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from dataclasses import replace
from datetime import datetime
from typing import ClassVar

from connectors.mail.batching import batches
from connectors.mail.capability import Capability
from connectors.mail.gmail import grant
from connectors.mail.gmail.api import BATCH, GmailApi
from connectors.mail.gmail.position import decode
from connectors.mail.gmail.pubsub import SCOPE, PubSubSubscription, subscription
from connectors.mail.gmail.push import GmailPush
from connectors.mail.gmail.quota import UNITS, ProjectQuota, RateLimiter, project_quota
from connectors.mail.gmail.reader import GmailReader, excluded_ids
from connectors.mail.gmail.settings import GmailSettings
from connectors.mail.google_login import METADATA, READONLY, GoogleLogin
from connectors.mail.login_expiry import LASTING, LoginExpiry, expiry
from connectors.mail.quota_turns import MailboxTurns
from inboxwatch import now as instant
from inboxwatch.connector import Batch, Context, Cursor, MailboxError, Probe, Reason, Reread, Secret, Settings
from inboxwatch.core.model import FolderRole, Privacy, RawMessage

_SYSTEM = {"SPAM", "TRASH"}

METADATA_MODE = Capability(
    mode="gmail, scope: metadata",
    grant="delegation of gmail.metadata",
    received="all",
    sent="all",
    machine="of bounces that they are and for whom Gmail says so, not of which message; calendar parts not seen",
    text="no",
    matching="by headers, then by Gmail's thread",
)
READONLY_MODE = replace(
    METADATA_MODE, mode="gmail, scope: readonly", grant="delegation of gmail.readonly", machine="both"
)
TEXT_MODE = replace(
    READONLY_MODE,
    mode="gmail, privacy: text",
    text="in memory, of messages up to 2 MB; one more request a message",
    matching="by headers, then by Gmail's thread and quoted text",
)


class Gmail:
    """The connector `gmail`."""

    settings: ClassVar[type[Settings]] = GmailSettings
    capabilities: ClassVar[tuple[Capability, ...]] = (METADATA_MODE, READONLY_MODE, TEXT_MODE)

    def __init__(self, settings: GmailSettings, context: Context) -> None:
        self._settings = settings
        self._reading = context.reading
        key = settings.service_account or settings.oauth
        self._login = GoogleLogin(
            "service_account" if settings.service_account else "oauth",
            key or Secret(None, "nowhere"),
            settings.user or context.address,
            READONLY if settings.scope == "readonly" else METADATA,
            settings.token_url,
        )
        self._lock = asyncio.Lock()
        self._pace: RateLimiter | None = None
        self._project: ProjectQuota | None = None
        self._turns = MailboxTurns(settings.retry_for, lambda: self._shared().turns)
        self._excluded: frozenset[str] | None = None
        self.api = GmailApi(
            self._login, settings.gmail_url, settings.ca_file, settings.read_timeout, self._turns, self._paced
        )
        self._push = GmailPush(context.name, self.api, settings.push, self._subscription) if settings.push else None

    @property
    def capability(self) -> Capability:
        """What this mailbox's mode can see."""
        if self._reading.privacy is Privacy.TEXT:
            return TEXT_MODE
        return READONLY_MODE if self._settings.scope == "readonly" else METADATA_MODE

    @property
    def expires_at(self) -> datetime | None:
        """See Expires."""
        return self._expiry().at

    def _expiry(self) -> LoginExpiry:
        if self._login.consent_ends is not None:
            return LoginExpiry("consent", self._login.consent_ends)
        return expiry("key", None, self._settings.secret_expires) if self._settings.secret_expires else LASTING

    async def poll(self, cursor: Cursor | None) -> AsyncIterator[Batch]:
        """See MailConnector."""
        async with self._lock:
            async for batch in self._turns.polled(self._batches(cursor)):
                yield batch

    async def _batches(self, cursor: Cursor | None) -> AsyncGenerator[Batch, None]:
        self._may_read()
        started = instant.now()
        if self._push is not None:
            self._push.poll_begins()
        position = None if cursor is None else decode(cursor)
        reader = await self._reader()
        reader.resynced = cursor is not None and position is None
        async for batch in batches(
            reader.chunks(position), self._reading.batch_size, started, lambda: self._turns.long
        ):
            if self._push is not None and batch.seen_until is not None and (end := decode(batch.cursor)) is not None:
                self._push.poll_ended(int(end.history))
            yield batch

    async def wait(self, timeout: float) -> bool:  # noqa: ASYNC109  (the port's signature)
        """See Waits: by Cloud Pub/Sub. Without `push` it only lets the time pass."""
        if self._push is not None:
            return await self._push.wait(timeout)
        await asyncio.sleep(timeout)
        return False

    async def probe(self) -> Probe:
        """See MailConnector."""
        async with self._lock:
            self._may_read()
            profile = await self.api.profile()
            known = await self.api.labels()
            _, unknown = excluded_ids(self._settings.exclude, known)
            beyond = [one for one in await self.api.beyond() if self._push is None or one != SCOPE]
            warnings = list(grant.warnings(self._login, beyond))
            pushed = "off"
            if self._push is not None:
                pushed, wrong = await self._push.check(self._login)
                warnings += wrong
            warnings += [f"no label is called {name!r} in `exclude`" for name in unknown]
        found = Probe(
            {FolderRole.INBOX: "INBOX", FolderRole.SENT: "SENT", FolderRole.OTHER: "all mail but drafts and `exclude`"},
            (
                ("mailbox", str(profile.get("emailAddress", ""))),
                ("messages", str(profile.get("messagesTotal", ""))),
                ("scope", self._login.scope),
                ("push", pushed),
                *self.capability.facts,
                (
                    "quota",
                    f"{UNITS['history']} units a poll and {UNITS['get']} a message, of "
                    f"{self._settings.units_per_minute} a minute",
                ),
            ),
            tuple(warnings),
        )
        return self._expiry().added_to(found)

    async def census(self, since: datetime) -> AsyncIterator[tuple[str, str]]:
        """See Counts."""
        async with self._lock, self._turns.one():
            reader = await self._reader(since)
            names = await reader.listed()
        for start in range(0, len(names), BATCH):
            async with self._lock, self._turns.one():  # for so long only: it is polled as well
                identities = await reader.identities(names[start : start + BATCH], since)
            for found in identities:
                yield found

    async def recover(self, refs: Sequence[str]) -> tuple[RawMessage, ...]:
        """See Recovers."""
        return (await self.reread(refs)).messages

    async def reread(self, refs: Sequence[str]) -> Reread:
        """See Rereads."""
        async with self._lock, self._turns.one():
            messages, quarantined = await (await self._reader()).messages(refs, None)
        return Reread(tuple(messages), tuple(quarantined))

    async def aclose(self) -> None:
        """See MailConnector. Connections belong to all mailboxes."""
        if self._push is not None:
            await self._push.close()

    def _may_read(self) -> None:
        if self._reading.privacy is Privacy.TEXT and self._settings.scope == "metadata":
            raise MailboxError(
                Reason.CLIENT,
                "privacy mode text reads whole messages, and gmail.metadata cannot",
                hint="delegate gmail.readonly and set `scope: readonly`",
                permanent=True,
            )

    async def _reader(self, since: datetime | None = None) -> GmailReader:
        if self._excluded is None:
            wanted = frozenset(self._settings.exclude)
            # Asking for the names of labels costs a call that the usual two spare.
            self._excluded = wanted if wanted <= _SYSTEM else excluded_ids(wanted, await self.api.labels())[0]
        reading = replace(self._reading, since=since) if since is not None else self._reading
        return GmailReader(self.api, reading, self._excluded, self._settings.scope == "readonly")

    def _subscription(self) -> PubSubSubscription:
        assert self._settings.push is not None  # noqa: S101  (the caller has push)
        login = replace(self._login, user="", scope=SCOPE)
        return subscription(login, self._settings.push, self._settings.ca_file)

    def _paced(self) -> RateLimiter:
        if self._pace is None:
            self._pace = RateLimiter(self._settings.units_per_minute, self._shared())
        return self._pace

    def _shared(self) -> ProjectQuota:
        if self._project is None:
            self._project = project_quota(
                self._login.project, self._settings.project_units_per_minute, self._settings.units_per_minute
            )
        return self._project
