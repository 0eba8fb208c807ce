"""Who is here: the people as the store and the calendars have them now."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from inboxwatch.core.routing import Roster

if TYPE_CHECKING:
    from inboxwatch.engine import Engine
    from inboxwatch.store import Transaction


def roster(engine: Engine, tx: Transaction, now: datetime) -> Roster:
    """The people at `now`: absences seen in mail, and how many open waits each owns."""
    away = tx.mailboxes.away_at(now)
    return engine.around.roster(tx.clocks.load(), away, {})
