"""`GET /api/v1/follow-ups`: who follows up when, by day and person (rule 40)."""

from __future__ import annotations

from datetime import UTC
from itertools import groupby
from typing import Any

from inboxwatch.config import Config
from inboxwatch.core.model import PersonId
from inboxwatch.engine.daemon_port import DaemonPort
from inboxwatch.engine.wait_filters import by_people
from inboxwatch.store import Transaction
from inboxwatch.store.records import ClockRecord
from inboxwatch.web.problems import Problem

MOST = 10_000
"""Follow-ups that one answer counts: the earliest due."""


async def by_day(daemon: DaemonPort, query: dict[str, str]) -> dict[str, Any]:
    """Days in the zone of each owner's calendar; what is overdue stands under the day on which it was due."""
    if unknown := sorted(set(query) - {"by", "owner", "team"}):
        raise Problem(422, f"{', '.join(unknown)}: no such filter; known are by, owner, team")
    if query.get("by", "day") != "day":
        raise Problem(422, "by: must be day")
    where = {name: query[name] for name in ("owner", "team") if query.get(name)}

    asked = by_people(daemon.rules.config, where)

    def ask(tx: Transaction) -> dict[str, Any]:
        rows = tx.board.waits(asked, daemon.now(), metric="follow_up", limit=MOST)
        placed = sorted((_day(daemon.rules.config, row), row.owner or "", row.id) for row in rows)
        items = []
        for (day, owner), found in groupby(placed, key=lambda one: one[:2]):
            clocks = [clock for _, _, clock in found]
            items.append({"day": day, "owner": owner, "count": len(clocks), "clocks": clocks})
        return {"items": items, "next": None}

    return await daemon.read(ask)


def _day(config: Config, row: ClockRecord) -> str:
    owner = config.people.get(PersonId(row.owner)) if row.owner else None
    zone = owner.calendar.zone if owner and owner.calendar else UTC
    return str(row.due_at.astimezone(zone).date().isoformat())
