"""Takes batches of mail in: parse, match, file, settle, all or nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TYPE_CHECKING

import structlog

from inboxwatch.connector import Batch, Quarantined
from inboxwatch.core.mail.classify import classify
from inboxwatch.core.mail.headers import Unusable, parse
from inboxwatch.core.mail.intake import Entry, Intake, UnknownSenders, written_id
from inboxwatch.core.mail.threads import ThreadIndex, keys
from inboxwatch.core.model import Direction, Kind, MailboxId, Message, MessageId, Privacy
from inboxwatch.core.sla.clock import first_contacts
from inboxwatch.engine import alarms
from inboxwatch.engine.absence import SEEN_AWAY
from inboxwatch.engine.evaluate import Settled
from inboxwatch.engine.filing import mail_of, mailbox_of
from inboxwatch.mime import text_of
from inboxwatch.notify import NoticeType
from inboxwatch.store import Outage, Transaction
from inboxwatch.store.mail import Filed

if TYPE_CHECKING:
    from inboxwatch.engine import Engine

log = structlog.get_logger(__name__)


@dataclass(slots=True)
class Ingested:
    """What a batch has brought."""

    read: int = 0
    fresh: int = 0
    """Sightings that were new to this mailbox."""
    quarantined: int = 0
    stale: bool = False
    """True where another worker had moved the cursor: nothing was written."""
    settled: Settled = field(default_factory=Settled)
    started: list[tuple[datetime, datetime]] = field(default_factory=list)
    """(server receive time, now) of messages that owe a reply, for the detection lag."""


class Ingest:
    """The engine's way in for mail."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def batch(
        self, mailbox: MailboxId, batch: Batch, expected: str | None, now: datetime, *, quiet: bool = False
    ) -> Ingested:
        """Files one batch, folds the threads it touches, and moves the cursor, all or nothing.

        `expected` is the cursor that the batch follows; `quiet` pages nobody (first sight, backfill). A mailbox that
        is read anew from its horizon is seen for the first time again: what turns up overdue there pages nobody.
        """

        def compare_and_set(tx: Transaction) -> bool:
            if not tx.mailboxes.move(mailbox, expected, batch.cursor):
                return False
            if batch.seen_until is not None:
                tx.mailboxes.set(mailbox, seen_until=batch.seen_until)
            if batch.resynced:
                tx.mailboxes.set(mailbox, first_sight_done=False)
            return True

        return self._take(mailbox, batch, now, quiet or batch.resynced, compare_and_set)

    def history(self, mailbox: MailboxId, batch: Batch, expected: str | None, now: datetime) -> Ingested:
        """Files a batch of a backfill that follows the backfill's cursor `expected`; pages nobody."""
        read = len(batch.messages)

        def compare_and_set(tx: Transaction) -> bool:
            if not tx.backfills.move(mailbox, expected, batch.cursor, read, batch.remaining, now):
                return False
            if batch.seen_until is not None:
                tx.backfills.finish(mailbox, now)
            return True

        return self._take(mailbox, batch, now, True, compare_and_set)

    def recovered(self, mailbox: MailboxId, batch: Batch, now: datetime) -> Ingested:
        """Files messages that a census found missing: late, but not too late to be told."""
        return self._take(mailbox, batch, now, False, lambda tx: True)

    def _take(
        self, mailbox: MailboxId, batch: Batch, now: datetime, quiet: bool, move: Callable[[Transaction], bool]
    ) -> Ingested:
        messages, unusable = self._parse(batch)
        result = Ingested(read=len(batch.messages))
        with self._engine.changing() as tx:  # it may make provisional leads
            if not move(tx):
                return Ingested(stale=True)
            try:
                with tx.attempt():
                    self._file(tx, mailbox, messages, now, result, quiet)
            except Outage:
                raise
            except Exception:  # one message that our rules cannot bear must not stop its mailbox for ever
                log.exception("batch refused by a defect, its messages are taken one by one", mailbox=mailbox)
                self._engine.read_leads(tx)
                result = Ingested(read=len(batch.messages))
                unusable += self._file_singly(tx, mailbox, messages, now, result, quiet)
            problems = [(one.ref, one.reason) for one in (*batch.quarantined, *unusable)]
            result.quarantined = tx.mailboxes.quarantine(mailbox, problems, now)
            # A connector of somebody else's may have left out a zone: such messages are in quarantine already.
            times = [raw.received_at for raw in batch.messages if raw.received_at.tzinfo is not None]
            if times:
                latest = max(times)
                alarms.watch(self._engine, tx, [alarms.skew(mailbox, latest, now)], now)
        return result

    def _file_singly(
        self,
        tx: Transaction,
        mailbox: MailboxId,
        messages: Sequence[tuple[str, Message]],
        now: datetime,
        result: Ingested,
        quiet: bool,
    ) -> list[Quarantined]:
        """Files what can be filed; returns the messages that cannot."""
        refused = []
        for ref, message in messages:
            try:
                with tx.attempt():
                    self._file(tx, mailbox, [(ref, message)], now, result, quiet)
            except Outage:
                raise
            except Exception as error:  # noqa: BLE001  (whatever it raises, the message is kept by name and reason)
                self._engine.read_leads(tx)
                refused.append(Quarantined(ref, f"defect of inboxwatch: {type(error).__name__}"))
        return refused

    def _parse(self, batch: Batch) -> tuple[list[tuple[str, Message]], list[Quarantined]]:
        messages: list[tuple[str, Message]] = []
        unusable: list[Quarantined] = []
        for raw in batch.messages:
            try:
                text = text_of(raw.text) if raw.text and self._engine.config.privacy is Privacy.TEXT else None
                messages.append((raw.ref, parse(raw, text)))
            except Unusable as error:
                unusable.append(Quarantined(raw.ref, str(error)))
            except Exception as error:  # one message must not stop its mailbox for ever
                log.exception("message refused by a defect")
                unusable.append(Quarantined(raw.ref, f"defect of inboxwatch: {type(error).__name__}"))
        return messages, unusable

    def _file(
        self,
        tx: Transaction,
        mailbox: MailboxId,
        messages: Sequence[tuple[str, Message]],
        now: datetime,
        result: Ingested,
        quiet: bool,
    ) -> None:
        messages, fresh = self._engine.own_mail.set_aside(tx, mailbox, messages, self._engine.around.directory)
        result.fresh += fresh
        if not messages:
            return
        config = self._engine.config
        wanted = keys(message for _, message in messages)
        known, ghosts = tx.mail.known(replace(wanted, ids=wanted.ids | _bounced(message for _, message in messages)))
        index = ThreadIndex(known, ghosts)
        shared = config.mailboxes[mailbox].team is not None
        unknown = UnknownSenders(config.unknown_senders)
        intake = Intake(config.us, self._engine.around.directory, index, unknown, shared, config.meanings)
        entries = intake.take_batch([message for _, message in messages])
        if intake.new_leads:
            tx.leads.put(intake.new_leads, now)
        sightings: dict[str, Entry] = {}
        for entry in entries:  # in the order of time: the earliest sighting of a batch wins
            sightings.setdefault(entry.message.id, entry)
        filed = [self._filed(entry, index, mailbox) for entry in sightings.values()]
        for old, new in index.merged.items():
            tx.mail.merge(old, index.canonical(new))
        tx.mail.file(filed)
        changed = [index.known(message) for message in index.changed]
        tx.mail.amend([one for one in changed if one is not None])
        tx.mail.haunt(
            {one: index.canonical(thread) for one, thread in index.ghosts_found.items() if index.leads_of(thread)}
        )
        refs = {message.id: ref for ref, message in messages}
        result.fresh += tx.mail.witness(
            mailbox,
            [
                (one.message.id, refs[written_id(one.message.id)], one.message.role, one.message.received_at)
                for one in entries
            ],
        )
        # In the order of time: who asked first is given an owner first.
        threads = dict.fromkeys(one.known.thread for one in filed if one.known is not None and one.mail is not None)
        threads |= dict.fromkeys(index.canonical(new) for new in index.merged.values())
        threads |= dict.fromkeys(one.thread for one in changed if one is not None)
        self._notice_absence(tx, entries)
        result.settled.add(self._engine.desk(tx, now).settle(list(threads), quiet=quiet))
        self._notice_first_contacts(tx, entries, now, quiet)
        result.started += [
            (entry.message.received_at, now)
            for entry in entries
            if entry.lead and entry.direction is Direction.INBOUND and entry.verdict.owes_reply
        ]

    def _filed(self, entry: Entry, index: ThreadIndex, mailbox: MailboxId) -> Filed:
        message, verdict = entry.message, entry.verdict
        placed = index.known(message.id)
        if placed is not None and placed.at < message.received_at:
            # Another mailbox saw it before: the earliest sighting wins (rule 14).
            message = replace(message, received_at=placed.at)
            entry = replace(entry, message=message)
        mail = None
        if entry.lead is not None or any(lead for _, lead in entry.outside):
            where = mailbox_of(message, self._engine.addresses) or mailbox
            mail = mail_of(entry, self._engine.config.us, self._engine.around.directory, where)
        return Filed(
            id=message.id,
            at=message.received_at,
            direction=entry.direction,
            kind=verdict.kind,
            mail=mail,
            known=placed,
            signal=verdict.signal,
            subject=message.subject,
            time_from=message.time_from,
        )

    def _notice_absence(self, tx: Transaction, entries: Iterable[Entry]) -> None:
        """A person's own vacation reply says that he is away; his own hand says that he is back (rule 24)."""
        away = set(tx.mailboxes.seen_away())
        for entry in entries:
            person = self._engine.config.us.person(entry.message.sender.email)
            if person is None:
                continue
            at = entry.message.received_at
            if entry.verdict.vacation:
                tx.mailboxes.away(person, at, entry.verdict.away_until or at + SEEN_AWAY, entry.message.id)
                tx.clocks.wake(at, owner=person)
                away.add(person)
            elif entry.verdict.kind is Kind.HUMAN and person in away:
                tx.mailboxes.back(person, at)

    def _notice_first_contacts(self, tx: Transaction, entries: Iterable[Entry], now: datetime, quiet: bool) -> None:
        leads = {entry.lead for entry in entries if entry.lead and entry.verdict.delivery is not None}
        failed = tx.mail.contacts_failed()
        leads |= {entry.lead for entry in entries if entry.lead in failed and entry.direction is Direction.OUTBOUND}
        for lead in sorted(leads):
            for failure in first_contacts(tx.mail.with_lead(lead), lead):
                owner = self._engine.owner_between_waits(tx, lead, now)
                tier = self._engine.around.tier(lead)
                fresh = tx.mail.contact_failure(
                    lead, failure.message, failure.failed_at, failure.resolved_at, owner, tier
                )
                if fresh and failure.resolved_at is None and not quiet:
                    known = self._engine.around.directory.get(lead)
                    name = (known.name if known else "") or lead
                    title = (
                        f"Our first message to {name} bounced: the buyer never got it. Mend the address, write again."
                    )
                    body = {"title": title, "lead": lead, "message_id": failure.message}
                    kind = NoticeType.FIRST_CONTACT_FAILED
                    tx.deliveries.owe(
                        self._engine.owing.told(kind, f"first-contact/{failure.message}", [owner], now, **body)
                    )


def _bounced(messages: Iterable[Message]) -> frozenset[MessageId]:
    """The messages of ours that notifications in a batch are about: no header of theirs names them."""
    reports = (one for one in messages if any(part.payload for part in one.parts or ()) or one.text is not None)
    deliveries = (classify(one).delivery for one in reports)
    return frozenset(one.of for one in deliveries if one is not None and one.of is not None)
