"""What people say of weak matches: right, or wrong; the waits of all threads concerned follow."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from inboxwatch.core.mail.threads import SURE_ENOUGH, Ghost
from inboxwatch.core.mail.threads import split as split_thread
from inboxwatch.core.model import MessageId
from inboxwatch.core.sla.clock import clock_id
from inboxwatch.core.sla.policy import Metric
from inboxwatch.core.sla.timeline import Action, ActionKind
from inboxwatch.engine.actions import known_person
from inboxwatch.engine.evaluate import Occasion, evaluate
from inboxwatch.engine.refused import NoSuchMessage, Refused
from inboxwatch.engine.rules import Rules
from inboxwatch.store import Transaction
from inboxwatch.store.records import MessageRecord
from inboxwatch.words import english

DOUBTED = 0.5
"""The confidence of a match whose confirmation was taken back."""
REVIEWED = frozenset({ActionKind.CONFIRMED, ActionKind.UNCONFIRMED, ActionKind.SPLIT})


def weak(tx: Transaction, after: tuple[datetime, str] | None, limit: int) -> Sequence[MessageRecord]:
    """Messages whose match nobody has reviewed yet, oldest first."""
    return tx.mail.weak(SURE_ENOUGH, after, limit)


def confirm(tx: Transaction, rules: Rules, message_id: str, by: str, now: datetime, reason: str = "") -> None:
    """The match is right: from now on it is as good as a header. Raises Refused."""
    row = _open(tx, rules, message_id, by)
    tx.mail.amend([replace(row.known, confidence=1.0)])
    beside = tx.mail.row(row.known.beside) if row.known.beside is not None else None
    if beside is not None and beside.known.component != row.known.component:
        tx.mail.unite(row.known.component, beside.known.component)
    tx.clocks.record(Action(now, ActionKind.CONFIRMED, by, reason=reason, rule=row.message_id), row.thread)


def undo(tx: Transaction, rules: Rules, message_id: str, by: str, now: datetime, reason: str = "") -> None:
    """A confirmation is taken back: the match is to be reviewed again, and can be split. Raises Refused."""
    known_person(rules, by)
    row = tx.mail.row(message_id.strip().strip("<>"))
    if row is None:
        raise NoSuchMessage(message_id)
    done = [one for one in tx.clocks.actions([row.thread], []).get(row.thread, ()) if one.rule == row.message_id]
    reviews = [one for one in done if one.kind in REVIEWED]
    last = max(reviews, key=lambda one: one.serial, default=None)
    if last is None or last.kind is not ActionKind.CONFIRMED:
        raise Refused(409, english("nothing is to be taken back: nobody has confirmed this match"))
    tx.mail.amend([replace(row.known, confidence=DOUBTED)])
    tx.clocks.record(Action(now, ActionKind.UNCONFIRMED, by, reason=reason, rule=row.message_id), row.thread)


def split(tx: Transaction, rules: Rules, message_id: str, by: str, now: datetime, reason: str = "") -> None:
    """The match is wrong: the message, and what surely hangs on it, gets a thread of its own. Raises Refused.

    The waits of both threads are folded again; those that the message started go with it under their ids, with what
    people did to them.
    """
    row = _open(tx, rules, message_id, by)
    old = row.thread
    thread = {one.message_id: one.known for one in tx.mail.rows(old)}
    cut = split_thread(thread[row.message_id], list(thread.values()))
    tx.mail.amend([*cut.moved, *cut.left])
    tx.mail.add_ghosts(dict.fromkeys(tx.mail.awaited(old, cut.ghosts), Ghost(cut.thread, cut.thread)))
    moved = [one.id for one in cut.moved]
    tx.clocks.move(clocks_of(tx, old, moved), old, cut.thread, moved)
    for concerned in (old, cut.thread):
        tx.clocks.record(Action(now, ActionKind.SPLIT, by, reason=reason, rule=row.message_id), concerned)
    evaluate(tx, rules, [old, cut.thread], Occasion(now))


def clocks_of(tx: Transaction, thread: str, messages: Sequence[MessageId]) -> set[str]:
    """The ids of the waits that messages of a thread started, or would have started if they had come first."""
    started = {row.id for row in tx.clocks.of_threads([thread]).values() if row.started_by in set(messages)}
    return started | {clock_id(one, metric) for one in messages for metric in Metric}


def _open(tx: Transaction, rules: Rules, message_id: str, by: str) -> MessageRecord:
    """A message whose match is still to be reviewed, for a person of ours. Raises Refused."""
    known_person(rules, by)
    row = tx.mail.row(message_id.strip().strip("<>"))
    if row is None:
        raise NoSuchMessage(message_id)
    if row.confidence >= SURE_ENOUGH:
        text = english("nothing is to be reviewed: thread by %(evidence)s, confidence %(confidence)s")
        raise Refused(409, text, evidence=row.evidence, confidence=f"{row.confidence:.2f}")
    return row
