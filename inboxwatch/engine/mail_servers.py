"""A mail server that goes down takes many mailboxes with it: one notice for the server, and one when it is back."""

from __future__ import annotations

from datetime import datetime

from inboxwatch.connector import Reason
from inboxwatch.engine.rules import Rules
from inboxwatch.notify import NoticeType, alarm_messages
from inboxwatch.store import Transaction
from inboxwatch.store.marks import ServerDownMark
from inboxwatch.store.records import MailboxRecord

OUTAGE = frozenset({Reason.UNAVAILABLE.value, Reason.TIMEOUT.value, Reason.SERVER.value})
"""Reasons that a server has, and not one mailbox."""


def server_down(tx: Transaction, rules: Rules, row: MailboxRecord, now: datetime) -> bool:
    """Whether a failing mailbox shares its server's outage, of which IT is told here, once."""
    server = _server(rules, row)
    if server is None or row.error_reason not in OUTAGE:
        return False
    failing = [one.id for one in _suffering(tx, rules, server)]
    if len(failing) < 2:
        return False
    if tx.marks.get(ServerDownMark(server)) is None:
        title = alarm_messages.server_blind(
            server=server, reason=row.error_reason, mailboxes=failing, words=rules.words
        )
        _tell(tx, rules, f"blind/{server}/{now.isoformat()}", {"title": title, "error": row.error}, now)
        tx.marks.set(ServerDownMark(server), now)
    return True


def server_up(tx: Transaction, rules: Rules, row: MailboxRecord, now: datetime) -> bool:
    """Whether a mailbox that can be read again was part of a server's outage; the last one of them ends it.

    `row` is as it was before.
    """
    server = _server(rules, row)
    since = tx.marks.get(ServerDownMark(server)) if server is not None and row.error_reason in OUTAGE else None
    if server is None or since is None:
        return False
    if not [one for one in _suffering(tx, rules, server) if one.id != row.id]:
        title = alarm_messages.server_readable(server=server, words=rules.words)
        _tell(tx, rules, f"seeing/{server}/{since.isoformat()}", {"title": title, "error": None}, now)
        tx.marks.set(ServerDownMark(server), None)
    return True


def _server(rules: Rules, row: MailboxRecord) -> str | None:
    box = rules.config.mailboxes.get(row.id)
    return box.server if box is not None else None


def _suffering(tx: Transaction, rules: Rules, server: str) -> list[MailboxRecord]:
    """The mailboxes of a server that fail for its sake."""
    failing = (row for row in tx.mailboxes.all() if row.failing_since is not None and row.error_reason in OUTAGE)
    return [row for row in failing if _server(rules, row) == server]


def _tell(tx: Transaction, rules: Rules, key: str, body: dict[str, str | None], now: datetime) -> None:
    tx.deliveries.enqueue(rules.notices.notice(NoticeType.MAILBOX, key, rules.config.it_alerts, now, **body))
