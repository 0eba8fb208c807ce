"""A known lead made of columns, the same for every source: what a table, a query or a CRM's fields give by name."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from connectors.csv_table import SPLIT, address_in
from inboxwatch.connector import Row
from inboxwatch.core.model import Lead, LeadId, PersonId
from inboxwatch.core.told_instant import told_instant

STATUSES = ("open", "won", "lost", "closed")
TIMES = ("opportunity_at", "closed_at")
"""Columns that hold a date or an instant: what became of the lead."""
_DOMAIN = re.compile(r"(?:[^\s./@:]+\.)+[^\s./@:]+")


def lead_of(given: dict[str, str], source: str) -> Lead:
    """The lead of some columns, by name in lower case; empty ones are left out. Those not known become attributes.

    Raises ValueError that says why it cannot be used.
    """
    columns = dict(given)
    status = columns.pop("status", "open").lower()
    if status not in STATUSES:
        raise ValueError(f"status {status!r} is none of {', '.join(STATUSES)}")
    if not (email := columns.pop("email", "")):
        raise ValueError("has no email")
    own = address_in(email)
    aliases = (address_in(alias) for alias in SPLIT.split(columns.pop("aliases", "")) if alias)
    owner = columns.pop("owner", "")
    for name in TIMES:
        if value := columns.get(name):
            told_instant(value)
    return Lead(
        id=LeadId(own),
        name=columns.pop("name", ""),
        company=columns.pop("company", ""),
        domain=columns.pop("domain", "").lower().lstrip("@"),
        owner=PersonId(owner) if owner else None,
        tier=columns.pop("tier", ""),
        status=status,
        source=source,
        aliases=tuple(dict.fromkeys(alias for alias in aliases if alias != own)),
        country=columns.pop("country", ""),
        language=columns.pop("language", ""),
        attributes=tuple(columns.items()),
    )


def feed_row(given: dict[str, str], source: str, key: str, place: str) -> Row:
    """The same as a record of a feed, whose `owner` may be an address or alias. Raises ValueError."""
    owner = given.get("owner", "")
    lead = lead_of({name: value for name, value in given.items() if name != "owner"}, source)
    return Row(lead, place, key or lead.id, owner)


def domain_of(website: str) -> str:
    """The domain of a web address as people write it (`https://www.Acme.test/en`); empty where it has none."""
    text = website.strip().lower()
    try:
        host = urlsplit(text if "//" in text else f"//{text}").hostname or ""
    except ValueError:
        return ""
    host = host.removeprefix("www.").rstrip(".")
    return host if _DOMAIN.fullmatch(host) and not host.replace(".", "").isdigit() else ""


def plain(value: object) -> str:
    """A field of an API as text, whole numbers without a point; empty for what is no single value."""
    if isinstance(value, str):
        return " ".join(value.split())
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return str(value) if isinstance(value, int | float) else ""
