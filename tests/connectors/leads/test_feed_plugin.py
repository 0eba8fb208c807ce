"""A lead feed by somebody else, in thirty lines, keeps the contract."""

from __future__ import annotations

import pytest

from inboxwatch.testing import LeadFeedContract, Records
from tests.connectors.leads.card_index import CardRecords


class TestCards(LeadFeedContract):
    @pytest.fixture
    def records(self) -> Records:
        return CardRecords()
