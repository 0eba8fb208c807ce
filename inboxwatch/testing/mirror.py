"""What becomes of a feed's batches: the plainest reader of a LeadFeed, to compare others with."""

# ruff: noqa: S101  (tests assert)

from __future__ import annotations

from collections.abc import Iterable

from inboxwatch.connector import Cursor, Row
from inboxwatch.lead_feed import LeadBatch, LeadOutcome, LoggedActivity


class Mirror:
    """A source as its batches tell it: records, activities, outcomes, and the cursor of the last batch.

    It asserts what every batch owes, whatever it holds.
    """

    def __init__(self, batches: Iterable[LeadBatch] = ()) -> None:
        self.rows: dict[str, Row] = {}
        self.into: dict[str, str] = {}
        """Of records that were merged: which goes on in their place."""
        self.activities: dict[str, LoggedActivity] = {}
        self.outcomes: dict[tuple[str, str], LeadOutcome] = {}
        """By id of the opportunity and key of the record."""
        self.cursor: Cursor | None = None
        self._seen: set[str] | None = None
        """Keys seen since the whole pass began; None outside of one."""
        self.passes = 0
        self.take(batches)

    def take(self, batches: Iterable[LeadBatch]) -> None:
        """Takes over some batches in their order."""
        for batch in batches:
            self._take(batch)

    @property
    def leads(self) -> dict[str, str]:
        """Address of each record by its key."""
        return {key: str(row.lead.id) for key, row in self.rows.items()}

    def _take(self, batch: LeadBatch) -> None:
        assert batch.cursor, "each batch has the cursor that follows it"
        if batch.begins:
            self._seen = set()
        if self._seen is not None:
            self._seen |= {*batch.present, *(row.key for row in batch.rows)}
        for row in batch.rows:
            assert row.key, f"{row.place}: a row of a feed has the key of its record"
            assert row.place, "a row says where it stands"
            assert row.lead.id == row.lead.id.strip().lower() != "", f"{row.place}: its id is an address in lower case"
            assert "@" in row.lead.id, f"{row.place}: its id is an address"
            self.rows[row.key] = row
        for key in batch.gone:
            self.rows.pop(key, None)
        for key, into in batch.merged:
            assert key != into, "a record is not merged into itself"
            self.rows.pop(key, None)
            self.into[key] = into
        for activity in batch.activities:
            assert activity.at.tzinfo is not None, "times are aware"
            self.activities.setdefault(activity.id, activity)
        for outcome in batch.outcomes:
            assert outcome.at.tzinfo is not None, "times are aware"
            self.outcomes[outcome.id, outcome.key] = outcome
        for one in [one for one in self.outcomes if one[0] in batch.dropped_outcomes]:
            del self.outcomes[one]
        if batch.whole:
            assert self._seen is not None, "a whole pass begins before it ends"
            self.rows = {key: row for key, row in self.rows.items() if key in self._seen}
            self._seen, self.passes = None, self.passes + 1
        self.cursor = batch.cursor
