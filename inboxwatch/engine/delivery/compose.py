"""What a bundle of deliveries says when it leaves: read from the store then, never when it was owed (rule 34)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from inboxwatch.core.model import LeadId
from inboxwatch.core.timestamp import rfc3339
from inboxwatch.engine.descriptions import describe
from inboxwatch.engine.digests import Daily
from inboxwatch.engine.rules import Rules
from inboxwatch.notify import MANY, Notice, NoticeType
from inboxwatch.store import Transaction
from inboxwatch.store.records import ClockRecord, DeliveryRecord


class Composed(NamedTuple):
    """A bundle as it leaves."""

    rows: Sequence[DeliveryRecord]
    """Those of its deliveries that are still wanted."""
    notice: Notice
    earlier: tuple[str, ...] = ()
    """The channel's references of the last messages about its waits to this destination, each once; `` for none."""


def mailboxes_of(tx: Transaction, rules: Rules, rows: Iterable[DeliveryRecord]) -> set[str]:
    """The mailboxes that could hold the answers of the deliveries' waits."""
    boxes: set[str] = set()
    for row in rows:
        clock = tx.clocks.get(row.clock) if row.clock else None
        if clock is not None:
            witnesses = tx.mail.witnesses([clock.thread]).get(clock.thread, set())
            boxes |= witnesses | rules.context.watching(clock.owner, clock.mailbox)
    return boxes & set(rules.config.mailboxes)


class Composer:
    """Composes inside one transaction."""

    def __init__(self, tx: Transaction, rules: Rules, now: datetime) -> None:
        self._rules = rules
        self._tx = tx
        self._now = now

    def bundle(self, rows: Sequence[DeliveryRecord], unread: bool) -> Composed:
        """Steps or resolutions due together. `unread`: a mailbox that could hold the answers could not be read now."""
        first = rows[0]
        clocks = self._clocks(row.clock for row in rows)
        described = describe(self._tx, self._rules, list(clocks.values()), self._now)
        known = dict(zip(clocks, described, strict=True))
        steps = {(row.clock, row.step, row.round): row for row in rows}
        told = [self._step(row, unread) | known.get(row.clock or "", {"id": row.clock}) for row in steps.values()]
        if len(told) > MANY:
            told.sort(key=lambda clock: str(clock.get("due_at")))
        base = self._rules.config.web.url
        notice = Notice(
            type=NoticeType(first.type),
            id=first.letter,
            at=min(row.owed_at for row in rows),
            clocks=tuple(told),
            targets=tuple(dict.fromkeys(row.target for row in rows)),
            link=f"{base}/waits/{first.clock}" if len(told) == 1 else f"{base}/",
            thread_key=first.clock or first.letter if len(told) == 1 else first.letter,
        )
        waits = {row.clock for row in rows if row.clock}
        earlier = self._tx.deliveries.last_references(waits, first.channel, first.destination)
        return Composed(rows, notice, tuple(dict.fromkeys(earlier.get(clock, "") for clock in sorted(waits))))

    def single(self, row: DeliveryRecord) -> Composed | None:
        """A notice that stands for itself; None for a digest of which nothing is left."""
        body = row.body or {}
        if body.get("daily"):
            found = Daily(self._tx, self._rules, self._now).write(body["daily"], body["day"])
            if found is None:
                return None
            title, clocks = found
        else:
            title = body.get("title", "")
            waits = self._clocks(body.get("clock_ids", [row.clock]))
            clocks = describe(self._tx, self._rules, list(waits.values()), self._now)
            if row.type == NoticeType.FIRST_CONTACT_FAILED and "lead" in body:
                clocks = [self._contact(body["lead"], body["message_id"], row.target)]
        notice = Notice(
            type=NoticeType(row.type),
            id=row.key,
            at=row.owed_at,
            clocks=tuple(clocks),
            targets=(row.target,),
            link=f"{self._rules.config.web.url}/",
            mailbox=body.get("mailbox"),
            error=body.get("error"),
            title=title,
            thread_key=row.key,
        )
        return Composed([row], notice)

    def _clocks(self, ids: Iterable[str | None]) -> dict[str, ClockRecord]:
        """Clocks by the ids asked for: a wait that was merged has another one now."""
        found = ((clock, self._tx.clocks.get(clock)) for clock in dict.fromkeys(ids) if clock)
        return {clock: row for clock, row in found if row is not None}

    def _step(self, row: DeliveryRecord, unread: bool) -> dict[str, Any]:
        """Which step of its ladder a delivery tells, and why; nothing for a resolution."""
        if row.step is None:
            return {}
        reason = "unverified" if unread else row.reason
        told = {"step": row.step, "round": row.round, "reason": reason}
        if reason == "unverified":
            boxes = mailboxes_of(self._tx, self._rules, [row])
            times = [box.seen_until for box in self._tx.mailboxes.all() if box.id in boxes]
            told["unread_since"] = rfc3339(min((at for at in times if at is not None), default=None))
        return told

    def _contact(self, lead: str, message_id: str, owner: str) -> dict[str, Any]:
        """A buyer whom our first message never reached: no wait, so it has neither id nor times."""
        known, people = self._tx.leads.get(LeadId(lead)), self._rules.config.people
        found = {
            "lead": lead,
            "lead_name": known.name if known else None,
            "company": known.company if known else None,
            "tier": known.tier if known else None,
            "owner": owner,
            "owner_name": people[owner].name if owner in people else None,  # type: ignore[index]  # a person's id
            "subject": self._tx.mail.subjects([message_id]).get(message_id),
            "message_id": message_id,
        }
        return {key: value for key, value in found.items() if value}
