"""The store: one transaction a unit of work, on SQLite (WAL) or PostgreSQL."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from datetime import datetime
from functools import cached_property
from pathlib import Path

from sqlalchemy import Connection, insert, select
from sqlalchemy.exc import DBAPIError

from inboxwatch.now import now
from inboxwatch.store import schema, tables
from inboxwatch.store.absences import Absences
from inboxwatch.store.audit import Audit
from inboxwatch.store.backfills import Backfills
from inboxwatch.store.board_queries import BoardQueries
from inboxwatch.store.clocks import Clocks
from inboxwatch.store.cursors import Cursors
from inboxwatch.store.deliveries import Deliveries
from inboxwatch.store.diagnosis import Diagnosis
from inboxwatch.store.engines import file_of, file_of_url, open_engine
from inboxwatch.store.failures import Conflict, Outage, StoreAwayError, StoreError, StoreMissingError, name_outages
from inboxwatch.store.filtered_strangers import FilteredStrangers
from inboxwatch.store.first_classes import FirstClasses
from inboxwatch.store.first_contacts import FailedContacts
from inboxwatch.store.forgotten import Forgotten
from inboxwatch.store.kinds import Kinds
from inboxwatch.store.lead_history import LeadHistory
from inboxwatch.store.lead_rows import LeadRows
from inboxwatch.store.lead_sources import LeadSources
from inboxwatch.store.leads import Leads
from inboxwatch.store.logged_activities import LoggedActivities
from inboxwatch.store.look_requests import LookRequests
from inboxwatch.store.mail import Mails
from inboxwatch.store.mail_links import MailLinks
from inboxwatch.store.mailbox_health import MailboxHealth
from inboxwatch.store.mailboxes import Mailboxes
from inboxwatch.store.marks import Marks
from inboxwatch.store.members import Members
from inboxwatch.store.outcomes import OutcomeRows
from inboxwatch.store.period_waits import PeriodWaits
from inboxwatch.store.pinned_policies import PinnedPolicies
from inboxwatch.store.proofs import Proofs
from inboxwatch.store.qualified_waits import QualifiedWaits
from inboxwatch.store.quarantine import Quarantine
from inboxwatch.store.retention import Retention
from inboxwatch.store.sender_verdicts import SenderVerdicts
from inboxwatch.store.shard_locks import ShardLocks
from inboxwatch.store.signing_key import LINKS_LASTED, MOVED, former_key, former_of_moved, keep_private, signing_key
from inboxwatch.store.start_queries import StartQueries
from inboxwatch.store.statistics import Statistics
from inboxwatch.store.strangers import Strangers
from inboxwatch.store.traces import Traces
from inboxwatch.store.unfiled import Unfiled
from inboxwatch.store.workers import Workers

__all__ = [
    "Conflict",
    "Outage",
    "Store",
    "StoreAwayError",
    "StoreError",
    "StoreMissingError",
    "Transaction",
    "file_of_url",
]


_FORMER = "links by the salt until"
_NEVER = "1970-01-01T00:00:00+00:00"


class Transaction:
    """Everything that can be asked of the store inside one transaction, by noun."""

    def __init__(self, connection: Connection, salt: bytes) -> None:
        self.connection = connection
        self._salt = salt

    @property
    def shared(self) -> bool:
        """Whether several daemons may work on the store."""
        return self.connection.dialect.name == "postgresql"

    def attempt(self) -> AbstractContextManager[object]:
        """A part that may fail: an exception that leaves the block undoes what was written inside it, nothing else."""
        return self.connection.begin_nested()

    @cached_property
    def strangers(self) -> Strangers:
        return Strangers(self.connection, self._salt, self.mail.key)

    @cached_property
    def unfiled(self) -> Unfiled:
        return Unfiled(self.connection, self.mail.key)

    @cached_property
    def mail(self) -> Mails:
        return Mails(self.connection, self._salt)

    @cached_property
    def kinds(self) -> Kinds:
        return Kinds(self.connection, self.mail.key, self.unfiled)

    @cached_property
    def forgotten(self) -> Forgotten:
        return Forgotten(self.connection, self.mail.key)

    @cached_property
    def traces(self) -> Traces:
        return Traces(self.connection, self.mail.key)

    @cached_property
    def audit(self) -> Audit:
        return Audit(self.connection, self.mail.key)

    @cached_property
    def failed_contacts(self) -> FailedContacts:
        return FailedContacts(self.connection)

    @cached_property
    def clocks(self) -> Clocks:
        return Clocks(self.connection)

    @cached_property
    def sender_verdicts(self) -> SenderVerdicts:
        return SenderVerdicts(self.connection)

    @cached_property
    def filtered_strangers(self) -> FilteredStrangers:
        return FilteredStrangers(self.connection)

    @cached_property
    def first_classes(self) -> FirstClasses:
        return FirstClasses(self.connection, self.mail)

    @cached_property
    def qualified_waits(self) -> QualifiedWaits:
        return QualifiedWaits(self.connection)

    @cached_property
    def deliveries(self) -> Deliveries:
        return Deliveries(self.connection)

    @cached_property
    def leads(self) -> Leads:
        return Leads(self.connection)

    @cached_property
    def lead_rows(self) -> LeadRows:
        return LeadRows(self.connection)

    @cached_property
    def lead_sources(self) -> LeadSources:
        return LeadSources(self.connection)

    @cached_property
    def lead_history(self) -> LeadHistory:
        return LeadHistory(self.connection)

    @cached_property
    def logged_activities(self) -> LoggedActivities:
        return LoggedActivities(self.connection)

    @cached_property
    def outcomes(self) -> OutcomeRows:
        return OutcomeRows(self.connection)

    @cached_property
    def mailboxes(self) -> Mailboxes:
        return Mailboxes(self.connection)

    @cached_property
    def members(self) -> Members:
        return Members(self.connection)

    @cached_property
    def cursors(self) -> Cursors:
        return Cursors(self.connection)

    @cached_property
    def health(self) -> MailboxHealth:
        return MailboxHealth(self.connection)

    @cached_property
    def quarantine(self) -> Quarantine:
        return Quarantine(self.connection)

    @cached_property
    def absences(self) -> Absences:
        return Absences(self.connection)

    @cached_property
    def proofs(self) -> Proofs:
        return Proofs(self.connection)

    @cached_property
    def mail_links(self) -> MailLinks:
        return MailLinks(self.connection, self.mail.key)

    @cached_property
    def policies(self) -> PinnedPolicies:
        return PinnedPolicies(self.connection)

    @cached_property
    def marks(self) -> Marks:
        return Marks(self.connection)

    @cached_property
    def backfills(self) -> Backfills:
        return Backfills(self.connection)

    @cached_property
    def board(self) -> BoardQueries:
        return BoardQueries(self.connection)

    @cached_property
    def start(self) -> StartQueries:
        return StartQueries(self.connection)

    @cached_property
    def statistics(self) -> Statistics:
        return Statistics(self.connection)

    @cached_property
    def retention(self) -> Retention:
        return Retention(self.connection)

    @cached_property
    def diagnosis(self) -> Diagnosis:
        return Diagnosis(self.connection)

    @cached_property
    def waits(self) -> PeriodWaits:
        return PeriodWaits(self.connection)

    @cached_property
    def look_requests(self) -> LookRequests:
        return LookRequests(self.connection)

    @cached_property
    def workers(self) -> Workers:
        return Workers(self.connection)


class Store:
    """Opens the database, brings its tables up to date, and hands out transactions."""

    def __init__(self, url: str, *, migrate: bool = True) -> None:
        """Without `migrate` the store is opened as it is, or not at all: nothing is created.

        Raises StoreAwayError where its server cannot be reached now, else StoreError.
        """
        self._engine = open_engine(url)
        if not migrate and (file := self.file) is not None and not file.exists():
            raise StoreMissingError(f"{file} does not exist yet: the first start creates it")
        if migrate and self.file is not None:
            keep_private(str(self.file))
        self._key: bytes | None = None
        name_outages(self._engine)
        try:
            self._salt, self._former_until, self._moved = self._prepared() if migrate else self._as_it_is()
        except StoreError:
            self._engine.dispose()
            raise
        except (Outage, DBAPIError) as error:
            self._engine.dispose()
            cause = error.orig if isinstance(error, DBAPIError) else error
            kind = StoreAwayError if isinstance(error, Outage) and error.passing else StoreError
            raise kind(f"cannot open the store: {cause}") from error

    @property
    def key(self) -> bytes:
        """The secret for signatures that must outlive a restart; it is not in the store itself. Raises StoreError."""
        if self._key is None:
            try:
                self._key = signing_key(self._engine.url, self._salt)
            except (OSError, ValueError) as error:
                raise StoreError(f"cannot use the key of signed links beside the store: {error}") from error
        return self._key

    @property
    def former_key(self) -> tuple[bytes, datetime] | None:
        """The key that links were signed with before it left the store, or before the store was moved, and until when
        they stay valid (UTC).
        """
        if self._moved and (found := former_of_moved(self._moved, self.key))[1] > now():
            return found
        return (former_key(self._salt), self._former_until) if self._former_until > now() else None

    @property
    def file(self) -> Path | None:
        """Where SQLite keeps the store; None for a store elsewhere or in memory."""
        return file_of(self._engine.url)

    @contextmanager
    def transaction(self) -> Iterator[Transaction]:
        """Commits at the end of the block; rolls everything back on an exception."""
        with self._engine.connect().execution_options(writes=True) as connection, connection.begin():
            yield Transaction(connection, self._salt)

    @contextmanager
    def rehearsal(self) -> Iterator[Transaction]:
        """As a transaction, but takes everything back at the end: what it shows is what would happen."""
        with self._engine.connect().execution_options(writes=True) as connection:
            begun = connection.begin()
            try:
                yield Transaction(connection, self._salt)
            finally:
                begun.rollback()

    @contextmanager
    def reading(self) -> Iterator[Transaction]:
        """A consistent view for queries; never waits for a writer."""
        with self._engine.connect() as connection:
            yield Transaction(connection, self._salt)

    def scrub(self) -> None:
        """Leaves nothing of erased rows on the disk: SQLite's log is emptied, PostgreSQL's dead rows are taken out."""
        if self._engine.dialect.name == "sqlite":
            with closing(self._engine.raw_connection()) as raw:
                raw.cursor().execute("PRAGMA wal_checkpoint(TRUNCATE)")
            return
        names = ", ".join(table.name for table in tables.metadata.sorted_tables)
        with self._engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.exec_driver_sql(f"VACUUM {names}")

    @property
    def shared(self) -> bool:
        """Whether several daemons may work on the store: not where it is a file."""
        return self._engine.dialect.name == "postgresql"

    def locks(self, worker: int) -> ShardLocks:
        """Those by which a worker shares mailboxes with others; of a store that is shared."""
        return ShardLocks(self._engine.url.render_as_string(hide_password=False), worker)

    def reconnect(self) -> None:
        """Lets go of a file's connections that are kept: they hold the file that was there, though its disk may have
        become read-only and another have been mounted in its place. Connections to a server prove themselves.
        """
        if self.file is not None:
            self._engine.dispose()

    def close(self) -> None:
        self._engine.dispose()

    def _prepared(self) -> tuple[bytes, datetime, str]:
        """The salt of the store's hashes, once its tables are those of this program, until when links are valid
        that were signed by a key made of it, and the key of the store that this one is a copy of.
        """
        with schema.migrating(self._engine) as connection, connection.begin():
            schema.lock(connection)
            schema.migrate(connection)
            found = _secrets_in(connection)
            missing: dict[str, str] = {}
            if "salt" not in found:
                missing = {"salt": secrets.token_hex(32), _FORMER: _NEVER}
            elif _FORMER not in found:
                missing = {_FORMER: (now() + LINKS_LASTED).isoformat()}
            for name, value in missing.items():
                connection.execute(insert(tables.meta).values(key=name, value=value))
            Audit(connection, str).begin()
        return _read(found | missing)

    def _as_it_is(self) -> tuple[bytes, datetime, str]:
        with self._engine.connect() as connection:
            version = schema.version(connection)
            if version is schema.Version.NEWER:
                raise StoreError(schema.NEWER)
            if version is not schema.Version.CURRENT:
                what = "is empty" if version is schema.Version.EMPTY else "has the tables of an older version"
                raise StoreMissingError(f"the store {what}: the next start brings it up to date")
            return _read(_secrets_in(connection))


def _secrets_in(connection: Connection) -> dict[str, str]:
    found = connection.execute(select(tables.meta).where(tables.meta.c.key.in_(("salt", _FORMER, MOVED))))
    return {row.key: row.value for row in found}


def _read(known: dict[str, str]) -> tuple[bytes, datetime, str]:
    until = datetime.fromisoformat(known.get(_FORMER, _NEVER))
    return bytes.fromhex(known.get("salt", "")), until, known.get(MOVED, "")
