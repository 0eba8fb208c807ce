"""Reading Exchange folders: pin the position, read the history by receive time, catch up from the pin."""

from __future__ import annotations

import functools
import threading
from collections.abc import AsyncIterator, Awaitable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from connectors.mail.batching import Chunk
from connectors.mail.delta_position import DeltaPosition, PositionForgotten, encode
from connectors.mail.ews.account import EwsAccount
from connectors.mail.ews.changes import FolderChanges, changes
from connectors.mail.ews.errors import is_gone
from connectors.mail.ews.message import FIELDS, is_report, raw_message, received
from connectors.mail.exchange_folders import ExchangeFolder, ExchangeFolders
from connectors.mail.merged_history import HistoryEntry, HistoryPage, merged_history
from connectors.mail.unreadable_message import UnreadableMessage, read_one
from connectors.optional_package import optional_package
from inboxwatch.connector import MailboxError, Quarantined, Reading, Reason
from inboxwatch.core.model import Privacy, RawMessage
from inboxwatch.mime import MAX_RAW, machine_parts

_MAX_CHANGES = 512
"""The server gives no more at once."""
_MAX_PAGE = 200
_WHOLE = 2 * 1024 * 1024
"""A larger message is not read whole: its attachments would come with it."""
_TELL_EVERY = 10
"""Requests between two cursors while a large folder is pinned."""
_EPOCH = "1970-01-01T00:00:00+00:00"
_TIME = "%Y-%m-%dT%H:%M:%S+00:00"
_MAX_PAGES = 100_000


@dataclass(slots=True)
class EwsReader:
    """Reads for one poll; `positions` move with what was given."""

    account: EwsAccount
    watched: ExchangeFolders
    reading: Reading
    resynced: bool = False
    positions: dict[str, DeltaPosition] = field(default_factory=dict)
    _given: set[str] = field(default_factory=set)
    _refused: set[str] = field(default_factory=set)

    @property
    def _size(self) -> int:
        return max(1, min(self.reading.batch_size, _MAX_PAGE))

    async def chunks(self, known: Mapping[str, DeltaPosition] | None) -> AsyncIterator[Chunk]:
        """All that is new since the positions of a cursor. None: the cursor was not ours."""
        self.resynced = known is None
        since = self.reading.since
        horizon = since.astimezone(UTC).strftime(_TIME) if since else _EPOCH
        start = DeltaPosition("", after=horizon, pinned=False)
        self.positions = {folder.id: (known or {}).get(folder.id, start) for folder in self.watched.folders}
        pending = list(self.watched.folders)
        while pending:
            for folder in list(pending):
                try:
                    async for chunk in self._folder_pinned(folder):
                        yield chunk
                except PositionForgotten:
                    self._begin_again(folder, start)
            async for chunk in self._history():
                yield chunk
            for folder in list(pending):
                try:
                    async for chunk in self._changes(folder):
                        yield chunk
                    pending.remove(folder)
                except PositionForgotten:
                    self._begin_again(folder, start)

    def _begin_again(self, folder: ExchangeFolder, start: DeltaPosition) -> None:
        if folder.id in self._refused:
            raise MailboxError(
                Reason.SERVER, f"reading {folder.name}: the server refuses the position that it just gave"
            )
        self._refused.add(folder.id)
        self.resynced = True
        self.positions[folder.id] = start

    async def _folder_pinned(self, folder: ExchangeFolder) -> AsyncIterator[Chunk]:
        """Moves the position to the folder's present, over all changes that there ever were: EWS has no shorter way."""
        walked = 0
        while not self.positions[folder.id].pinned:
            position = self.positions[folder.id]
            found = await self._changed(folder, position.delta, _MAX_CHANGES)
            self.positions[folder.id] = replace(position, delta=found.state, pinned=found.last)
            walked += 1
            if walked % _TELL_EVERY == 0:
                yield self._chunk([], [], flush=True)

    async def _changed(self, folder: ExchangeFolder, state: str, limit: int) -> FolderChanges:
        return await self.account.do(
            lambda account: changes(account, folder.handle, state, limit), f"reading {folder.name}"
        )

    async def _history(self) -> AsyncIterator[Chunk]:
        """What was received since each position's `after`, over all folders in order; then that history is over."""
        folders = {one.id: one for one in self.watched.folders}
        async for taken, remaining in merged_history(
            self.positions, lambda name, position: self._page(folders[name], position), self._size
        ):
            read = await self._messages([(folders[name], item) for name, item in taken])
            yield self._chunk(*read, remaining=remaining)

    async def _page(self, folder: ExchangeFolder, position: DeltaPosition) -> HistoryPage[str]:
        known = set(position.read)
        start, size = 0, self._size + len(known)
        for _ in range(_MAX_PAGES):
            found, count = await self.account.do(
                lambda _, start=start: _found(folder, str(position.after), start, size),  # type: ignore[misc]
                f"listing {folder.name}",
            )
            fresh = [HistoryEntry(at, name, name) for at, name in found if name not in known]
            if fresh or len(found) < size:
                return HistoryPage(fresh, len(found) < size, max(0, count - len(known)))
            start += size  # many items of one second
        raise MailboxError(Reason.PROTOCOL, f"listing {folder.name}: the pages have no end")

    async def _changes(self, folder: ExchangeFolder) -> AsyncIterator[Chunk]:
        for _ in range(_MAX_PAGES):
            found = await self._changed(folder, self.positions[folder.id].delta, min(_MAX_CHANGES, self._size))
            messages, quarantined = await self._messages([(folder, one) for one in found.came])
            self.positions[folder.id] = DeltaPosition(found.state)
            yield self._chunk(messages, quarantined)
            if found.last:
                return
        raise MailboxError(Reason.PROTOCOL, f"reading {folder.name}: the changes have no end")

    def _chunk(
        self,
        messages: Sequence[RawMessage],
        quarantined: Sequence[Quarantined],
        *,
        remaining: int | None = None,
        flush: bool = False,
    ) -> Chunk:
        return Chunk(messages, quarantined, encode(self.positions), self.resynced, remaining, flush)

    async def _messages(
        self, wanted: Sequence[tuple[ExchangeFolder, str]]
    ) -> tuple[list[RawMessage], list[Quarantined]]:
        fresh = {name: folder for folder, name in wanted if name not in self._given}
        self._given.update(fresh)
        return await self.messages(fresh)

    async def messages(self, wanted: Mapping[str, ExchangeFolder]) -> tuple[list[RawMessage], list[Quarantined]]:
        """Reads items by id; those that cannot be had are set aside."""
        items, failed = await self._items(list(wanted), FIELDS)
        whole = self.reading.privacy is Privacy.TEXT
        asked = [name for name, one in items.items() if (whole or is_report(one)) and 0 < int(one.size or 1) <= _WHOLE]
        contents: dict[str, bytes] = {}
        for name in asked:
            found, _ = await self._items([name], ("mime_content",))
            if name in found and found[name].mime_content:
                contents[name] = bytes(found[name].mime_content)[:MAX_RAW]
        messages: list[RawMessage] = []
        quarantined = [Quarantined(name, reason) for name, reason in failed.items() if reason]
        for name, one in items.items():
            raw = contents.get(name)
            parts = machine_parts(raw) if raw is not None else None
            try:
                if not one.is_draft:
                    messages.append(raw_message(one, wanted[name].role, parts, raw if whole else None))
            except ValueError as error:
                quarantined.append(Quarantined(name, str(error)))
        return messages, quarantined

    async def _items(self, names: Sequence[str], fields: Sequence[str]) -> tuple[dict[str, Any], dict[str, str]]:
        """Items by id, and the reason for each that the server does not give; an empty reason: it is gone."""
        if not names:
            return {}, {}

        def ask() -> Awaitable[list[Any]]:
            return self.account.do(
                lambda account: list(account.fetch([(name, None) for name in names], only_fields=fields)),
                "reading messages",
            )

        try:
            found = await (read_one(ask, self._sound) if len(names) == 1 else ask())
        except UnreadableMessage as error:
            return {}, {names[0]: str(error)}
        except MailboxError as error:
            if len(names) == 1 or error.reason not in (Reason.SERVER, Reason.CLIENT, Reason.PROTOCOL):
                raise
            middle = len(names) // 2
            items, failed = await self._items(names[:middle], fields)
            more, worse = await self._items(names[middle:], fields)
            return items | more, failed | worse
        pairs = list(zip(names, found, strict=True))
        return (
            {name: one for name, one in pairs if not isinstance(one, Exception)},
            {
                name: "" if is_gone(one) else f"{type(one).__name__}: {one}"
                for name, one in pairs
                if isinstance(one, Exception)
            },
        )

    async def _sound(self) -> None:
        await self.account.do(lambda account: account.inbox.refresh(), "looking at the inbox")

    async def recovered(self, refs: Sequence[str]) -> tuple[list[RawMessage], list[Quarantined]]:
        """Reads items again that are still in a watched folder."""
        folders = {one.id: one for one in self.watched.folders}
        items, failed = await self._items(refs, ("parent_folder_id",))
        placed = {name: folders.get(str(one.parent_folder_id.id)) for name, one in items.items()}
        messages, quarantined = await self.messages({name: its for name, its in placed.items() if its is not None})
        return messages, [*quarantined, *(Quarantined(name, reason) for name, reason in failed.items() if reason)]

    async def identities(
        self, folder: ExchangeFolder, since: datetime, start: int
    ) -> tuple[list[tuple[str, str]], int | None]:
        """(id, Message-ID) of items of a folder received since then that have one, and where to go on, if at all."""
        found = await self.account.do(lambda _: _identities(folder, since, start), f"counting {folder.name}")
        more = start + len(found) if len(found) == _MAX_CHANGES else None
        return [(name, its) for name, its in found if its], more


def _found(folder: ExchangeFolder, after: str, start: int, size: int) -> tuple[list[tuple[str, str]], int]:
    """Blocks: (receive time, id), oldest first; and how many there are, with those before `start`."""
    _counts_too()
    at = _library_time(datetime.fromisoformat(after))
    query = folder.handle.filter(datetime_received__gte=at).order_by("datetime_received")
    items = query.only("id", "datetime_received")[start : start + size]
    return [(received(one).strftime(_TIME), str(one.id)) for one in items], _view.count


class _View(threading.local):
    """How many items the last search on a thread was about."""

    count = 0


_view = _View()


@functools.cache
def _counts_too() -> None:
    """Makes the library's search keep the number of items in `_view`, which it would drop."""
    library = optional_package("exchangelib.services", "ews")

    class Search(library.FindItem):  # type: ignore[misc, name-defined]  # it is known at run time only
        def _get_paging_values(self, elem: Any) -> Any:
            values = super()._get_paging_values(elem)
            _view.count = values[0]
            return values

    library.FindItem = Search


def _identities(folder: ExchangeFolder, since: datetime, start: int) -> list[tuple[str, str]]:
    """Blocks."""
    at = _library_time(since)
    query = folder.handle.filter(datetime_received__gte=at).order_by("datetime_received")
    items = query.only("id", "message_id", "is_draft")[start : start + _MAX_CHANGES]
    return [
        (str(one.id), "" if one.is_draft else str(getattr(one, "message_id", "") or "").strip(" <>")) for one in items
    ]


def _library_time(at: datetime) -> Any:
    library = optional_package("exchangelib", "ews")
    return library.EWSDateTime.fromtimestamp(at.timestamp(), tz=library.UTC)
