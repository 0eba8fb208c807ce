"""What people say of weak matches: right, or wrong; the waits of all threads concerned follow."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from inboxwatch.core.mail.threads import SURE_ENOUGH, Ghost, rejoin, stood, thread_apart
from inboxwatch.core.mail.threads import split as split_thread
from inboxwatch.core.model import MessageId, ThreadId
from inboxwatch.core.sla.policy import Metric
from inboxwatch.core.sla.running import clock_id
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
REVIEWED = frozenset({ActionKind.CONFIRMED, ActionKind.UNCONFIRMED, ActionKind.SPLIT, ActionKind.REJOINED})


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
    """The last word on a match is taken back, and it is to be reviewed again. Raises Refused.

    What was split stands where it stood, with what has come to it since; the waits are as if nobody had split it.
    """
    known_person(rules, by)
    row = tx.mail.row(message_id.strip().strip("<>"))
    if row is None:
        raise NoSuchMessage(message_id)
    done = [one for one in tx.clocks.actions([row.thread], []).get(row.thread, ()) if one.rule == row.message_id]
    reviews = [one for one in done if one.kind in REVIEWED]
    last = max(reviews, key=lambda one: one.serial, default=None)
    if last is not None and last.kind is ActionKind.SPLIT:
        old = _take_back_split(tx, row)
        tx.clocks.record(Action(now, ActionKind.REJOINED, by, reason=reason, rule=row.message_id), old)
        evaluate(tx, rules, [old], Occasion(now))
        return
    if last is None or last.kind is not ActionKind.CONFIRMED:
        raise Refused(409, english("nothing is to be taken back: nobody has confirmed or split this match"))
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
    before = {one.id: stood(thread[one.id]) for one in (*cut.moved, *cut.left)}
    tx.mail.amend([*cut.moved, *cut.left])
    tx.mail.add_ghosts(dict.fromkeys(tx.mail.awaited(old, cut.ghosts), Ghost(cut.thread, cut.thread)))
    moved = [one.id for one in cut.moved]
    tx.clocks.move(clocks_of(tx, old, moved), old, cut.thread, moved)
    done = Action(now, ActionKind.SPLIT, by, reason=reason, rule=row.message_id)
    tx.clocks.record(done, old)
    tx.clocks.record_split(done, cut.thread, before)
    evaluate(tx, rules, [old, cut.thread], Occasion(now))


def _take_back_split(tx: Transaction, row: MessageRecord) -> ThreadId:
    """Puts a split message and what hangs on it back; returns their thread. Raises Refused."""
    apart, before = thread_apart(row.known.id), tx.clocks.stood(row.thread, row.message_id)
    first = before.get(row.known.id)
    if first is None:
        raise Refused(409, english("it cannot be taken back: where the message stood is not known any more"))
    if (row.thread, row.known.component) != (apart, apart):
        raise Refused(409, english("it cannot be taken back: later mail has joined the message with another one"))
    stays = tx.mail.row(first.beside) if first.beside is not None else None
    old = ThreadId(stays.thread) if stays is not None and stays.thread != apart else row.known.apart
    left = tx.mail.rows(old) if old is not None else []
    if old is None or not left:
        raise Refused(409, english("it cannot be taken back: the conversation to which it belonged is no more"))
    together = [one.known for one in tx.mail.rows(apart)]
    tx.mail.amend(rejoin(together, [one.known for one in left], before, first, old))
    tx.mail.move_ghosts({apart: (first.component, old)})
    tx.clocks.rejoin(apart, row.message_id, old)
    return old


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
