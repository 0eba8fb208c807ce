"""Exponential back-off: pauses double, are capped, and differ between clients that failed together."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inboxwatch.core.backoff import Backoff, jittered

SECONDS = st.just(0.0) | st.floats(1e-3, 1e9)


def test_pauses_double_up_to_the_longest() -> None:
    backoff = Backoff(first=1.0, longest=10.0)
    assert [backoff.pause(failures) for failures in range(7)] == [0.0, 1.0, 2.0, 4.0, 8.0, 10.0, 10.0]


@pytest.mark.parametrize(("first", "longest"), [(-1.0, 5.0), (6.0, 5.0), (float("nan"), 5.0), (1.0, float("nan"))])
def test_limits_that_contradict_each_other_are_refused(first: float, longest: float) -> None:
    with pytest.raises(ValueError, match="between 0 and longest"):
        Backoff(first, longest)


@given(SECONDS, SECONDS, st.integers(1, 10**12))
def test_a_pause_lies_between_the_limits_and_never_shrinks_with_failures(a: float, b: float, failures: int) -> None:
    backoff = Backoff(min(a, b), max(a, b))
    pause = backoff.pause(failures)
    assert backoff.first <= pause <= backoff.longest
    assert pause <= backoff.pause(failures + 1)
    assert backoff.pause(failures + 1) in (2 * pause, backoff.longest)


@given(SECONDS, st.integers(), st.floats(0, 1), st.floats(1, 2))
def test_jitter_stays_within_its_shares(seconds: float, seed: int, least: float, most: float) -> None:
    pause = jittered(seconds, Random(seed), least, most)
    assert seconds * least <= pause * (1 + 1e-9)
    assert pause <= seconds * most * (1 + 1e-9)


def test_jitter_sets_clients_apart_and_exceeds_no_limit() -> None:
    pauses = {jittered(10.0, Random(seed)) for seed in range(100)}
    assert len(pauses) == 100
    assert min(pauses) >= 8.0
    assert max(pauses) <= 10.0
