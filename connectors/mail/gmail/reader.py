"""Reading a Gmail mailbox: pin the history, read the past, catch up from the pin.

Nothing is narrowed to the inbox: a filter may archive a message the moment it arrives.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from connectors.mail.batching import Chunk
from connectors.mail.gmail.api import BATCH, GmailApi
from connectors.mail.gmail.message import (
    HEADER,
    Item,
    PayloadPart,
    at,
    decoded,
    header,
    labels,
    leaves,
    part,
    payload_at,
    raw_message,
    received,
    structure,
)
from connectors.mail.gmail.position import HistoryPosition, encode
from connectors.mail.google_api import GoogleError
from connectors.mail.message_id import message_id
from connectors.mail.unreadable_message import UnreadableMessage, read_one
from inboxwatch.connector import MailboxError, Quarantined, Reading, Reason
from inboxwatch.core.model import Part, Privacy, RawMessage
from inboxwatch.mime import MAX_RAW, machine_parts

_SLACK = timedelta(days=1)
"""The list is ordered nearly, not strictly, by receive time."""
_WHOLE = 2 * 1024 * 1024
"""A larger message is not read whole in privacy mode text: its attachments would come with it."""
_MAX_PAGES = 100_000
NEVER = frozenset({"DRAFT", "CHAT"})
_HIDDEN = frozenset({"SPAM", "TRASH"})


@dataclass(slots=True)
class GmailReader:
    """Reads for one poll."""

    api: GmailApi
    reading: Reading
    excluded: frozenset[str]
    """Ids of labels whose messages are left alone."""
    parts: bool
    """The grant lets the structure of messages be read."""
    resynced: bool = False
    _given: set[str] = field(default_factory=set)

    async def chunks(self, position: HistoryPosition | None) -> AsyncIterator[Chunk]:
        """All that is new since a position; None: the cursor was not ours or there was none."""
        position = position or await self._pin()
        for _ in range(2):
            if position.newest is not None:
                async for chunk in self._past(position):
                    yield chunk
                position = HistoryPosition(position.history)
            try:
                async for chunk in self._history(position):
                    yield chunk
            except GoogleError as error:
                if error.status != 404:
                    raise
                self.resynced = True
                position = await self._pin()
            else:
                return
        raise MailboxError(Reason.SERVER, "reading what is new: the server refuses the position that it just gave")

    async def _pin(self) -> HistoryPosition:
        return HistoryPosition(str((await self.api.profile())["historyId"]), newest="")

    async def _past(self, position: HistoryPosition) -> AsyncIterator[Chunk]:
        names = await self.listed(position.newest or "")
        names.reverse()
        size = max(1, min(self.reading.batch_size, BATCH))
        for start in range(0, len(names), size):
            share = names[start : start + size]
            messages, quarantined = await self.messages(share, self.reading.since)
            follows = encode(HistoryPosition(position.history, newest=share[-1]))
            remaining = max(0, len(names) - start - size)
            yield Chunk(messages, quarantined, follows, self.resynced, remaining)

    async def listed(self, newest: str = "") -> list[str]:
        """Ids of the messages since the horizon, newest first, without those that were read: up to `newest`."""
        found: list[str] = []
        page: str | None = None
        hidden = bool(_HIDDEN - self.excluded)
        for _ in range(_MAX_PAGES):
            answer = await self.api.listed(page, spam_and_trash=hidden)
            names = [str(one["id"]) for one in answer.get("messages") or ()]
            if newest and newest in names:
                return found + names[: names.index(newest)]
            if names and self.reading.since is not None and await self._before_horizon(names[-1]):
                return found + names[: await self._horizon(names)]
            found += names
            page = answer.get("nextPageToken")
            if not page:
                return found
        raise MailboxError(Reason.PROTOCOL, "listing messages: the pages have no end")

    async def _horizon(self, names: Sequence[str]) -> int:
        """How many messages of a page come before the first one that is too old."""
        low, high = 0, len(names) - 1
        while low < high:
            middle = (low + high) // 2
            if await self._before_horizon(names[middle]):
                high = middle
            else:
                low = middle + 1
        return low

    async def _before_horizon(self, name: str) -> bool:
        try:
            found = await self.api.message(name, format="minimal", fields="internalDate")
            return self.reading.since is not None and received(found) < self.reading.since - _SLACK
        except GoogleError as error:
            if error.status != 404 and error.reason is not Reason.SERVER:
                raise
            return False  # deleted meanwhile, or damaged: its neighbours will tell

    async def _history(self, position: HistoryPosition) -> AsyncIterator[Chunk]:
        page: str | None = None
        for _ in range(_MAX_PAGES):
            answer = await self.api.history(position.history, page)
            records: Sequence[Mapping[str, Any]] = answer.get("history") or ()
            async for chunk in self._records(records):
                yield chunk
            page = answer.get("nextPageToken")
            if not page:
                yield Chunk((), (), encode(HistoryPosition(str(answer["historyId"]))), self.resynced, 0)
                return
        raise MailboxError(Reason.PROTOCOL, "reading what is new: the pages have no end")

    async def _records(self, records: Sequence[Mapping[str, Any]]) -> AsyncIterator[Chunk]:
        """The messages that came by some records, in batches; each batch's position is its last record."""
        size = max(1, min(self.reading.batch_size, BATCH))
        waiting: list[str] = []
        for number, record in enumerate(records):
            waiting += [name for name in self._came(record) if name not in waiting]
            last = number == len(records) - 1
            if waiting and (last or len(waiting) >= size):
                messages, quarantined = await self.messages([one for one in waiting if one not in self._given], None)
                yield Chunk(messages, quarantined, encode(HistoryPosition(str(record["id"]))), self.resynced)
                waiting = []

    def _came(self, record: Mapping[str, Any]) -> list[str]:
        """Ids of the messages that a record brought: new, sent (a draft before), or no longer excluded."""
        alone = self.excluded | NEVER
        added, given, taken = (record.get(name) or () for name in ("messagesAdded", "labelsAdded", "labelsRemoved"))
        came = [one for one in added if not labels(one["message"]) & alone]
        came += [one for one in given if "SENT" in labels(one)]
        came += [one for one in taken if labels(one) & alone]
        return [str(one["message"]["id"]) for one in came]

    async def messages(
        self, names: Sequence[str], since: datetime | None
    ) -> tuple[list[RawMessage], list[Quarantined]]:
        """Reads messages, those received since a time; those that cannot be had are set aside."""
        self._given.update(names)
        how = {"format": "full", "fields": structure()} if self.parts else {"format": "metadata", "fields": HEADER}
        messages: list[RawMessage] = []
        quarantined: list[Quarantined] = []
        for name, item in (await self.api.messages(names, **how)).items():
            try:
                found = item if not isinstance(item, GoogleError) else await self._again(name, item, how)
                if labels(found) & (self.excluded | NEVER):
                    continue
                if since is None or received(found) >= since.astimezone(UTC):
                    messages.append(await self._message(found))
            except UnreadableMessage as error:
                if not _is_gone(error.error):
                    quarantined.append(Quarantined(name, str(error)))
            except (ValueError, KeyError) as error:
                quarantined.append(Quarantined(name, f"the message's fields cannot be read: {error}"))
        return messages, quarantined

    async def _again(self, name: str, error: GoogleError, how: Mapping[str, object]) -> Item:
        """A message that its batch did not give. Raises UnreadableMessage."""
        if _is_gone(error):
            raise UnreadableMessage(error)
        return await read_one(lambda: self.api.message(name, **how), self.api.profile)

    async def _message(self, item: Item) -> RawMessage:
        if not self.parts:
            return raw_message(item, None, None)
        try:
            if self.reading.privacy is Privacy.TEXT and int(item.get("sizeEstimate") or 0) <= _WHOLE:
                name = str(item["id"])
                whole = await read_one(lambda: self.api.message(name, format="raw", fields="raw"), self.api.profile)
                raw = decoded(str(whole["raw"]))[:MAX_RAW]
                return raw_message(item, machine_parts(raw), raw)
            return raw_message(item, await read_one(lambda: self._parts(item), self.api.profile), None)
        except UnreadableMessage:
            return raw_message(item, None, None)  # its header counts, though the rest cannot be read

    async def _parts(self, item: Item) -> tuple[Part, ...]:
        its = leaves(item)
        payloads = [await self._payload(item, leaf) if leaf.machine else None for leaf in its]
        return tuple([part(leaf, payload) for leaf, payload in zip(its, payloads, strict=True)])

    async def _payload(self, item: Item, leaf: PayloadPart) -> bytes | None:
        """The bytes of a machine part. Without an attachment id its neighbours come with it, and are not looked at."""
        name = str(item["id"])
        if leaf.attachment:
            return decoded(str((await self.api.attachment(name, leaf.attachment)).get("data") or ""))
        return at(await self.api.message(name, format="full", fields=payload_at(len(leaf.path))), leaf.path)

    async def identities(self, names: Sequence[str], since: datetime) -> list[tuple[str, str]]:
        """(id, Message-ID) of those messages received since then that have one."""
        how = {"format": "metadata", "fields": HEADER, "metadataHeaders": ["Message-ID"]}
        found: list[tuple[str, str]] = []
        for name, item in (await self.api.messages(names, **how)).items():
            if isinstance(item, GoogleError) or labels(item) & (self.excluded | NEVER) or received(item) < since:
                continue
            if its := message_id(header(item)):
                found.append((name, its))
        return found


def _is_gone(error: MailboxError) -> bool:
    """Deleted meanwhile."""
    return isinstance(error, GoogleError) and error.status == 404


def excluded_ids(names: Collection[str], known: Sequence[Mapping[str, Any]]) -> tuple[frozenset[str], tuple[str, ...]]:
    """Ids of labels by id or name, and the names that no label has."""
    ids = {str(one["id"]).lower(): str(one["id"]) for one in known}
    by_name = {str(one.get("name", "")).lower(): str(one["id"]) for one in known}
    found = {name: ids.get(name.lower()) or by_name.get(name.lower()) for name in names}
    return (
        frozenset(one for one in found.values() if one),
        tuple(name for name, one in found.items() if not one),
    )
