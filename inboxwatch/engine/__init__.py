"""The engine: one batch of mail, one due moment, one deed of a person - each in one transaction.

Nothing that matters lives only in memory: kill the process anywhere, and the same batch gives the same result again.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple

from inboxwatch.config.free_mail import free_mail
from inboxwatch.config.policies import restore
from inboxwatch.connector import Batch, Cursor, MailboxError
from inboxwatch.core.leads import Directory
from inboxwatch.core.model import Lead, LeadId, MailboxId, PersonId
from inboxwatch.core.ownership.routing import Case, Window
from inboxwatch.core.sla.policy import SLAPolicy
from inboxwatch.core.sla.timeline import Deed
from inboxwatch.engine import roster as presence
from inboxwatch.engine.actions import Deeds, Refused
from inboxwatch.engine.delivery.enqueue import Owing
from inboxwatch.engine.evaluate import Desk, Settled
from inboxwatch.engine.health import Health
from inboxwatch.engine.ingest import Ingest, Ingested
from inboxwatch.engine.own_mail import OwnMail
from inboxwatch.engine.review import Review
from inboxwatch.engine.rule_context import Surroundings
from inboxwatch.notify import Channel
from inboxwatch.store import Store, Transaction

if TYPE_CHECKING:
    from inboxwatch.config import Config

__all__ = ["Engine", "Ingested", "Passage", "Refused", "Settled"]

LONGER = timedelta(days=7)
"""How much further back an interrupted backfill may reach than the one that takes it up."""


class Passage(NamedTuple):
    """From where on a backfill reads."""

    since: datetime
    cursor: Cursor | None = None
    read: int = 0
    """How many messages were read before it was interrupted."""


class Engine:
    """All methods block on the store and are called from one thread; `now` is UTC and passed in."""

    def __init__(self, store: Store, config: Config, channels: Mapping[str, Channel]) -> None:
        self.store = store
        self._mail = Ingest(self)
        self._health = Health(self)
        self._deeds = Deeds(self)
        self._review = Review(self)
        self.reload(config, channels)

    def reload(self, config: Config, channels: Mapping[str, Channel]) -> None:
        """Takes over a new config; running clocks stay under the policies they began with."""
        self.config = config
        self.owing = Owing(config, channels)
        self.own_mail = OwnMail(config.us, channels)
        self.addresses: dict[str, MailboxId] = {box.address: MailboxId(name) for name, box in config.mailboxes.items()}
        with self.store.transaction() as tx:
            tx.mailboxes.ensure(config.mailboxes)
            current = {policy.version: policy for policy in config.policies}
            self.policies: dict[str, SLAPolicy] = {
                version: current.get(version) or restore(document)
                for version, document in tx.mailboxes.pinned().items()
            }
            self.read_leads(tx)

    def read_leads(self, tx: Transaction) -> None:
        """Takes over the leads as the store has them."""
        self.around = Surroundings(self.config, Directory(tx.leads.all(), free_mail()))

    @contextmanager
    def changing(self) -> Iterator[Transaction]:
        """A transaction that may change the directory of leads too: both are changed, or neither."""
        try:
            with self.store.transaction() as tx:
                yield tx
        except BaseException:
            with self.store.reading() as tx:
                self.read_leads(tx)
            raise

    def desk(self, tx: Transaction, now: datetime) -> Desk:
        """Where the threads of one transaction are settled."""
        return Desk(tx, self.around, self.owing, self.policies, now)

    def ingest(
        self, mailbox: MailboxId, batch: Batch, expected: str | None, now: datetime, *, quiet: bool = False
    ) -> Ingested:
        """Files one batch that follows the cursor `expected`; see Ingest.batch."""
        return self._mail.batch(mailbox, batch, expected, now, quiet=quiet)

    def begin_history(self, mailbox: MailboxId, since: datetime, now: datetime) -> Passage:
        """Where to read a mailbox's history from: on from where an interrupted backfill stopped, if it covers that."""
        with self.store.transaction() as tx:
            row = tx.backfills.get(mailbox)
            if row is None or row.finished_at is not None or not since - LONGER <= row.since <= since:
                tx.backfills.begin(mailbox, since, now)
                return Passage(since)
            return Passage(row.since, row.cursor and Cursor(row.cursor), row.read)

    def ingest_history(self, mailbox: MailboxId, batch: Batch, expected: str | None, now: datetime) -> Ingested:
        """Files a batch of history beside the daemon's own position; pages nobody. See Ingest.history."""
        return self._mail.history(mailbox, batch, expected, now)

    def ingest_recovered(self, mailbox: MailboxId, batch: Batch, now: datetime) -> Ingested:
        """Files messages that a census found missing."""
        return self._mail.recovered(mailbox, batch, now)

    def unknown(self, mailbox: MailboxId, listed: Sequence[tuple[str, str]]) -> list[tuple[str, str]]:
        """Which of the (ref, Message-ID) on a server the store does not hold."""
        return self._health.unknown(mailbox, listed)

    def counted(self, mailbox: MailboxId, coverage: float) -> None:
        """Records the result of a census."""
        self._health.counted(mailbox, coverage)

    def tick(
        self,
        now: datetime,
        *,
        only: frozenset[str] | None = None,
        skip: frozenset[str] = frozenset(),
        looked: datetime | None = None,
        limit: int = 500,
    ) -> Settled:
        """Brings the clocks whose time has come up to `now`; `only` those, once their mailboxes were read."""
        with self.store.transaction() as tx:
            if only is not None:
                rows = [tx.clocks.get(clock) for clock in sorted(only)]
                due = [(row.id, row.thread) for row in rows if row is not None and row.state == "running"]
            else:
                due = tx.clocks.due(now, limit, skip)
            if not due:
                return Settled()
            threads = sorted({thread for _, thread in due})
            return self.desk(tx, now).settle(threads, tell=frozenset(clock for clock, _ in due), looked=looked)

    def next_wake(self, skip: frozenset[str] = frozenset()) -> datetime | None:
        """The earliest instant at which a clock must be looked at; those in `skip` are being looked at."""
        with self.store.reading() as tx:
            return tx.clocks.next_wake(skip)

    def failed(
        self,
        mailbox: MailboxId,
        error: MailboxError,
        now: datetime,
        *,
        since: datetime | None = None,
        again: datetime | None = None,
    ) -> None:
        """Records that a mailbox could not be read; see Health.failed."""
        self._health.failed(mailbox, error, now, since=since, again=again)

    def reads_on(self, mailbox: MailboxId, now: datetime) -> None:
        """Records that a reading which is not complete yet brings mail."""
        self._health.reads_on(mailbox, now)

    def succeeded(self, mailbox: MailboxId, now: datetime) -> None:
        """Records a complete poll."""
        self._health.succeeded(mailbox, now)

    def first_sight_over(self, mailbox: MailboxId, now: datetime) -> None:
        """Ends the first reading of a mailbox (rule 39)."""
        self._health.first_sight_over(mailbox, now)

    def learn(self, source: str, leads: Sequence[Lead], now: datetime) -> None:
        """Takes over the whole list of a lead source."""
        self._deeds.learn(source, leads, now)

    def learn_one(self, lead: Lead, now: datetime) -> None:
        """Takes over one lead."""
        self._deeds.learn_one(lead, now)

    def forget(self, lead: LeadId) -> None:
        """Drops one lead; his mail and waits stay."""
        self._deeds.forget(lead)

    def act(self, clock: str, deed: Deed, by: str, now: datetime, **details: object) -> str:
        """A person's deed on one running wait; returns the wait's id. Raises Refused."""
        return self._deeds.act(clock, deed, by, now, **details)

    def log_activity(self, lead: str, by: str, at: datetime, reason: str, now: datetime) -> int:
        """A call or meeting with a lead; returns how many threads it concerns. Raises Refused."""
        return self._deeds.log_activity(lead, by, at, reason, now)

    def confirm(self, message_id: str, by: str, now: datetime, reason: str = "") -> None:
        """A person says that the weak match of a message is right. Raises Refused."""
        self._review.confirm(message_id, by, now, reason)

    def split(self, message_id: str, by: str, now: datetime, reason: str = "") -> None:
        """A person says that the weak match of a message is wrong; see Review.split. Raises Refused."""
        self._review.split(message_id, by, now, reason)

    def owner_between_waits(self, tx: Transaction, lead: LeadId, now: datetime) -> PersonId:
        """Whom routing names for a lead now (rule 22)."""
        known = self.around.directory.get(lead)
        roster = presence.roster(self, tx, now)
        owner = known.owner if known and known.owner in self.config.people else None
        last = tx.mail.last_mailbox(lead)
        box = self.config.mailboxes.get(MailboxId(last)) if last else None
        case = Case(
            self.around.facts(lead, MailboxId(last) if last else None),
            owner,
            PersonId(box.owner) if box and box.owner else None,
            box.team if box else None,
        )
        calendar = self.config.policies[-1].calendar
        opens = calendar.next_open(now)
        return roster.assign(case, Window(opens, opens + timedelta(hours=1))).owner
