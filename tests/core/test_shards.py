"""Shards are shared fairly, none stays free, and none moves without need, whoever joins, leaves or dies when."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from inboxwatch.core.shards import SHARDS, House, fair_share, moves, shard_of

EVENTS = st.lists(st.sampled_from(["join", "die"]), min_size=1, max_size=8)


@dataclass
class Workers:
    """Workers who look at the house in a random order, and a database that gives each lock once."""

    chance: Random
    owners: dict[int, int] = field(default_factory=dict)
    at_work: set[int] = field(default_factory=set)
    joined: int = 0

    @classmethod
    def at_rest(cls, count: int, chance: Random) -> Workers:
        """So many, once each owns their share."""
        workers = cls(chance)
        for _ in range(count):
            workers.join()
        workers.settle()
        return workers

    def house(self) -> House:
        return House(frozenset(self.at_work), dict(self.owners))

    def join(self) -> int:
        self.joined += 1
        self.at_work.add(self.joined)
        return self.joined

    def die(self) -> None:
        if len(self.at_work) > 1:
            gone = self.chance.choice(sorted(self.at_work))
            self.at_work.remove(gone)
            self.owners = {shard: owner for shard, owner in self.owners.items() if owner != gone}

    def round(self, former: dict[int, frozenset[int]] | None = None) -> None:
        """Everybody looks and acts once; half of them by what they saw at its beginning."""
        early = self.house()
        for me in self.chance.sample(sorted(self.at_work), len(self.at_work)):
            seen = early if self.chance.random() < 0.5 else self.house()
            back = former.get(me, frozenset()) if former else frozenset()
            todo = moves(seen, me, back, courteous=former is not None)
            for shard in todo.give:
                if self.owners.get(shard) == me:
                    del self.owners[shard]
            for shard in todo.take:
                self.owners.setdefault(shard, me)

    def settle(self) -> None:
        """Until nobody has anything to do; who has just taken by an old sight gives back, and so on."""
        for _ in range(30):
            before = dict(self.owners)
            self.round()
            self.round()
            if self.owners == before and len(before) == SHARDS:
                return
        raise AssertionError("they never come to rest")


def test_a_mailbox_has_the_same_shard_in_every_process_and_version() -> None:
    assert [shard_of(name) for name in ("ana", "sales", "jürgen")] == [111, 144, 169]


def test_mailboxes_spread_over_all_shards() -> None:
    found = Counter(shard_of(f"person{number}@acme.test") for number in range(20_000))
    assert (len(found), max(found.values()) < 130) == (SHARDS, True)


@given(st.sets(st.integers(1, 10_000), min_size=1, max_size=2 * SHARDS))
def test_shares_differ_by_one_at_most_and_make_the_whole(workers: set[int]) -> None:
    house = House(frozenset(workers), {})
    shares = [fair_share(house, one) for one in workers]
    assert sum(shares) == SHARDS
    assert max(shares) - min(shares) <= 1


@settings(max_examples=25)
@given(EVENTS, st.randoms(use_true_random=False))
def test_whoever_joins_and_dies_in_the_end_each_shard_has_an_owner_and_each_worker_a_fair_share(
    events: list[str], chance: Random
) -> None:
    workers = Workers(chance)
    workers.join()
    for event in events:
        workers.join() if event == "join" else workers.die()
        workers.round()
    workers.settle()
    owned = Counter(workers.owners.values())
    assert {one: owned[one] for one in workers.at_work} == {
        one: fair_share(workers.house(), one) for one in workers.at_work
    }


@settings(max_examples=15)
@given(st.integers(1, 12), st.randoms(use_true_random=False))
def test_who_joins_is_the_only_one_whom_shards_move_to(count: int, chance: Random) -> None:
    workers = Workers.at_rest(count, chance)
    before, new = dict(workers.owners), workers.join()
    workers.settle()
    moved = {shard for shard, owner in workers.owners.items() if owner != before[shard]}
    assert {workers.owners[shard] for shard in moved} == {new}
    assert len(moved) == fair_share(workers.house(), new)


@settings(max_examples=15)
@given(st.integers(2, 12), st.randoms(use_true_random=False))
def test_when_a_worker_dies_nobody_gives_up_what_they_read(count: int, chance: Random) -> None:
    workers = Workers.at_rest(count, chance)
    workers.die()
    kept = dict(workers.owners)
    workers.settle()
    assert workers.owners.items() >= kept.items()


@settings(max_examples=15)
@given(st.integers(1, 12), st.randoms(use_true_random=False))
def test_after_a_restart_of_the_database_no_shard_moves_however_apart_the_workers_come_back(
    count: int, chance: Random
) -> None:
    workers = Workers.at_rest(count, chance)
    before = dict(workers.owners)
    former = {one: workers.house().owned(one) for one in workers.at_work}
    workers.owners, workers.at_work = {}, set()
    for one in chance.sample(sorted(former), len(former)):
        workers.at_work.add(one)
        workers.round(former)
    assert workers.owners == before
    workers.settle()
    assert workers.owners == before


def test_without_courtesy_the_first_to_come_back_would_take_everything() -> None:
    assert len(moves(House(frozenset([1]), {}), 1, frozenset(range(80))).take) == SHARDS
