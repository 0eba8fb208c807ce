"""Batches of lead feeds, taken over by a daemon of a test."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from inboxwatch.config.config import LeadsConfig
from inboxwatch.connector import Cursor, Row
from inboxwatch.core.model import Lead, LeadId
from inboxwatch.engine.lead_feeds import Taken, looked, position, settle_sources, take_batch
from inboxwatch.lead_feed import LeadBatch
from inboxwatch.settings import Settings
from tests.support.engine import Engine


def record(key: str, email: str, owner: str = "", **fields: Any) -> Row:
    """A record of a feed."""
    return Row(Lead(LeadId(email), **fields), f"record {key}", key, owner)


class Feeds:
    """Several sources of one config, and what they give, batch by batch."""

    def __init__(self, engine: Engine, *names: str) -> None:
        self.engine = engine
        self.order(*names)
        self._numbers = 0

    def order(self, *names: str) -> None:
        """The config names these sources, in this order."""
        leads = {name: LeadsConfig(name, "feed", object, Settings()) for name in names}
        self.engine.reload(replace(self.engine.config, leads=leads))

    def settle(self, now: datetime) -> int:
        return self.engine.write(settle_sources, self.engine.rules, now)

    def position(self, source: str) -> Cursor | None:
        return self.engine.read(position, self.engine.rules, source)

    def gives(self, source: str, rows: Sequence[Row] = (), *, now: datetime, **more: Any) -> Taken:
        """A source gives a batch; returns what was taken over."""
        self._numbers += 1
        batch = LeadBatch(Cursor(f"{source} {self._numbers}"), tuple(rows), **more)
        taken = self.engine.write(take_batch, self.engine.rules, source, batch, self.position(source), now)
        assert taken is not None
        return taken

    def ends(self, source: str, now: datetime) -> None:
        """It was read to its end."""
        self.engine.write(looked, self.engine.rules, source, now)

    def leads(self) -> dict[str, Lead]:
        with self.engine.store.reading() as tx:
            return {lead.id: lead for lead in tx.leads.all()}
