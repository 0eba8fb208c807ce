"""The daemon's way for the mail and deeds of a qualified house: in any order and batches, told or long after."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from inboxwatch.commands import archive
from inboxwatch.commands.backtest import BackTest
from inboxwatch.commands.deeds import read as read_deeds
from inboxwatch.commands.leads import listed_leads, read_sources
from inboxwatch.commands.replay import read_all
from inboxwatch.config.free_mail import free_mail
from inboxwatch.connector import Batch, Cursor
from inboxwatch.core.leads import Directory
from inboxwatch.core.mail.intake import Intake
from inboxwatch.core.mail.threads import ThreadIndex
from inboxwatch.core.mail.unknown_senders import leads_of_all
from inboxwatch.core.model import FolderRole, MailboxId, MessageId, RawMessage
from inboxwatch.core.qualification.decision import SenderWord
from inboxwatch.core.sla.holds import FILTERED
from inboxwatch.core.sla.policy import Metric
from inboxwatch.core.sla.running import clock_id
from inboxwatch.core.sla.timeline import Action, ActionKind
from inboxwatch.core.timestamp import rfc3339
from inboxwatch.engine import lead_feeds
from inboxwatch.engine.evaluate import Occasion, evaluate
from inboxwatch.store import Transaction
from inboxwatch.store.records import ClockRecord
from tests.support.engine import Engine
from tests.support.facts import at
from tests.support.new_stores import new_store
from tests.support.qualified_house import END, House

INFO = MailboxId("info")


@dataclass(frozen=True)
class Done:
    """What a deed makes: facts of one message's thread, and a word on a sender."""

    message: MessageId
    at: datetime
    actions: tuple[Action, ...] = ()
    said: tuple[str, SenderWord] | None = None


class QualifiedDesk:
    """An engine on a new store, under the config of a house and with its list of leads."""

    def __init__(self, house: House, url: str = "", engines: int = 1) -> None:
        """`engines` processes share the store and take turns."""
        self.house = house
        self.config = house.loaded()
        self._file = house.folder / "desk.db"
        self._file.unlink(missing_ok=True)
        self.store = new_store(url or f"sqlite:///{self._file}")
        self._engines = [Engine(self.store, self.config)]
        for _ in range(engines - 1):
            self._engines.append(Engine(new_store(url or f"sqlite:///{self._file}"), self.config))
        self.now = at("8:00")
        self._read = 0
        with self.store.transaction() as tx:
            tx.cursors.first_sight(INFO, done=True)
        self.learn()

    @property
    def engine(self) -> Engine:
        """Whose turn it is."""
        self._engines.append(self._engines.pop(0))
        return self._engines[0]

    def close(self) -> None:
        for one in self._engines:
            one.store.close()

    def lists(self, leads: str) -> None:
        """The list of leads is another now."""
        self.house.leads = leads
        self.learn()

    def learn(self) -> None:
        """Takes over the list of leads as it is now."""
        self.config = self.house.loaded()
        for source, found in asyncio.run(read_sources(self.config)).items():

            def take(tx: Transaction, source: str = source, found: Any = found) -> None:
                rules = self.engine.rules
                lead_feeds.take_list(tx, rules, source, found, lead_feeds.position(tx, rules, source), self.now)

            self.engine.write(take)

    def read(self, *ids: str, quiet: bool = False) -> None:
        """One batch of letters, by Message-ID; all for none."""
        raws = letters(self.house)
        chosen = [raws[MessageId(one)] for one in ids] if ids else list(raws.values())
        expected = str(self._read) if self._read else None
        self._read += 1
        batch = Batch(tuple(chosen), Cursor(str(self._read)), seen_until=self.now)
        assert not self.engine.ingest(INFO, batch, expected, self.now, quiet=quiet).stale

    def record(self, done: Done) -> None:
        """Records a deed as the use case of a verdict does, and folds its thread."""

        def write(tx: Transaction) -> None:
            thread = tx.mail.thread_of(done.message)
            assert thread is not None
            for one in done.actions:
                of_lead = one.kind is ActionKind.ACTIVITY
                tx.clocks.record(one, None if of_lead else thread)
            if done.said is not None:
                tx.sender_verdicts.record(*done.said)
            evaluate(tx, self.engine.rules, [thread], Occasion(self.now))

        self.engine.write(write)

    def judge(self, gives: str, message: str, by: str = "tia", tier: str = "", owner: str = "") -> None:
        """A person's verdict now."""
        id_ = MessageId(message)
        verdict = Action(
            self.now, ActionKind.QUALIFIED, by, clock_id(id_, Metric.FIRST_RESPONSE), inquiry_class=gives, tier=tier
        )
        self.record(Done(id_, self.now, (verdict,)))

    def folds_all(self) -> None:
        """Every thread again: a word on a sender may have been recorded later than it was said, by tests alone."""
        self._see()
        raws = list(letters(self.house).values())
        while self.engine.read_again(INFO, raws, self.now):
            pass
        threads = sorted({row.thread for row in self.clocks()})
        self.engine.write(evaluate, self.engine.rules, threads, Occasion(self.now, quiet=True))

    def passes(self, to: str, day: int = 0) -> None:
        """Lets time pass; every mailbox is read by then, and what is due is told."""
        end = at(to, day)
        while (wake := self.engine.next_wake()) is not None and wake <= end:
            self._turn(max(wake, self.now))
        self._turn(end)

    def _turn(self, now: datetime) -> None:
        self.now = now
        self._see()
        self.engine.tick(now, looked=now)

    def _see(self) -> None:
        """Every mailbox is read by now."""
        with self.store.transaction() as tx:
            for name in self.config.mailboxes:
                tx.cursors.seen(name, self.now)

    def clocks(self) -> list[ClockRecord]:
        """Every clock, in the order of their starts."""
        with self.store.reading() as tx:
            found = tx.clocks.listed({}, None, 1000)
        return sorted(found, key=lambda row: (row.started_at, row.metric == Metric.VERDICT, row.id))

    def clock(self, metric: str = "") -> ClockRecord:
        """The one clock of a reply, or of a metric."""
        (row,) = (one for one in self.clocks() if (one.metric == metric if metric else one.metric.is_reply))
        return row

    def told(self) -> list[tuple[str, str, int, str]]:
        """(time, ladder, step, target)."""
        with self.store.reading() as tx:
            found = tx.clocks.notifications([row.id for row in self.clocks()])
        return [(f"{one.at:%H:%M}", one.policy, one.step, one.target) for one in found if one.target]

    def acts(self, kind: ActionKind = ActionKind.QUALIFIED) -> list[Action]:
        with self.store.reading() as tx:
            known = tx.clocks.actions(sorted({row.thread for row in self.clocks()}), [])
        return [one for its in known.values() for one in its if one.kind is kind]


def letters(house: House) -> dict[MessageId, RawMessage]:
    """The letters of a house by Message-ID, as a mailbox has them, in the order of time."""
    found = {}
    for one in archive.read(house.mail):
        assert one.raw is not None
        header = one.raw.header.decode()
        id_ = header.partition("Message-ID: <")[2].partition(">")[0]
        ours = "@acme.test" in header.partition("From: ")[2].partition("\r\n")[0]
        found[MessageId(id_)] = replace(one.raw, role=FolderRole.SENT if ours else FolderRole.INBOX)
    return dict(sorted(found.items(), key=lambda pair: (pair[1].received_at, pair[0])))


def deeds(house: House) -> list[Done]:
    """What the deeds of a house make of its waits, as replay has it, each by the message whose wait it concerns."""
    config = house.loaded()
    directory = Directory(listed_leads(config), free_mail())
    intake = Intake(config.us, directory, ThreadIndex(), leads_of_all, config.meanings)
    entries = read_all([house.mail], intake, END).entries
    test = BackTest(config, directory, entries, END, read_deeds(house.written_deeds())[0])
    by_clock = {clock_id(id_, metric): id_ for id_ in letters(house) for metric in Metric}
    made = test._deeds
    done = [Done(by_clock[one.clock], one.at, (one,)) for acts in made.actions.values() for one in acts if one.clock]
    any_message = next(iter(letters(house)))
    done += [Done(any_message, one.at, (one,)) for one in made.everywhere]
    done += [Done(any_message, word.at, said=(sender, word)) for sender, words in made.said.items() for word in words]
    return done


FIELDS = (
    "id", "lead", "metric", "started_by", "started_at", "due_at", "state", "stop_reason", "stopped_by", "stopped_at",
    "answered_by", "policy", "tier", "score", "class", "class_by", "reopened", "contradicted", "breached",
)  # fmt: skip


def replayed(house: House) -> dict[str, dict[str, Any]]:
    """The clocks of replay by id, as far as both ways know them."""
    found = [one for one in house.lines() if one["type"] == "clock"]
    return {one["id"]: {name: one[name] for name in FIELDS} for one in found}


def as_replayed(rows: Iterable[ClockRecord]) -> dict[str, dict[str, Any]]:
    """The clocks of a desk in the same form."""
    told: dict[str, Callable[[ClockRecord], Any]] = {
        "class": lambda row: row.inquiry_class,
        "breached": lambda row: row.breached_at is not None,
        "contradicted": lambda row: row.contradicted and row.stop_reason == FILTERED,
    }
    return {
        row.id: {name: told[name](row) if name in told else _plain(getattr(row, name)) for name in FIELDS}
        for row in rows
    }


def _plain(value: Any) -> Any:
    return rfc3339(value) if isinstance(value, datetime) else value
