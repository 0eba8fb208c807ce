"""What stays for good is looked at seldom, but not never: a config that was replaced leaves memory."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Iterator

import pytest

from inboxwatch.daemon.gc_tuning import collect_seldom


@pytest.fixture(autouse=True)
def tuned_as_found() -> Iterator[None]:
    before = gc.get_threshold()
    yield
    gc.unfreeze()
    gc.set_threshold(*before)


class Part:
    """Of what a config makes: its parts know each other."""

    other: Part


def test_what_an_old_config_made_goes_with_the_next_one() -> None:
    first, second = Part(), Part()
    first.other, second.other = second, first
    seen = weakref.ref(first)
    collect_seldom()
    del first, second
    gc.collect()
    assert seen() is not None, "it counts as what stays"
    collect_seldom()
    assert seen() is None
