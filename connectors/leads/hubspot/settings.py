"""The keys of `source: hubspot` in the config."""

from __future__ import annotations

import re

from pydantic import Field, field_validator

from connectors.leads.json_api import ApiFeedSettings
from connectors.setting_types import ApiUrl
from inboxwatch.connector import Secret

FIELDS = {"company": "company", "country": "country", "language": "hs_language"}
"""Our column: HubSpot's property of a contact."""
_OURS = {"email", "name", "owner", "aliases", "source"}
_PROPERTY = re.compile(r"[a-z][a-z0-9_]{0,99}")


class HubSpotSettings(ApiFeedSettings):
    """The contacts of a HubSpot account as known leads: their owners, their deals as outcomes, calls and meetings."""

    token: Secret
    """A service key, or the token of a private app, with the scopes `crm.objects.contacts.read`,
    `crm.objects.deals.read` and `crm.objects.owners.read`."""
    url: ApiUrl = "https://api.hubapi.com"
    """Where the API is; http is allowed on loopback only."""
    fields: dict[str, str] = Field(default_factory=dict)
    """Our column: HubSpot's property of a contact, by its internal name, such as `tier: hs_priority`. Beside and before
    `company`, `country` and `language: hs_language`; columns that are not known become attributes."""

    @field_validator("fields")
    @classmethod
    def _name_columns_and_properties(cls, value: dict[str, str]) -> dict[str, str]:
        if taken := sorted(_OURS & value.keys()):
            raise ValueError(f"{', '.join(taken)} cannot be mapped: HubSpot's own are read")
        if wrong := sorted(name for name in value.values() if not _PROPERTY.fullmatch(name)):
            raise ValueError(f"{', '.join(wrong)} is no internal name of a property")
        return value

    @property
    def columns(self) -> dict[str, str]:
        """HubSpot's property by our column."""
        return FIELDS | self.fields
