"""What inquiries of a period were as they came, and what contradicts a filter, for the figures of qualification."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ColumnElement, Connection, and_, func, or_, select

from inboxwatch.core.model import ClockId, MessageId
from inboxwatch.core.qualification.decision import Decision
from inboxwatch.store import tables
from inboxwatch.store.clock_metrics import REPLY
from inboxwatch.store.first_classes import COLUMNS, decision_of

_clock, _message = tables.clock, tables.message


class QualifiedWaits:
    """Queries over the waits of our court that began in a period, which holds its start and not its end (UTC)."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def decided(self, start: datetime, end: datetime) -> dict[ClockId, list[tuple[MessageId, Decision]]]:
        """What each message of a wait was as it came, in the order of time; nothing of waits that answer us."""
        its = and_(
            _message.c.thread == _clock.c.thread,
            _message.c.first_class.is_not(None),
            or_(
                _message.c.message_id == _clock.c.started_by,
                and_(
                    _message.c.lead == _clock.c.lead,
                    _message.c.at >= _clock.c.started_at,
                    or_(_clock.c.stopped_at.is_(None), _message.c.at <= _clock.c.stopped_at),
                ),
            ),
        )
        found = select(_clock.c.id, *COLUMNS).join(_message, its).where(*_begun(start, end))
        decided: dict[ClockId, list[tuple[MessageId, Decision]]] = {}
        for row in self._connection.execute(found.order_by(_message.c.at, _message.c.message_id)):
            decided.setdefault(row.id, []).append((row.message_id, decision_of(row)))
        return decided

    def contradicted(self, start: datetime, end: datetime) -> dict[ClockId, datetime | None]:
        """When one of ours first wrote in the thread of each wait whose filter was contradicted; None: none of ours
        has, the sender became an open lead.
        """
        answers = and_(
            _message.c.thread == _clock.c.thread,
            _message.c.direction == "outbound",
            _message.c.at > _clock.c.started_at,
        )
        found = select(_clock.c.id, func.min(_message.c.at)).outerjoin(_message, answers)
        found = found.where(*_begun(start, end), _clock.c.contradicted).group_by(_clock.c.id)
        return {row[0]: row[1] for row in self._connection.execute(found)}


def _begun(start: datetime, end: datetime) -> tuple[ColumnElement[bool], ...]:
    return _clock.c.started_at >= start, _clock.c.started_at < end, REPLY
