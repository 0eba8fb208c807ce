"""What became of deliveries: sent, tried again, turned to another way, dead, sent once more."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from inboxwatch.engine.refused import Refused
from inboxwatch.engine.rules import Rules
from inboxwatch.notify import TO_ACT_ON, NoticeType, Receipt, alarm_messages
from inboxwatch.store import Transaction
from inboxwatch.store.records import DeliveryRecord, DeliveryState

PATIENCE = timedelta(hours=24)
"""How long a delivery without another way is tried before it is a dead letter."""
TRIES_BEFORE_NEXT_WAY = 5
_OWN = frozenset({NoticeType.RESOLVED, NoticeType.ASSIGNED, NoticeType.UNASSIGNED, NoticeType.REPORT})
"""What only its own reader is told: nobody stands in."""


def sent(tx: Transaction, rules: Rules, rows: Sequence[DeliveryRecord], receipt: Receipt, now: datetime) -> None:
    """Records a delivery; a wait that ended while it was under way is reported as resolved."""
    tx.deliveries.settle([row.id for row in rows], DeliveryState.SENT, now, reference=receipt.reference)
    for clock, reference in receipt.by_clock.items():
        tx.deliveries.refer([row.id for row in rows if row.clock == clock], reference)
    for row in rows:
        wait = tx.clocks.get(row.clock) if row.clock and row.type in TO_ACT_ON else None
        if wait is not None and wait.state != "running":
            tx.deliveries.enqueue(rules.notices.resolved_late(wait, row, now))


@dataclass(frozen=True, slots=True)
class Failure:
    """What a channel says of an attempt that failed."""

    error: str
    permanent: bool
    """Whether another attempt by the same way cannot succeed."""
    pause: timedelta
    """How long to wait before it."""


def failed(tx: Transaction, rules: Rules, rows: Sequence[DeliveryRecord], failure: Failure, now: datetime) -> list[str]:
    """Plans the next attempt, the next way, or a dead letter. Returns the outcomes: retried, diverted, dead."""
    outcomes, error, permanent = [], failure.error, failure.permanent
    rows = tx.deliveries.still_open([row.id for row in rows])
    for row in rows:
        give_up = permanent or row.attempts >= TRIES_BEFORE_NEXT_WAY
        if give_up and tx.deliveries.divert(row, now, error):
            outcomes.append("diverted")
        elif row.type is NoticeType.COPY and (permanent or now - row.owed_at > PATIENCE):
            # What it was to say was told: nobody misses it.
            tx.deliveries.settle([row.id], DeliveryState.CANCELLED, now, error=error)
            outcomes.append("cancelled")
        elif permanent or now - row.owed_at > PATIENCE:
            tx.deliveries.settle([row.id], DeliveryState.DEAD, now, error=error)
            outcomes.append("dead")
        else:
            tx.deliveries.retry([row.id], now + failure.pause, error)
            outcomes.append("retried")
    _alert(tx, rules, rows, outcomes, error, now)
    return outcomes


def _alert(
    tx: Transaction, rules: Rules, rows: Sequence[DeliveryRecord], outcomes: Sequence[str], error: str, now: datetime
) -> None:
    """A wait that nobody hears of is itself an event (rule 38); IT's own notices raise no further ones.

    IT is alerted once for each time that a channel stops delivering, however many waits it loses.
    """
    lost = [row for row, outcome in zip(rows, outcomes, strict=True) if outcome != "retried"]
    lost = [row for row in lost if row.type in {*TO_ACT_ON, NoticeType.FIRST_CONTACT_FAILED}]
    if not lost:
        return
    channel, dead = lost[0].channel, sum(outcome == "dead" for outcome in outcomes)
    body = {"title": alarm_messages.channel_down(channel=channel, dead=dead, words=rules.words), "error": error}
    key = f"channel/{channel}/{tx.deliveries.last_sent(channel)}"
    others = [target for target in rules.config.it_alerts if target.partition(":")[0] != channel]
    tx.deliveries.enqueue(rules.notices.notice(NoticeType.DIGEST, key, others, now, **body))


def resend(tx: Transaction, rules: Rules, number: int, now: datetime) -> str:
    """Owes a dead letter anew, by the ways of the config in force; returns the first channel.

    Raises Refused where there is no such letter (404), or no channel reaches its target (409).
    """
    row = tx.deliveries.dead_letter(number)
    if row is None:
        raise Refused(404, f"no dead letter has the number {number}")
    _, ways = rules.notices.ways(row.target, row.type) if rules.notices.knows(row.target) else (None, ())
    if row.type == NoticeType.RESOLVED:
        # A resolution goes where the page went, and nowhere else.
        ways = row.ways
    ways = tuple(way for way in ways if way[0] in rules.config.channels)
    if not ways:
        raise Refused(409, f"no channel reaches {row.target}: see `channels` and `notify_by`")
    tx.deliveries.revive(number, ways, now)
    return ways[0][0]


def sweep(tx: Transaction, rules: Rules, now: datetime) -> None:
    """Begins anew after a start or a reload: what was on its way may leave again at once, and what was owed to a
    person or by a channel that the config names no more goes by the ways of the config in force.

    The fallback person stands in for a reader who is gone; resolutions, changes of owner and daily digests of theirs
    are dropped.
    """
    tx.deliveries.release(now)
    config = rules.config
    for row in tx.deliveries.strays(rules.notices.channels, config.people):
        person_gone = row.person is not None and row.person not in config.people
        own = row.type in _OWN or (row.body or {}).get("daily") is not None
        (target,) = rules.notices.reachable([row.target])
        if row.type is NoticeType.COPY or (person_gone and (own or tx.deliveries.owes(row, target))):
            tx.deliveries.settle([row.id], DeliveryState.CANCELLED, now)
            continue
        gone = f"{row.person} is no longer in the config" if person_gone else _gone(row)
        person, ways = rules.notices.ways(target, row.type)
        if ways and (row.type is not NoticeType.RESOLVED or person is not None):
            tx.deliveries.readdress(row.id, target, person, ways, now, gone)
        else:
            tx.deliveries.settle([row.id], DeliveryState.DEAD, now, error=gone)


def _gone(row: DeliveryRecord) -> str:
    return f"channel {row.channel} is no longer configured"
