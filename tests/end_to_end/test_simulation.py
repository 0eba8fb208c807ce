"""The world in virtual time: two hundred seeds keep every promise; thousands do in `make soak`."""

from __future__ import annotations

import os
from collections.abc import Iterable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

import pytest

from tests.support.simulation.random_world import play


def _broken(seed: int) -> str | None:
    try:
        play(seed)
    except Exception as error:  # noqa: BLE001  (whatever breaks a world is reported with its seed)
        return f"{error!s} ({type(error).__name__}); replay it with: python -m tests.support.simulation {seed}"
    return None


def _play(seeds: Iterable[int]) -> list[str]:
    workers = min(2, os.cpu_count() or 1)
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        return [broken for broken in pool.map(_broken, seeds, chunksize=10) if broken is not None]


@pytest.mark.timeout(600)
def test_two_hundred_worlds_keep_every_promise() -> None:
    assert _play(range(200)) == []


@pytest.mark.soak
@pytest.mark.timeout(7200)
def test_thousands_of_worlds_keep_every_promise() -> None:
    assert _play(range(200, 4200)) == []


def test_a_seed_tells_the_same_story_each_time() -> None:
    stories: list[list[str]] = [[], []]
    for story in stories:
        play(26, story.append)
    assert stories[0] == stories[1]
    assert len(stories[0]) > 10
