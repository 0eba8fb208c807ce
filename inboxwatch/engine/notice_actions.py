"""What people do to waits from Slack and by signed links: who pressed, whether they may, done once, told in words."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Literal, ParamSpec, Protocol, TypeVar
from zoneinfo import ZoneInfo

from sqlalchemy import Row

from inboxwatch.core.model import PersonId
from inboxwatch.core.ownership.people import Person
from inboxwatch.core.ownership.routing import Window
from inboxwatch.core.sla.timeline import Act, Deed
from inboxwatch.engine import Engine
from inboxwatch.engine import Refused as NotDone
from inboxwatch.engine.authority import concerned
from inboxwatch.engine.descriptions import describe
from inboxwatch.engine.lookup import Enquiry
from inboxwatch.engine.roster import roster
from inboxwatch.notify.actions import Actor, Answer, Candidate, Outcome, Refused
from inboxwatch.notify.text import when

if TYPE_CHECKING:
    from inboxwatch.store import Transaction

P = ParamSpec("P")
R = TypeVar("R")

AGAIN = timedelta(minutes=2)
"""Within this time the same deed of the same person is the same press, delivered twice."""


class House(Protocol):
    """The daemon as actions see it."""

    engine: Engine

    def now(self) -> datetime:
        """The present instant, UTC."""
        ...

    def run(self, unit: Callable[P, R], /, *args: P.args, **kwargs: P.kwargs) -> Awaitable[R]:
        """Does one unit of work on the engine's own thread."""
        ...

    def read(self, query: Callable[[Transaction], R], /) -> Awaitable[R]:
        """Asks on a consistent view of the store."""
        ...


class WaitActions:
    """`inboxwatch.notify.actions.Actions` on the engine."""

    def __init__(self, house: House) -> None:
        self._house = house

    async def acknowledge(self, clock: str, by: Actor, reason: str = "") -> Outcome:
        return await self._act(clock, by, Deed.ACKNOWLEDGED, reason)

    async def snooze(self, clock: str, by: Actor, length: timedelta, reason: str = "") -> Outcome:
        return await self._act(clock, by, Deed.SNOOZED, reason, until=self._house.now() + length)

    async def assign(self, clock: str, by: Actor, owner: str, reason: str = "") -> Outcome:
        return await self._act(clock, by, Deed.ASSIGNED, reason, owner=owner)

    async def dismiss(self, clock: str, by: Actor, reason: str = "") -> Outcome:
        return await self._act(clock, by, Deed.DISMISSED, reason)

    async def activity(
        self, clock: str, by: Actor, kind: Literal["call", "meeting", "other"], note: str = ""
    ) -> Outcome:
        return await self._act(clock, by, Deed.ACTIVITY, f"{kind}: {note}" if note else kind)

    async def candidates(self, clock: str, by: Actor) -> Sequence[Candidate]:
        person, now = self._person(by), self._house.now()

        def ask(tx: Transaction) -> Sequence[Candidate]:
            return self._candidates(tx, self._wait(tx, clock, person), now)

        return await self._house.read(ask)

    async def lookup(self, by: Actor, query: str) -> Answer:
        person, now = self._person(by), self._house.now()
        return await self._house.read(lambda tx: Enquiry(self._house.engine, tx, person, now).answer(query))

    def _person(self, by: Actor) -> Person:
        """The person of the config who pressed."""
        config = self._house.engine.config
        slack = next((one for one in config.people.values() if by.slack_id and one.slack_id == by.slack_id), None)
        known = config.us.person(by.email) if by.email else None
        found = config.people.get(PersonId(by.person)) or slack or (config.people[known] if known else None)
        if found is None:
            raise Refused("inboxwatch does not know you: ask its operator to add your address or Slack id to `people`.")
        return found

    def _wait(self, tx: Transaction, clock: str, person: Person) -> Row[Any]:
        """The wait, for somebody who may act on it."""
        row = tx.clocks.get(clock)
        if row is None:
            raise Refused("This wait is not known any more.")
        config = self._house.engine.config
        allowed = concerned(config, tx, row)
        if person.id not in allowed:
            owner = config.people[row.owner].name if row.owner in config.people else row.owner
            raise Refused(
                f"This wait is {owner}'s: only the owner, the team and its lead, the owner's manager, "
                "whoever was told of it, the fallback and admins may act on it."
            )
        return row

    async def _act(self, clock: str, by: Actor, deed: Deed, reason: str, **details: Any) -> Outcome:
        person = self._person(by)
        return await self._house.run(self._do, clock, person, deed, reason, details)

    def _do(self, clock: str, person: Person, deed: Deed, reason: str, details: dict[str, Any]) -> Outcome:
        """Acts, unless just this was just done; one unit of the engine's thread."""
        engine, now = self._house.engine, self._house.now()
        with engine.store.reading() as tx:
            row = self._wait(tx, clock, person)
            repeated = self._done_before(tx, row, person, deed, details.get("owner"), now)
        if not repeated:
            self._once(row, person, deed, reason, details, now)
        with engine.store.reading() as tx:
            row = tx.clocks.get(clock) or row
            return Outcome(describe(engine, tx, [row], now)[0], self._sentence(row, person, deed, reason))

    def _once(
        self, row: Row[Any], person: Person, deed: Deed, reason: str, details: dict[str, Any], now: datetime
    ) -> None:
        engine = self._house.engine
        if deed is Deed.ACTIVITY and row.state != "running":
            raise Refused(f"Nothing was done: the wait is over ({row.stop_reason}).")
        try:
            if deed is Deed.ACTIVITY:
                engine.log_activity(row.lead, person.id, now, reason, now)
            else:
                engine.act(row.id, deed, person.id, now, reason=reason, **details)
        except NotDone as refused:
            raise Refused(f"Nothing was done: {refused}.") from refused

    def _done_before(
        self, tx: Transaction, row: Row[Any], person: Person, deed: Deed, owner: str | None, now: datetime
    ) -> bool:
        """Whether the last thing that anybody did to the wait is this very deed, a moment ago."""
        people, ids = self._house.engine.config.people, {row.id, *row.aliases}
        acts = [act for found in tx.clocks.acts([row.thread], [row.lead]).values() for act in found]
        done = [act for act in acts if act.by in people and (act.clock in ids or act.clock is None)]
        last = max(done, key=lambda act: act.serial, default=None)
        if last is None or last.by != person.id or now - last.at > AGAIN:
            return False
        return any(act.at == last.at and act.deed is deed and _same_owner(act, deed, owner) for act in done)

    def _sentence(self, row: Row[Any], person: Person, deed: Deed, reason: str) -> str:
        people = self._house.engine.config.people
        zone = person.calendar.zone if person.calendar else ZoneInfo("UTC")
        why = f" ({reason})" if reason else ""
        if deed in (Deed.ACKNOWLEDGED, Deed.SNOOZED):
            end = row.acknowledged_until if deed is Deed.ACKNOWLEDGED else row.snoozed_until
            until = f" until {when(end.astimezone(zone))}" if end else ""
            did = f"{person.name} has it" if deed is Deed.ACKNOWLEDGED else f"Snoozed by {person.name}"
            return f"{did}{until}{why}."
        if deed is Deed.ASSIGNED:
            owner = people[row.owner].name if row.owner in people else row.owner
            did = "took it" if row.owner == person.id else f"gave it to {owner}"
            return f"{person.name} {did}{why}."
        if deed is Deed.DISMISSED:
            return f"No reply is owed, says {person.name}{why}."
        goes_on = " The wait goes on: `activity` is no stop condition." if row.state == "running" else ""
        return f"{person.name} has reached the buyer{why}.{goes_on}"

    def _candidates(self, tx: Transaction, row: Row[Any], now: datetime) -> list[Candidate]:
        """The wait's own people first, then everybody else; of both those who are here before those who are not."""
        config = self._house.engine.config
        here = roster(self._house.engine, tx, now)
        near = concerned(config, tx, row)
        found = []
        for person in sorted(config.people.values(), key=lambda one: (one.id not in near, one.name)):
            if person.id == row.owner:
                continue
            why = here.passed_over(person.id, Window(now, max(now, row.due_at)))
            found.append(Candidate(person.id, person.name, why is None, (why or "").removeprefix(f"{person.id} is ")))
        return sorted(found, key=lambda candidate: not candidate.present)


def _same_owner(act: Act, deed: Deed, owner: str | None) -> bool:
    return deed is not Deed.ASSIGNED or act.owner == owner
