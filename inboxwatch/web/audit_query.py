"""The audit log over HTTP: filters and pages."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from inboxwatch.engine.audit import Wanted, audit_view
from inboxwatch.engine.daemon_port import DaemonPort
from inboxwatch.store import Transaction
from inboxwatch.web.query_fields import instant_of

FILTERS = ("since", "until", "by", "lead")


async def page(
    daemon: DaemonPort, query: Mapping[str, str], before: int | None, limit: int
) -> tuple[list[dict[str, Any]], int | None]:
    """A page of the log, newest first, and the row before which the next page begins, or None. Raises Problem."""
    since, until = instant_of(query, "since"), instant_of(query, "until")
    wanted = Wanted(since, until, query.get("by", ""), query.get("lead", ""))

    def ask(tx: Transaction) -> tuple[list[dict[str, Any]], int | None]:
        rows = tx.audit.page(wanted.found_by(tx), limit + 1, before=before)
        return [audit_view(row) for row in rows[:limit]], rows[limit - 1].id if len(rows) > limit else None

    return await daemon.read(ask)
