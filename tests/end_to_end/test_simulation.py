"""The world in virtual time: fifty seeds keep every promise; thousands do in `make soak`."""

from __future__ import annotations

import os
from collections.abc import Iterable
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context
from tempfile import TemporaryDirectory

import pytest

from tests.doubles.postgres import Postgres
from tests.support import compiled_sql
from tests.support.simulation.random_world import play


def _broken(seed: int, processes: int = 1) -> str | None:
    with TemporaryDirectory() as folder:
        try:
            play(seed, url=f"sqlite:///{folder}/store.db", processes=processes)
        except Exception as error:  # noqa: BLE001  (whatever breaks a world is reported with its seed)
            again = f"python -m tests.support.simulation {seed} {processes}"
            return f"{error!s} ({type(error).__name__}); replay it with: {again}"
    return None


def _play(seeds: Iterable[int], processes: int = 1) -> list[str]:
    workers = min(2, os.cpu_count() or 1)
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn"), initializer=compiled_sql.share) as pool:
        return [one for one in pool.map(partial(_broken, processes=processes), seeds, chunksize=10) if one is not None]


@pytest.mark.timeout(600)
def test_fifty_worlds_keep_every_promise() -> None:
    assert _play(range(50)) == []


@pytest.mark.timeout(600)
def test_two_processes_on_one_store_keep_every_promise() -> None:
    """They take turns at random: same clocks, same steps, nothing lost, nothing twice."""
    assert _play(range(25), processes=2) == []


@pytest.mark.timeout(600)
def test_two_processes_on_one_postgresql_keep_every_promise(postgres: Postgres) -> None:
    for seed in range(8):
        play(seed, url=postgres.common, processes=2)
        postgres.empty()


@pytest.mark.soak
@pytest.mark.timeout(7200)
def test_two_processes_keep_every_promise_in_hundreds_of_worlds() -> None:
    assert _play(range(25, 1060), processes=2) == []


@pytest.mark.soak
@pytest.mark.timeout(7200)
def test_thousands_of_worlds_keep_every_promise() -> None:
    assert _play(range(50, 4200)) == []


def test_a_seed_tells_the_same_story_each_time() -> None:
    stories: list[list[str]] = [[], []]
    for story in stories:
        play(26, story.append)
    assert stories[0] == stories[1]
    assert len(stories[0]) > 10
