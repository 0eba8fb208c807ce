"""Whatever HubSpot, the network and restarts do: then the leads are those of the account, none lost, none twice."""

from __future__ import annotations

import random

import pytest

from tests.doubles.hubspot import HubSpotServer
from tests.support.hubspot_storm import HubSpotStorm


async def weather(seed: int) -> str:
    server = HubSpotServer()
    try:
        return await HubSpotStorm(server, random.Random(seed)).live()
    finally:
        server.close()
        assert server.refused == []


@pytest.mark.parametrize("seed", range(20))
async def test_after_a_storm_the_leads_are_those_of_the_account(seed: int) -> None:
    assert await weather(seed) == ""


@pytest.mark.soak
async def test_after_two_hundred_storms_too() -> None:
    assert {seed: wrong for seed in range(20, 220) if (wrong := await weather(seed))} == {}
