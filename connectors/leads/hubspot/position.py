"""The cursor of a HubSpot source: how far a whole pass or a look for changes is, and from when changes are due."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from types import MappingProxyType

from inboxwatch.connector import Cursor

LAG = timedelta(minutes=2)
"""The search index is behind by 10 to 60 s: a window ends so long ago, and the next begins as long before that end."""
_WHOLE_EVERY = timedelta(days=1)
_AHEAD = timedelta(hours=1)
_NEVER = datetime.fromtimestamp(0, UTC)
_HISTORY = timedelta(days=30)
"""Calls and meetings that are read at first."""
CONTACTS, DEALS, ARCHIVED, CALLS, MEETINGS = "contacts", "deals", "archived", "calls", "meetings"
PASS = (CALLS, MEETINGS, DEALS, ARCHIVED, CONTACTS)
"""Stages of a whole pass. Contacts come last: their end is the pass's."""
CHANGES = (CONTACTS, DEALS, CALLS, MEETINGS)
"""Stages of a look for changes."""


@dataclass(frozen=True, slots=True)
class HubSpotPosition:
    """Where reading stands; times are the server's."""

    starts: Mapping[str, datetime] = field(default_factory=lambda: MappingProxyType({}))
    """By kind of record: from when changes are due."""
    whole_at: datetime | None = None
    """When the last whole pass began that came to its end."""
    whole: bool = False
    """A whole pass is on its way."""
    stage: str = ""
    """What is being read; empty: nothing, the last look came to its end."""
    after: str = ""
    """Of a list: the page that is next. Of a search: the greatest id so far."""
    begun: datetime = _NEVER
    """When this pass or look began."""

    def begin(self, now: datetime) -> HubSpotPosition:
        """A new look, from where the last one came to its end."""
        if self.whole_at is None or not now - _WHOLE_EVERY < self.whole_at < now + _AHEAD:
            return replace(self, whole=True, stage=PASS[0], after="", begun=now)
        return replace(self, whole=False, stage=CHANGES[0], after="", begun=now)

    @property
    def first(self) -> bool:
        """Whether a whole pass is at its beginning."""
        return self.whole and self.stage == PASS[0] and not self.after

    def window(self, kind: str) -> tuple[datetime, datetime]:
        """From when to when changes of a kind are asked for, both included."""
        to = self.begun - LAG
        start = self.starts.get(kind, self.begun - _HISTORY)
        if self.whole:  # what was associated with a contact later is found a day later
            start = min(start, self.begun - _WHOLE_EVERY)
        return min(start, to), to

    def next_stage(self) -> HubSpotPosition:
        """Past the end of a stage."""
        starts = dict(self.starts)
        if self.stage != ARCHIVED:
            # A list shows what is; a search what the index knew.
            listed = self.whole and self.stage in (CONTACTS, DEALS)
            starts[self.stage] = self.begun - (LAG if listed else 2 * LAG)
        stages = PASS if self.whole else CHANGES
        at = stages.index(self.stage) + 1
        if at < len(stages):
            return replace(self, starts=starts, stage=stages[at], after="")
        whole_at = self.begun if self.whole else self.whole_at
        return replace(self, starts=starts, stage="", after="", whole=False, whole_at=whole_at)

    def skipped(self) -> HubSpotPosition:
        """Past a stage that could not be read: it is due from where it was."""
        starts = {kind: at for kind, at in self.next_stage().starts.items() if kind != self.stage}
        if self.stage in self.starts:
            starts[self.stage] = self.starts[self.stage]
        return replace(self.next_stage(), starts=starts)

    def encoded(self) -> Cursor:
        held = {
            "v": 1,
            "starts": {kind: at.isoformat() for kind, at in self.starts.items()},
            "whole_at": self.whole_at and self.whole_at.isoformat(),
            "whole": self.whole,
            "stage": self.stage,
            "after": self.after,
            "begun": self.begun.isoformat(),
        }
        return Cursor(json.dumps(held, separators=(",", ":")))

    @classmethod
    def decoded(cls, cursor: Cursor | None) -> HubSpotPosition:
        """A cursor that is not ours begins from nothing."""
        try:
            held = json.loads(cursor or "")
            stages = PASS if held["whole"] else CHANGES
            if held["v"] != 1 or not (held["stage"] in stages or held["stage"] == ""):
                return cls()
            return cls(
                {str(kind): _aware(at) for kind, at in held["starts"].items()},
                held["whole_at"] and _aware(held["whole_at"]),
                bool(held["whole"]),
                held["stage"],
                str(held["after"]),
                _aware(held["begun"]),
            )
        except (ValueError, TypeError, KeyError, AttributeError, OverflowError, RecursionError):
            return cls()


def _aware(text: str) -> datetime:
    at = datetime.fromisoformat(text)
    if at.tzinfo is None:
        raise ValueError("a time without a zone")
    return at
