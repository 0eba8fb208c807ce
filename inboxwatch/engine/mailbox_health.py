"""How mailboxes fare: IT is alerted once to blind ones, the first sight of one ends in a digest."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple

import structlog

from inboxwatch.connector import Cursor, MailboxError, Reason
from inboxwatch.core.model import MailboxId, MessageId
from inboxwatch.engine.mail_servers import server_down, server_up
from inboxwatch.engine.rules import Rules
from inboxwatch.notify import NoticeType, alarm_messages
from inboxwatch.store import Transaction
from inboxwatch.store.marks import HeldUntilMark, ResyncsMark
from inboxwatch.store.records import MailboxRecord

log = structlog.get_logger(__name__)

SHOWN = "`inboxwatch check` and /mailboxes say what it is"
NAMED = 5
"""So many parts are named in the log."""
LONG_REST = timedelta(hours=2)
"""A provider that wants to be left alone for longer than this leaves us blind."""

RESYNC_WINDOW = timedelta(hours=2)
RESYNCS = 3
"""A mailbox that had to be read anew oftener than so within the window cannot be followed."""


def position(tx: Transaction, mailbox: MailboxId) -> tuple[Cursor | None, bool]:
    """How far a mailbox was read, and whether it is read for the first time."""
    row = tx.mailboxes.get(mailbox)
    return (Cursor(row.cursor) if row and row.cursor else None), not (row and row.first_sight_done)


@dataclass(frozen=True, slots=True)
class Unreadable:
    """That a mailbox could not be read; instants are in UTC."""

    error: MailboxError
    since: datetime
    """When it could first not be read."""
    again: datetime
    """When it is tried next."""


def failed(tx: Transaction, rules: Rules, mailbox: MailboxId, unread: Unreadable, now: datetime) -> None:
    """Records that a mailbox could not be read; IT is alerted once, when it stays so.

    What a provider holds back for a while is no failure: the mailbox counts as readable, with the reason noted.
    """
    error, since, again = unread.error, unread.since, unread.again
    row = tx.mailboxes.get(mailbox)
    box = rules.config.mailboxes[mailbox]
    patience = max(3 * box.poll_every, timedelta(seconds=10))
    limited = error.reason is Reason.RATE_LIMITED and row is not None and row.failing_since is None
    # A pause may have been stretched to `poll_idle` before the first refusal.
    if limited and now - since <= patience + box.poll_idle and again - now <= LONG_REST:
        tx.health.held_back(mailbox, error.reason.value, str(error))
        tx.marks.set(HeldUntilMark(mailbox), again)
        return
    since = tx.health.failing(mailbox, since, error.reason.value, str(error))
    row = tx.mailboxes.get(mailbox)
    later = now - since < patience and not error.permanent and not limited
    if row is None or row.blind_told or later:
        return
    if server_down(tx, rules, row, now):
        tx.health.blind_notified(mailbox)
        return
    title = alarm_messages.mailbox_blind(
        mailbox=mailbox, reason=error.reason, read_until=row.seen_until, hint=error.hint, words=rules.words
    )
    key = f"blind/{mailbox}/{since.isoformat()}"
    body = {"mailbox": mailbox, "error": str(error), "title": title}
    tx.deliveries.enqueue(rules.notices.notice(NoticeType.MAILBOX, key, rules.config.it_alerts, now, **body))
    tx.health.blind_notified(mailbox)


def succeeded(tx: Transaction, rules: Rules, mailbox: MailboxId, now: datetime, remarks: Sequence[str] = ()) -> None:
    """Records a complete poll, with what was left out; what was held back for this mailbox is looked at again."""
    left_out = "\n".join(remarks) or None
    row = tx.health.recovered(mailbox, now, remarks=left_out)
    if row is not None and row.remarks != left_out:
        first = list(remarks[:NAMED])
        what = "what is left out of a mailbox has changed"
        log.warning(what, mailbox=mailbox, parts=len(remarks), first=first, hint=SHOWN)
    if row is None or row.error_reason is None:
        return
    tx.clocks.wake(now, held=True)
    _tell_recovery(tx, rules, row, now)


def reads_on(tx: Transaction, rules: Rules, mailbox: MailboxId, now: datetime) -> None:
    """Records that mail comes in though a poll is not complete yet: a mailbox that failed is blind no longer."""
    row = tx.mailboxes.get(mailbox)
    if row is None or row.failing_since is None:
        return
    # It was not read to its end, and what is held back for it stays so until it is.
    tx.health.recovered(mailbox, now, complete=False)
    _tell_recovery(tx, rules, row, now)


def _tell_recovery(tx: Transaction, rules: Rules, row: MailboxRecord, now: datetime) -> None:
    """Tells IT that a mailbox that was reported as blind can be read again; `row` is as it was before."""
    if not row.blind_told or row.failing_since is None or server_up(tx, rules, row, now):
        return
    body = {
        "mailbox": row.id,
        "error": None,
        "title": alarm_messages.mailbox_readable(mailbox=row.id, words=rules.words),
    }
    key = f"seeing/{row.id}/{row.failing_since.isoformat()}"
    tx.deliveries.enqueue(rules.notices.notice(NoticeType.MAILBOX, key, rules.config.it_alerts, now, **body))


def resynced(tx: Transaction, mailbox: MailboxId, now: datetime) -> bool:
    """Records that a mailbox is read anew because its server refused the position; True where that happens too often.

    A server that numbers a folder anew at each opening would have it read anew for ever, and what is read so pages
    nobody.
    """
    before = tx.marks.get(ResyncsMark(mailbox)) or ()
    recent = (*(at for at in before if now - RESYNC_WINDOW < at <= now), now)
    tx.marks.set(ResyncsMark(mailbox), recent[-RESYNCS - 1 :])
    return len(recent) > RESYNCS


def first_sight_over(tx: Transaction, rules: Rules, mailbox: MailboxId, now: datetime) -> None:
    """Ends the first reading of a mailbox: what was overdue already comes in one digest (rule 39)."""
    tx.cursors.first_sight(mailbox, done=True)
    waits = [row for row in tx.clocks.running() if row.first_sight and row.mailbox == mailbox]
    late = [row for row in waits if row.due_at <= now]
    if not late:
        return
    box = rules.config.mailboxes[mailbox]
    team = rules.config.teams.get(box.team or "")
    reader = box.owner or (team.lead if team else None) or rules.config.fallback
    body = {"first_sight": mailbox, "clock_ids": [row.id for row in late]}
    key = f"first-sight/{mailbox}/{now.isoformat()}"
    tx.deliveries.enqueue(rules.notices.notice(NoticeType.DIGEST, key, [reader], now, **body))


class Lacking(NamedTuple):
    """What a server lists and this mailbox's readings did not bring, as (ref, Message-ID)."""

    missing: list[tuple[str, str]]
    """Never read."""
    aside: list[tuple[str, str]]
    """They could not be read, and are tried again."""


def unread(tx: Transaction, mailbox: MailboxId, listed: Sequence[tuple[str, str]]) -> Lacking:
    """What of the (ref, Message-ID) on a server was not read."""
    ids = [MessageId(message_id) for _, message_id in listed]
    seen = tx.mail.witnessed(mailbox, ids) | tx.unfiled.read(ids, mailbox)
    aside = tx.quarantine.among(mailbox, [ref for ref, _ in listed])
    left = [(ref, message_id) for ref, message_id in listed if message_id not in seen]
    return Lacking([one for one in left if one[0] not in aside], [one for one in left if one[0] in aside])


class Count(NamedTuple):
    """What a census found."""

    listed: int
    missing: int
    aside: int
    """Of those listed, set aside."""
    since: datetime
    """From when on it counts (UTC)."""


def counted(tx: Transaction, mailbox: MailboxId, count: Count) -> float:
    """Records the result of a census: the share (0..1) of the server's messages that the store holds.

    What is set aside counts as missing until it is read, though the server may not even list it; for as long as the
    census looks back.
    """
    aside = max(count.aside, tx.quarantine.count(mailbox, count.since))
    there = count.listed + aside - count.aside
    coverage = 1 - (count.missing + aside) / there if there else 1.0
    tx.health.counted(mailbox, coverage)
    return coverage
