"""The history of several folders as one, by receive time: so an answer is read near its question."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Generic, NamedTuple, TypeVar

from connectors.mail.delta_position import Mark

Item = TypeVar("Item")


class Entry(NamedTuple, Generic[Item]):
    """A message of a folder's history."""

    at: str
    """Its receive time (RFC 3339, UTC)."""
    name: str
    """Its id."""
    item: Item


class Page(NamedTuple, Generic[Item]):
    entries: list[Entry[Item]]
    """Oldest first, without those that the mark has read."""
    last: bool
    """There are no more."""
    ahead: int | None = None
    """Messages after the mark, where the server tells: those of the page and all that follow."""


async def history(
    marks: dict[str, Mark], page: Callable[[str, Mark], Awaitable[Page[Item]]], size: int
) -> AsyncIterator[tuple[list[tuple[str, Item]], int | None]]:
    """(folder, item) of all folders whose mark is in their history, up to `size` at a time; the marks move along.

    With them comes how many are still to follow, where the server tells.

    `page(folder, mark)` gives the next messages after a mark. A folder that is read out leaves its history.
    """
    waiting: dict[str, list[Entry[Item]]] = {}
    reading = [name for name, mark in marks.items() if mark.after is not None]
    read_out: set[str] = set()
    ahead: dict[str, int | None] = {}
    while reading:
        for name in list(reading):
            if not waiting.get(name) and name not in read_out:
                waiting[name], last, ahead[name] = await page(name, marks[name])
                read_out |= {name} if last else set()
            if not waiting[name] and name in read_out:
                reading.remove(name)
                marks[name] = Mark(marks[name].position)
        taken: list[tuple[str, Item]] = []
        while len(taken) < size and reading and all(waiting[name] for name in reading):
            name = min(reading, key=lambda one: waiting[one][0].at)
            entry = waiting[name].pop(0)
            marks[name] = marks[name].past(entry.at, entry.name)
            taken.append((name, entry.item))
            left = ahead[name]
            ahead[name] = None if left is None else max(0, left - 1)
        known = [left for name in reading if (left := ahead[name]) is not None]
        yield taken, sum(known) if len(known) == len(reading) else None
