"""Whatever an org's people, its API, the network and the daemon's restarts do: no lead is lost, and none told twice."""

from __future__ import annotations

import random
from collections.abc import Callable
from contextlib import aclosing
from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta
from pathlib import Path

import pytest
from aiohttp import web

from connectors.leads.salesforce import Salesforce
from inboxwatch.connector import Cursor, MailboxError, Reason
from inboxwatch.engine.lead_feeds import take_batch
from inboxwatch.lead_feed import LeadBatch
from inboxwatch.testing.mirror import Mirror
from tests.doubles.https_server import Fault
from tests.doubles.salesforce import FAULTS, SalesforceOrg
from tests.support.engine import Engine
from tests.support.in_process_daemon import InProcessDaemon
from tests.support.lead_feeds import Feeds
from tests.support.salesforce_records import feed

STEPS = 8
QUEUE = "00G000000000001AAA"


@dataclass
class OrgInStorm:
    """An org with its people, and how it may fail."""

    chance: random.Random
    org: SalesforceOrg = field(default_factory=SalesforceOrg)
    number: int = 0
    merged: dict[str, str] = field(default_factory=dict)
    """In whose place who goes on."""
    early: set[str] = field(default_factory=set)
    """Who was merged before anybody looked, and was never known."""

    def __post_init__(self) -> None:
        self.owners = [self.org.user(f"user{number}@acme.test") for number in range(4)] + [QUEUE]
        self.deeds: list[Callable[[], None]] = [
            self.add, self.add, self.add_many, self.change, self.rename, self.lose_address, self.delete, self.restore,
            self.purge, self.merge, self.convert, self.open, self.close, self.drop, self.call, self.meet, self.leave,
        ]  # fmt: skip

    def some(self, sobject: str, **wanted: object) -> str | None:
        """Any record that is as wanted, and not in the recycle bin."""
        wanted = {"IsDeleted": False, **wanted}
        found = [
            name
            for name, record in self.org.records[sobject].items()
            if all(record[column] == value for column, value in wanted.items())
        ]
        return self.chance.choice(found) if found else None

    def person(self) -> str | None:
        kind = self.chance.choice(["Lead", "Contact"])
        return self.some("Lead", IsConverted=False) if kind == "Lead" else self.some("Contact")

    def stamp(self) -> datetime:
        """Of a change that becomes visible now: as a transaction may have begun before."""
        return self.org.now - timedelta(seconds=self.chance.choice([0, 0, 0, 20, 240]))

    def add(self) -> None:
        self.number += 1
        kind = self.chance.choice(["Lead", "Contact"])
        address = self.chance.choice([f"P{self.number}@buyer.test", f"p{self.number}@buyer.test", None])
        owner = self.chance.choice(self.owners)
        self.org.put(kind, Email=address, Name=f"N {self.number}", OwnerId=owner, SystemModstamp=self.stamp())

    def add_many(self) -> None:
        """As an import does: all of one time stamp."""
        at = self.stamp()
        for _ in range(self.chance.randrange(12, 25)):
            self.number += 1
            self.org.put("Lead", Email=f"p{self.number}@buyer.test", SystemModstamp=at)

    def change(self) -> None:
        if name := self.person():
            owner = self.chance.choice(self.owners)
            self.org.change(name, Name=f"N {self.number}", OwnerId=owner, SystemModstamp=self.stamp())

    def rename(self) -> None:
        self.number += 1
        if name := self.person():
            self.org.change(name, Email=f"new{self.number}@buyer.test")

    def lose_address(self) -> None:
        if name := self.person():
            self.org.change(name, Email=self.chance.choice([None, "by phone only"]))

    def delete(self) -> None:
        if name := self.person():
            self.org.delete(name)

    def restore(self) -> None:
        if name := self.some("Lead", IsDeleted=True, MasterRecordId=None, IsConverted=False):
            self.org.change(name, IsDeleted=False)

    def purge(self) -> None:
        if name := self.person():
            self.org.delete(name)
            self.org.purge(name)

    def merge(self) -> None:
        kind, only = self.chance.choice([("Lead", {"IsConverted": False}), ("Contact", {})])
        first, second = self.some(kind, **only), self.some(kind, **only)
        if first and second and first != second:
            self.org.merge(first, second)
            self.merged[first] = second

    def convert(self) -> None:
        if name := self.some("Lead", IsConverted=False):
            self.merged[name] = self.org.convert(name, opportunity=self.chance.random() < 0.6)

    def open(self) -> None:
        if name := self.some("Contact"):
            self.org.open(name)

    def close(self) -> None:
        if name := self.some("Opportunity"):
            closed = self.chance.random() < 0.8
            self.org.change(name, IsClosed=closed, IsWon=closed and self.chance.random() < 0.5)

    def drop(self) -> None:
        if name := self.some("Opportunity"):
            self.org.delete(name)

    def call(self) -> None:
        if name := self.person():
            done = self.chance.random() < 0.8
            self.org.put("Task", WhoId=name, IsClosed=done, CompletedDateTime=self.org.now, SystemModstamp=self.stamp())

    def meet(self) -> None:
        if name := self.person():
            begins = self.org.now + timedelta(minutes=self.chance.choice([-90, 10, 600]))
            self.org.put("Event", WhoId=name, StartDateTime=begins, EndDateTime=begins + timedelta(minutes=30))

    def leave(self) -> None:
        if self.chance.random() < 0.3 and (name := self.some("User", IsActive=True)) and name != self.org.reader:
            self.org.change(name, IsActive=False)

    def live(self, most: int = 6) -> None:
        """Something happens in the org, and time passes."""
        for _ in range(self.chance.randrange(most)):
            self.chance.choice(self.deeds)()
        self.org.ahead += self.chance.choice([timedelta(0), timedelta(seconds=40), timedelta(minutes=7)])

    def trouble(self) -> None:
        """Something happens to the server."""
        self.org.ahead += self.chance.choice([timedelta(0), timedelta(0), timedelta(0), timedelta(hours=25)])
        self.org.page = self.chance.choice([2000, 3])
        if self.chance.random() < 0.3:
            self.org.tokens.clear()
        if self.chance.random() < 0.15:
            self.org.server.kill()
        else:
            self.org.server.up()

    def fault(self, request: web.Request) -> Fault | None:
        if self.chance.random() < 0.02:
            self.org.tokens.clear()
        return self.chance.choice(list(FAULTS.values())) if self.chance.random() < 0.05 else None

    def between_pages(self, soql: str) -> None:
        if self.chance.random() < 0.05:
            self.live(2)

    def stormy(self, *, on: bool) -> None:
        self.org.server.fault = self.fault if on else (lambda request: None)
        self.org.answered = self.between_pages if on else (lambda soql: None)
        if not on:
            self.org.server.up()

    # What is true at the end.

    def leads(self) -> dict[str, tuple[str, str, str]]:
        """Address, name and owner's address of everybody, by Id."""
        users = self.org.records["User"]
        owners: dict[str | None, str] = {QUEUE: "queue Inbound", None: ""}
        owners |= {name: user["Email"] + ("" if user["IsActive"] else " (inactive)") for name, user in users.items()}
        return {
            name: (one["Email"].lower(), one["Name"] or "", owners[one["OwnerId"]])
            for sobject in ("Lead", "Contact")
            for name, one in self.org.records[sobject].items()
            if not one["IsDeleted"] and not one.get("IsConverted") and "@" in (one["Email"] or "")
        }

    def outcomes(self) -> dict[tuple[str, str], tuple[str, datetime]]:
        """What became of each opportunity, and when, for each of its contacts."""
        found = {}
        for role in self.org.records["OpportunityContactRole"].values():
            deal = self.org.records["Opportunity"][role["OpportunityId"]]
            if not role["IsDeleted"] and not deal["IsDeleted"]:
                ended = datetime.combine(deal["CloseDate"], time(23, 59, 59), UTC)
                state = ("won" if deal["IsWon"] else "lost", ended) if deal["IsClosed"] else None
                found[role["OpportunityId"], role["ContactId"]] = state or ("opportunity", deal["CreatedDate"])
        return found

    def activities(self) -> dict[str, datetime]:
        """When each call and meeting was held."""
        tasks, events = self.org.records["Task"], self.org.records["Event"]
        over = {name: one["StartDateTime"] for name, one in events.items() if one["EndDateTime"] < self.org.now}
        return {name: one["CompletedDateTime"] for name, one in tasks.items() if one["IsClosed"]} | over


@dataclass
class Stored:
    """The store of a daemon that takes over the same batches."""

    engine: Engine

    def take(self, batch: LeadBatch, expected: Cursor | None, now: datetime) -> None:
        taken = self.engine.write(take_batch, self.engine.rules, "crm", batch, expected, now)
        assert taken is not None, "nobody else moves the position"

    def told_apart(self, mirror: Mirror) -> dict[str, object]:
        """Where the store holds something else than the plainest reader."""
        with self.engine.store.reading() as tx:
            rows = [row for row in tx.lead_rows.of_sources(["crm"]) if row.merged_into is None]
            outcomes = tx.outcomes.of_rows(row.id for row in rows)
            leads = {str(lead.id) for lead in tx.leads.all()}
        held = {row.id.key: (str(row.given.lead.id), row.owner) for row in rows}
        came_to = {(one.id, one.key): (one.what, one.at) for one in outcomes}
        true = {key: (str(row.lead.id), row.owner) for key, row in mirror.rows.items()}
        known = {both: (one.what, one.at) for both, one in mirror.outcomes.items() if both[1] in true}
        return {
            "stored rows": _difference(true, held),
            "leads": sorted(leads ^ {email for email, _ in true.values()}),
            "stored outcomes": _difference(known, {both: came_to.get(both) for both in known}),
        }


@dataclass
class CrmReader:
    """Reads as the daemon does: a batch and its cursor are kept together, or not at all."""

    world: OrgInStorm
    mirror: Mirror = field(default_factory=Mirror)
    stored: Stored | None = None
    crm: Salesforce | None = None

    async def look(self, *, hasty: bool) -> MailboxError | None:
        """One look; a hasty one may stop anywhere, and the daemon may restart before it."""
        chance = self.world.chance
        if self.crm is None or (hasty and chance.random() < 0.2):
            await self.close()
            self.crm = feed(self.world.org, page=chance.choice([5, 20, 2000]))
        try:
            async with aclosing(self.crm.changes(self.mirror.cursor)) as batches:  # type: ignore[type-var]  # by duck
                async for batch in batches:
                    if hasty and chance.random() < 0.1:
                        return None
                    if self.stored is not None:
                        self.stored.take(batch, self.mirror.cursor, self.world.org.now)
                    self.mirror.take([batch])
        except MailboxError as error:
            assert error.reason not in (Reason.PROTOCOL, Reason.CLIENT), error  # the network is bad, the server is not
            return error
        return None

    async def close(self) -> None:
        if self.crm is not None:
            await self.crm.aclose()


async def storm(seed: int, stored: Stored | None = None) -> str:
    """Lives through a storm; returns what went wrong."""
    world = OrgInStorm(random.Random(seed))
    try:
        return await _storm(world, stored)
    finally:
        world.org.close()


async def _storm(world: OrgInStorm, stored: Stored | None) -> str:
    reader = CrmReader(world, stored=stored)
    for _ in range(3):
        world.live()
    world.early = set(world.merged)
    await reader.look(hasty=False)
    world.stormy(on=True)
    for _ in range(STEPS):
        world.live()
        world.trouble()
        await reader.look(hasty=True)
    world.stormy(on=False)
    await reader.look(hasty=False)  # connections that the storm ended may show now
    failed = []
    for _ in range(2):
        world.org.ahead += timedelta(hours=49)
        failed.append(await reader.look(hasty=False))
    await reader.close()
    told = told_apart(world, reader.mirror, [str(one) for one in failed if one])
    told |= stored.told_apart(reader.mirror) if stored is not None else {}
    return "; ".join(f"{what}: {which}" for what, which in told.items() if which)


def told_apart(world: OrgInStorm, mirror: Mirror, failed: list[str]) -> dict[str, object]:
    """What the feed told that is not so, and what it did not tell."""
    leads = {key: (str(row.lead.id), row.lead.name, row.owner) for key, row in mirror.rows.items()}
    held = {name: one.at for name, one in mirror.activities.items()}
    # What a merged contact had stays with its key, which is the other's now; a conversion has no role.
    outcomes = {both: (one.what, one.at) for both, one in mirror.outcomes.items()}
    true = world.outcomes()
    known = {*true, *(both for both in outcomes if both[0] in mirror.into or both[1] not in leads)}
    purged = {name for name in world.merged if name not in world.org.records[world.org.kind(name)]}
    untold = (world.early | purged) - mirror.into.keys()
    return {
        "leads": _difference(world.leads(), leads),
        "activities": _difference(world.activities(), held),
        "outcomes": _difference(true, {both: one for both, one in outcomes.items() if both in true}),
        "outcomes of nobody": sorted(outcomes.keys() - known),
        "merged": _difference({one: into for one, into in world.merged.items() if one not in untold}, mirror.into),
        "failed in calm weather": failed,
    }


def _difference(true: dict[object, object] | dict, told: dict) -> dict:  # type: ignore[type-arg]
    return {key: (true.get(key), told.get(key)) for key in {*true, *told} if true.get(key) != told.get(key)}


@pytest.mark.parametrize("seed", range(20))
async def test_after_a_storm_of_faults_what_was_told_is_what_the_org_holds(seed: int) -> None:
    assert await storm(seed) == ""


@pytest.mark.parametrize("seed", [1000, 1001])
async def test_after_a_storm_of_faults_the_store_holds_what_the_org_holds(seed: int, tmp_path: Path) -> None:
    daemon = InProcessDaemon(tmp_path)
    assert await storm(seed, Stored(Feeds(daemon.engine, "crm").engine)) == ""


@pytest.mark.soak
async def test_soak_after_two_hundred_storms_what_was_told_is_what_the_org_holds() -> None:
    assert {seed: told for seed in range(200) if (told := await storm(seed))} == {}
