"""Threads that older versions have joined by likeness are placed again from what is stored, a few at a time.

A migration says that there are any (`ThreadsAgainMark`); the mark moves on with each transaction, so that it goes on
after a restart, and several processes share the work. What is not kept cannot tell again: the text, more than two of
the ids that a message of that time names, and whose colleague somebody was taken for because of the thread.
"""

from __future__ import annotations

from datetime import datetime

from inboxwatch.core.model import ThreadId
from inboxwatch.engine.evaluate import Occasion, evaluate
from inboxwatch.engine.placing_anew import place_anew
from inboxwatch.engine.rules import Rules
from inboxwatch.store import Transaction
from inboxwatch.store.marks import ThreadsAgainMark

SHARE = 20
"""So many threads are looked at in one transaction."""


def place_again(tx: Transaction, rules: Rules, now: datetime) -> int | None:
    """Places the next threads again; returns how many of them were an older version's, None where none is left.

    Waits keep their ids, owners and steps; one that was hidden in another's story opens, and what of it is overdue
    pages nobody: it is history.
    """
    mark = ThreadsAgainMark()
    if (done := tx.marks.get(mark)) is None:
        return None
    tx.marks.set(mark, done)  # whoever else is at it waits here
    threads = tx.mail.threads_after(tx.marks.get(mark) or "", SHARE)
    if not threads:
        tx.marks.drop(mark)
        return None
    tx.marks.set(mark, threads[-1])
    return sum(_place(tx, rules, thread, now) for thread in threads)


def _place(tx: Transaction, rules: Rules, thread: ThreadId, now: datetime) -> bool:
    if not tx.mail.before_components(thread):
        return False
    evaluate(tx, rules, place_anew(tx, [thread]), Occasion(now, quiet=True))
    return True
