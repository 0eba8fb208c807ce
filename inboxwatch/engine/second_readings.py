"""What could not be read is tried again, whoever restarts meanwhile, and filed late when it can be read."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from inboxwatch.connector import Batch, Cursor, Reread
from inboxwatch.core.model import MailboxId
from inboxwatch.engine.ingest import Arrival, Ingested, take
from inboxwatch.engine.mailbox_health import succeeded
from inboxwatch.engine.rules import Rules
from inboxwatch.engine.second_tries import SHARE, next_try
from inboxwatch.store import Transaction
from inboxwatch.store.quarantine import SetAside


def read_whole(
    tx: Transaction, rules: Rules, mailbox: MailboxId, now: datetime, remarks: Sequence[str], can: bool
) -> tuple[SetAside, ...]:
    """Records a complete poll, with what was left out; returns what is `due`, where single messages can be read."""
    succeeded(tx, rules, mailbox, now, remarks)
    return due(tx, mailbox, now) if can else ()


def due(tx: Transaction, mailbox: MailboxId, now: datetime) -> tuple[SetAside, ...]:
    """Messages to be read again now. Their tries count from here on: one that ends a process is not tried for ever."""
    found = tx.quarantine.due(mailbox, now, SHARE)
    tx.quarantine.tried(mailbox, {one.ref: next_try(one.tries + 1, now) for one in found})
    recalled = tx.strangers.due(mailbox, now, SHARE)
    tx.strangers.tried(mailbox, {one.ref: next_try(one.tries + 1, now) for one in recalled})
    return (*found, *recalled)


def read_again(
    tx: Transaction, rules: Rules, mailbox: MailboxId, asked: Sequence[SetAside], found: Reread, now: datetime
) -> Ingested:
    """Files what was read at last: late, but not too late to notify. Of what came quietly only what was overdue by
    then is history: what began to be owed later pages as if it had been read at once.

    What is gone from the server is let go of; what still cannot be read stays, with the reason of today.
    """
    aside, recalled = ({one.ref for one in asked if one.recalled is which} for which in (False, True))
    tx.quarantine.explain(mailbox, {one.ref: one.reason for one in found.unreadable if one.ref in aside})
    how = {one.ref: _arrival(mailbox, one, now) for one in asked}
    result = Ingested()
    for arrival in sorted(set(how.values()), key=repr):
        messages = tuple(one for one in found.messages if how.get(one.ref) == arrival)
        if messages:
            result.add(take(tx, rules, Batch(messages, Cursor("")), arrival))
    unread = {one.ref for one in found.unreadable} | result.set_aside
    read = {message.ref for message in found.messages} - unread
    tx.quarantine.release(mailbox, aside - unread)
    tx.strangers.release(mailbox, recalled - unread)
    result.recovered = len(read & aside)
    if result.recovered:
        tx.health.read_at_last(mailbox, result.recovered)
    return result


def _arrival(mailbox: MailboxId, one: SetAside, now: datetime) -> Arrival:
    """How a message comes in that is read again."""
    return Arrival(
        mailbox,
        now,
        quiet=one.quiet,
        quiet_until=one.at if one.quiet else None,
        recalled=one.recalled,
        held_since=one.at if one.late else None,
    )
