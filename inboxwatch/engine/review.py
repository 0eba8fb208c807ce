"""What people say of weak matches: right, or wrong; the waits of all threads concerned follow."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import Row

from inboxwatch.core.mail.threads import SURE_ENOUGH, split
from inboxwatch.core.sla.clock import clock_id
from inboxwatch.core.sla.policy import Metric
from inboxwatch.core.sla.timeline import Act, Deed
from inboxwatch.engine.actions import Refused
from inboxwatch.store.known import load

if TYPE_CHECKING:
    from inboxwatch.engine import Engine
    from inboxwatch.store import Transaction


def weak(tx: Transaction, after: tuple[datetime, str] | None, limit: int) -> Sequence[Row[Any]]:
    """Messages whose match nobody has reviewed yet, oldest first."""
    return tx.mail.weak(SURE_ENOUGH, after, limit)


class Review:
    """The engine's way in for people who look at weak matches."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def confirm(self, message_id: str, by: str, now: datetime, reason: str = "") -> None:
        """The match is right: from now on it is as good as a header. Raises Refused."""
        self._check(by)
        with self._engine.store.transaction() as tx:
            row = self._open(tx, message_id)
            tx.mail.amend([replace(load(row), confidence=1.0)])
            tx.clocks.record(Act(now, Deed.CONFIRMED, by, reason=reason, rule=row.message_id), row.thread)

    def split(self, message_id: str, by: str, now: datetime, reason: str = "") -> None:
        """The match is wrong: the message, and what surely hangs on it, gets a thread of its own. Raises Refused.

        The waits of both threads are folded again; those that the message started go with it under their ids, with
        what people did to them.
        """
        self._check(by)
        with self._engine.store.transaction() as tx:
            row = self._open(tx, message_id)
            old = row.thread
            thread = {one.message_id: load(one) for one in tx.mail.rows(old)}
            cut = split(thread[row.message_id], list(thread.values()))
            tx.mail.amend([*cut.moved, *cut.left])
            tx.mail.haunt(dict.fromkeys(tx.mail.awaited(old, cut.ghosts), cut.thread))
            tx.clocks.move(self._clocks(tx, old, [one.id for one in cut.moved]), old, cut.thread)
            for concerned in (old, cut.thread):
                tx.clocks.record(Act(now, Deed.SPLIT, by, reason=reason, rule=row.message_id), concerned)
            self._engine.desk(tx, now).settle([old, cut.thread])

    def _clocks(self, tx: Transaction, thread: str, messages: Sequence[Any]) -> set[str]:
        """The ids of the waits that messages of a thread started, or would have started if they had come first."""
        started = {row.id for row in tx.clocks.of_threads([thread]).values() if row.started_by in set(messages)}
        return started | {clock_id(one, metric) for one in messages for metric in Metric}

    def _check(self, by: str) -> None:
        people = self._engine.config.people
        if by not in people:
            raise Refused(422, f"by: {by!r} is no person of the config; known are {', '.join(people)}")

    def _open(self, tx: Transaction, message_id: str) -> Row[Any]:
        """A message whose match is still to be reviewed. Raises Refused."""
        row = tx.mail.row(message_id.strip().strip("<>"))
        if row is None:
            raise Refused(404, f"no message of a lead has the id {message_id}")
        if row.confidence >= SURE_ENOUGH:
            found = f"thread by {row.evidence}, confidence {row.confidence:.2f}"
            raise Refused(409, f"nothing is to be reviewed: {found}")
        return row
