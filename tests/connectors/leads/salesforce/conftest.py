"""An org for each test."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.doubles.salesforce import SalesforceOrg


@pytest.fixture
def org() -> Iterator[SalesforceOrg]:
    found = SalesforceOrg()
    yield found
    found.close()
