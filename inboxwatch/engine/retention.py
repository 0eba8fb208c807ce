"""What is older than the config keeps is erased, a little at a time, and stays counted."""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta

from inboxwatch.core.pseudonym import Pseudonym
from inboxwatch.engine.alarms import Condition, watch
from inboxwatch.engine.audit import AuditOutcome, Door
from inboxwatch.engine.erasure_clock import Reckoned, pass_time
from inboxwatch.engine.rules import Rules
from inboxwatch.notify import alarm_messages as messages
from inboxwatch.store import Transaction
from inboxwatch.store.audit import EXPIRE
from inboxwatch.store.audit_record import AuditRecord
from inboxwatch.store.marks import ExpiredMark, FilteredMark
from inboxwatch.store.retention import ROWS, THREADS

EVERY = timedelta(hours=1)
"""From one search for what is too old to the next, once nothing is left of it."""
SOON = timedelta(minutes=5)
"""Where more is left: figures are counted before and after, and others want to write, too."""


STRANGERS = 100
"""Forgotten in one transaction."""
LEAST_AT_ONCE = 2
"""Rows of the audit log that go together: each time adds one, and one for one would never end."""


def watch_age(tx: Transaction, rules: Rules, host: str, now: datetime) -> Reckoned | None:
    """Tells IT, once for each host, that its clock is not believed, and again when it is; returns what is new in it."""
    found, words = pass_time(tx, now), rules.words
    erases = rules.config.keep is not None or rules.config.keep_audit is not None
    condition = Condition(
        f"erasure-clock/{host}",
        erases and found.held,
        messages.erasure_held(ahead=found.ahead, at=found.at, words=words),
        words.say(messages.ERASURE_GOES_ON),
    )
    return found if watch(tx, rules, [condition], now) else None


def expire_audit(tx: Transaction, rules: Rules, now: datetime) -> int:
    """Erases a batch of what is older than `history.keep_audit`, and notes it first; returns how many rows.

    Where the log does not fit together nothing goes: it may be evidence.
    """
    keep = rules.config.keep_audit
    if keep is None:
        return 0
    last = tx.audit.chain(ROWS, before=pass_time(tx, now).at - keep)
    if last.rows < LEAST_AT_ONCE or last.broken:
        return 0
    tx.audit.add(
        AuditRecord(
            0, now, Door.AGE, "", EXPIRE, f"{last.last}:{last.hash}", None, None, AuditOutcome.DONE, None, last.rows
        )
    )
    tx.audit.expire(last)
    return last.rows


def expire(tx: Transaction, rules: Rules, now: datetime, most: int = THREADS) -> int:
    """Erases one batch of what is older than `history.keep`, `most` threads; returns how many messages and other rows.

    Nothing goes that an open wait needs, or a thread in which anything has happened since: a thread goes whole or not
    at all.
    """
    keep = rules.config.keep
    last = tx.marks.get(ExpiredMark())
    if keep is None or (last is not None and last <= now < last + EVERY):
        return 0
    cutoff = pass_time(tx, now).at - keep
    threads, rest = tx.retention.expired_threads(cutoff, most), tx.retention.expired_rest(cutoff)
    more = len(threads) == most or any(len(rows) == ROWS for _, rows in rest)
    tx.marks.set(ExpiredMark(), now - EVERY + SOON if more else now)
    if not threads and not rest:
        return 0
    before = tx.retention.figures(now)
    erased = tx.retention.erase_threads(threads) + tx.retention.erase_rest(rest)
    tx.retention.keep_figures(before, now)
    return erased


def forget_filtered(tx: Transaction, rules: Rules, now: datetime, most: int = STRANGERS) -> int:
    """Forgets strangers whose inquiries were filtered, `most` at once; returns how many.

    Address, subject and thread go; class, rule and day stay, by which filters are counted. What a person said of all
    that an address sends stays until they are forgotten: it is what filters them.
    """
    if (terms := rules.qualification) is None:
        return 0
    last = tx.marks.get(FilteredMark())
    if last is not None and last <= now < last + EVERY:
        return 0
    strangers = tx.filtered_strangers.expired(pass_time(tx, now).at - terms.forget_filtered, most)
    for lead, threads in strangers.items():
        tx.traces.forget_threads(lead, threads, Pseudonym({lead}, (), secrets.token_hex(8)))
    tx.marks.set(FilteredMark(), now - EVERY + SOON if len(strangers) == most else now)
    return len(strangers)
