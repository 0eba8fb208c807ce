"""A sales company's mail put through the engine: as it came, with the deeds and the ladders, or later as history."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

from inboxwatch import config as configuration
from inboxwatch.connector import Batch, Cursor
from inboxwatch.core.model import MailboxId
from inboxwatch.engine.report.cases import Story
from inboxwatch.engine.report.period import Period
from inboxwatch.engine.report.teams import shown
from tests.support.engine import Engine
from tests.support.new_stores import new_store
from tests.support.sales_company import BEGIN, Event, Letter, SalesCompany
from tests.support.sales_company import Story as Told


class CompanyDesk:
    """The engine over a store of its own."""

    def __init__(self, folder: Path, company: SalesCompany) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / "inboxwatch.yaml"
        path.write_text(company.config, encoding="utf-8")
        self.company = company
        self.config = configuration.load(path)
        self.store = new_store(self.config.store_url.reveal())
        self.engine = Engine(self.store, self.config)
        self.engine.learn("known", company.leads, BEGIN)
        self._cursors: dict[str, int] = {}

    def live(self) -> None:
        """Every message is read in the minute in which it came, what is due is told then, people act when they did."""
        with self.store.transaction() as tx:
            tx.mailboxes.ensure(self.config.mailboxes)
            for name in self.config.mailboxes:
                tx.cursors.first_sight(name, done=True)
        for at, happened in self._days():
            self._ticks(at)
            for one in happened:
                if isinstance(one, Letter):
                    self._read(one)
                else:
                    self._act(*one)
        self._ticks(self.company.end + timedelta(seconds=1))

    def history(self, size: int = 200) -> None:
        """Mailbox by mailbox, long after."""
        for name in self.config.mailboxes:
            raws = [one.raw for one in self.company.letters if one.mailbox == name and one.at < self.company.end]
            cursor = self.engine.begin_history(name, BEGIN - timedelta(days=1), self.company.end).cursor
            for at in range(0, len(raws), size):
                batch = Batch(tuple(raws[at : at + size]), Cursor(f"{name}/{at}"))
                self.engine.ingest_history(name, batch, cursor, self.company.end)
                cursor = batch.cursor

    def told(self, period: Period, team: str = "") -> Story:
        """The story of a period."""
        with self.store.reading() as tx:
            return shown(tx, self.config, period, team)

    def _days(self) -> Iterator[tuple[datetime, list[Letter | tuple[Told, Event]]]]:
        """What happened, minute by minute: mail before deeds."""
        found: dict[datetime, list[Letter | tuple[Told, Event]]] = {}
        for letter in self.company.letters:
            found.setdefault(letter.at, []).append(letter)
        for story in self.company.stories:
            for event in story.events:
                if event.what in ("acknowledged", "assigned", "dismissed", "called"):
                    found.setdefault(event.at, []).append((story, event))
        return iter(sorted((at, happened) for at, happened in found.items() if at < self.company.end))

    def _ticks(self, before: datetime) -> None:
        """Tells what falls due before an instant, each at its own."""
        while (at := self.engine.next_wake()) is not None and at < before:
            with self.store.transaction() as tx:
                for name in self.config.mailboxes:
                    tx.cursors.seen(name, at)
            self.engine.tick(at, looked=at)

    def _read(self, letter: Letter) -> None:
        known = self._cursors.get(letter.mailbox, 0)
        self._cursors[letter.mailbox] = known + 1
        batch = Batch((letter.raw,), Cursor(str(known + 1)), seen_until=letter.at)
        read = self.engine.ingest(MailboxId(letter.mailbox), batch, str(known) if known else None, letter.at)
        assert not (read.stale or read.quarantined)

    def _act(self, story: Told, event: Event) -> None:
        """A deed on the one wait of its story that is open: of a lead with two stories the one meant."""
        if event.what == "called":
            self.engine.log_activity(story.lead, event.who, event.at, "a call", event.at)
            return
        with self.store.reading() as tx:
            rows = [row for row in tx.clocks.running() if row.lead == story.lead and row.metric != "follow_up"]
        mine = [row for row in rows if row.started_by.partition(".")[0] == str(story.number)]
        if not mine:
            return  # a call of the other story has ended it
        clock = mine[0].id
        if event.what == "acknowledged":
            self.engine.acknowledge(clock, event.who, event.at)
        elif event.what == "assigned":
            self.engine.assign(clock, event.who, event.at, owner=event.owner)
        else:
            self.engine.dismiss(clock, event.who, event.at)
