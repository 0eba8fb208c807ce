"""Reading the folders of a mailbox through Microsoft Graph: pin the position, read the history, catch up from the pin.

`delta` tells what came since a link. It cannot tell a long history (with `$filter` it ends after 5,000 messages) and is
not in order; so history is listed by receive time, page by page after the last one seen: no `$skip`, which would miss
a message for each one that is deleted meanwhile.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Coroutine, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC
from typing import Any, TypeVar

from connectors.mail.delta_position import DeltaPosition, PositionForgotten
from connectors.mail.exchange_folders import ExchangeFolder, ExchangeFolders
from connectors.mail.graph.client import GraphClient, GraphError
from connectors.mail.graph.message import FIELDS, MEETING, PROPERTIES, Item, complete, is_report, raw_message
from connectors.mail.merged_history import HistoryEntry, HistoryPage, merged_history
from connectors.mail.unreadable_message import UnreadableMessage, read_one
from inboxwatch.connector import MailboxError, Quarantined, Reading, Reason
from inboxwatch.core.model import Privacy, RawMessage
from inboxwatch.mime import MAX_RAW, machine_parts

_MAX_PAGE = 200
_RECENT = 100
"""The delta of a folder begins so many messages before the newest one: its first answer would else list them all."""
_EPOCH = "1970-01-01T00:00:00Z"
_MAX_PAGES = 100_000
_COUNT = {"$count": "true"}
_REFUSED = 400

Answer = TypeVar("Answer")


@dataclass(frozen=True, slots=True)
class FoundItems:
    """Items of some folders, and the positions that follow them."""

    items: tuple[tuple[ExchangeFolder, Item], ...]
    positions: Mapping[str, DeltaPosition]
    remaining: int | None = None
    """Messages of the history that are still to be read, where the server tells."""


@dataclass(slots=True)
class GraphReader:
    """Reads for one poll; `positions` move with what was given."""

    client: GraphClient
    user: str
    """`/users/ana@acme.test`."""
    watched: ExchangeFolders
    reading: Reading
    extended: bool
    """The grant lets extended properties and whole messages be read."""
    meetings: bool = True
    """The server lets the type of meeting messages be selected."""
    resynced: bool = False
    _counts: bool = True
    """The server counts what it lists."""
    positions: dict[str, DeltaPosition] = field(default_factory=dict)
    _fresh: dict[str, tuple[ExchangeFolder, Item]] = field(default_factory=dict)
    """Messages that came up while a position was pinned; those that the history does not list are given as they are."""
    _given: set[str] = field(default_factory=set)
    _refused: set[str] = field(default_factory=set)
    """Folders whose link was forgotten during this poll."""

    @property
    def _size(self) -> int:
        return max(1, min(self.reading.batch_size, _MAX_PAGE))

    async def begin(self, known: Mapping[str, DeltaPosition] | None) -> None:
        """Takes the positions of a cursor; folders without one are pinned. None: the cursor was not ours."""
        self.resynced = known is None
        usable = {name: position for name, position in (known or {}).items() if self.client.owns(position.delta)}
        self.resynced = self.resynced or len(usable) < len(known or {})
        for folder in self.watched.folders:
            self.positions[folder.id] = usable.get(folder.id) or await self._pinned(folder)

    async def found(self) -> AsyncIterator[FoundItems]:
        """All that is new: first history by receive time over all folders, then what changed since the pins."""
        while any(position.after is not None for position in self.positions.values()):
            async for found in self._history():
                yield found
        left = [one for name, one in self._fresh.items() if name not in self._given]
        yield FoundItems(self._new(left), dict(self.positions))
        pending = list(self.watched.folders)
        for _ in range(_MAX_PAGES):
            if not pending:
                return
            pages = await together([self._changes(folder) for folder in pending])
            pending = [folder for folder, (_, over) in zip(pending, pages, strict=True) if not over]
            if any(position.after is not None for position in self.positions.values()):  # a link was forgotten
                async for found in self._history():
                    yield found
            yield FoundItems(self._new([one for items, _ in pages for one in items]), dict(self.positions))
        raise MailboxError(Reason.PROTOCOL, "reading changes: the pages have no end")

    def _new(self, items: Iterable[tuple[ExchangeFolder, Item]]) -> tuple[tuple[ExchangeFolder, Item], ...]:
        """Each item once in a poll: pages repeat some."""
        new: list[tuple[ExchangeFolder, Item]] = []
        for folder, item in items:
            if str(item["id"]) not in self._given:
                self._given.add(str(item["id"]))
                new.append((folder, item))
        return tuple(new)

    async def _pinned(self, folder: ExchangeFolder) -> DeltaPosition:
        """A position whose link tells what comes from now on, with all history still to read."""
        since = self.reading.since
        horizon = since.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ") if since else _EPOCH
        doing = f"looking at {folder.name}"
        newest = await self.client.get(
            f"{self.user}/mailFolders/{folder.id}/messages",
            {"$filter": f"receivedDateTime ge {horizon}", "$orderby": "receivedDateTime desc",
             "$select": "receivedDateTime", "$top": "1", "$skip": str(_RECENT)},
            doing=doing,
        )  # fmt: skip
        recent = next((str(one["receivedDateTime"]) for one in _items(newest) if "receivedDateTime" in one), horizon)
        query = {"changeType": "created", "$filter": f"receivedDateTime ge {recent}"}
        path = f"{self.user}/mailFolders/{folder.id}/messages/delta"
        page = await self._selected(path, query, doing)
        for _ in range(_MAX_PAGES):
            for item in _items(page):
                if "@removed" not in item:
                    self._fresh[str(item["id"])] = folder, item
            if link := page.get("@odata.deltaLink"):
                return DeltaPosition(str(link), after=horizon)
            page = await self.client.get(_next(page), prefer=self._paging, doing=doing)
        raise MailboxError(Reason.PROTOCOL, f"{doing}: the pages have no end")

    async def _selected(self, path: str, query: Mapping[str, str], doing: str) -> dict[str, object]:
        """Messages with all fields; where a server refuses to count, or to select the meeting type, without those."""
        while True:
            fields = (*FIELDS, MEETING) if self.meetings else FIELDS
            wanted = {"$select": ",".join(fields), **({"$expand": PROPERTIES} if self.extended else {}), **query}
            try:
                return await self.client.get(path, wanted, prefer=self._paging, doing=doing)
            except GraphError as error:
                if error.status != _REFUSED or not (self.meetings or _COUNT.keys() <= query.keys()):
                    raise
                if _COUNT.keys() <= query.keys():
                    self._counts = False
                    query = {name: value for name, value in query.items() if name not in _COUNT}
                else:
                    self.meetings = False

    @property
    def _paging(self) -> Sequence[str]:
        return (f"odata.maxpagesize={self._size}",)

    async def _history(self) -> AsyncIterator[FoundItems]:
        """What was received since each position's `after`, over all folders in order; then that history is over."""
        folders = {one.id: one for one in self.watched.folders}
        async for taken, remaining in merged_history(
            self.positions, lambda name, position: self._page(folders[name], position), self._size
        ):
            yield FoundItems(self._new((folders[name], item) for name, item in taken), dict(self.positions), remaining)

    async def _page(self, folder: ExchangeFolder, position: DeltaPosition) -> HistoryPage[Item]:
        query = {
            "$filter": f"receivedDateTime ge {position.after}",
            "$orderby": "receivedDateTime asc",
            "$top": str(self._size + len(position.read)),
            **(_COUNT if self._counts else {}),
        }
        doing = f"reading {folder.name}"
        page = await self._selected(f"{self.user}/mailFolders/{folder.id}/messages", query, doing)
        known = set(position.read)
        count = page.get("@odata.count")
        ahead = max(0, count - len(known)) if isinstance(count, int) else None
        for _ in range(_MAX_PAGES):
            items = [one for one in _items(page) if one["id"] not in known]
            if items or not page.get("@odata.nextLink"):
                return HistoryPage(_entries(items, str(position.after)), not page.get("@odata.nextLink"), ahead)
            # Nothing but what was read: many messages of one second, or a page that is empty.
            page = await self.client.get(_next(page), prefer=self._paging, doing=doing)
        raise MailboxError(Reason.PROTOCOL, f"{doing}: the pages have no end")

    async def _changes(self, folder: ExchangeFolder) -> tuple[list[tuple[ExchangeFolder, Item]], bool]:
        """The next page of what came into a folder, and whether it is the last. Moves the position."""
        position = self.positions[folder.id]
        try:
            page = await self.client.get(position.delta, prefer=self._paging, doing=f"reading {folder.name}")
        except PositionForgotten:
            if folder.id in self._refused:
                raise MailboxError(
                    Reason.SERVER, f"reading {folder.name}: the server refuses the position that it just gave"
                ) from None
            self._refused.add(folder.id)
            self.resynced = True
            self.positions[folder.id] = await self._pinned(folder)
            return [], False
        over = "@odata.deltaLink" in page
        self.positions[folder.id] = DeltaPosition(str(page["@odata.deltaLink"]) if over else _next(page))
        return [(folder, item) for item in _items(page) if "@removed" not in item], over

    async def messages(self, found: FoundItems) -> tuple[list[RawMessage], list[Quarantined]]:
        """The messages of some items; those that cannot be had are set aside."""
        results = await together([self._message(folder, item) for folder, item in found.items])
        return (
            [one for one in results if isinstance(one, RawMessage)],
            [one for one in results if isinstance(one, Quarantined)],
        )

    async def _message(self, folder: ExchangeFolder, item: Item) -> RawMessage | Quarantined | None:
        ref = str(item["id"])
        path = f"{self.user}/messages/{ref}"
        doing = f"reading a message of {folder.name}"
        try:
            if not complete(item):
                item = await read_one(lambda: self._selected(path, {}, doing), self.check_server)
            if item.get("isDraft"):
                return None
            raw = await self._content(path, item, doing)
            text = raw if self.reading.privacy is Privacy.TEXT else None
            return raw_message(item, folder.role, machine_parts(raw) if raw is not None else None, text)
        except UnreadableMessage as error:
            gone = isinstance(error.error, GraphError) and error.error.status == 404  # or moved away meanwhile
            return None if gone else Quarantined(ref, str(error))
        except (ValueError, KeyError) as error:
            return Quarantined(ref, f"the message's fields cannot be read: {error}")

    async def _content(self, path: str, item: Item, doing: str) -> bytes | None:
        """The whole message where it is wanted and may be had; without it the header still counts."""
        if self.reading.privacy is not Privacy.TEXT and not (self.extended and is_report(item)):
            return None
        try:
            return await read_one(
                lambda: self.client.content(f"{path}/$value", MAX_RAW, doing=doing), self.check_server
            )
        except UnreadableMessage:
            return None

    async def check_server(self) -> None:
        """Raises MailboxError where the server, not a message, fails."""
        await self.client.get(f"{self.user}/mailFolders/inbox", {"$select": "id"}, doing="looking at the inbox")


async def together(asked: Sequence[Coroutine[Any, Any, Answer]]) -> list[Answer]:
    """All answers, or the first error when all have ended."""
    results = await asyncio.gather(*asked, return_exceptions=True)
    for one in results:
        if isinstance(one, BaseException):
            raise one
    return [one for one in results if not isinstance(one, BaseException)]


def _items(page: Mapping[str, object]) -> list[Item]:
    found = page.get("value")
    return [one for one in found if isinstance(one, dict) and "id" in one] if isinstance(found, list) else []


def _next(page: Mapping[str, object]) -> str:
    link = page.get("@odata.nextLink")
    if not link:
        raise MailboxError(Reason.PROTOCOL, "the server gave neither a next page nor a position")
    return str(link)


def _entries(items: list[Item], at: str) -> list[HistoryEntry[Item]]:
    """A damaged message without receive time gets that of the one before it."""
    entries: list[HistoryEntry[Item]] = []
    for item in items:
        at = str(item.get("receivedDateTime") or at)
        entries.append(HistoryEntry(at, str(item["id"]), item))
    return entries
