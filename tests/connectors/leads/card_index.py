"""A lead feed by somebody else, in thirty lines, and the world around it: it reads a card index in memory."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, ClassVar, Literal, TypeAlias

from inboxwatch.connector import Context, Cursor, MailboxError, Probe, Reason, Row, Settings
from inboxwatch.core.model import Lead, LeadId
from inboxwatch.lead_feed import LeadBatch, LeadFeed, LeadOutcome, LoggedActivity
from inboxwatch.testing import Record

Content: TypeAlias = Record | LoggedActivity | LeadOutcome | None


@dataclass
class Card:
    number: int
    """Of its last change; the index is sorted by it."""
    key: str
    content: Content
    """None: it was thrown away."""


@dataclass
class CardIndex:
    """A CRM of a few lines: cards in the order of their last change, a calendar, a door."""

    cards: dict[str, Card] = field(default_factory=dict)
    merged: dict[str, str] = field(default_factory=dict)
    day: int = 1
    open: bool = True
    numbers: itertools.count[int] = field(default_factory=lambda: itertools.count(1))

    def put(self, key: str, content: Content) -> str:
        self.cards.pop(key, None)
        self.cards[key] = Card(next(self.numbers), key, content)
        return key

    async def after(self, number: int) -> list[Card]:
        await asyncio.sleep(0)  # where others ask a server
        if not self.open:
            raise ConnectionRefusedError("the index is locked away")
        return [card for card in self.cards.values() if card.number > number]


INDEXES: dict[str, CardIndex] = {}
_names = itertools.count(1)


# --- what its author writes ---
class CardSettings(Settings):
    index: str


class CardFeed:
    settings: ClassVar[type[Settings]] = CardSettings
    every = timedelta(minutes=1)

    def __init__(self, settings: CardSettings, context: Context) -> None:
        self.index, self.name = INDEXES[settings.index], context.name

    async def changes(self, cursor: Cursor | None) -> AsyncIterator[LeadBatch]:
        known, day = (cursor or "").split("/"), self.index.day
        begins = len(known) != 3 or known[1] != str(day)  # a whole pass each day; else from there on
        last, passing = (0, True) if begins else (int(known[0]), known[2] == "pass")
        more = True
        while more:
            cards = await self._after(last)
            cards, more = cards[:10], len(cards) > 10
            last = cards[-1].number if cards else last
            found = [(card.key, card.content) for card in cards]
            yield LeadBatch(
                Cursor(f"{last}/{day}/{'pass' if passing and more else ''}"),
                rows=tuple(self._row(key, one) for key, one in found if isinstance(one, Record) and one.email),
                gone=tuple(key for key, one in found if one is None or (isinstance(one, Record) and not one.email)),
                merged=tuple((key, self.index.merged[key]) for key, _ in found if key in self.index.merged),
                activities=tuple(one for _, one in found if isinstance(one, LoggedActivity)),
                outcomes=tuple(one for _, one in found if isinstance(one, LeadOutcome)),
                dropped_outcomes=tuple(key for key, one in found if one is None),
                begins=begins,
                whole=passing and not more,
            )
            begins = False

    async def probe(self) -> Probe:
        return Probe(facts=(("cards", str(len(await self._after(0)))),))

    async def aclose(self) -> None: ...

    def _row(self, key: str, card: Record) -> Row:
        lead = Lead(LeadId(card.email.lower()), card.name, card.company, source=self.name)
        return Row(lead, f"card {key}", key, card.owner)

    async def _after(self, number: int) -> list[Card]:
        try:
            return await self.index.after(number)
        except OSError as error:
            raise MailboxError(Reason.UNAVAILABLE, str(error)) from error


# --- and his tests: the people around it ---
class CardRecords:
    secrets: tuple[str, ...] = ()

    def __init__(self) -> None:
        self.name = f"index {next(_names)}"
        self.index = INDEXES[self.name] = CardIndex()

    def feed(self) -> LeadFeed:
        return CardFeed(CardSettings(index=self.name), Context("crm", ""))

    def add(self, record: Record) -> str:
        return self.index.put(f"A{next(_names)}", record)

    def change(self, key: str, record: Record) -> None:
        self.index.put(key, record)

    def delete(self, key: str) -> None:
        self.index.put(key, None)

    def log(self, key: str, type: Literal["call", "meeting"], at: datetime, by: str) -> str:  # noqa: A002
        id_ = f"T{next(_names)}"
        return self.index.put(id_, LoggedActivity(id_, key, type, at, by))

    def settle(self) -> None: ...

    def let_a_day_pass(self) -> None:
        self.index.day += 1

    def break_connection(self) -> None:
        self.index.open = False

    def mend_connection(self) -> None:
        self.index.open = True

    def snapshot(self) -> Any:
        return dict(self.index.cards)

    def merge(self, key: str, into: str) -> None:
        self.index.merged[key] = into
        self.index.put(key, None)

    def purge(self, key: str) -> None:
        del self.index.cards[key]

    def open_opportunity(self, key: str, at: datetime) -> str:
        id_ = f"D{next(_names)}"
        return self.index.put(id_, LeadOutcome(id_, key, "opportunity", at))

    def close_opportunity(self, id: str, won: bool, at: datetime) -> None:  # noqa: A002
        known = self.index.cards[id].content
        assert isinstance(known, LeadOutcome)
        self.index.put(id, LeadOutcome(id, known.key, "won" if won else "lost", at))

    def delete_opportunity(self, id: str) -> None:  # noqa: A002
        self.index.put(id, None)
