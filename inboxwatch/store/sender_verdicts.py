"""What people said of whatever a sender writes, for the inquiries that come later (rule 49)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from sqlalchemy import Column, Connection, Index, Integer, String, insert, select

from inboxwatch.core.leads import plain_address
from inboxwatch.core.model import PersonId
from inboxwatch.core.qualification.decision import SenderWord
from inboxwatch.store.column_types import Ordered, UTCDateTime, Words
from inboxwatch.store.one_of import one_of
from inboxwatch.store.tables import made

sender_verdict = made(
    "sender_verdict",
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("key", Ordered, nullable=False),
    Column("at", UTCDateTime, nullable=False),
    Column("inquiry_class", Words, nullable=False),
    Column("by", String, nullable=False),
    Column("tier", Words, nullable=False),
    Column("reason", Words, nullable=False),
    Index("ix_sender_verdict_key", "key"),
)
"""`key`: the plain address (`core.leads.plain_address`); all are kept, the last one counts."""


class SenderVerdicts:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def record(self, sender: str, word: SenderWord, reason: str = "") -> None:
        """Keeps a person's word on an address; it decides what comes from there afterwards."""
        values: dict[str, Any] = {"key": plain_address(sender), "at": word.at, "by": word.by, "reason": reason}
        values |= {"inquiry_class": word.gives, "tier": word.tier}
        self._connection.execute(insert(sender_verdict).values(values))

    def of(self, senders: Iterable[str]) -> Mapping[str, list[SenderWord]]:
        """What was said of addresses, by plain address, oldest first."""
        keys = {plain_address(one) for one in senders}
        said: dict[str, list[SenderWord]] = {}
        if not keys:
            return said
        found = select(sender_verdict).where(one_of(sender_verdict.c.key, keys))
        for row in self._connection.execute(found.order_by(sender_verdict.c.at, sender_verdict.c.id)):
            word = SenderWord(row.at, row.inquiry_class, PersonId(row.by), row.tier)
            said.setdefault(row.key, []).append(word)
        return said
