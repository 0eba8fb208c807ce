"""The keys of `source: salesforce` in the config."""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, field_validator

from connectors.leads.json_api import ApiFeedSettings
from connectors.setting_types import ApiUrl, Names
from inboxwatch.connector import Secret

Kind = Literal["Lead", "Contact", "Opportunity", "Task", "Event"]
Asked = Literal["Lead", "Contact", "OpportunityContactRole", "Task", "Event"]
_COLUMN = re.compile(r"[a-z][a-z0-9_]{0,63}")
_PATH = re.compile(r"[A-Za-z]\w{0,79}(?:\.[A-Za-z]\w{0,79}){0,5}", re.ASCII)
_QUOTED = re.compile(r"'(?:[^'\\]|\\.)*+'")
_CLAUSES = re.compile(r"(?i)\b(?:order\s+by|limit|offset|group\s+by|for\s+(?:view|update|reference)|all\s+rows)\b")


def _condition(value: str) -> str:
    """What stands behind WHERE, and nothing that could end it: brackets and quotation marks in pairs, no clause."""
    bare = _QUOTED.sub("''", value)
    depth = 0
    for letter in bare:
        depth += (letter == "(") - (letter == ")")
        if depth < 0:
            break
    if depth or "'" in bare.replace("''", "") or not value.strip() or not value.isprintable():
        raise ValueError("must be a condition in one line, its brackets and quotation marks in pairs")
    if found := _CLAUSES.search(bare):
        raise ValueError(f"must be a condition alone, without {found[0].upper()}")
    return value.strip()


Condition = Annotated[str, AfterValidator(_condition)]


class SalesforceSettings(ApiFeedSettings):
    """A Salesforce org, read by an integration user through the client-credentials flow of an app."""

    url: ApiUrl
    """The org's My Domain, `https://acme.my.salesforce.com`; `http://` on loopback only."""
    client_id: Secret
    """The app's consumer key."""
    client_secret: Secret
    """The app's consumer secret."""
    objects: tuple[Kind, ...] = ("Lead", "Contact", "Opportunity", "Task", "Event")
    """What is read: without `Opportunity` no outcomes are known, without `Task` no calls, without `Event` no
    meetings."""
    where: dict[Asked, Condition] = Field(default_factory=dict)
    """Conditions in SOQL beside our own, by object: `{Lead: "Status != 'Junk'"}`. Opportunities are read through their
    contact roles: `{OpportunityContactRole: "Opportunity.Type = 'New Business'"}`."""
    fields: dict[str, Names] = Field(default_factory=dict)
    """Fields beside the defaults, by our column: `{tier: Priority__c, phone: [Lead.Phone, Contact.MobilePhone]}`. A
    name without object is read of leads and of contacts; company fields of a contact are those of its account. An
    empty name leaves a column out. Columns as in the CSV; others become attributes."""

    @field_validator("url")
    @classmethod
    def _is_my_domain(cls, value: str) -> str:
        if value.endswith(("//login.salesforce.com", "//test.salesforce.com")):
            raise ValueError("must be the org's My Domain: the client-credentials flow has no other address")
        return value

    @field_validator("objects")
    @classmethod
    def _names_people(cls, value: tuple[Kind, ...]) -> tuple[Kind, ...]:
        if not {"Lead", "Contact"} & set(value):
            raise ValueError("must name Lead or Contact: there would be nobody to know")
        return value

    @field_validator("fields")
    @classmethod
    def _are_fields(cls, value: dict[str, Names]) -> dict[str, Names]:
        for column, names in value.items():
            if not _COLUMN.fullmatch(column):
                raise ValueError(f"{column!r} is no name of a column: write it in lower case, such as `tier`")
            if wrong := next((name for name in names if name and not _PATH.fullmatch(name)), None):
                raise ValueError(f"{wrong!r} is no API name of a field, such as `Rating` or `Contact.Account.Rating`")
        return value
