"""Reading several folders together, in batches that are cut at the same instant in all of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from operator import itemgetter
from typing import Generic, NamedTuple, Protocol, TypeVar

from inboxwatch.connector import Quarantined
from inboxwatch.core.model import RawMessage

Item = TypeVar("Item")
Position = TypeVar("Position")


class PassPosition(Protocol):
    """A position in a folder that can be read by receive time."""

    @property
    def after(self) -> object | None:
        """How far a pass that was begun has come; None: none was."""
        ...


Passing = TypeVar("Passing", bound=PassPosition)


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


@dataclass(frozen=True, slots=True)
class ReadingStep(Generic[Position, Item]):
    """A batch to read. Positions are of all folders."""

    share: Mapping[str, Sequence[Item]]
    """Its messages by the folder's name."""
    begins: Mapping[str, Position]
    """The positions while it is read."""
    follows: Mapping[str, Position]
    """The positions when it is read."""


class DatedItem(NamedTuple, Generic[Item]):
    """A message to read, and its place in the order of reading."""

    at: int
    """When it was received; the unit is the connector's."""
    item: Item


@dataclass(frozen=True, slots=True)
class FolderPass(Generic[Position, Item]):
    """Reading messages of one folder by receive time, from a position on."""

    start: Position
    items: Sequence[DatedItem[Item]]
    """Oldest first."""
    past: Callable[[Position, Sequence[DatedItem[Item]], bool], Position]
    """The position after some more of them, and whether those were the last."""


def wants_times(survey: FolderSurvey[Passing, Item], size: int) -> bool:
    """Whether receive times decide how this is read in batches of `size`, or what of it was read already."""
    begun = any(survey.positions[name].after is not None for name in survey.pending)
    return begun or (len(survey.pending) > 1 and sum(map(len, survey.pending.values())) > size)


def shares(pending: Mapping[str, Sequence[Item]], size: int) -> Iterator[dict[str, Sequence[Item]]]:
    """Cuts what is to read into batches of about `size`, each with the same share of every folder.

    Where the folders reach back differently, a batch so cut has answers of today beside questions of last month. It is
    for one folder, and for several where the server does not tell when messages were received.
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


def steps_by_order(
    survey: FolderSurvey[Position, Item], size: int, read: Callable[[Position, Sequence[Item]], Position]
) -> Iterator[ReadingStep[Position, Item]]:
    """Each folder in its own order. `read` gives the position after some more of its messages."""
    begins = dict(survey.positions)
    for share in shares(survey.pending, size):
        follows = begins | {name: read(begins[name], items) for name, items in share.items()}
        yield ReadingStep(share, begins, follows)
        begins = follows


def steps_by_time(
    passes: Iterable[Mapping[str, FolderPass[Position, Item]]], positions: Mapping[str, Position], size: int
) -> Iterator[ReadingStep[Position, Item]]:
    """Cuts what is to read into batches of `size`, oldest first over all folders: each ends at one instant in all.

    So an answer is read after its question, or with it, however far back each folder reaches. `passes` (by the folder's
    name) are made one after the other; `positions` are those of all folders before the first.
    """
    for its in passes:
        for step in _merged(its, positions, size):
            yield step
            positions = step.follows


def _merged(
    passes: Mapping[str, FolderPass[Position, Item]], positions: Mapping[str, Position], size: int
) -> Iterator[ReadingStep[Position, Item]]:
    begins = dict(positions) | {
        name: its.start if its.items else its.past(its.start, (), True) for name, its in passes.items()
    }
    left = Counter({name: len(its.items) for name, its in passes.items()})
    merged = sorted(
        ((one.at, name, one) for name, its in passes.items() for one in its.items),
        key=itemgetter(0, 1),  # the sort is stable: each folder's own order stays
    )
    for start in range(0, len(merged), size):
        taken: dict[str, list[DatedItem[Item]]] = {name: [] for name in passes}
        for _, name, one in merged[start : start + size]:
            taken[name].append(one)
        taken = {name: its for name, its in taken.items() if its}
        follows = dict(begins)
        for name, its in taken.items():
            left[name] -= len(its)
            follows[name] = passes[name].past(begins[name], its, not left[name])
        yield ReadingStep({name: [one.item for one in its] for name, its in taken.items()}, begins, follows)
        begins = follows
