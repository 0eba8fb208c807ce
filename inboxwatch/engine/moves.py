"""Writes where messages have moved to, with what hangs on them: waits, what people did to these, reviews."""

from __future__ import annotations

from inboxwatch.core.mail.threads import ThreadIndex
from inboxwatch.core.model import ThreadId
from inboxwatch.engine.review import clocks_of
from inboxwatch.store import Transaction


def write_moves(tx: Transaction, index: ThreadIndex) -> list[ThreadId]:
    """Writes known messages that were placed anew; returns their threads, and those they left.

    What people did stays with the waits they did it to: those go with the messages that started them, and reviews of a
    match with the message.
    """
    changed = [one for one in map(index.known, index.changed) if one is not None]
    tx.mail.amend(changed)
    moves = index.moves()
    for old, new, messages, whole in moves:
        if whole:
            tx.clocks.move_all(old, new)
            tx.mail.rename_apart(old, new)
        else:
            tx.clocks.move(clocks_of(tx, old, messages), old, new, messages)
    tx.mail.move_ghosts(index.components())
    return [one.thread for one in changed] + [one.old for one in moves if not one.whole]
