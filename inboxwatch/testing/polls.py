"""Polling a mailbox in a test, and what came of it."""

# ruff: noqa: S101  (tests assert)

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from datetime import datetime
from itertools import pairwise

from inboxwatch.connector import Batch, Cursor, MailConnector, Reading
from inboxwatch.core.model import Privacy, RawMessage
from inboxwatch.testing.letters import message_of
from inboxwatch.testing.mailbox import Mailbox


@asynccontextmanager
async def opened(
    mailbox: Mailbox, *, since: datetime | None = None, batch_size: int = 500, privacy: Privacy = Privacy.HEADERS
) -> AsyncIterator[MailConnector]:
    """A connector that is closed afterwards."""
    connector = mailbox.connector(Reading(privacy, since, batch_size))
    try:
        yield connector
    finally:
        await connector.aclose()


async def every(connector: MailConnector, cursor: Cursor | None) -> list[Batch]:
    """All batches of one poll."""
    return [batch async for batch in connector.poll(cursor)]


async def polled(
    mailbox: Mailbox,
    cursor: Cursor | None = None,
    *,
    since: datetime | None = None,
    batch_size: int = 500,
    privacy: Privacy = Privacy.HEADERS,
) -> list[Batch]:
    """All batches of one poll by a fresh connector."""
    async with opened(mailbox, since=since, batch_size=batch_size, privacy=privacy) as connector:
        return await every(connector, cursor)


def in_time(batches: Iterable[Batch]) -> list[datetime]:
    """When the messages of some batches were received; no batch has one that is older than any of the one before."""
    times = [[message.received_at for message in batch.messages] for batch in batches if batch.messages]
    for before, after in pairwise(times):
        assert max(before) <= min(after)
    return [at for some in times for at in some]


def taken(batches: Iterable[Batch]) -> list[RawMessage]:
    """All messages of some batches."""
    return [message for batch in batches for message in batch.messages]


def ids(messages: Iterable[RawMessage]) -> list[str]:
    """Their Message-IDs without brackets."""
    return [message_of(message.header) for message in messages]
