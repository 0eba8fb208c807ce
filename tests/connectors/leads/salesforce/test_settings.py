"""The keys of `source: salesforce`: what is refused, and in which words."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from connectors.leads.salesforce import SalesforceSettings

GIVEN = {"url": "https://acme.my.salesforce.com", "client_id": "key-of-app", "client_secret": "secret-of-app"}


def test_a_config_of_three_keys_is_enough() -> None:
    settings = SalesforceSettings.model_validate(GIVEN)
    assert settings.every == 60
    assert settings.objects == ("Lead", "Contact", "Opportunity", "Task", "Event")


def test_plain_http_is_for_loopback() -> None:
    for url in ("http://localhost:8080", "http://127.0.0.1:1", "http://[::1]:1"):
        assert SalesforceSettings.model_validate({**GIVEN, "url": url}).url == url


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"url": "http://acme.my.salesforce.com"}, "loopback only"),
        ({"url": "https://acme.my.salesforce.com/services"}, "nothing behind it"),
        ({"url": "https://user@acme.test"}, "nothing behind it"),
        ({"url": "https://login.salesforce.com"}, "My Domain"),
        ({"objects": ["Task"]}, "must name Lead or Contact"),
        ({"objects": ["Case"]}, "Lead"),
        ({"where": {"Lead": "Status = 'Open') OR (Id != null"}}, "in pairs"),
        ({"where": {"Lead": "Status = 'Open"}}, "in pairs"),
        ({"where": {"Lead": "Status = 'Open' LIMIT 1"}}, "without LIMIT"),
        ({"where": {"Lead": "Status = 'Open' order  by Id"}}, "without ORDER"),
        ({"where": {"Lead": " "}}, "must be a condition"),
        ({"where": {"Account": "Name = 'x'"}}, "Lead"),
        ({"fields": {"tier": "Rating FROM Lead"}}, "no API name of a field"),
        ({"fields": {"Tier": "Rating"}}, "no name of a column"),
        ({"fields": {"tier": ["Rating", "x.y'"]}}, "no API name of a field"),
    ],
)
def test_what_cannot_be_asked_for_is_refused(given: dict[str, Any], words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        SalesforceSettings.model_validate({**GIVEN, **given})


def test_words_within_quotation_marks_are_no_clauses() -> None:
    condition = r"Status IN ('No limit', 'O\'Hara (', 'group by')"
    assert SalesforceSettings.model_validate({**GIVEN, "where": {"Lead": condition}}).where == {"Lead": condition}
