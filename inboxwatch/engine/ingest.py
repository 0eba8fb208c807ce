"""Takes batches of mail in: parse, match, file, evaluate, all or nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import NamedTuple

import structlog

from inboxwatch.connector import Batch, Cursor, Quarantined
from inboxwatch.core.leads import Directory
from inboxwatch.core.mail.headers import Unusable, parse
from inboxwatch.core.mail.intake import Entry, concerns_a_lead
from inboxwatch.core.mail.strangers import clues_of, is_kept, news_of
from inboxwatch.core.mail.threads import ThreadIndex
from inboxwatch.core.mail_link import of_provider
from inboxwatch.core.model import Direction, MailboxId, Message, MessageId, Privacy, RawMessage, ThreadId
from inboxwatch.core.proof import LATE, NOTHING_KNOWN
from inboxwatch.engine import alarms
from inboxwatch.engine.absences import notice_absences
from inboxwatch.engine.evaluate import Evaluated, Occasion, evaluate
from inboxwatch.engine.filing import inquiry_of, mail_of, mailbox_of
from inboxwatch.engine.first_contacts import notice_first_contacts
from inboxwatch.engine.forgotten import set_aside_forgotten
from inboxwatch.engine.judging import judge_again
from inboxwatch.engine.meetings import notice_meetings
from inboxwatch.engine.moves import write_moves
from inboxwatch.engine.placing import Placed, place_all
from inboxwatch.engine.placing_anew import place_restated
from inboxwatch.engine.rules import Rules
from inboxwatch.engine.second_tries import next_try
from inboxwatch.mime import text_of
from inboxwatch.store import Outage, Transaction
from inboxwatch.store.grounds_column import dump, is_plain
from inboxwatch.store.proofs import CopyProof
from inboxwatch.store.timeline_columns import Filed
from inboxwatch.store.unfiled import FirstReading, Passed

log = structlog.get_logger(__name__)

FOLDER = 20
"""So many old messages that turn up together are a folder that is read for the first time."""
LONGER = timedelta(days=7)
"""How much further back an interrupted backfill may reach than the one that takes it up."""


_Seen = tuple[Entry, str, Message]
"""What was decided about a message, its ref, and the copy as the mailbox has it."""


@dataclass(slots=True)
class Ingested:
    """What a batch has brought."""

    read: int = 0
    fresh: int = 0
    """Sightings that were new to this mailbox."""
    quarantined: int = 0
    problems: list[tuple[str, str]] = field(default_factory=list)
    """(ref, reason) of what cannot be read or used."""
    set_aside: set[str] = field(default_factory=set)
    """The refs of messages that were read and cannot be used."""
    recovered: int = 0
    """Messages that had been set aside before."""
    stale: bool = False
    """True where another worker had moved the cursor: nothing was written."""
    evaluated: Evaluated = field(default_factory=Evaluated)
    started: list[tuple[datetime, datetime]] = field(default_factory=list)
    """(server receive time, now) of messages that owe a reply, for the detection lag."""

    def add(self, other: Ingested) -> None:
        self.read += other.read
        self.fresh += other.fresh
        self.quarantined += other.quarantined
        self.problems += other.problems
        self.set_aside |= other.set_aside
        self.recovered += other.recovered
        self.evaluated.add(other.evaluated)
        self.started += other.started


class HistoryPlace(NamedTuple):
    """From where on a backfill reads."""

    since: datetime
    cursor: Cursor | None = None
    read: int = 0
    """How many messages were read before it was interrupted."""


class Arrival(NamedTuple):
    """Where, when (UTC) and how a batch comes in."""

    mailbox: MailboxId
    now: datetime
    quiet: bool = False
    """Pages nobody: the first sight of a mailbox, or its history."""
    quiet_until: datetime | None = None
    """Of mail that was set aside in such a reading, when that was."""
    recalled: bool = False
    """It was nobody's when it was read, and is read again."""
    held_since: datetime | None = None
    """Since when the mailbox holds what is read, where it was laid there long after its own time."""
    watched_until: datetime | None = None
    """Until when the mailbox was read before (UTC): what it holds since is no news, unless it was laid there later."""


def ingest(tx: Transaction, rules: Rules, batch: Batch, expected: str | None, arrival: Arrival) -> Ingested:
    """Files one batch, folds the threads it touches, and moves the cursor, all or nothing.

    `expected` is the cursor that the batch follows. A mailbox that is read anew from its horizon is seen for the first
    time again: what turns up overdue there pages nobody.
    """
    mailbox = arrival.mailbox
    watched = None if arrival.quiet or batch.resynced else _watched_until(tx, batch, arrival)
    if not tx.cursors.move(mailbox, expected, batch.cursor):
        return Ingested(stale=True)
    if batch.seen_until is not None:
        tx.cursors.seen(mailbox, batch.seen_until, arrival.now)
    if batch.resynced:
        tx.cursors.first_sight(mailbox, done=False)
    quiet = arrival.quiet or batch.resynced
    return _take_and_release(tx, rules, batch, arrival._replace(quiet=quiet, watched_until=watched))


def _watched_until(tx: Transaction, batch: Batch, arrival: Arrival) -> datetime | None:
    """Until when the mailbox was read before; asked for only where something turns up late."""
    dated = (raw.received_at for raw in batch.messages if raw.received_at.tzinfo is not None)
    late = sum(at < arrival.now - LATE for at in dated)
    if not 0 < late < FOLDER:
        return None
    row = tx.mailboxes.get(arrival.mailbox)
    return row.seen_until if row is not None and row.first_sight_done else None


def begin_history(tx: Transaction, mailbox: MailboxId, since: datetime, now: datetime) -> HistoryPlace:
    """Where to read a mailbox's history from: on from where an interrupted backfill stopped, if it covers that."""
    row = tx.backfills.get(mailbox)
    if row is None or row.finished_at is not None or not since - LONGER <= row.since <= since:
        tx.backfills.begin(mailbox, since, now)
        return HistoryPlace(since)
    return HistoryPlace(row.since, Cursor(row.cursor) if row.cursor else None, row.read)


def ingest_history(
    tx: Transaction, rules: Rules, mailbox: MailboxId, batch: Batch, expected: str | None, now: datetime
) -> Ingested:
    """Files a batch of a backfill that follows the backfill's cursor `expected`, beside the daemon's own position;
    pages nobody.
    """
    if not tx.backfills.move(mailbox, expected, batch.cursor, len(batch.messages), batch.remaining, now):
        return Ingested(stale=True)
    if batch.seen_until is not None:
        tx.backfills.finish(mailbox, now)
    return _take_and_release(tx, rules, batch, Arrival(mailbox, now, quiet=True))


def ingest_recovered(tx: Transaction, rules: Rules, mailbox: MailboxId, batch: Batch, now: datetime) -> Ingested:
    """Files messages that a census found missing: late, but not too late to notify."""
    return take(tx, rules, batch, Arrival(mailbox, now, quiet=False))


def _take_and_release(tx: Transaction, rules: Rules, batch: Batch, arrival: Arrival) -> Ingested:
    """Where a past is read that may have been read before, what was set aside then and can be read now is let go."""
    result = take(tx, rules, batch, arrival)
    if arrival.quiet:
        read = {raw.ref for raw in batch.messages} - result.set_aside
        result.recovered = tx.quarantine.release(arrival.mailbox, read)
        if result.recovered:
            tx.health.read_at_last(arrival.mailbox, result.recovered)
    return result


def take(tx: Transaction, rules: Rules, batch: Batch, arrival: Arrival) -> Ingested:
    """Files messages, whatever their batch says of cursors; those that cannot be used are set aside."""
    messages, unusable = _parse(batch, rules.config.privacy, arrival.mailbox)
    result = Ingested(read=len(batch.messages))
    try:
        with tx.attempt():
            _file(tx, rules, messages, arrival, result)
    except Outage:
        raise
    except Exception:  # one message that our rules cannot bear must not stop its mailbox for ever
        log.exception("batch refused by a defect, its messages are taken one by one", mailbox=arrival.mailbox)
        result = Ingested(read=len(batch.messages))
        unusable += _file_singly(tx, rules, messages, arrival, result)
    result.set_aside = {one.ref for one in unusable}
    result.problems = [(one.ref, one.reason) for one in (*batch.quarantined, *unusable)]
    result.quarantined = tx.quarantine.add(
        arrival.mailbox, result.problems, arrival.now, next_try(0, arrival.now), quiet=arrival.quiet
    )
    # A connector of somebody else's may have left out a zone: such messages are in quarantine already.
    times = [raw.received_at for raw in batch.messages if raw.received_at.tzinfo is not None]
    if times:
        alarms.watch(tx, rules, [alarms.skew(arrival.mailbox, max(times), arrival.now, rules.words)], arrival.now)
    return result


def _file_singly(
    tx: Transaction, rules: Rules, messages: Sequence[tuple[str, Message]], arrival: Arrival, result: Ingested
) -> list[Quarantined]:
    """Files what can be filed; returns the messages that cannot."""
    refused = []
    for ref, message in messages:
        try:
            with tx.attempt():
                _file(tx, rules, [(ref, message)], arrival, result)
        except Outage:
            raise
        except Exception as error:  # noqa: BLE001  (whatever it raises, the message is kept by name and reason)
            refused.append(Quarantined(ref, f"defect of inboxwatch: {type(error).__name__}"))
    return refused


def _parse(batch: Batch, privacy: Privacy, mailbox: MailboxId) -> tuple[list[tuple[str, Message]], list[Quarantined]]:
    """The messages of a batch by ref. A provider counts conversations by account: they get the mailbox's name."""
    messages: list[tuple[str, Message]] = []
    unusable: list[Quarantined] = []
    for raw in batch.messages:
        try:
            message = parse(raw, _text(raw, privacy, mailbox))
            if message.provider_thread:
                message = replace(message, provider_thread=f"{mailbox} " + message.provider_thread)
            messages.append((raw.ref, message))
        except Unusable as error:
            unusable.append(Quarantined(raw.ref, str(error)))
        except Exception as error:  # one message must not stop its mailbox for ever
            log.exception("message refused by a defect", mailbox=mailbox, ref=raw.ref)
            unusable.append(Quarantined(raw.ref, f"defect of inboxwatch: {type(error).__name__}"))
    return messages, unusable


def _text(raw: RawMessage, privacy: Privacy, mailbox: MailboxId) -> str | None:
    """The text of a message where it may be read; one that cannot be read counts by its headers, as without text."""
    try:
        return text_of(raw.text) if raw.text and privacy is Privacy.TEXT else None
    except Unusable as error:
        what = "a message's text cannot be read: its headers count"
        log.warning(what, mailbox=mailbox, ref=raw.ref, error=str(error))
        return None


def _file(
    tx: Transaction, rules: Rules, messages: Sequence[tuple[str, Message]], arrival: Arrival, result: Ingested
) -> None:
    mailbox, now, quiet = arrival.mailbox, arrival.now, arrival.quiet
    occasion = Occasion(now, quiet=quiet, quiet_until=arrival.quiet_until)
    messages, forgotten = set_aside_forgotten(tx, rules, mailbox, messages)
    messages, fresh = rules.own_mail.set_aside(tx, mailbox, messages)
    result.fresh += forgotten + fresh
    if not messages:
        return
    placed = place_all(tx, rules, mailbox, [message for _, message in messages])
    intake, entries, index = placed.intake, placed.entries, placed.intake.index
    if intake.new_leads:
        tx.leads.put(intake.new_leads, now)
    standing = [entry for entry in entries if entry.stands]
    filed = [_filed(tx, rules, entry, index, intake.directory, mailbox) for entry in standing]
    # What is placed anew may take messages out of threads that the batch has begun.
    begun = frozenset[ThreadId]() if index.restated else tx.mail.threads_begun(filed)
    changed = _place(tx, index, filed)
    # The entries come in the order of time, one for each message read.
    ordered = sorted(messages, key=lambda one: (one[1].received_at, one[1].id))
    nobodys = {one.id for one in filed if one.mail is None}
    seen, unfiled = list[_Seen](), list[_Seen]()
    for entry, (ref, own) in zip(entries, ordered, strict=True):
        is_nobodys = entry.message.id in nobodys or entry.message.id not in index
        (unfiled if is_nobodys else seen).append((entry, ref, own))
    result.fresh += tx.mail.witness(
        mailbox, [(entry.message.id, ref, own.role, own.received_at, own.provider_thread) for entry, ref, own in seen]
    )
    tx.mail_links.note(
        mailbox,
        [
            (entry.message.id, link)
            for entry, _, own in seen
            if (link := of_provider(own.web_link)) and concerns_a_lead(entry, index)
        ],
    )
    proven = [entry for entry in entries if entry.proof is not NOTHING_KNOWN and concerns_a_lead(entry, index)]
    proofs = [_copy_proof(tx, entry, arrival) for entry in proven]
    tx.proofs.add(mailbox, proofs)
    result.fresh += _pass_by(tx, placed, unfiled, arrival)
    # In the order of time: who asked first is given an owner first.
    threads = dict.fromkeys(one.known.thread for one in filed if one.known is not None and one.mail is not None)
    moved = dict.fromkeys([*placed.again, *changed, *place_restated(tx, index)])
    moved |= dict.fromkeys(_judge_again(tx, placed, {one.id for one in filed}))
    # A copy may tell more of a message that was filed before.
    told = (index.known(entry.message.id) for entry in proven)
    threads |= moved | dict.fromkeys(known.thread for known in told if known is not None)
    threads |= dict.fromkeys(notice_meetings(tx, entries))
    notice_absences(tx, rules, standing)
    timelines = tx.mail.begun(begun - moved.keys(), filed, proofs)
    result.evaluated.add(evaluate(tx, rules, list(threads), occasion, intake.directory.leads, timelines))
    notice_first_contacts(tx, rules, standing, now, quiet=quiet)
    result.started += [
        (entry.message.received_at, now)
        for entry in standing
        if entry.lead and entry.direction is Direction.INBOUND and entry.verdict.owes_reply
    ]


def _pass_by(tx: Transaction, placed: Placed, unfiled: Sequence[_Seen], arrival: Arrival) -> int:
    """Has mail that was nobody's read again where this batch tells that it is a lead's; then keeps what of this batch
    is nobody's, and the clues to it. Returns how much of that was new to the mailbox.
    """
    intake, index = placed.intake, placed.intake.index
    news = news_of(intake, placed.entries, _news(placed))
    tx.strangers.recall(news.of_leads, news.of_ours, arrival.now)
    if arrival.recalled:
        of_leads = [one for one in placed.entries if concerns_a_lead(one, index)]
        tx.strangers.forget({one.message.id: clues_of(intake, one) for one in of_leads})
    read_at = arrival.held_since or arrival.quiet_until or arrival.now
    clues: dict[MessageId, list[str]] = {}
    passed = []
    for entry, ref, own in unfiled:
        id_, reading = entry.message.id, None
        if is_kept(entry, index):
            clues[id_] = clues_of(intake, entry)
            reading = FirstReading(read_at, arrival.quiet, late=_held_since(entry.message, arrival) is not None)
        taken_for = (entry.direction, entry.verdict.kind)
        passed.append(Passed(id_, ref, own.role, own.received_at, *taken_for, own.provider_thread, reading))
    tx.strangers.keep(clues, read_at)
    return tx.unfiled.add(arrival.mailbox, passed)


def _news(placed: Placed) -> dict[str, datetime]:
    """To whom we wrote in a batch as never before, or earlier, by plain address."""
    written = placed.written
    return {one: at for one, at in placed.intake.written.items() if one not in written or at < written[one]}


def _judge_again(tx: Transaction, placed: Placed, filed: set[MessageId]) -> list[ThreadId]:
    """Notes to whom we wrote; the kinds of filed messages that this batch tells more of are decided again.

    Returns the threads of those that have changed.
    """
    index, news = placed.intake.index, _news(placed)
    tx.kinds.note_written(news)
    told = index.changed.keys() | filed
    concerned = dict.fromkeys([one.id for one in placed.known if one.parent in told])
    concerned |= dict.fromkeys(index.changed)
    if not concerned and not news:
        return []
    return [ThreadId(one.record.thread) for one in judge_again(tx, concerned, news, filed)]


def _place(tx: Transaction, index: ThreadIndex, filed: Sequence[Filed]) -> list[ThreadId]:
    """Writes where messages were placed; returns the threads of those that were placed anew, and those they left.

    What people did stays with the waits they did it to: those go with the messages that started them, and reviews of a
    match with the message.
    """
    tx.mail.file(filed)
    concerned = write_moves(tx, index)
    for one in filed:
        if one.mail is None and index.leads_beside(one.id):
            index.passed_by(one.id)
    # Where a guess has put what is not filed, nothing waits for the ids that it names.
    tx.mail.add_ghosts({one: ghost for one, ghost in index.ghosts().items() if index.leads_beside(one)})
    return concerned


def _filed(
    tx: Transaction, rules: Rules, entry: Entry, index: ThreadIndex, directory: Directory, mailbox: MailboxId
) -> Filed:
    message, verdict = entry.message, entry.verdict
    placed = index.known(message.id)
    if placed is not None and placed.at < message.received_at:
        # Another mailbox saw it before: the earliest sighting wins (rule 14).
        message = replace(message, received_at=placed.at)
        entry = replace(entry, message=message)
    mail, told = None, False
    if concerns_a_lead(entry, index) or not index.is_new(message.id):
        where = mailbox_of(message, rules.context.addresses) or mailbox
        mail = mail_of(entry, directory, where)
        if (inquiry := inquiry_of(entry, rules.config.us, rules.qualification)) is not None:
            mail = replace(mail, inquiry=inquiry)
        told = not is_plain(entry.grounds, verdict)
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
        grounds=dump(entry.grounds, verdict) if told else None,
        sender_key=tx.kinds.sender_key(entry.direction, message.sender.email) if told else None,
    )


def _copy_proof(tx: Transaction, entry: Entry, arrival: Arrival) -> CopyProof:
    """What a copy proves. One of ours that was not there when we looked after its own time was laid there later."""
    message, proof = entry.message, entry.proof
    if entry.direction is Direction.OUTBOUND and (held_since := _held_since(message, arrival)) is not None:
        proof = replace(proof, held_since=held_since)
    return CopyProof(tx.mail.key(message.id), message.role.value, proof)


def _held_since(message: Message, arrival: Arrival) -> datetime | None:
    watched = arrival.watched_until
    if watched is not None and message.received_at + LATE < watched:
        return arrival.now
    return arrival.held_since
