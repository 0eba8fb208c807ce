"""Batches of the size that the caller asked for, made of the smaller chunks in which a mail API gives messages."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from inboxwatch.connector import Batch, Cursor, Quarantined
from inboxwatch.core.model import RawMessage


@dataclass(frozen=True, slots=True)
class Chunk:
    """Some messages, and the cursor that follows them."""

    messages: Sequence[RawMessage]
    quarantined: Sequence[Quarantined]
    cursor: Cursor
    resynced: bool = False
    """The cursor that the poll began with was refused."""
    remaining: int | None = None
    """How many messages are still to be read, where the server tells."""
    flush: bool = False
    """The caller gets the cursor now, for it follows much work that should not be done again."""


async def batches(
    chunks: AsyncIterator[Chunk], size: int, started: datetime, long: Callable[[], bool]
) -> AsyncGenerator[Batch, None]:
    """Batches of up to `size` messages, each sorted by receive time.

    There is at least one, though it may be empty. The last one alone has `seen_until`, which is `started` (UTC); the
    first one alone has `resynced`. A batch is yielded early where `long()` says that the step has lasted long enough.
    """
    held: list[Chunk] = []
    reported = False
    async for chunk in chunks:
        full = any(map(_weight, held)) and sum(map(_weight, (*held, chunk))) > size
        if full or (held and held[-1].flush):
            batch = _batch(held, None, reported=reported)
            reported = reported or batch.resynced
            yield batch
            held = []
        held.append(chunk)
        if long():
            batch = _batch(held, None, reported=reported)
            reported = reported or batch.resynced
            yield batch
            held = [Chunk((), (), chunk.cursor, chunk.resynced, chunk.remaining)]
    yield _batch(held, started, reported=reported)


def _weight(chunk: Chunk) -> int:
    return len(chunk.messages) + len(chunk.quarantined)


def _batch(held: Sequence[Chunk], seen_until: datetime | None, *, reported: bool) -> Batch:
    return Batch(
        tuple(sorted([message for one in held for message in one.messages], key=lambda message: message.received_at)),
        held[-1].cursor,
        seen_until,
        tuple([message for one in held for message in one.quarantined]),
        resynced=held[-1].resynced and not reported,
        remaining=held[-1].remaining,
    )
