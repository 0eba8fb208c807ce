"""The mail of a busy sales team, drawn from a seed: many leads, few titles, headers that get lost, colleagues who help.

`python -m tests.support.busy_house --mails 14000` reads it mailbox by mailbox and counts the threads that hold leads of
several companies though no header joins them.
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

from sqlalchemy import delete, select

from inboxwatch import config as configuration
from inboxwatch.connector import Batch, Cursor
from inboxwatch.core.model import FolderRole, Lead, LeadId, MailboxId, RawMessage
from inboxwatch.store import tables
from tests.support.engine import Engine
from tests.support.new_stores import new_store

BEGIN = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
TITLES = ("Trial extension", "Inquiry from our website", "Prices", "Your offer", "Meeting next week", "Renewal")
CONFIG = """
organization: {{domains: [acme.test]}}
people:
{people}  max: {{name: Max Ode, email: max@acme.test}}
teams: {{emea: {{members: [r0], lead: max}}}}
mailboxes:
{boxes}  sales: {{connector: maildir, address: sales@acme.test, team: emea, path: sales}}
leads: {{}}
unknown_senders: {unknown}
routing: {{rules: [{{assign: lead.owner}}, {{assign: mailbox.owner}}], fallback: max}}
sla_policies: [{{name: default, first_response: 2h, next_response: 4h, escalation: quiet}}]
escalation_policies: {{quiet: {{steps: [{{at: 100%, notify: [owner]}}]}}}}
stop_conditions: [answered]
channels: {{desk: {{type: console}}}}
notify_by: [desk]
store: {{url: "{store}"}}
"""


@dataclass(frozen=True, slots=True)
class Delivery:
    """A message as it lies in a mailbox."""

    mailbox: str
    raw: RawMessage
    name: str
    """Its Message-ID."""


@dataclass(frozen=True, slots=True)
class Chances:
    """How often what goes wrong with mail goes wrong, 0..1."""

    headers_lost: float = 0.1
    """An answer names nothing: another program, a phone, a ticket tool."""
    gone: float = 0.05
    """A message is in no mailbox any more."""
    helped: float = 0.2
    """A colleague answers from a mailbox of their own."""
    form: float = 0.3
    """The first message comes through a form of ours."""
    stranger: float = 0.1
    """The buyer is in no list of leads."""
    strangers_tell_team: bool = False
    """Whatever such a buyer writes reaches the team's mailbox too."""
    colleague: float = 0.2
    """The buyer may be of the company of the one before."""
    conversations: float = 0.0
    """The provider tells a conversation, the same for all mail of one title in one mailbox."""


@dataclass(slots=True)
class BusyHouse:
    """Its mail, mailbox by mailbox, and who the leads are."""

    seed: int
    mails: int
    reps: int = 8
    chances: Chances = Chances()
    titles: Sequence[str] = TITLES
    days: int = 85
    leads: list[Lead] = field(default_factory=list)
    deliveries: list[Delivery] = field(default_factory=list)

    def __post_init__(self) -> None:
        chance = random.Random(self.seed)
        number = 0
        while len(self.deliveries) < self.mails:
            self._exchange(chance, number)
            number += 1

    def _exchange(self, chance: random.Random, number: int) -> None:
        """A buyer's story: a question, and what comes of it."""
        odds = self.chances
        rep = chance.randrange(self.reps)
        company = number if chance.random() >= odds.colleague else number // 2
        buyer = f"b{number}@company{company}.test" if chance.random() < 0.8 else f"b{number}@gmail.com"
        side = buyer if buyer.endswith("gmail.com") else buyer.partition("@")[2]
        known = chance.random() >= odds.stranger
        if known:
            self.leads.append(Lead(LeadId(buyer), f"Buyer {number}", source="known"))
        at = BEGIN + timedelta(seconds=chance.randrange(int(timedelta(days=self.days).total_seconds())))
        title = chance.choice(self.titles)
        chain: list[str] = []
        inbound = True
        for turn in range(1 + min(int(chance.expovariate(0.5)), 8)):
            name = f"{side}/{number}.{turn}@{'out' if inbound else 'acme'}.test"
            writer = rep if chance.random() >= odds.helped else chance.randrange(self.reps)
            lines = [f"Message-ID: <{name}>", f"Date: {format_datetime(at)}"]
            lines.append(f"Subject: {'Re: ' if turn else ''}{title}")
            boxes = {f"r{writer}"}
            if inbound and not turn and chance.random() < odds.form:
                lines += ["From: Website <forms@acme.test>", "To: sales@acme.test", f"Reply-To: {buyer}"]
                boxes = {"sales"}
            elif inbound:
                copies = chance.random() < 0.2 or (odds.strangers_tell_team and not known)
                boxes = {f"r{rep}", *(["sales"] if copies else [])}
                lines += [f"From: {buyer}", f"To: r{rep}@acme.test" + (", sales@acme.test" if copies else "")]
            else:
                lines += [f"From: r{writer}@acme.test", f"To: {buyer}"]
            if chain and chance.random() >= odds.headers_lost:
                lines.append(f"In-Reply-To: <{chain[-1]}>")
                if chance.random() < 0.8:
                    lines.append("References: " + " ".join(f"<{one}>" for one in chain))
            if chance.random() >= odds.gone:
                role = FolderRole.INBOX if inbound else FolderRole.SENT
                told = title if chance.random() < odds.conversations else None
                header = ("\r\n".join(lines) + "\r\n\r\n").encode()
                for box in sorted(boxes):
                    raw = RawMessage(f"{role}/{name}/{box}", role, at, header, provider_thread=told)
                    self.deliveries.append(Delivery(box, raw, name))
            chain.append(name)
            at += timedelta(minutes=chance.randrange(1, 3000))
            inbound = not inbound if chance.random() < 0.85 else inbound

    def by_time(self) -> list[Delivery]:
        return sorted(self.deliveries, key=lambda one: (one.raw.received_at, one.name, one.mailbox))

    def by_mailbox(self) -> list[Delivery]:
        return sorted(self.deliveries, key=lambda one: (one.mailbox, one.raw.received_at, one.name))


class Desk:
    """The engine of such a house over a store of its own, which can be emptied to read the same mail again."""

    def __init__(self, folder: Path, reps: int, unknown: str = "shared", store: str = "sqlite:///house.db") -> None:
        folder.mkdir(parents=True, exist_ok=True)
        people = "".join(f"  r{n}: {{name: Rep {n}, email: r{n}@acme.test, manager: max}}\n" for n in range(reps))
        boxes = "".join(
            f"  r{n}: {{connector: maildir, address: r{n}@acme.test, owner: r{n}, path: r{n}}}\n" for n in range(reps)
        )
        path = folder / "inboxwatch.yaml"
        path.write_text(CONFIG.format(people=people, boxes=boxes, unknown=unknown, store=store), encoding="utf-8")
        config = configuration.load(path)
        self.store = new_store(config.store_url.reveal())
        self.engine = Engine(self.store, config)
        self._number = 0
        self._quiet = True
        self._held: dict[MailboxId, list[RawMessage]] = {}

    def empty(self) -> None:
        """Forgets all it has read."""
        self._held.clear()
        with self.store.transaction() as tx:
            for table in tables.metadata.sorted_tables:
                if table.name != "meta":
                    tx.connection.execute(delete(table))
        self.engine.reload(self.engine.config)

    def knows(self, leads: Sequence[Lead]) -> None:
        self.engine.learn("known", leads, BEGIN)

    def read(
        self,
        deliveries: Iterable[Delivery],
        *,
        batch: int = 1,
        history: bool = False,
        live: bool = False,
        days: int = 200,
    ) -> None:
        """Reads deliveries in this order; those of one mailbox that follow each other share batches.

        `live`: the mailboxes were seen before, and what is overdue pages.
        """
        if live:
            with self.store.transaction() as tx:
                for name in self.engine.config.mailboxes:
                    tx.cursors.first_sight(name, done=True)
        self._quiet = not live
        now = BEGIN + timedelta(days=days)
        waiting: list[Delivery] = []
        for one in [*deliveries, None]:
            if waiting and (one is None or one.mailbox != waiting[0].mailbox or len(waiting) == batch):
                self._read(MailboxId(waiting[0].mailbox), [each.raw for each in waiting], now, history=history)
                waiting = []
            if one is not None:
                waiting.append(one)

    def _read(self, mailbox: MailboxId, raws: Sequence[RawMessage], now: datetime, *, history: bool) -> None:
        self._number += 1
        batch = Batch(tuple(raws), Cursor(str(self._number)), seen_until=None)
        if history:
            with self.store.transaction() as tx:
                place = tx.backfills.get(mailbox)
                if place is None:
                    tx.backfills.begin(mailbox, BEGIN, now)
            result = self.engine.ingest_history(mailbox, batch, place.cursor if place else None, now)
        else:
            with self.store.reading() as tx:
                row = tx.mailboxes.get(mailbox)
            result = self.engine.ingest(mailbox, batch, row.cursor if row else None, now, quiet=self._quiet)
        assert not result.stale
        assert not result.quarantined
        self._held.setdefault(mailbox, []).extend(raws)
        while any(self.engine.read_again(box, held, now) for box, held in self._held.items()):
            pass

    def result(self) -> dict[str, Any]:
        """Threads, parents, leads and clocks, without the names that the store gives them."""
        with self.store.reading() as tx:
            message, clock = tables.message, tables.clock
            rows = tx.connection.execute(select(message).where(message.c.thread.is_not(None))).all()
            clocks = tx.connection.execute(select(clock)).all()
        threads: dict[str, set[str]] = {}
        for row in rows:
            threads.setdefault(row.thread, set()).add(row.message_id)
        return {
            "threads": {frozenset(one) for one in threads.values()},
            "parents": {row.message_id: (row.parent, row.evidence, row.confidence) for row in rows},
            "leads": {row.message_id: (row.lead, row.kind, row.direction) for row in rows},
            "clocks": {
                (row.started_by, row.metric): (
                    row.id, row.lead, row.started_at, row.due_at, row.state, row.stop_reason, row.stopped_by,
                    row.stopped_at, row.answered_by, row.nudges,
                )
                for row in clocks
            },
        }  # fmt: skip

    def close(self) -> None:
        self.store.close()


@dataclass(frozen=True, slots=True)
class Mixture:
    """What a reading made of the stories."""

    threads: int
    several_leads: int
    strangers: int
    """Threads that hold mail of several companies: in this house no header joins two of them."""
    false_answers: int
    """Waits that are answered by a message to somebody else."""
    answered: int


def mixture(result: dict[str, Any]) -> Mixture:
    def story(name: str) -> str:
        return name.partition("/")[0]

    threads, leads = result["threads"], result["leads"]
    ends = [(start[0], how[6]) for start, how in result["clocks"].items() if how[6] is not None]
    return Mixture(
        len(threads),
        sum(len({leads[one][0] for one in thread if leads[one][0]}) > 1 for thread in threads),
        sum(len({story(one) for one in thread}) > 1 for thread in threads),
        sum(story(start) != story(end) for start, end in ends),
        len(ends),
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--mails", type=int, default=14_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--batch", type=int, default=100)
    parser.add_argument("--unknown", default="shared")
    parser.add_argument("--conversations", type=float, default=0.0)
    given = parser.parse_args()
    house = BusyHouse(given.seed, given.mails, chances=replace(Chances(), conversations=given.conversations))
    with tempfile.TemporaryDirectory() as folder:
        desk = Desk(Path(folder), house.reps, given.unknown)
        desk.knows(house.leads)
        begun = time.monotonic()
        desk.read(house.by_mailbox(), batch=given.batch, history=True)
        seconds = time.monotonic() - begun
        sys.stdout.write(f"{len(house.deliveries)} mails in {seconds:.0f} s: {mixture(desk.result())}\n")
        desk.close()


if __name__ == "__main__":
    main()
