"""The port for known leads that change one by one: a CRM, a database. A whole list is a LeadSource (`connector`).

Registered like a LeadSource, in the entry-point group `inboxwatch.leads`: what has `changes` is a feed.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, ClassVar, Literal, Protocol, runtime_checkable

from inboxwatch.connector import Context, Cursor, Probe, Row
from inboxwatch.settings import Settings

__all__ = ["LeadBatch", "LeadFeed", "LeadOutcome", "LoggedActivity"]


@dataclass(frozen=True, slots=True)
class LoggedActivity:
    """What one of ours did for a lead outside of mail: it counts once, however often it is read."""

    id: str
    """The activity's own id in the source."""
    key: str
    """The record it concerns: `Row.key`, which may be read later."""
    type: Literal["call", "meeting", "other"]
    at: datetime
    """When it was held (UTC)."""
    by: str = ""
    """Who did it, by address, alias or id of a person; empty: nobody says."""


@dataclass(frozen=True, slots=True)
class LeadOutcome:
    """What became of a lead, by an opportunity of theirs. The same one told again changes nothing.

    An opportunity of several people is told for the key of each.
    """

    id: str
    """The opportunity's own id in the source. One that is neither won nor lost is open."""
    key: str
    """The record it concerns: `Row.key`, which may be read later."""
    what: Literal["opportunity", "won", "lost"]
    at: datetime
    """When it was opened, won or lost (UTC)."""
    opened: datetime | None = None
    """Of one that is won or lost: when it was opened, where the source knows it."""


@dataclass(frozen=True, slots=True)
class LeadBatch:
    """What one step read, and the cursor that follows it; both are taken over in one transaction.

    Of a record that is both in `rows` and in `gone`, the latter holds. Keys that nobody knows are no mistake.

    A whole pass (`begins` ... `whole`) may take many batches, with changes among them: at its end, what was neither in
    its rows nor `present` since it began is gone from the source.
    """

    cursor: Cursor
    rows: tuple[Row, ...] = ()
    """Records that are new or may have changed, each with its `key`. One without an address is no row but `gone`.

    `owner` is an address where the source names one of its active users. Another owner, such as a queue or a user who
    left, is given in words that name them (`Queue EMEA`, `ana@acme.test (inactive)`): nobody of ours, which is shown.
    """
    gone: tuple[str, ...] = ()
    """Keys of records that were deleted, or cannot be used any more."""
    merged: tuple[tuple[str, str], ...] = ()
    """(key, key of the record that goes on in its place): merged or converted records. The addresses of the first
    become aliases of the second, its history the second's."""
    activities: tuple[LoggedActivity, ...] = ()
    outcomes: tuple[LeadOutcome, ...] = ()
    dropped_outcomes: tuple[str, ...] = ()
    """Ids of opportunities that were deleted."""
    present: tuple[str, ...] = ()
    """Keys that are still there, unchanged or not: a pass that asks for ids alone."""
    begins: bool = False
    """True in the first batch of a whole pass, or of one that begins again."""
    whole: bool = False
    """True in the last batch of a whole pass."""
    refused: tuple[tuple[str, str], ...] = ()
    """(place, reason) of records that cannot be used; the key of each is in `gone` too."""
    facts: tuple[tuple[str, str], ...] = ()
    """As of a Probe: what operators see of the source now, such as the share of its API's limit that is used."""


@runtime_checkable
class LeadFeed(Protocol):
    """A source of leads that tells what has changed. Methods raise MailboxError; anything else is our own defect."""

    settings: ClassVar[type[Settings]]

    def __init__(self, settings: Any, context: Context) -> None:
        """Does no IO."""
        ...

    @property
    def every(self) -> timedelta:
        """How long to wait between two looks for changes, from its settings."""
        ...

    def changes(self, cursor: Cursor | None) -> AsyncIterator[LeadBatch]:
        """Reads what has changed since `cursor` (None: everything), and ends when nothing is left now.

        A feed keeps no position of its own: the caller stores each batch's cursor with it, and may come back with any
        cursor it was ever given. What is read twice changes nothing. Each batch may be asked for in a task of its own
        and must come within 300 s, or MailboxError: one that would wait longer for a quota is RATE_LIMITED. When a
        whole pass is due again is written in the cursor, by the time of the source. An activity or outcome may come
        before the record it concerns.
        """
        ...

    async def probe(self) -> Probe:
        """Logs in, reads one record of each kind, names what it may see, and warns of what it could change."""
        ...

    async def aclose(self) -> None:
        """Ends all sessions; safe to call twice."""
        ...
