"""Reading several folders together, in batches that bear the same share of each."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from inboxwatch.connector import Quarantined
from inboxwatch.core.model import RawMessage

Item = TypeVar("Item")
Position = TypeVar("Position")


@dataclass(frozen=True, slots=True)
class FolderSurvey(Generic[Position, Item]):
    """What a poll found to read, each by the folder's name."""

    positions: Mapping[str, Position]
    """Where the poll starts from."""
    pending: Mapping[str, Sequence[Item]]
    """The messages to read, in ascending order."""
    goals: Mapping[str, Position]
    """The positions when all is read."""
    resynced: bool = False
    """The cursor, or a folder's part of it, was void."""


@dataclass(frozen=True, slots=True)
class ReadMessages:
    """What was read of one batch, oldest first."""

    messages: tuple[RawMessage, ...]
    quarantined: tuple[Quarantined, ...]


def shares(pending: Mapping[str, Sequence[Item]], size: int) -> Iterator[dict[str, Sequence[Item]]]:
    """Cuts what is to read into batches of about `size`, each with the same share of every folder.

    Messages ascend in time: so inbox and sent mail advance together, and an answer is read near its question.
    """
    total = sum(map(len, pending.values()))
    batches = -(-total // size)
    for number in range(batches):
        share = {
            name: items[low:high]
            for name, items in pending.items()
            if (low := len(items) * number // batches) < (high := len(items) * (number + 1) // batches)
        }
        if share:
            yield share
