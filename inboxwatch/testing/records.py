"""What a test of a lead feed asks of the world around it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, Protocol, runtime_checkable

from inboxwatch.lead_feed import LeadFeed


@dataclass(frozen=True, slots=True)
class Record:
    """A buyer as people write them into the source."""

    email: str
    """Lower case; empty: the record has no address."""
    name: str = ""
    company: str = ""
    owner: str = ""
    """The address of one of ours, as the source knows them; empty: nobody."""


class Records(Protocol):
    """A source on a real server or its double, and the people who work with it. It holds no record yet.

    Enough records must take more than one batch: the contract puts 25. A world that can do it is also Merging, Purging
    and Selling (below); what a source has no notion of is left out, and its tests are skipped.
    """

    secrets: tuple[str, ...]
    """Passwords and tokens in its settings: they must never be shown."""

    def feed(self) -> LeadFeed:
        """A fresh feed of it named `crm`, as after a restart of the daemon. The test closes it."""
        ...

    def add(self, record: Record) -> str:
        """Somebody makes a record; returns the key that the feed will give it."""
        ...

    def change(self, key: str, record: Record) -> None:
        """Somebody changes it, its address perhaps: it stays the same record."""
        ...

    def delete(self, key: str) -> None:
        """Somebody deletes it in the way that users do."""
        ...

    def log(self, key: str, type: Literal["call", "meeting"], at: datetime, by: str) -> str:  # noqa: A002  (as told)
        """One of ours (by address) logs a call or meeting with them; returns the id that the feed will give it."""
        ...

    def settle(self) -> None:
        """So much time passes as the source needs to show what was done: the lag of an index, a window that closes."""
        ...

    def let_a_day_pass(self) -> None:
        """So much time passes that the next look is a whole pass."""
        ...

    def break_connection(self) -> None:
        """The server is gone, with all its connections."""
        ...

    def mend_connection(self) -> None: ...

    def snapshot(self) -> Any:
        """All that a reader could have changed. Compared by `==`."""
        ...


@runtime_checkable
class Merging(Protocol):
    """Records can be merged, or converted."""

    def merge(self, key: str, into: str) -> None:
        """Two records become one: the second goes on."""
        ...


@runtime_checkable
class Purging(Protocol):
    """Records can disappear without a trace that changes could tell."""

    def purge(self, key: str) -> None: ...


@runtime_checkable
class Selling(Protocol):
    """The source knows opportunities (deals)."""

    def open_opportunity(self, key: str, at: datetime) -> str:
        """Returns the id that the feed will give it."""
        ...

    def close_opportunity(self, id: str, won: bool, at: datetime) -> None:  # noqa: A002  (the word of the field)
        ...

    def delete_opportunity(self, id: str) -> None:  # noqa: A002  (the word of the field)
        ...
