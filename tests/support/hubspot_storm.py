"""A storm over HubSpot: its people work, its API fails, the daemon restarts; then what was read is compared."""

from __future__ import annotations

import random
from contextlib import aclosing
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from aiohttp import web

from inboxwatch.connector import MailboxError, Reason
from inboxwatch.testing import Mirror, Record
from tests.doubles.https_server import Fault
from tests.doubles.hubspot import HubSpotServer
from tests.support.hubspot_records import HubSpotRecords

STEPS = 14


@dataclass
class HubSpotStorm:
    """One seed's world."""

    server: HubSpotServer
    chance: random.Random
    mirror: Mirror = field(default_factory=Mirror)
    made: int = 0
    told: dict[str, set[Any]] = field(default_factory=dict)
    """What was said of each activity: one that has two keys, times or kinds is counted twice."""

    def __post_init__(self) -> None:
        self.records = HubSpotRecords(self.server, self.chance.choice([2, 7, 50]))
        self.server.association_page = self.chance.choice([1, 500])

    def fault(self, request: web.Request) -> Fault | None:
        if self.chance.random() > 0.08:
            return None
        return self.chance.choice(
            [
                Fault(429, "{}", {"Retry-After": "0"}),
                Fault(429, '{"message": "secondly", "policyName": "SECONDLY"}'),
                Fault(429, '{"message": "daily", "policyName": "DAILY"}'),
                Fault(500, '{"message": "internal error"}'),
                Fault(502, "<html>Bad Gateway</html>"),
                Fault(503, "", {"Retry-After": "0"}),
                Fault(401, '{"message": "expired"}'),
                Fault(cut=0.0),
                Fault(cut=0.5),
            ]
        )

    def people_work(self) -> None:
        """Somebody does something, between two pages or two looks."""
        contacts = [key for key, one in self.server.records["contacts"].items() if not one.archived]
        deals = [key for key, one in self.server.records["deals"].items() if not one.archived]
        deed, now = self.chance.random(), self.server.clock
        some = self.chance.choice(contacts) if contacts else ""
        if deed < 0.3 or len(contacts) < 3:
            for _ in range(self.chance.choice([1, 1, 2, 30])):
                self.records.add(self._person())
        elif deed < 0.55:
            self.records.change(some, self._person())
        elif deed < 0.6:
            for key in contacts:  # a mass update: one time for all
                self.server.change("contacts", key, {"company": f"Co {self.made}"}, now)
        elif deed < 0.66:
            self.chance.choice([self.records.delete, self.records.purge])(some)
        elif deed < 0.72:
            self.server.merge(*self.chance.sample(contacts, 2))
        elif deed < 0.82:
            at = now - timedelta(minutes=self.chance.randrange(90))
            self.records.log(some, "call" if self.chance.random() < 0.5 else "meeting", at, "ana@acme.test")
        elif deed < 0.88:
            self.records.open_opportunity(some, now)
        elif deed < 0.94 and deals:
            self.records.close_opportunity(self.chance.choice(deals), self.chance.random() < 0.5, now)
        elif deals:
            self.records.delete_opportunity(self.chance.choice(deals))
        if self.server.owners and self.chance.random() < 0.05:
            self.chance.choice([*self.server.owners.values()]).archived = True

    def _person(self) -> Record:
        self.made += 1
        email = "" if self.chance.random() < 0.1 else f"p{self.made}@buyer.test"
        return Record(email, f"Pat {self.made}", owner=self.chance.choice(["", "ana@acme.test", "max@acme.test"]))

    async def look(self, *, hasty: bool) -> None:
        """A look by a fresh feed; a hasty one may be cut off after any batch, which is kept or is not."""
        feed = self.records.feed()
        try:
            async with aclosing(feed.changes(self.mirror.cursor)) as batches:  # type: ignore[type-var]  # by duck
                async for batch in batches:
                    if hasty and self.chance.random() < 0.1:
                        return
                    self.mirror.take([batch])
                    for one in batch.activities:
                        self.told.setdefault(one.id, set()).add((one.type, one.at))
        except MailboxError as error:
            assert hasty, f"{error}"
            assert error.reason is not Reason.PROTOCOL, error
        finally:
            await feed.aclose()

    async def live(self) -> str:
        """The whole storm; returns what went wrong."""
        self.server.on_answer = lambda *told: self.people_work() if self.chance.random() < 0.2 else None
        self.server.server.fault = self.fault
        for _ in range(STEPS):
            self.people_work()
            self.server.ahead += timedelta(seconds=self.chance.choice([0, 10, 60, 300, 4000, 90_000]))
            await self.look(hasty=True)
        self.server.on_answer = lambda *told: None
        self.server.server.fault = lambda request: None
        for pause in (self.records.settle, self.records.let_a_day_pass, self.records.settle):
            pause()
            await self.look(hasty=False)
            await self.look(hasty=False)
        return self.wrong()

    def wrong(self) -> str:
        """What the store would not have as HubSpot has it."""
        contacts = {key: one for key, one in self.server.records["contacts"].items() if not one.archived}
        want = {key: one.properties["email"] for key, one in contacts.items() if one.properties["email"]}
        if self.mirror.leads != want:
            return f"leads: {sorted(set(want.items()) ^ set(self.mirror.leads.items()))[:6]}"
        names = {key: f"{one.properties['firstname']} {one.properties['lastname']}" for key, one in contacts.items()}
        if wrong := [key for key, row in self.mirror.rows.items() if row.lead.name != names[key]]:
            return f"names of {wrong[:6]}"
        deals = {key: one for key, one in self.server.records["deals"].items() if not one.archived}
        won = {(key, its): _became(one.properties) for key, one in deals.items() for its in one.contacts if its in want}
        have = {(one, self._now(key)): what.what for (one, key), what in self.mirror.outcomes.items()}
        if won != (have := {pair: what for pair, what in have.items() if pair[1] in want}):
            return f"outcomes: {sorted(set(won.items()) ^ set(have.items()))[:6]}"
        logged = {f"{kind[:-1]}-{key}" for kind in ("calls", "meetings") for key in self.server.records[kind]
                  if any(its in want for its in self.server.records[kind][key].contacts)}  # fmt: skip
        if lost := logged - self.mirror.activities.keys():
            return f"activities lost: {sorted(lost)[:6]}"
        twice = [name for name, said in self.told.items() if len(said) > 1 or name.count("-") > 1]
        return f"activities twice: {twice[:6]}" if twice else ""

    def _now(self, key: str) -> str:
        """Which record goes on in the place of one."""
        while key in self.mirror.into:
            key = self.mirror.into[key]
        return key


def _became(deal: dict[str, str]) -> str:
    if deal["hs_is_closed"] != "true":
        return "opportunity"
    return "won" if deal["hs_is_closed_won"] == "true" else "lost"
