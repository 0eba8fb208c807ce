"""The double of HubSpot is held by HubSpot's own client: it knows every property, and reads the same records."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from importlib import import_module
from types import SimpleNamespace
from typing import Any

import pytest
from hubspot import Client

from inboxwatch import now as instant
from inboxwatch.testing import Mirror, Record, looked
from tests.doubles.https_server import ca_file
from tests.doubles.hubspot import TOKEN, HubSpotServer
from tests.support.hubspot_records import HubSpotRecords

_TYPES = {
    ("list", "contacts"): ("contacts", "CollectionResponseSimplePublicObjectWithAssociationsForwardPaging"),
    ("list", "deals"): ("deals", "CollectionResponseSimplePublicObjectWithAssociationsForwardPaging"),
    ("search", "contacts"): ("contacts", "CollectionResponseWithTotalSimplePublicObjectForwardPaging"),
    ("search", "deals"): ("deals", "CollectionResponseWithTotalSimplePublicObjectForwardPaging"),
    ("search", "calls"): ("objects.calls", "CollectionResponseWithTotalSimplePublicObjectForwardPaging"),
    ("search", "meetings"): ("objects.meetings", "CollectionResponseWithTotalSimplePublicObjectForwardPaging"),
    ("owners", "owners"): ("owners", "CollectionResponsePublicOwnerForwardPaging"),
    ("associations", "deals"): ("associations.v4", "BatchResponsePublicAssociationMultiWithLabel"),
    ("associations", "calls"): ("associations.v4", "BatchResponsePublicAssociationMultiWithLabel"),
    ("associations", "meetings"): ("associations.v4", "BatchResponsePublicAssociationMultiWithLabel"),
}
"""The package and class of HubSpot's client by which each answer is read."""


def hold(told: Any, kind: str, package: Any, where: str) -> None:
    """Fails where a JSON value has a property that a type of the client lacks, or lacks one that it requires."""
    if kind.startswith("list["):
        assert isinstance(told, list), where
        for number, one in enumerate(told):
            hold(one, kind[5:-1], package, f"{where}[{number}]")
    elif kind.startswith("dict["):
        assert isinstance(told, dict), where
    elif kind == "datetime":
        assert datetime.fromisoformat(told).tzinfo is not None, where
    elif (plain := {"str": str, "int": int, "bool": bool, "object": object}.get(kind)) is not None:
        assert isinstance(told, plain), f"{where}: {told!r} is no {kind}"
    else:
        model = getattr(package, kind)
        names = {told_as: name for name, told_as in model.attribute_map.items()}
        assert told.keys() <= names.keys(), f"{where}: {told.keys() - names.keys()}"
        for told_as, name in names.items():
            if told.get(told_as) is not None:
                hold(told[told_as], model.openapi_types[name], package, f"{where}.{told_as}")
            else:
                assert not requires(model, name), f"{where}.{told_as} is required"


def requires(model: Any, name: str) -> bool:
    """Whether the client refuses an object without it, once it is told to look."""
    bare = object.__new__(model)
    bare.local_vars_configuration = SimpleNamespace(client_side_validation=True)
    try:
        setattr(bare, name, None)
    except ValueError:
        return True
    return False


async def test_no_answer_has_a_property_that_hubspots_client_lacks_or_lacks_one_that_it_requires(
    hubspot: HubSpotServer, records: HubSpotRecords
) -> None:
    answers: list[tuple[str, str, Any]] = []
    hubspot.on_answer = lambda *told: answers.append(told)
    populate(records)
    hubspot.archive("deals", next(iter(hubspot.records["deals"])))
    hubspot.owners["70000"].archived = True
    mirror = Mirror(await looked(records))
    records.change(next(iter(mirror.rows)), Record("new@buyer.test"))
    records.settle()
    await looked(records, mirror.cursor)
    seen = {(what, kind) for what, kind, _ in answers}
    assert seen == _TYPES.keys(), "each kind of request was made"
    for what, kind, answer in answers:
        package, model = _TYPES[what, kind]
        hold(answer, model, import_module(f"hubspot.crm.{package}"), f"{what} {kind}")


def test_what_is_wrong_with_an_answer_is_found() -> None:
    """The test above can fail."""
    package = import_module("hubspot.crm.owners")
    owner = {"id": "1", "type": "PERSON", "archived": False, "createdAt": "2026-01-01T00:00:00Z",
             "updatedAt": "2026-01-01T00:00:00Z"}  # fmt: skip
    hold(owner, "PublicOwner", package, "")
    for wrong in (owner | {"mail": "x"}, owner | {"id": 1}, {**owner, "id": None}, owner | {"createdAt": "yesterday"}):
        with pytest.raises((AssertionError, ValueError)):
            hold(wrong, "PublicOwner", package, "")


async def test_hubspots_client_gets_the_same_records_as_our_connector(
    hubspot: HubSpotServer, records: HubSpotRecords
) -> None:
    populate(records)
    mirror = Mirror(await looked(records))
    theirs = await asyncio.to_thread(by_their_client, hubspot)
    assert theirs["contacts"] == mirror.leads
    assert theirs["owners"] == {key: row.owner for key, row in mirror.rows.items()}
    assert theirs["deals"] == {(one.id, one.key): one.what for one in mirror.outcomes.values()}
    assert theirs["calls"] == {id_ for id_ in mirror.activities if id_.startswith("call-")}


def populate(records: HubSpotRecords) -> None:
    keys = [records.add(Record(f"p{number}@buyer.test", "Pat Low", owner="ana@acme.test")) for number in range(230)]
    at = instant.now() - timedelta(days=2)
    deals = [records.open_opportunity(key, at) for key in keys[:3]]
    records.close_opportunity(deals[0], True, at)
    records.close_opportunity(deals[1], False, at)
    records.log(keys[4], "call", at, "ana@acme.test")
    records.log(keys[4], "meeting", at, "max@acme.test")
    records.settle()


def by_their_client(hubspot: HubSpotServer) -> dict[str, Any]:
    client = Client.create(access_token=TOKEN, host=hubspot.server.url, ssl_ca_cert=str(ca_file()))
    owners = {one.id: one.email for one in client.crm.owners.get_all(archived=False)}
    contacts = client.crm.contacts.get_all(properties=["email", "hubspot_owner_id"], archived=False)
    names = ["hs_is_closed", "hs_is_closed_won"]
    deals = client.crm.deals.get_all(properties=names, archived=False)
    request = import_module("hubspot.crm.associations.v4").BatchInputPublicFetchAssociationsBatchRequest
    linked = client.crm.associations.v4.batch_api.get_page(
        "deals", "contacts", request([{"id": one.id} for one in deals])
    )
    people = {one._from.id: [to.to_object_id for to in one.to] for one in linked.results}
    search = import_module("hubspot.crm.objects.calls").PublicObjectSearchRequest
    every = search(filter_groups=[], sorts=[], properties=["hs_timestamp"], limit=100)
    calls = client.crm.objects.calls.search_api.do_search(every)
    return {
        "contacts": {one.id: one.properties["email"] for one in contacts},
        "owners": {one.id: owners[one.properties["hubspot_owner_id"]] for one in contacts},
        "deals": {(one.id, key): became(one.properties) for one in deals for key in people.get(one.id, ())},
        "calls": {f"call-{one.id}" for one in calls.results},
    }


def became(deal: dict[str, str]) -> str:
    if deal["hs_is_closed"] != "true":
        return "opportunity"
    return "won" if deal["hs_is_closed_won"] == "true" else "lost"
