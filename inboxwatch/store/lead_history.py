"""The history of a lead who goes on under another address: mail, waits and what was done name the new one."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, Row, delete, select, update

from inboxwatch.store import tables
from inboxwatch.store.upsert import chunks, insert_missing

_message, _clock, _act, _failed = tables.message, tables.clock, tables.act, tables.first_contact


class LeadHistory:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def move(self, old: str, new: str, side: str) -> list[str]:
        """Gives all of one lead's to another, who is on `side`. Returns the threads concerned.

        Ids of waits are made of messages, not of leads: they stay.
        """
        of_lead = select(_message.c.thread).where(_message.c.lead == old, _message.c.thread.is_not(None)).distinct()
        threads = list(self._connection.execute(of_lead).scalars())
        columns = [_message.c[name] for name in ("key", "lead", "side", "recipients", "known")]
        for part in chunks(sorted(threads)):
            for row in self._connection.execute(select(*columns).where(_message.c.thread.in_(part))).all():
                if values := _moved(row, old, new, side):
                    self._connection.execute(update(_message).where(_message.c.key == row.key).values(values))
        for table in (_act, _clock):
            self._connection.execute(update(table).where(table.c.lead == old).values(lead=new))
        kept = self._connection.execute(select(_failed).where(_failed.c.lead == old)).mappings()
        insert_missing(self._connection, _failed, [{**row, "lead": new} for row in kept])
        self._connection.execute(delete(_failed).where(_failed.c.lead == old))
        return threads


def _moved(row: Row[Any], old: str, new: str, side: str) -> dict[str, Any]:
    """What changes of a message."""
    known, before = dict(row.known or {}), row.recipients or ()
    sent = known.get("sender_lead") == old
    recipients = [[email, new, side] if lead == old else [email, lead, its] for email, lead, its in before]
    values: dict[str, Any] = {}
    if row.lead == old:
        values["lead"] = new
    if recipients != [list(one) for one in before]:
        values["recipients"] = recipients
    if sent:
        values["side"] = side
        known["sender_lead"] = new
    if sent or "recipients" in values:
        left = {row.side} if sent else set()
        left |= {its for _, lead, its in before if lead == old}
        stay = {its for _, lead, its in recipients if lead != new} | (set() if sent else {row.side})
        if "sides" in known:
            known["sides"] = sorted((set(known["sides"]) - (left - stay)) | {side})
        values["known"] = known
    return values
