"""Batches made of the small pieces in which a mail API gives its messages."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from inboxwatch.connector import Batch, Cursor, Quarantined
from inboxwatch.core.model import RawMessage


@dataclass(frozen=True, slots=True)
class Chunk:
    """Some messages, and the cursor that follows them. `resynced`: the caller's cursor was refused before.

    `flush`: the caller gets the cursor now, for much work came before it.
    """

    messages: Sequence[RawMessage]
    quarantined: Sequence[Quarantined]
    cursor: Cursor
    resynced: bool = False
    remaining: int | None = None
    flush: bool = False


async def batches(
    chunks: AsyncIterator[Chunk], size: int, started: datetime, long: Callable[[], bool]
) -> AsyncGenerator[Batch, None]:
    """Batches of up to `size` messages, each by receive time; only the last one says how far the mailbox was seen.

    There is at least one, be it empty; the first of a resync says so. One that takes `long` is given as far as it is.
    """
    held: list[Chunk] = []
    told = False
    async for chunk in chunks:
        full = any(map(_weight, held)) and sum(map(_weight, (*held, chunk))) > size
        if full or (held and held[-1].flush):
            batch = _batch(held, None, told=told)
            told = told or batch.resynced
            yield batch
            held = []
        held.append(chunk)
        if long():
            batch = _batch(held, None, told=told)
            told = told or batch.resynced
            yield batch
            held = [Chunk((), (), chunk.cursor, chunk.resynced, chunk.remaining)]
    yield _batch(held, started, told=told)


def _weight(chunk: Chunk) -> int:
    return len(chunk.messages) + len(chunk.quarantined)


def _batch(held: Sequence[Chunk], seen_until: datetime | None, *, told: bool) -> Batch:
    return Batch(
        tuple(sorted([message for one in held for message in one.messages], key=lambda message: message.received_at)),
        held[-1].cursor,
        seen_until,
        tuple([message for one in held for message in one.quarantined]),
        resynced=held[-1].resynced and not told,
        remaining=held[-1].remaining,
    )
