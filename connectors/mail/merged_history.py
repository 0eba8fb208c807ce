"""The history of several folders as one, by receive time: so an answer is read near its question."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Generic, NamedTuple, TypeVar

from connectors.mail.delta_position import DeltaPosition

Item = TypeVar("Item")


class HistoryEntry(NamedTuple, Generic[Item]):
    """A message of a folder's history."""

    at: str
    """Its receive time (RFC 3339, UTC)."""
    name: str
    """Its id."""
    item: Item


class HistoryPage(NamedTuple, Generic[Item]):
    """The next messages of a folder's history."""

    entries: list[HistoryEntry[Item]]
    """Oldest first, without those that the position has read."""
    last: bool
    """There are no more."""
    ahead: int | None = None
    """Messages after the position, where the server tells: those of the page and all that follow."""


async def merged_history(
    positions: dict[str, DeltaPosition], page: Callable[[str, DeltaPosition], Awaitable[HistoryPage[Item]]], size: int
) -> AsyncIterator[tuple[list[tuple[str, Item]], int | None]]:
    """Merges the histories of folders by receive time: yields (folder's id, item) pairs, up to `size` at a time.

    With each list comes how many messages are still to follow, where the server tells. `positions` (changed in place)
    move along; a folder whose position has no `after` has no history, and one that is read to its end leaves it.

    `page(folder's id, position)` gives the next messages after a position.
    """
    waiting: dict[str, list[HistoryEntry[Item]]] = {}
    reading = [name for name, position in positions.items() if position.after is not None]
    read_out: set[str] = set()
    ahead: dict[str, int | None] = {}
    while reading:
        for name in list(reading):
            if not waiting.get(name) and name not in read_out:
                waiting[name], last, ahead[name] = await page(name, positions[name])
                read_out |= {name} if last else set()
            if not waiting[name] and name in read_out:
                reading.remove(name)
                positions[name] = DeltaPosition(positions[name].delta)
        taken: list[tuple[str, Item]] = []
        while len(taken) < size and reading and all(waiting[name] for name in reading):
            name = min(reading, key=lambda one: waiting[one][0].at)
            entry = waiting[name].pop(0)
            positions[name] = positions[name].past(entry.at, entry.name)
            taken.append((name, entry.item))
            left = ahead[name]
            ahead[name] = None if left is None else max(0, left - 1)
        known = [left for name in reading if (left := ahead[name]) is not None]
        yield taken, sum(known) if len(known) == len(reading) else None
