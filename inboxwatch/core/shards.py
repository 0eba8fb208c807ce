"""Which worker reads which mailbox: mailboxes fall into shards, and each worker owns a fair share of these.

Nobody leads. Each worker looks at who is at work and who owns what, decides for itself by the functions below, and
takes or gives back shards one by one; that no shard has two owners is the business of whoever keeps the locks.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256

SHARDS = 256
"""How many there are, for ever: workers of different versions must agree. So many divide well among a few dozen
workers, and each is one lock of the database."""


def shard_of(mailbox: str) -> int:
    """The shard of a mailbox, by its name: the same in every process and version."""
    return int.from_bytes(sha256(mailbox.encode()).digest()[:4]) % SHARDS


@dataclass(frozen=True, slots=True)
class House:
    """Who is at work and owns what, as everybody sees it."""

    workers: frozenset[int]
    """The numbers of those at work; who joins later has a higher one."""
    owners: Mapping[int, int]
    """By shard its worker; a free shard is missing."""

    def owned(self, worker: int) -> frozenset[int]:
        return frozenset(shard for shard, owner in self.owners.items() if owner == worker)


@dataclass(frozen=True, slots=True)
class Moves:
    """What one worker does next; a shard that another is quicker to take stays theirs."""

    take: tuple[int, ...] = ()
    give: tuple[int, ...] = ()


def fair_share(house: House, me: int) -> int:
    """How many shards a worker should own: the same as everybody, and one more for the longest at work where they do
    not divide. Who stays never owns less because another leaves.
    """
    whole, rest = divmod(SHARDS, len(house.workers))
    return whole + (sorted(house.workers).index(me) < rest)


def moves(house: House, me: int, former: frozenset[int] = frozenset(), *, courteous: bool = False) -> Moves:
    """What `me`, who is at work, takes and gives back.

    `former` are shards that it owned until all lost theirs, as when the database restarts; `courteous`: the others may
    be on their way back to theirs, so that only these are taken, and nothing is given.
    """
    free = frozenset(range(SHARDS)) - house.owners.keys()
    if courteous:
        return Moves(take=tuple(sorted(free & former)))
    owned = house.owned(me)
    lacking = fair_share(house, me) - len(owned)
    # Each begins at another place, so that workers who look at the same instant seldom want the same.
    start = sorted(house.workers).index(me) * SHARDS // len(house.workers)
    if lacking < 0:
        return Moves(give=tuple(sorted(owned, key=lambda shard: (start - 1 - shard) % SHARDS)[:-lacking]))
    return Moves(take=tuple(sorted(free, key=lambda shard: (shard not in former, (shard - start) % SHARDS))[:lacking]))
