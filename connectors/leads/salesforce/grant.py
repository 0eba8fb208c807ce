"""What the integration user may do beyond reading, what it may not see, and the steps to the right grant."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from connectors.leads.salesforce.client import SalesforceClient, SalesforceError
from connectors.leads.salesforce.queries import Questions, user
from connectors.leads.salesforce.records import value
from inboxwatch.connector import MailboxError, Probe, Reason

_RELATED = {"Account": "Account", "Opportunity": "Opportunity", "ConvertedOpportunity": "Opportunity"}
"""Records beside one, by the name of the relation."""
_WRITES = {"createable": "create", "updateable": "edit", "deletable": "delete"}
_SCOPES = {"api", "id", "openid", "profile", "email"}
"""Of the token: all but `api` only tell who it is for."""


async def probe(client: SalesforceClient, asked: Questions, facts: Callable[[], Sequence[tuple[str, str]]]) -> Probe:
    """Reads one record of each object, and what the user may do with it.

    Raises MailboxError that names everything which is asked for and cannot be seen.
    """
    token = await client.token()
    needed = _needed(asked)
    described = {one: await _described(client, one) for one in needed}
    if hidden := list(_hidden(needed, described)):
        raise MailboxError(
            Reason.CLIENT,
            f"the user may not see {', '.join(hidden)}",
            hint=f"take them out of `objects` or `fields`, or grant them. {_steps(needed)}",
        )
    told = [("signed in as", await _name(client, token.user)), ("scopes of the token", token.scope or "not told")]
    for sobject in dict.fromkeys(stream.sobject for stream in asked.streams):
        stream = next(one for one in asked.streams if one.sobject == sobject)
        seen = (await client.query(asked.one(stream), f"reading one {sobject}")).records
        told.append((f"{sobject}:", "can be read" if seen else "none there, or none that the user may see"))
    return Probe(facts=(*told, *facts()), warnings=tuple(_warnings(described, token.scope, needed)))


def _needed(asked: Questions) -> dict[str, list[str]]:
    """The fields that are asked for, by object; those of custom relations are left to the queries."""
    found: dict[str, list[str]] = {}
    for stream in asked.streams:
        for column in stream.columns:
            relation, _, name = column.rpartition(".")
            sobject = _RELATED.get(relation) if relation else stream.sobject
            if sobject is not None and name not in found.setdefault(sobject, []):
                found[sobject].append(name)
    return found


async def _described(client: SalesforceClient, sobject: str) -> Mapping[str, Any]:
    """Empty where the user may not know that there is such an object."""
    try:
        return await client.described(sobject)
    except SalesforceError as error:
        if error.status == 404:
            return {}
        raise


def _hidden(needed: Mapping[str, Sequence[str]], described: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    for sobject, names in needed.items():
        about = described[sobject]
        if not about.get("queryable"):
            yield sobject
            continue
        seen = {str(one.get("name")).lower() for one in about.get("fields", ())}
        yield from (f"{sobject}.{name}" for name in names if name.lower() not in seen)


async def _name(client: SalesforceClient, name: str) -> str:
    """The user in whose name we read, and the profile."""
    found = (await client.query(user(name), "looking who we are")).records if name else []
    if not found:
        return "a user who may not see itself"
    profile = value(found[0], "Profile.Name")
    return f"{found[0].get('Username')}{f' (profile {profile})' if profile else ''}"


def _warnings(
    described: Mapping[str, Mapping[str, Any]], scope: str, needed: Mapping[str, Sequence[str]]
) -> Iterator[str]:
    writing = [f"{sobject} ({', '.join(verbs)})" for sobject, about in described.items() if (verbs := _verbs(about))]
    if writing:
        yield (
            f"the user may change records: {'; '.join(writing)}. inboxwatch only reads. {_steps(needed)}"
        )  # fmt: skip
    if beyond := sorted(set(scope.split()) - _SCOPES):
        yield (
            f"the app's token has more scopes than it needs: {', '.join(beyond)}. Leave only `api` (Manage user data "
            "via APIs) in the app's OAuth settings"
        )


def _verbs(about: Mapping[str, Any]) -> list[str]:
    verbs = [word for flag, word in _WRITES.items() if about.get(flag)]
    if "edit" not in verbs and any(one.get("updateable") for one in about.get("fields", ())):
        verbs.append("edit fields")
    return verbs


def _steps(needed: Mapping[str, Sequence[str]]) -> str:
    """The smaller grant, in the words of Salesforce's Setup."""
    records = [one for one in needed if one in ("Lead", "Contact", "Account", "Opportunity")]
    fields = "; ".join(f"{sobject}: {', '.join(names)}" for sobject, names in needed.items())
    activities = " Access Activities among its system permissions." if {"Task", "Event"} & set(needed) else ""
    return "\n".join(
        (
            "The smaller grant, in Setup:",
            "  1. Users: a user with the licence `Salesforce Integration` and the profile `Minimum Access - API Only "
            "Integrations`.",
            "  2. Permission Sets: a new one for the licence `Salesforce API Integration`. Object Settings: Read and "
            f"View All Records on {', '.join(records)}, nothing else; Read Access on the fields that are asked for "
            f"({fields}).{activities} Assign it to the user, and no other.",
            "  3. External Client App Manager: the app's OAuth scope `api` alone; Policies: the client-credentials "
            "flow, run as this user.",
        )
    )
