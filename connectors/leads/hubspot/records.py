"""HubSpot's records in the words of the port: a contact as a lead, a deal as an outcome, calls and meetings."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Literal

from connectors.csv_table import SPLIT, address_in
from connectors.leads.lead_columns import STATUSES, feed_row, plain
from inboxwatch.connector import Row
from inboxwatch.lead_feed import LeadOutcome, LoggedActivity

Properties = Mapping[str, Any]
_PERSON = ("email", "firstname", "lastname", "hs_additional_emails", "hubspot_owner_id", "hs_merged_object_ids",
           "hs_calculated_merged_vids")  # fmt: skip
DEAL = ("createdate", "closedate", "hs_is_closed", "hs_is_closed_won")
CALL = ("hs_timestamp", "hubspot_owner_id", "hs_call_status", "hs_call_disposition")
MEETING = ("hs_timestamp", "hubspot_owner_id", "hs_meeting_outcome")
_NOT_HELD = {"CANCELED", "CANCELLED", "NO_SHOW", "RESCHEDULED"}
"""Outcomes of meetings."""
_NOT_REACHED = {
    "9d9162e7-6cf3-4944-bf63-4dff82258764",  # busy
    "73a0d17f-1163-4015-bdd5-ec830791da20",  # no answer
    "17b47fee-58de-441e-a44c-c6300d46f273",  # wrong number
}
"""Dispositions of calls, by the ids that every account has (HubSpot's documents, engagements: calls)."""


def contact_properties(columns: Mapping[str, str]) -> tuple[str, ...]:
    """What is read of a contact."""
    return tuple(dict.fromkeys((*_PERSON, *columns.values())))


def contact_row(key: str, found: Properties, columns: Mapping[str, str], source: str, owners: Mapping[str, str]) -> Row:
    """The lead that a contact is. Raises ValueError where its address is none."""
    given = {ours: text for ours, theirs in columns.items() if (text := plain(found.get(theirs)))}
    if given.get("status", "open").lower() not in STATUSES:
        given.pop("status")
    given["email"] = plain(found.get("email"))
    name = f"{plain(found.get('firstname'))} {plain(found.get('lastname'))}".strip()
    if name:
        given["name"] = name
    if aliases := " ".join(_addresses(plain(found.get("hs_additional_emails")))):
        given["aliases"] = aliases
    if owner := plain(found.get("hubspot_owner_id")):
        given["owner"] = owners.get(owner, f"unknown owner {owner}")
    return feed_row(given, source, key, f"{source}: contact {key}")


def merged_into(key: str, found: Properties) -> tuple[tuple[str, str], ...]:
    """The records that a contact was made of; a merge gives it an id of its own."""
    names = (plain(found.get("hs_merged_object_ids")), plain(found.get("hs_calculated_merged_vids")))
    # The second names times as well (`512:1700000000000`), and not every step of a chain.
    old = [one.partition(":")[0] for text in names for one in SPLIT.split(text) if one]
    return tuple((one, key) for one in dict.fromkeys(old) if one != key and one.isdigit())


def deal_outcomes(deal: str, found: Properties, contacts: Sequence[str]) -> Iterator[LeadOutcome]:
    """What a deal says of each of its contacts."""
    what: Literal["opportunity", "won", "lost"] = "opportunity"
    if plain(found.get("hs_is_closed")) == "true":
        what = "won" if plain(found.get("hs_is_closed_won")) == "true" else "lost"
    at = instant_of(found.get("createdate" if what == "opportunity" else "closedate")) or instant_of(
        found.get("createdate")
    )
    if at is not None:
        for contact in contacts:
            yield LeadOutcome(deal, contact, what, at)


def activities(
    kind: Literal["call", "meeting"],
    record: str,
    found: Properties,
    contacts: Sequence[str],
    owners: Mapping[str, str],
) -> Iterator[LoggedActivity]:
    """A call that was made or a meeting that was held, for each of its contacts; nothing for one that was not."""
    at = instant_of(found.get("hs_timestamp"))
    if at is None or not (_reached(found) if kind == "call" else _held(found)):
        return
    by = owners.get(plain(found.get("hubspot_owner_id")), "")
    for number, contact in enumerate(contacts):
        # Of one contact it has no other id than its own, so that it stays the same where that contact is merged.
        name = f"{kind}-{record}" if number == 0 else f"{kind}-{record}-{contact}"
        yield LoggedActivity(name, contact, kind, at, by if "@" in by and " " not in by else "")


def _reached(found: Properties) -> bool:
    status = plain(found.get("hs_call_status")).upper()
    return status in ("", "COMPLETED") and plain(found.get("hs_call_disposition")) not in _NOT_REACHED


def _held(found: Properties) -> bool:
    return plain(found.get("hs_meeting_outcome")).upper() not in _NOT_HELD


def instant_of(value: object) -> datetime | None:
    """A time as HubSpot writes it: ISO 8601, or milliseconds since 1970."""
    text = plain(value)
    try:
        if text.isdigit():
            return datetime.fromtimestamp(int(text) / 1000, UTC)
        at = datetime.fromisoformat(text)
    except (ValueError, OverflowError, OSError):
        return None
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def _addresses(text: str) -> Iterable[str]:
    for one in SPLIT.split(text):
        try:
            yield address_in(one)
        except ValueError:
            continue
