"""The feed `salesforce` keeps the contract of lead feeds, for leads and for contacts."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from inboxwatch.testing import LeadFeedContract
from tests.support.salesforce_records import SalesforceContacts, SalesforceLeads


class TestLeads(LeadFeedContract):
    @pytest.fixture
    def records(self) -> Iterator[SalesforceLeads]:
        world = SalesforceLeads()
        yield world
        world.close()


class TestContacts(LeadFeedContract):
    @pytest.fixture
    def records(self) -> Iterator[SalesforceContacts]:
        world = SalesforceContacts()
        yield world
        world.close()
