"""The outbox's side of the engine: what a claimed bundle says now, and what became of it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import Row

from inboxwatch.engine import Refused
from inboxwatch.engine.delivery.compose import Letters, Rendered, mailboxes_of
from inboxwatch.engine.delivery.enqueue import reader
from inboxwatch.notify import MANY, NoticeType, Person, Receipt
from inboxwatch.store.deliveries import MOST

if TYPE_CHECKING:
    from inboxwatch.engine import Engine
    from inboxwatch.store import Transaction

LEASE = timedelta(minutes=3)
"""How long a claim stands; longer than any channel may take to send."""
PATIENCE = timedelta(hours=24)
"""How long a delivery without another way is tried before it is a dead letter."""
TRIES_BEFORE_NEXT_WAY = 5
GATHER = timedelta(seconds=5)
"""How long the first steps of a flood wait for the others."""


class Mailroom:
    """Units of work of the outbox, each in one transaction."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def claim(self, channel: str, now: datetime, most: int = MOST) -> list[Row[Any]]:
        """The next bundle of a channel; rows whose wait is over are cancelled instead."""
        with self._engine.store.transaction() as tx:
            if self._gathering(tx, channel, now):
                return []
            rows = tx.deliveries.claim(channel, now, LEASE, most)
            over = [row for row in rows if row.type == NoticeType.ESCALATION and not _running(tx, row.clock)]
            tx.deliveries.settle([row.id for row in over], "cancelled", now)
            gone = {row.id for row in over}
            return [row for row in rows if row.id not in gone]

    @staticmethod
    def _gathering(tx: Transaction, channel: str, now: datetime) -> bool:
        """True while many clocks are due and not yet told: a flood leaves as one message, not in pieces."""
        since = tx.deliveries.fresh_since(channel, now)
        return since is not None and now - since < GATHER and tx.clocks.due_many(now, MANY)

    def mailboxes(self, rows: Sequence[Row[Any]]) -> tuple[set[str], set[str]]:
        """The mailboxes that should hold the answers of a bundle's waits, and the others that might."""
        with self._engine.store.reading() as tx:
            nearest = mailboxes_of(self._engine, tx, rows)
            return nearest, self._engine.around.colleagues(tx.mailboxes.all()) - nearest

    def render(self, rows: Sequence[Row[Any]], now: datetime, unread: bool = False) -> Rendered | None:
        """What a bundle says as of now; None: nothing any more.

        `unread` says that a mailbox that could hold the answer could not be read just now.
        """
        with self._engine.store.transaction() as tx:
            first, letters = rows[0], Letters(self._engine, tx, now)
            if first.type not in (NoticeType.ESCALATION, NoticeType.RESOLVED):
                if (rendered := letters.single(first)) is None:
                    tx.deliveries.settle([first.id], "cancelled", now)
                return rendered
            rows = tx.deliveries.still_open([row.id for row in rows])
            over = [row for row in rows if first.type == NoticeType.ESCALATION and not _running(tx, row.clock)]
            tx.deliveries.settle([row.id for row in over], "cancelled", now)
            gone = {row.id for row in over}
            rows = [row for row in rows if row.id not in gone]
            if not rows:
                return None
            tx.deliveries.depart([row.id for row in rows])
            return letters.bundle(rows, unread)

    def reader(self, rows: Sequence[Row[Any]]) -> Person | None:
        """The person who reads a bundle, where it is one."""
        people = {row.person for row in rows}
        person = people.pop() if len(people) == 1 else None
        known = self._engine.config.people.get(person) if person else None
        return reader(known) if known else None

    def sent(self, rows: Sequence[Row[Any]], receipt: Receipt, now: datetime) -> None:
        """Records a delivery; a wait that ended while it was under way is told as resolved."""
        with self._engine.store.transaction() as tx:
            tx.deliveries.settle([row.id for row in rows], "sent", now, reference=receipt.reference)
            for told, reference in receipt.by_clock.items():
                tx.deliveries.refer([row.id for row in rows if row.clock == told], reference)
            for row in rows:
                if row.type == NoticeType.ESCALATION and not _running(tx, row.clock):
                    clock = tx.clocks.get(row.clock)
                    if clock is not None:
                        tx.deliveries.owe(self._engine.owing.resolved_late(clock, row, now))

    def failed(
        self, rows: Sequence[Row[Any]], error: str, now: datetime, *, permanent: bool, pause: timedelta
    ) -> list[str]:
        """Plans the next attempt, the next way, or a dead letter. Returns the outcomes: retried, diverted, dead."""
        outcomes = []
        with self._engine.store.transaction() as tx:
            rows = tx.deliveries.still_open([row.id for row in rows])
            for row in rows:
                weary = permanent or row.attempts >= TRIES_BEFORE_NEXT_WAY
                if weary and tx.deliveries.divert(row, now, error):
                    outcomes.append("diverted")
                elif permanent or now - row.owed_at > PATIENCE:
                    tx.deliveries.settle([row.id], "dead", now, error=error)
                    outcomes.append("dead")
                else:
                    tx.deliveries.retry([row.id], now + pause, error)
                    outcomes.append("retried")
            self._tell_it(tx, rows, outcomes, error, now)
        return outcomes

    def _tell_it(
        self, tx: Transaction, rows: Sequence[Row[Any]], outcomes: Sequence[str], error: str, now: datetime
    ) -> None:
        """A wait that nobody hears of is itself an event (rule 38); IT's own notices raise no further ones.

        Told once for each time that a channel stops delivering, however many waits it loses.
        """
        lost = [row for row, outcome in zip(rows, outcomes, strict=True) if outcome != "retried"]
        lost = [row for row in lost if row.type in (NoticeType.ESCALATION, NoticeType.FIRST_CONTACT_FAILED)]
        if not lost:
            return
        channel, dead = lost[0].channel, sum(outcome == "dead" for outcome in outcomes)
        became = f"{dead} dead letters" if dead else "the next way was used"
        title = (
            f"Channel {channel} does not deliver: {became}. See the dead letters, mend the channel, send them again."
        )
        body = {"title": title, "error": error}
        key = f"channel/{channel}/{tx.deliveries.last_sent(channel)}"
        others = [target for target in self._engine.config.it_alerts if target.partition(":")[0] != channel]
        tx.deliveries.owe(self._engine.owing.told(NoticeType.DIGEST, key, others, now, **body))

    def resend(self, number: int, now: datetime) -> str:
        """Owes a dead letter anew, by the ways of the config in force; returns the first channel.

        Raises Refused where there is no such letter (404), or no channel reaches its target (409).
        """
        engine = self._engine
        with engine.store.transaction() as tx:
            row = tx.deliveries.dead_letter(number)
            if row is None:
                raise Refused(404, f"no dead letter has the number {number}")
            _, ways = engine.owing.ways(row.target)
            if row.type == NoticeType.RESOLVED:
                # A resolution goes where the page went, and nowhere else.
                ways = row.ways
            ways = [way for way in ways if way[0] in engine.config.channels]
            if not ways:
                raise Refused(409, f"no channel reaches {row.target}: see `channels` and `notify_by`")
            tx.deliveries.revive(number, ways, now)
            return str(ways[0][0])

    def sweep(self, channels: Sequence[str], now: datetime) -> None:
        """Begins anew after a start or a reload: what was on its way may leave again at once; deliveries for channels
        that are no longer configured are turned to the next way, or become dead letters.
        """
        with self._engine.store.transaction() as tx:
            tx.deliveries.release(now)
            for row in tx.deliveries.strays(channels):
                if not tx.deliveries.divert(row, now, f"channel {row.channel} is no longer configured"):
                    tx.deliveries.settle([row.id], "dead", now, error=f"channel {row.channel} is no longer configured")

    def next_at(self, channel: str) -> datetime | None:
        with self._engine.store.reading() as tx:
            return tx.deliveries.next_at(channel)


def _running(tx: Transaction, clock: str | None) -> bool:
    row = tx.clocks.get(clock) if clock else None
    return row is not None and row.state == "running"
