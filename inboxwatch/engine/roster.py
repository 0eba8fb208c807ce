"""Who is here: the people as the store and the calendars have them now."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from inboxwatch.core.ownership.routing import Roster
from inboxwatch.engine.workload import Workload

if TYPE_CHECKING:
    from inboxwatch.engine import Engine
    from inboxwatch.store import Transaction


def roster(engine: Engine, tx: Transaction, now: datetime) -> Roster:
    """The people at `now`: absences seen in mail, and how many open waits each owns."""
    config = engine.config
    work = Workload(tx, config.rules, config.teams)
    return engine.around.roster(tx.mailboxes.away_at(now), work.waits, work.turns)
