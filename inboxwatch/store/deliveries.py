"""What must be sent: written in the transaction that decides it, claimed, settled, never forgotten."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, case, func, or_, select, update

from inboxwatch.core.model import PersonId
from inboxwatch.notify import ABOUT_WAITS, TO_ACT_ON, NoticeType
from inboxwatch.store import tables
from inboxwatch.store.records import (
    DeliveryRecord,
    DeliveryState,
    NewDelivery,
    Route,
    deliveries_of,
    delivery_of,
    delivery_row,
)
from inboxwatch.store.upsert import chunks, insert_missing

_row = tables.delivery
OPEN = ("pending", "claimed")
GROUPED = tuple(sorted(ABOUT_WAITS))
"""Types of which many, due together for one destination, leave as one message (rule 37)."""


MOST = 5000
"""Deliveries of one message: databases limit how many values a statement may name."""


class Deliveries:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def enqueue(self, new: Sequence[NewDelivery]) -> int:
        """Adds what must be sent; a key that is there already is not added twice. Returns how many are new."""
        return insert_missing(self._connection, _row, [delivery_row(one) for one in new])

    def claim(
        self, channel: str, now: datetime, lease: timedelta, most: int = MOST, worker: int | None = None
    ) -> list[DeliveryRecord]:
        """Takes the oldest due bundle of a channel: rows of one type for one destination leave as one message.

        At most `most` of them, that is; what is left makes the next message.

        A claim that is not settled within `lease` (a crash between send and record) falls due again, in the same
        bundle and with the same keys; that of a `worker` who is no more, as soon as that is known.
        """
        due: tuple[Any, ...] = (_row.c.channel == channel, _row.c.state.in_(OPEN), _row.c.next_at <= now)
        oldest = select(_row).where(*due).order_by(_row.c.next_at, _row.c.id).limit(1)
        first = self._connection.execute(oldest.with_for_update(skip_locked=True)).first()
        if first is None:
            return []
        same: tuple[Any, ...] = (_row.c.destination == first.destination, _row.c.type == first.type)
        same += (_row.c.bundle.is_(None) if first.bundle is None else _row.c.bundle == first.bundle,)
        if first.type not in GROUPED:
            same = (_row.c.id == first.id,)
        chosen = select(_row.c.id).where(*due, *same).order_by(_row.c.id).limit(most)
        ids = list(self._connection.execute(chosen.with_for_update(skip_locked=True)).scalars())
        self._connection.execute(
            update(_row)
            .where(_row.c.id.in_(ids))
            .values(
                state="claimed",
                bundle=first.bundle or first.key,
                next_at=now + lease,
                claimed_by=worker,
                attempts=_row.c.attempts + 1,
            )
        )
        return deliveries_of(self._connection.execute(select(_row).where(_row.c.id.in_(ids)).order_by(_row.c.id)))

    def depart(self, ids: Sequence[int]) -> None:
        """Notes that an attempt begins: until its outcome is recorded, the message may have arrived."""
        self._connection.execute(update(_row).where(_row.c.id.in_(list(ids))).values(adrift=True))

    def refer(self, ids: Sequence[int], reference: str) -> None:
        """Gives deliveries of one message a reference of their own."""
        self._connection.execute(update(_row).where(_row.c.id.in_(list(ids))).values(reference=reference))

    def settle(
        self, ids: Sequence[int], state: DeliveryState, now: datetime, *, reference: str = "", error: str = ""
    ) -> None:
        """Records the end of deliveries: sent, dead or cancelled."""
        if not ids:
            return
        values = {"state": state.value, "settled_at": now, "reference": reference or None, "error": error or None}
        self._connection.execute(update(_row).where(_row.c.id.in_(list(ids))).values(**values))

    def retry(self, ids: Sequence[int], at: datetime, error: str) -> None:
        """Plans another attempt, unless the delivery was cancelled meanwhile."""
        self._connection.execute(
            update(_row)
            .where(_row.c.id.in_(list(ids)), _row.c.state.in_(OPEN))
            .values(state="pending", next_at=at, error=error, retries=_row.c.retries + 1, adrift=False)
        )

    def divert(self, row: DeliveryRecord, now: datetime, error: str) -> bool:
        """Turns a delivery to the next way of reaching its person; False where there is none, or it was cancelled."""
        way = row.way + 1
        if way >= len(row.ways):
            return False
        channel, destination = row.ways[way]
        turned = self._connection.execute(
            update(_row)
            .where(_row.c.id == row.id, _row.c.state.in_(OPEN))
            .values(
                state="pending",
                way=way,
                channel=channel,
                destination=destination,
                bundle=None,
                attempts=0,
                adrift=False,
                next_at=now,
                error=error,
            )
        )
        return turned.rowcount == 1

    def dead_letter(self, number: int) -> DeliveryRecord | None:
        found = self._connection.execute(select(_row).where(_row.c.id == number, _row.c.state == "dead")).first()
        return None if found is None else delivery_of(found)

    def revive(self, number: int, ways: Sequence[Route], now: datetime) -> None:
        """Owes a dead letter anew, by these ways; `bundle` is new too, for what it was with may have arrived."""
        values = {"state": "pending", "owed_at": now, "next_at": now, "attempts": 0, "settled_at": None, "bundle": None}
        values |= {"way": 0, "ways": [list(way) for way in ways], "channel": ways[0][0], "destination": ways[0][1]}
        self._connection.execute(update(_row).where(_row.c.id == number, _row.c.state == "dead").values(**values))

    def cancel(self, clocks: Iterable[str], now: datetime, *kinds: NoticeType) -> int:
        """Cancels what of some kinds (steps where none is named) is still queued for waits; returns how many rows."""
        named = [kind.value for kind in kinds or (NoticeType.ESCALATION,)]
        ended = update(_row).where(_row.c.clock.in_(list(clocks)), _row.c.state.in_(OPEN), _row.c.type.in_(named))
        return self._connection.execute(ended.values(state="cancelled", settled_at=now)).rowcount

    def forestall(self, clocks: Iterable[str], kind: NoticeType, target: str, now: datetime) -> bool:
        """Cancels what of a kind a reader is owed about waits, as long as no attempt is under way; whether it was."""
        waiting = update(_row).where(_row.c.clock.in_(list(clocks)), _row.c.state == "pending")
        chosen = waiting.where(_row.c.type == kind.value, _row.c.target == target)
        return self._connection.execute(chosen.values(state="cancelled", settled_at=now)).rowcount > 0

    def still_open(self, ids: Sequence[int]) -> list[DeliveryRecord]:
        """Those of the deliveries that are neither sent nor cancelled nor dead; until the end of the transaction nobody
        else settles them.
        """
        found = select(_row).where(_row.c.id.in_(list(ids)), _row.c.state.in_(OPEN))
        return deliveries_of(self._connection.execute(found.order_by(_row.c.id).with_for_update()))

    def last_sent(self, channel: str) -> int:
        """The number of the latest delivery that a channel has made; 0 where it never made one."""
        found = select(func.max(_row.c.id)).where(_row.c.channel == channel, _row.c.state == "sent")
        return self._connection.execute(found).scalar() or 0

    def release(self, now: datetime) -> None:
        """Gives back what a process that was killed had claimed. On PostgreSQL another worker may be sending it: there
        it is given back once its worker is seen to be no more (`free`).
        """
        if self._connection.dialect.name == "sqlite":
            self._connection.execute(update(_row).where(_row.c.state == "claimed").values(next_at=now))

    def free(self, living: Iterable[int], now: datetime) -> int:
        """Gives back what workers have claimed that live no more; returns how many."""
        lost = (_row.c.state == "claimed", _row.c.claimed_by.is_not(None), _row.c.claimed_by.not_in(list(living)))
        freed = update(_row).where(*lost).values(next_at=now, claimed_by=None)
        return self._connection.execute(freed).rowcount

    def hasten(self, now: datetime) -> None:
        """Tries again at once what waits for another attempt: its hour was told by a clock that has been set back."""
        waiting = (_row.c.state == "pending", _row.c.next_at > now)
        self._connection.execute(update(_row).where(*waiting).values(next_at=now))

    def rename(self, old: str, new: str) -> None:
        self._connection.execute(update(_row).where(_row.c.clock == old).values(clock=new))

    def sent_for(self, clocks: Iterable[str]) -> list[DeliveryRecord]:
        """The pages about waits that arrived, or may have, oldest first: their readers are sent the resolution."""
        arrived = or_(_row.c.state == "sent", _row.c.adrift)
        found = select(_row).where(_row.c.clock.in_(list(clocks)), arrived, _row.c.type.in_(sorted(TO_ACT_ON)))
        return deliveries_of(self._connection.execute(found.order_by(_row.c.id)))

    def for_clocks(self, clocks: Iterable[str]) -> list[DeliveryRecord]:
        """Everything told or owed about waits, oldest first."""
        found = select(_row).where(_row.c.clock.in_(list(clocks)), _row.c.type != NoticeType.COPY.value)
        return deliveries_of(self._connection.execute(found.order_by(_row.c.id)))

    def copies(self, clocks: Iterable[str], channels: Iterable[str]) -> list[DeliveryRecord]:
        """The first delivery of each message about waits that stands in one of some channels, oldest first."""
        first: dict[str | None, DeliveryRecord] = {}
        chosen = [_row.c.clock.in_(list(clocks)), _row.c.channel.in_(sorted(channels)), _row.c.reference.is_not(None)]
        found = select(_row).where(*chosen, _row.c.type.in_(GROUPED)).order_by(_row.c.id)
        for row in deliveries_of(self._connection.execute(found)):
            first.setdefault(row.reference, row)
        return list(first.values())

    def of_message(self, channel: str, reference: str) -> list[DeliveryRecord]:
        """The deliveries that a message has made, oldest first."""
        found = select(_row).where(_row.c.channel == channel, _row.c.reference == reference, _row.c.type.in_(GROUPED))
        return deliveries_of(self._connection.execute(found.order_by(_row.c.id)))

    def last_references(self, clocks: Iterable[str], channel: str, destination: str) -> dict[str, str]:
        """The channel's reference of the latest message about each wait to one destination, where there is one."""
        latest: dict[str, str] = {}
        for part in chunks(sorted(clocks)):
            found = select(_row.c.clock, _row.c.reference).where(
                _row.c.clock.in_(part),
                _row.c.channel == channel,
                _row.c.destination == destination,
                _row.c.reference.is_not(None),
            )
            latest.update((row.clock, row.reference) for row in self._connection.execute(found.order_by(_row.c.id)))
        return latest

    def dead(self, limit: int = 200) -> list[DeliveryRecord]:
        found = select(_row).where(_row.c.state == "dead").order_by(_row.c.id.desc()).limit(limit)
        return deliveries_of(self._connection.execute(found))

    def referred(self, references: Sequence[str]) -> set[str]:
        """Which of the references are of messages that were sent."""
        found: set[str] = set()
        for part in chunks(references):
            rows = select(_row.c.reference).where(_row.c.reference.in_(part)).distinct()
            found.update(self._connection.execute(rows).scalars())
        return found

    def fresh_since(self, channel: str, now: datetime) -> datetime | None:
        """Since when a channel has owed a step or a wait that is due and was never tried; None where it owes none."""
        found = select(func.min(_row.c.owed_at)).where(
            _row.c.channel == channel,
            _row.c.state == "pending",
            _row.c.type.in_(sorted(TO_ACT_ON)),
            _row.c.next_at <= now,
        )
        return self._connection.execute(found.where(_row.c.attempts == 0)).scalar()

    def next_at(self, channel: str) -> datetime | None:
        """When the next delivery of a channel is due."""
        found = select(func.min(_row.c.next_at)).where(_row.c.state.in_(OPEN), _row.c.channel == channel)
        return self._connection.execute(found).scalar()

    def strays(self, channels: Iterable[str], people: Iterable[str]) -> list[DeliveryRecord]:
        """Open deliveries by other channels than these, or to other people, oldest first."""
        owed = self._connection.execute(select(_row).where(_row.c.state.in_(OPEN)).order_by(_row.c.id))
        ours, readers = frozenset(channels), frozenset([None, *people])
        return [row for row in deliveries_of(owed) if row.channel not in ours or row.person not in readers]

    def owes(self, row: DeliveryRecord, target: str) -> bool:
        """Whether another reader is told the same step of the same wait."""
        if row.clock is None or row.step is None:
            return False
        step = (_row.c.era == row.era, _row.c.round == row.round, _row.c.step == row.step)
        same = (_row.c.clock == row.clock, *step, _row.c.id != row.id)
        told = select(_row.c.id).where(*same, _row.c.target == target, _row.c.state != "cancelled").limit(1)
        return self._connection.execute(told).first() is not None

    def readdress(  # seven parameters: a delivery, its new reader with the ways there, when and why
        self, number: int, target: str, person: PersonId | None, ways: Sequence[Route], now: datetime, error: str
    ) -> None:
        """Owes an open delivery to another target, or by other ways, from their first on."""
        (channel, destination), *_ = ways
        values = {"target": target, "person": person, "ways": [list(way) for way in ways], "way": 0, "next_at": now}
        values |= {"channel": channel, "destination": destination, "state": "pending", "bundle": None, "attempts": 0}
        values |= {"adrift": False, "error": error}
        self._connection.execute(update(_row).where(_row.c.id == number, _row.c.state.in_(OPEN)).values(**values))

    def outcomes(self) -> list[tuple[str, int, int, int, int, int]]:
        """(channel, sent, retried, dead, cancelled, pending) since the store began."""

        def counted(state: str) -> Any:
            return func.sum(case((_row.c.state == state, 1), else_=0))

        pending = func.sum(case((_row.c.state.in_(OPEN), 1), else_=0))
        found = select(
            _row.c.channel, counted("sent"), func.sum(_row.c.retries), counted("dead"), counted("cancelled"), pending
        )
        found = found.where(_row.c.type != NoticeType.COPY.value).group_by(_row.c.channel)
        return [tuple(row) for row in self._connection.execute(found)]
