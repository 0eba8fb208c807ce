"""Connections cut, servers killed, folders replaced, daemons restarted: no message is lost, and none comes twice."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.doubles.dovecot import Dovecot
from tests.support.imap_faults import survive


@pytest.fixture(scope="module")
def server() -> Iterator[Dovecot]:
    with Dovecot.start([]) as running:
        yield running


async def unharmed(server: Dovecot, seed: int) -> None:
    outcome = await survive(server, f"fault{seed}", seed)
    assert (outcome.lost, outcome.foreign) == (0, 0)
    assert outcome.most <= 1 + outcome.resyncs
    assert outcome.connections <= 3 * outcome.polls, "a tight loop"


@pytest.mark.parametrize("seed", range(20))
async def test_no_fault_loses_or_repeats_a_message(server: Dovecot, seed: int) -> None:
    await unharmed(server, seed)


@pytest.mark.soak
@pytest.mark.parametrize("seed", range(20, 220))
async def test_no_fault_of_many_loses_or_repeats_a_message(server: Dovecot, seed: int) -> None:
    await unharmed(server, seed)
