"""Strangers of whom nothing is kept but filtered inquiries: who they were goes after a while, what counts stays."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, exists, not_, or_, select

from inboxwatch.core.sla.holds import FILTERED
from inboxwatch.store import tables

_message, _clock, _lead = tables.message, tables.clock, tables.lead


class FilteredStrangers:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def expired(self, cutoff: datetime, most: int) -> dict[str, list[str]]:
        """Leads whom no list names, with their threads: all of their waits were filtered, and nothing is newer than an
        instant. Who shares a thread with somebody else stays.
        """
        clock, mail, other = _clock.alias(), _message.alias(), _clock.alias()
        filtered = (clock.c.stop_reason == FILTERED, clock.c.stopped_at < cutoff)
        found = (
            select(_lead.c.id)
            .where(
                _lead.c.provisional,
                exists().where(clock.c.lead == _lead.c.id, *filtered),
                ~exists().where(
                    other.c.lead == _lead.c.id,
                    or_(other.c.stop_reason.is_(None), other.c.stop_reason != FILTERED, other.c.stopped_at >= cutoff),
                ),
                ~exists().where(mail.c.lead == _lead.c.id, mail.c.at >= cutoff),
            )
            .order_by(_lead.c.id)
            .limit(most)
        )
        return {lead: threads for lead in self._connection.execute(found).scalars() if (threads := self._alone(lead))}

    def _alone(self, lead: str) -> list[str]:
        """The threads of a lead; none where anybody else has part in one."""
        theirs = select(_message.c.thread).where(_message.c.lead == lead, _message.c.thread.is_not(None)).distinct()
        threads = sorted(self._connection.execute(theirs).scalars())
        others = select(_clock.c.id).where(_clock.c.thread.in_(threads), not_(_clock.c.lead == lead)).limit(1)
        return [] if self._connection.execute(others).first() is not None else threads
