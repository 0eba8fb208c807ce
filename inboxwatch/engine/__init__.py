"""The engine: one batch of mail, one due moment, one deed of a person - each in one transaction.

Nothing that matters lives only in memory: kill the process anywhere, and the same batch gives the same result again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import structlog

from inboxwatch import meanings
from inboxwatch.config.policies import restore
from inboxwatch.connector import Batch, MailboxError, Quarantined
from inboxwatch.core.classify import classify
from inboxwatch.core.clock import first_contacts
from inboxwatch.core.headers import Unusable, parse
from inboxwatch.core.intake import Entry, Intake, UnknownSenders, written_id
from inboxwatch.core.leads import Directory
from inboxwatch.core.model import Direction, Kind, Lead, LeadId, MailboxId, Message, MessageId, PersonId, Privacy
from inboxwatch.core.policy import SLAPolicy
from inboxwatch.core.routing import Case, Window
from inboxwatch.core.threads import ThreadIndex, keys
from inboxwatch.core.timeline import Act, Deed
from inboxwatch.engine import alarms
from inboxwatch.engine.absence import SEEN_AWAY
from inboxwatch.engine.desk import Desk, Settled
from inboxwatch.engine.filing import mail_of, mailbox_of
from inboxwatch.engine.notices import Owing
from inboxwatch.engine.own_mail import OwnMail
from inboxwatch.engine.waits import Surroundings
from inboxwatch.freemail import free_mail
from inboxwatch.mime import text_of
from inboxwatch.notify import Channel, NoticeType
from inboxwatch.store import Outage, Store, Transaction
from inboxwatch.store.mail import Filed

if TYPE_CHECKING:
    from inboxwatch.config import Config

__all__ = ["Engine", "Ingested", "Refused", "Settled"]

log = structlog.get_logger(__name__)


class Refused(Exception):  # noqa: N818  (the contract's word: exit code 1 "refused")
    """A deed that cannot be done; `status` is the HTTP status that says why: 404 unknown, 409 over, 422 unusable."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


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


class Engine:
    """All methods block on the store and are called from one thread; `now` is UTC and passed in."""

    def __init__(self, store: Store, config: Config, channels: Mapping[str, Channel]) -> None:
        self.store = store
        self.reload(config, channels)

    def reload(self, config: Config, channels: Mapping[str, Channel]) -> None:
        """Takes over a new config; running clocks stay under the policies they began with."""
        self.config = config
        self.owing = Owing(config, channels)
        self._own_mail = OwnMail(config.us, channels)
        self._addresses: dict[str, MailboxId] = {box.address: MailboxId(name) for name, box in config.mailboxes.items()}
        with self.store.transaction() as tx:
            tx.mailboxes.ensure(config.mailboxes)
            current = {policy.version: policy for policy in config.policies}
            self.policies: dict[str, SLAPolicy] = {
                version: current.get(version) or restore(document)
                for version, document in tx.mailboxes.pinned().items()
            }
            self._read_leads(tx)

    def _read_leads(self, tx: Transaction) -> None:
        self.around = Surroundings(self.config, Directory(tx.leads.all(), free_mail()))

    def ingest(
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

        return self._ingest(mailbox, batch, now, quiet or batch.resynced, compare_and_set)

    def ingest_history(self, mailbox: MailboxId, batch: Batch, now: datetime) -> Ingested:
        """Files a batch of history beside the daemon's own position; pages nobody."""
        return self._ingest(mailbox, batch, now, True, lambda tx: True)

    def _ingest(
        self, mailbox: MailboxId, batch: Batch, now: datetime, quiet: bool, move: Callable[[Transaction], bool]
    ) -> Ingested:
        messages, unusable = self._parse(batch)
        result = Ingested(read=len(batch.messages))
        try:
            with self.store.transaction() as tx:
                if not move(tx):
                    return Ingested(stale=True)
                try:
                    with tx.attempt():
                        self._file(tx, mailbox, messages, now, result, quiet)
                except Outage:
                    raise
                except Exception:  # one message that our rules cannot bear must not stop its mailbox for ever
                    log.exception("batch refused by a defect, its messages are taken one by one", mailbox=mailbox)
                    self._read_leads(tx)
                    result = Ingested(read=len(batch.messages))
                    unusable += self._file_singly(tx, mailbox, messages, now, result, quiet)
                problems = [(one.ref, one.reason) for one in (*batch.quarantined, *unusable)]
                result.quarantined = tx.mailboxes.quarantine(mailbox, problems, now)
                if batch.messages:
                    latest = max(raw.received_at for raw in batch.messages)
                    alarms.watch(self, tx, [alarms.skew(mailbox, latest, now)], now)
        except BaseException:
            # The directory may hold provisional leads of the transaction that was rolled back.
            with self.store.reading() as tx:
                self._read_leads(tx)
            raise
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
                self._read_leads(tx)
                refused.append(Quarantined(ref, f"defect of inboxwatch: {type(error).__name__}"))
        return refused

    def _parse(self, batch: Batch) -> tuple[list[tuple[str, Message]], list[Quarantined]]:
        messages: list[tuple[str, Message]] = []
        unusable: list[Quarantined] = []
        for raw in batch.messages:
            try:
                text = text_of(raw.text) if raw.text and self.config.privacy is Privacy.TEXT else None
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
        messages, fresh = self._own_mail.set_aside(tx, mailbox, messages, self.around.directory)
        result.fresh += fresh
        if not messages:
            return
        config = self.config
        wanted = keys(message for _, message in messages)
        known, ghosts = tx.mail.known(replace(wanted, ids=wanted.ids | _bounced(message for _, message in messages)))
        index = ThreadIndex(known, ghosts)
        shared = config.mailboxes[mailbox].team is not None
        unknown = UnknownSenders(config.unknown_senders)
        intake = Intake(config.us, self.around.directory, index, unknown, shared, meanings.load())
        entries = intake.take_batch([message for _, message in messages])
        if intake.new_leads:
            tx.leads.put(intake.new_leads, now)
        sightings: dict[str, Entry] = {}
        for entry in entries:  # in the order of time: the earliest sighting of a batch wins
            sightings.setdefault(entry.message.id, entry)
        filed = [self._filed(entry, index, mailbox) for entry in sightings.values()]
        for old, new in index.merged.items():
            tx.mail.merge(old, index.canonical(new))
        already = tx.mail.held(entry.message.id for entry in entries)
        held_full = {key for key, full in already.items() if full}
        tx.mail.file([one for one in filed if one.mail is not None or tx.mail.key(one.id) not in held_full])
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
        threads = {one.known.thread for one in filed if one.known is not None and one.mail is not None}
        threads |= {index.canonical(new) for new in index.merged.values()}
        threads |= {one.thread for one in changed if one is not None}
        self._notice_absence(tx, entries)
        desk = Desk(tx, self.around, self.owing, self.policies, now)
        result.settled.add(desk.settle(sorted(threads), quiet=quiet))
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
            where = mailbox_of(message, self._addresses) or mailbox
            mail = mail_of(entry, self.config.us, self.around.directory, where)
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
        for entry in entries:
            person = self.config.us.person(entry.message.sender.email)
            if person is None:
                continue
            at = entry.message.received_at
            if entry.verdict.vacation:
                tx.mailboxes.away(person, at, entry.verdict.away_until or at + SEEN_AWAY, entry.message.id)
                tx.clocks.wake(at, owner=person)
            elif entry.verdict.kind is Kind.HUMAN:
                tx.mailboxes.back(person, at)

    def _notice_first_contacts(self, tx: Transaction, entries: Iterable[Entry], now: datetime, quiet: bool) -> None:
        leads = {entry.lead for entry in entries if entry.lead and entry.verdict.delivery is not None}
        leads |= {
            entry.lead
            for entry in entries
            if entry.lead and entry.direction is Direction.OUTBOUND and tx.mail.contact_failed(entry.lead)
        }
        for lead in sorted(leads):
            for failure in first_contacts(tx.mail.with_lead(lead), lead):
                owner = self.owner_between_waits(tx, lead, now)
                tier = self.around.tier(lead)
                fresh = tx.mail.contact_failure(
                    lead, failure.message, failure.failed_at, failure.resolved_at, owner, tier
                )
                if fresh and failure.resolved_at is None and not quiet:
                    known = self.around.directory.get(lead)
                    name = (known.name if known else "") or lead
                    title = (
                        f"Our first message to {name} bounced: the buyer never got it. Mend the address, write again."
                    )
                    body = {"title": title, "lead": lead, "message_id": failure.message}
                    kind = NoticeType.FIRST_CONTACT_FAILED
                    tx.deliveries.owe(self.owing.told(kind, f"first-contact/{failure.message}", [owner], now, **body))

    def owner_between_waits(self, tx: Transaction, lead: LeadId, now: datetime) -> PersonId:
        """Whom routing names for a lead now (rule 22)."""
        known = self.around.directory.get(lead)
        away = {row.person: (row.since, row.until) for row in tx.mailboxes.absences(now)}
        roster = self.around.roster(tx.clocks.load(), away, {})
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

    def tick(
        self,
        now: datetime,
        *,
        only: frozenset[str] | None = None,
        skip: frozenset[str] = frozenset(),
        looked: bool = False,
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
            desk = Desk(tx, self.around, self.owing, self.policies, now)
            threads = sorted({thread for _, thread in due})
            return desk.settle(threads, tell=frozenset(clock for clock, _ in due), looked=looked)

    def next_wake(self, skip: frozenset[str] = frozenset()) -> datetime | None:
        """The earliest instant at which a clock must be looked at; those in `skip` are being looked at."""
        with self.store.reading() as tx:
            return tx.clocks.next_wake(skip)

    def failed(self, mailbox: MailboxId, error: MailboxError, now: datetime) -> None:
        """Records that a mailbox could not be read; IT is told once, when it stays so."""
        with self.store.transaction() as tx:
            since = tx.mailboxes.failing(mailbox, now, error.reason.value, str(error))
            row = tx.mailboxes.get(mailbox)
            box = self.config.mailboxes[mailbox]
            patience = max(3 * box.poll_every, timedelta(seconds=10))
            if row is None or row.blind_told or (now - since < patience and not error.permanent):
                return
            age = f"unread since {row.seen_until:%Y-%m-%d %H:%M:%S} UTC" if row.seen_until else "never read"
            title = f"Mailbox {mailbox} is blind ({error.reason}): {age}. {error.hint}".strip()
            key = f"blind/{mailbox}/{since.isoformat()}"
            body = {"mailbox": mailbox, "error": str(error), "title": title}
            targets = self.config.it_alerts
            tx.deliveries.owe(self.owing.told(NoticeType.MAILBOX, key, targets, now, **body))
            tx.mailboxes.set(mailbox, blind_told=True)

    def succeeded(self, mailbox: MailboxId, now: datetime) -> None:
        """Records a complete poll; what was held back for this mailbox is looked at again."""
        with self.store.transaction() as tx:
            row = tx.mailboxes.recovered(mailbox, now)
            if row is None or row.failing_since is None:
                return
            tx.clocks.wake(now, held=True)
            if row.blind_told:
                title = f"Mailbox {mailbox} can be read again."
                key = f"seeing/{mailbox}/{row.failing_since.isoformat()}"
                body = {"mailbox": mailbox, "error": None, "title": title}
                tx.deliveries.owe(self.owing.told(NoticeType.MAILBOX, key, self.config.it_alerts, now, **body))

    def first_sight_over(self, mailbox: MailboxId, now: datetime) -> None:
        """Ends the first reading of a mailbox: what was overdue already is told in one digest (rule 39)."""
        with self.store.transaction() as tx:
            tx.mailboxes.set(mailbox, first_sight_done=True)
            late = [
                row for row in tx.clocks.running() if row.first_sight and row.mailbox == mailbox and row.breached_at
            ]
            if not late:
                return
            box = self.config.mailboxes[mailbox]
            team = self.config.teams.get(box.team or "")
            reader = box.owner or (team.lead if team else None) or self.config.fallback
            title = f"{len(late)} waits of {mailbox} were overdue when inboxwatch first read it; none pages anybody."
            body = {"title": title, "clock_ids": [row.id for row in late]}
            key = f"first-sight/{mailbox}/{now.isoformat()}"
            tx.deliveries.owe(self.owing.told(NoticeType.DIGEST, key, [reader], now, **body))

    def learn(self, source: str, leads: Sequence[Lead], now: datetime) -> None:
        """Takes over the whole list of a source: new, changed and gone leads; a closed lead ends its waits."""
        with self.store.transaction() as tx:
            before = {lead.id: lead for lead in tx.leads.all()}
            listed = {lead.id for lead in leads}
            gone = [lead.id for lead in before.values() if lead.source == source and lead.id not in listed]
            tx.leads.drop(gone)
            tx.leads.put(leads, now)
            self._read_leads(tx)
            closed = [
                lead.id
                for lead in leads
                if lead.status != "open" and (old := before.get(lead.id)) is not None and old.status == "open"
            ]
            for lead in closed:
                tx.clocks.record(Act(now, Deed.LEAD_CLOSED, source, lead=lead, reason=f"status in {source}"), None)
            threads = {thread for lead in closed for thread in tx.mail.threads_of_lead(lead)}
            Desk(tx, self.around, self.owing, self.policies, now).settle(sorted(threads))

    def act(self, clock: str, deed: Deed, by: str, now: datetime, **details: object) -> str:
        """A person's deed on one running wait; returns the wait's id. Raises Refused."""
        if by not in self.config.people:
            raise Refused(422, f"by: {by!r} is no person of the config; known are {', '.join(self.config.people)}")
        owner = details.get("owner")
        if deed is Deed.ASSIGNED and owner not in self.config.people:
            raise Refused(422, f"owner: {owner!r} is no person of the config; groups cannot own a wait")
        with self.store.transaction() as tx:
            row = tx.clocks.get(clock)
            if row is None:
                raise Refused(404, f"no wait has the id {clock}")
            if row.state != "running":
                raise Refused(409, f"the wait is over: {row.stop_reason} at {row.stopped_at:%Y-%m-%d %H:%M:%S} UTC")
            reason = str(details.get("reason") or "")
            until = details.get("until")
            if deed is Deed.ACKNOWLEDGED:
                until = self.policies[row.policy_version].escalation.acknowledge_for.after(
                    now, self.policies[row.policy_version].calendar
                )
            if deed is Deed.SNOOZED and (not isinstance(until, datetime) or until <= now):
                raise Refused(422, "until: must lie in the future")
            act = Act(now, deed, by, row.id, row.lead, until if isinstance(until, datetime) else None, reason=reason)
            if deed is Deed.ASSIGNED:
                act = Act(now, deed, by, row.id, row.lead, owner=PersonId(str(owner)), reason=reason, rule="by hand")
            tx.clocks.record(act, row.thread)
            if deed is Deed.ACKNOWLEDGED:
                taken = Act(
                    now, Deed.ASSIGNED, by, row.id, row.lead, owner=PersonId(by), reason="acknowledged", rule="by hand"
                )
                tx.clocks.record(taken, row.thread)
                tx.deliveries.cancel([row.id], now)
            if deed is Deed.SNOOZED:
                tx.deliveries.cancel([row.id], now)
            Desk(tx, self.around, self.owing, self.policies, now).settle([row.thread])
            return str(row.id)

    def log_activity(self, lead: str, by: str, at: datetime, reason: str, now: datetime) -> int:
        """A call or meeting with a lead; ends his waits where `activity` is a stop condition. Returns his threads."""
        if by not in self.config.people:
            raise Refused(422, f"by: {by!r} is no person of the config")
        known = self.around.directory.by_address(lead.lower())
        if known is None:
            raise Refused(404, f"no lead has the address {lead}")
        with self.store.transaction() as tx:
            tx.clocks.record(Act(at, Deed.ACTIVITY, by, lead=known.id, reason=reason), None)
            threads = tx.mail.threads_of_lead(known.id)
            Desk(tx, self.around, self.owing, self.policies, now).settle(sorted(threads))
            return len(threads)


def _bounced(messages: Iterable[Message]) -> frozenset[MessageId]:
    """The messages of ours that notifications in a batch are about: no header of theirs names them."""
    reports = (one for one in messages if any(part.payload for part in one.parts or ()) or one.text is not None)
    deliveries = (classify(one).delivery for one in reports)
    return frozenset(one.of for one in deliveries if one is not None and one.of is not None)
