"""Known leads in HubSpot: a whole pass a day by lists, changes in between by searches in closed windows."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any, ClassVar

from connectors.leads.hubspot import records
from connectors.leads.hubspot.api import PAGE, SCOPES, HubSpotApi, Page, ScopeError, window_filters
from connectors.leads.hubspot.position import (
    ARCHIVED,
    CALLS,
    CONTACTS,
    DEALS,
    MEETINGS,
    HubSpotPosition,
)
from connectors.leads.hubspot.settings import HubSpotSettings
from connectors.leads.json_api import in_time
from inboxwatch.connector import Context, Cursor, Probe, Row, Settings
from inboxwatch.lead_feed import LeadBatch, LeadOutcome, LoggedActivity

_MODIFIED = {CONTACTS: "lastmodifieddate"}
"""Contacts have a name of their own for what all others call `hs_lastmodifieddate`."""
_HELD_AT = "hs_timestamp"
_SMALLER = (
    "in HubSpot: Development > Keys > Service keys > Create service key, with the scopes "
    + ", ".join(SCOPES)
    + " alone; put the key where `token` is read from, then delete the old one"
)


@dataclass(slots=True)
class _Found:
    """What a step has read so far."""

    rows: list[Row] = field(default_factory=list)
    gone: list[str] = field(default_factory=list)
    merged: list[tuple[str, str]] = field(default_factory=list)
    activities: list[LoggedActivity] = field(default_factory=list)
    outcomes: list[LeadOutcome] = field(default_factory=list)
    dropped: list[str] = field(default_factory=list)
    refused: list[tuple[str, str]] = field(default_factory=list)
    facts: list[tuple[str, str]] = field(default_factory=list)

    @property
    def size(self) -> int:
        records = len(self.rows) + len(self.gone) + len(self.dropped)
        return records + len(self.activities) + len(self.outcomes)

    def batch(self, at: HubSpotPosition) -> LeadBatch:
        return LeadBatch(
            at.encoded(), tuple(self.rows), tuple(self.gone), tuple(self.merged), tuple(self.activities),
            tuple(self.outcomes), tuple(self.dropped), refused=tuple(self.refused), facts=tuple(self.facts),
        )  # fmt: skip


class HubSpot:
    """The lead source `hubspot`."""

    settings: ClassVar[type[Settings]] = HubSpotSettings
    rates: ClassVar[tuple[float, float]] = (3.0, 8.0)
    """Searches, and other requests, a second: HubSpot allows 4 or 5 searches, and 100 requests of all kinds in ten
    seconds, to all apps of an account."""

    def __init__(self, settings: HubSpotSettings, context: Context) -> None:
        self._settings = settings
        self._source = context.name
        self._size = context.reading.batch_size
        self._page = min(PAGE, self._size)
        self._properties = records.contact_properties(settings.columns)
        self._api = HubSpotApi(settings, *self.rates)

    @property
    def every(self) -> timedelta:
        """See LeadFeed."""
        return self._settings.pause

    @property
    def requests(self) -> int:
        """Sent so far."""
        return self._api.requests

    def changes(self, cursor: Cursor | None) -> AsyncIterator[LeadBatch]:
        """See LeadFeed."""
        return self._changes(HubSpotPosition.decoded(cursor))

    async def _changes(self, at: HubSpotPosition) -> AsyncGenerator[LeadBatch, None]:
        owners = await in_time(self._api.owners(), "listing owners")
        if not at.stage:
            at = at.begin(self._api.now)
        while at.stage:
            begins, whole = at.first, at.whole
            found, at = await in_time(self._step(at, owners), f"reading {at.stage}")
            yield replace(found.batch(at), begins=begins, whole=whole and not at.stage)

    async def _step(self, at: HubSpotPosition, owners: Mapping[str, str]) -> tuple[_Found, HubSpotPosition]:
        """Reads pages until there is a batch, or the look is at its end."""
        found = _Found()
        while at.stage and found.size < self._size:
            try:
                page = await self._asked(at)
                await self._take(at.stage, page, owners, found)
                if at.stage == DEALS:
                    found.facts = self._seen("read")
            except ScopeError as error:
                if at.stage not in (DEALS, ARCHIVED):
                    raise
                # Leads are worth having without their deals; those are read from where they were once they may be.
                found.facts = self._seen(str(error))
                at = at.skipped()
                continue
            at = replace(at, after=page.after) if page.after else at.next_stage()
        return found, at

    def _seen(self, deals: str) -> list[tuple[str, str]]:
        """What operators see of the account: told in every look, for it stands until it is told anew."""
        used = [("requests", self._api.used)] if self._api.used else []
        return [*used, ("deals", deals)]

    async def _asked(self, at: HubSpotPosition) -> Page:
        """The next page of a stage. That of a search begins behind the greatest id."""
        kind = DEALS if at.stage == ARCHIVED else at.stage
        properties = self._wanted(kind)
        if at.whole and at.stage in (CONTACTS, DEALS, ARCHIVED):
            return await self._api.listed(kind, properties, at.after, self._page, at.stage == ARCHIVED)
        start, to = at.window(kind)
        modified = _MODIFIED.get(kind, "hs_lastmodifieddate")
        groups = [window_filters(modified, start, to, at.after)]
        if kind in (CALLS, MEETINGS):  # what was entered ahead of its time is due when that has come
            groups.append(window_filters(_HELD_AT, start, to, at.after))
        page = await self._api.searched(kind, properties, groups, self._page)
        last = str(page.results[-1]["id"]) if len(page.results) == self._page else ""
        return Page(page.results, last)

    def _wanted(self, kind: str) -> tuple[str, ...]:
        return {CONTACTS: self._properties, DEALS: records.DEAL, CALLS: records.CALL, MEETINGS: records.MEETING}[kind]

    async def _take(self, stage: str, page: Page, owners: Mapping[str, str], found: _Found) -> None:
        if stage == CONTACTS:
            for one in page.results:
                self._take_contact(str(one["id"]), one.get("properties") or {}, owners, found)
            return
        ids = [str(one["id"]) for one in page.results]
        if stage == ARCHIVED:
            found.dropped += ids
            return
        contacts = await self._api.contacts_of(stage, ids) if ids else {}
        for key, one in zip(ids, page.results, strict=True):
            properties, people = one.get("properties") or {}, contacts.get(key, [])
            if stage == DEALS:
                found.outcomes += records.deal_outcomes(key, properties, people)
            else:
                kind: Any = "call" if stage == CALLS else "meeting"
                logged = records.activities(kind, key, properties, people, owners)
                found.activities += [one for one in logged if one.at <= self._api.now]

    def _take_contact(self, key: str, properties: Mapping[str, Any], owners: Mapping[str, str], found: _Found) -> None:
        found.merged += records.merged_into(key, properties)
        if not properties.get("email"):
            found.gone.append(key)
            return
        try:
            found.rows.append(records.contact_row(key, properties, self._settings.columns, self._source, owners))
        except ValueError as error:
            found.gone.append(key)
            found.refused.append((f"{self._source}: contact {key}", str(error)))

    async def probe(self) -> Probe:
        """See LeadFeed."""
        owners = await self._api.owners()
        contacts = await self._api.listed(CONTACTS, self._properties, "", 1)
        missing: list[str] = []
        for kind in (DEALS, CALLS, MEETINGS):
            try:
                await self._api.searched(kind, self._wanted(kind), (), 1)
            except ScopeError as error:
                missing.append(str(error))
        facts = [("contacts", "yes" if contacts.results else "none"), ("owners", str(len(owners)))]
        facts += [("requests", self._api.used)] if self._api.used else []
        scopes = await self._api.scopes()
        if scopes is None:
            facts.append(("scopes", "HubSpot does not tell those of this kind of key"))
            return Probe(facts=tuple(facts), warnings=tuple(missing))
        facts.append(("scopes", ", ".join(sorted(scopes)) or "none"))
        warnings = [f"the token lacks {one}" for one in SCOPES if one not in scopes] or missing
        if more := sorted(scopes - {*SCOPES, "oauth"}):
            writes = [one for one in more if not one.endswith(".read")]
            could = f"could write ({', '.join(writes)})" if writes else f"reads more than is needed ({', '.join(more)})"
            warnings.append(f"the token {could}; the smaller grant, {_SMALLER}")
        return Probe(facts=tuple(facts), warnings=tuple(warnings))

    async def aclose(self) -> None:
        """See LeadFeed."""
        await self._api.aclose()
