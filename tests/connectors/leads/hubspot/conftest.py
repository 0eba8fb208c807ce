"""A HubSpot account on loopback."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.doubles.hubspot import HubSpotServer
from tests.support.hubspot_records import HubSpotRecords


@pytest.fixture
def hubspot() -> Iterator[HubSpotServer]:
    server = HubSpotServer()
    yield server
    server.close()
    assert server.refused == [], "the connector asks what the double knows, and nothing else"


@pytest.fixture
def records(hubspot: HubSpotServer) -> HubSpotRecords:
    return HubSpotRecords(hubspot)
