"""Leads of a Salesforce org: looks for changes by keyset pages, and once a day at all that is there."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from hashlib import blake2b
from typing import ClassVar, TypeAlias

from connectors.leads.json_api import JsonApi, in_time
from connectors.leads.lead_columns import plain
from connectors.leads.salesforce import grant
from connectors.leads.salesforce.client import QueryPage, SalesforceClient
from connectors.leads.salesforce.position import LookUnderWay, SalesforcePosition, decode, encode
from connectors.leads.salesforce.queries import literal, owners, questions
from connectors.leads.salesforce.records import INACTIVE, BatchContent, Record, RecordReader, instant, value
from connectors.leads.salesforce.settings import SalesforceSettings
from inboxwatch import now as present
from inboxwatch.connector import Context, Cursor, MailboxError, Probe, Reason, Settings
from inboxwatch.lead_feed import LeadBatch

PAGE = 2000
"""Records of one answer at most; the server's own limit."""
OVERLAP = timedelta(minutes=5)
"""Read again each time: a transaction that commits late has the time stamp of its beginning."""
_DAILY = timedelta(days=1)
_COMPLETE = timedelta(days=7)
"""After so long a whole pass reads whole records: changed accounts and formulas leave no time stamp."""
_OWNERS = timedelta(hours=1)
"""Other people among our users: whole records are read again, but not more often than this."""
_BUSY, _FULL = 0.8, 0.95
"""Shares of the org's API calls. Above the first we look less often, above the second not at all."""
_SLOWER = 5
_LATER = 900.0
_LEAST = 20
"""Records that a page is cut down to at most where queries run out of time."""
_LONG = 40.0
"""Seconds after which a batch is given with what it has."""

_Ask: TypeAlias = Callable[[int], str]
"""The query for a page of so many records."""


class Salesforce:
    """The lead feed `salesforce`."""

    settings: ClassVar[type[Settings]] = SalesforceSettings

    def __init__(self, settings: SalesforceSettings, context: Context, page: int = PAGE) -> None:
        """`page`: records of an answer, and about that many of a batch."""
        self._settings = settings
        self._name = context.name
        self._page = page
        self._asked = questions(settings)
        self._api = JsonApi(settings)
        self._client = SalesforceClient(settings, self._api)
        self._limits: dict[str, int] = {}
        """Of pages that ran out of time, by what they are of: a hint only, which each look forgets by half."""

    @property
    def every(self) -> timedelta:
        """See LeadFeed; longer while the org's API calls run short."""
        return self._settings.pause * (_SLOWER if self._share > _BUSY else 1)

    @property
    def requests(self) -> int:
        """HTTP requests so far."""
        return self._api.requests

    @property
    def _share(self) -> float:
        used, allowed = self._client.used or (0, 0)
        return used / allowed if allowed else 0.0

    async def changes(self, cursor: Cursor | None) -> AsyncIterator[LeadBatch]:
        """See LeadFeed."""
        self._limits = {name: 2 * limit for name, limit in self._limits.items() if 2 * limit < self._page}
        people, at = await in_time(self._owners(), "reading users")
        position, begins = self._begun(decode(cursor), people, at)
        reader = RecordReader(self._asked, self._name, people)
        while True:
            found, position, whole = await in_time(self._filled(reader, position), "reading changes")
            yield found.batch(encode(position), self._facts(), begins=begins, whole=whole)
            if position.look is None:
                return
            begins = False

    async def probe(self) -> Probe:
        """See LeadFeed."""
        return await in_time(grant.probe(self._client, self._asked, self._facts), "looking at what may be read")

    async def aclose(self) -> None:
        """See LeadFeed."""
        await self._api.aclose()

    def _facts(self) -> tuple[tuple[str, str], ...]:
        if self._client.used is None:
            return ()
        used, allowed = self._client.used
        slower = "; asked less often" if self._share > _BUSY else ""
        return (("API calls of the last 24 hours", f"{used:,} of {allowed:,} ({self._share:.0%}){slower}"),)

    async def _owners(self) -> tuple[Mapping[str, str], datetime]:
        """Addresses of our people by Id, and the server's time."""
        found: dict[str, str] = {}
        last, at = "", None
        while True:
            page, over = await self._read("users", lambda limit: owners(last, limit), "reading users")  # noqa: B023
            at = at or page.at or present.now()
            found |= {str(one["Id"]): _address(one) for one in page.records}
            if over:
                break
            last = str(page.records[-1]["Id"])
        if self._share > _FULL:
            raise MailboxError(
                Reason.RATE_LIMITED,
                f"of the org's API calls {self._share:.0%} are used up: the rest is left to others",
                hint="look less often (`every`), or find who else uses them (Setup, System Overview)",
                retry_after=_LATER,
            )
        return found, at

    def _begun(
        self, position: SalesforcePosition, people: Mapping[str, str], at: datetime
    ) -> tuple[SalesforcePosition, bool]:
        """The position with a look under way, and whether that begins a whole pass."""
        known = blake2b(repr(sorted(people.items())).encode(), digest_size=8).hexdigest()
        asked = self._asked.digest
        if position.look is not None and position.asked == asked:
            return position, False
        anew = position.asked != asked
        if anew:  # the first time, or with other settings
            position = SalesforcePosition(until=position.until)
        records = _due(position.complete, _COMPLETE, at) or (
            known != position.owners and _due(position.complete, _OWNERS, at)
        )
        patience = _DAILY * (2 if self._share > _BUSY else 1)
        passing = records or _due(position.passed, patience, at)
        now = literal(at)
        return replace(
            position,
            asked=asked,
            owners=known if records else position.owners,
            passed=now if passing else position.passed,
            complete=now if records else position.complete,
            look=LookUnderWay(now, passing, records, anew),
        ), passing

    async def _filled(
        self, reader: RecordReader, position: SalesforcePosition
    ) -> tuple[BatchContent, SalesforcePosition, bool]:
        """One batch, the position behind it, and whether it ends a whole pass."""
        clock = asyncio.get_running_loop().time
        began, found = clock(), BatchContent()
        while position.look is not None and len(found) < self._page and clock() - began < _LONG:
            look = position.look
            if look.passing and look.passed < len(self._asked.passes):
                look = await self._passed(reader, look, found)
            elif look.stream < len(self._asked.streams) and self._asked.streams[look.stream].first and not look.anew:
                look = replace(look, stream=look.stream + 1)
            elif look.stream < len(self._asked.streams):
                look = await self._streamed(reader, position, look, found)
            else:
                until = literal(_instant(look.at) - OVERLAP)
                return found, replace(position, until=until, look=None), look.passing
            position = replace(position, look=look)
        return found, position, False

    async def _passed(self, reader: RecordReader, look: LookUnderWay, found: BatchContent) -> LookUnderWay:
        """Reads a page of a whole pass."""
        sobject = self._asked.passes[look.passed]
        page, over = await self._read(
            f"all of {sobject}",
            lambda limit: self._asked.whole(sobject, look.last, limit, records=look.records),
            f"reading all of {sobject}",
        )
        for record in page.records:
            if look.records:
                reader.person(found, sobject, record)
            else:
                found.present.append(str(record["Id"]))
        if over:
            return replace(look, passed=look.passed + 1, last="")
        return replace(look, last=str(page.records[-1]["Id"]))

    async def _streamed(
        self, reader: RecordReader, position: SalesforcePosition, look: LookUnderWay, found: BatchContent
    ) -> LookUnderWay:
        """Reads a page of what has changed."""
        stream = self._asked.streams[look.stream]
        first = stream.begin(_instant(look.at) - OVERLAP)
        if position.until and not (look.anew and stream.reaches_back):
            first = position.until
        after = (look.since or first, look.after)
        page, over = await self._read(
            stream.name,
            lambda limit: self._asked.page(stream, after, look.at, limit),
            f"reading {stream.sobject}",
        )
        reader.take(found, stream, page.records)
        if over:
            return replace(look, stream=look.stream + 1, since="", after="")
        last = page.records[-1]
        stamp = instant(value(last, stream.stamp))
        if stamp is None:
            raise MailboxError(Reason.PROTOCOL, f"reading {stream.sobject}: a record has no {stream.stamp}")
        return replace(look, since=literal(stamp), after=str(last["Id"]))

    async def _read(self, name: str, ask: _Ask, doing: str) -> tuple[QueryPage, bool]:
        """A page, cut down where the server runs out of time, and whether it is the last."""
        while True:
            limit = min(self._limits.get(name, self._page), self._page)
            try:
                page = await self._client.query(ask(limit), doing)
            except MailboxError as error:
                if error.reason is not Reason.TIMEOUT or limit <= _LEAST:
                    raise
                self._limits[name] = max(_LEAST, limit // 2)
                continue
            return page, (page.done and len(page.records) < limit) or not page.records


def _address(user: Record) -> str:
    left = "" if user.get("IsActive") else INACTIVE
    return f"{plain(user.get('Email')).lower()}{left}"


def _instant(text: str) -> datetime:
    found = instant(text)
    assert found is not None  # noqa: S101  (what a cursor of ours holds)
    return found


def _due(since: str, span: timedelta, at: datetime) -> bool:
    return not since or _instant(since) + span <= at
