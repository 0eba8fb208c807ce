"""The double is believed because others read it too: Salesforce's customers' client, and a parser of SOQL."""

from __future__ import annotations

import asyncio
import warnings
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
import requests
from simple_salesforce.api import Salesforce as Client
from simple_salesforce.exceptions import SalesforceExpiredSession, SalesforceMalformedRequest

from connectors.leads.json_api import JsonApi
from connectors.leads.salesforce.client import SalesforceClient
from connectors.leads.salesforce.queries import literal, owners, questions, user
from inboxwatch.testing.mirror import Mirror
from tests.doubles.https_server import ca_file
from tests.doubles.salesforce import SalesforceOrg
from tests.doubles.soql import MalformedQueryError, parsed
from tests.support.salesforce_records import feed, settings

with warnings.catch_warnings():
    warnings.simplefilter("ignore", DeprecationWarning)  # it was written for an older pyparsing
    from python_soql_parser.core import soql


def client(org: SalesforceOrg) -> Client:
    """Logged in by a token of the org, as our feed is; it trusts the doubles' authority alone."""
    session = requests.Session()
    session.trust_env, session.verify = False, str(ca_file())
    org.tokens.add("the token of the second reader")
    return Client(session_id="the token of the second reader", instance_url=org.url, session=session)


def everything(theirs: Client, query: str) -> list[dict[str, Any]]:
    return list(theirs.query_all_iter(query, include_deleted=True))


def lived_in(org: SalesforceOrg) -> None:
    """Some of everything that happens in an org."""
    ana = org.user("ana@acme.test")
    account = org.put("Account", Name="Buyer Ltd", Website="buyer.test", NumberOfEmployees=250)
    contacts = [org.put("Contact", Email=f"p{n}@buyer.test", AccountId=account, OwnerId=ana) for n in range(30)]
    leads = [org.put("Lead", Email=f"l{n}@x.test", Name=f"Lead {n}", Rating="Hot") for n in range(30)]
    org.merge(contacts[0], contacts[1])
    org.delete(contacts[2])
    org.convert(leads[0])
    org.open(contacts[3], org.now - timedelta(days=3))
    org.delete(org.open(contacts[4]))
    org.put("Task", WhoId=leads[1], OwnerId=ana, CompletedDateTime=org.now)
    org.put("Event", WhoId=contacts[5], StartDateTime=org.now, EndDateTime=org.now)


def asked(org: SalesforceOrg, **further: Any) -> Iterator[str]:
    """Every query that a feed may send, of pages that are greater than all there is."""
    ours = questions(settings(org, **further))
    at = literal(org.now + timedelta(minutes=1))
    for stream in ours.streams:
        yield ours.page(stream, ("1970-01-01T00:00:00.000Z", ""), at, 2000)
        yield ours.page(stream, ("1970-01-01T00:00:00.000Z", "000000000000000AAA"), at, 2000)
        yield ours.one(stream)
    for sobject in ours.passes:
        for records in (True, False):
            yield ours.whole(sobject, "", 2000, records=records)
            yield ours.whole(sobject, "000000000000000AAA", 2000, records=records)
    yield owners("", 2000)
    yield owners("000000000000000AAA", 2000)
    yield user(org.reader)


async def test_the_second_reader_gets_the_same_leads_from_its_own_pages(org: SalesforceOrg) -> None:
    lived_in(org)
    mirror, crm = Mirror(), feed(org)
    mirror.take([batch async for batch in crm.changes(None)])
    await crm.aclose()
    org.page = 7  # it follows the server's pages, which ours leaves aside
    theirs = await asyncio.to_thread(client, org)
    found: dict[str, str] = {}
    for sobject, more in (("Contact", ""), ("Lead", " AND IsConverted = false")):
        query = f"SELECT Id, Email FROM {sobject} WHERE IsDeleted = false{more} ORDER BY Id LIMIT 2000"
        found |= {one["Id"]: one["Email"] for one in await asyncio.to_thread(everything, theirs, query)}
    assert org.server.requests["GET more"] > 5
    assert mirror.leads == found


async def test_each_query_of_ours_gives_the_second_reader_the_same_records(org: SalesforceOrg) -> None:
    lived_in(org)
    api = JsonApi(settings(org))
    reader, theirs = SalesforceClient(settings(org), api), await asyncio.to_thread(client, org)
    answered = 0
    for query in asked(org):
        ours = (await reader.query(query, "comparing")).records
        assert await asyncio.to_thread(everything, theirs, query) == ours, query
        answered += bool(ours)
    await api.aclose()
    assert answered >= 25, "most queries find something"


async def test_the_second_reader_knows_the_doubles_refusals_as_salesforces(org: SalesforceOrg) -> None:
    theirs = await asyncio.to_thread(client, org)
    for query in ("SELECT Id FROM Lead", "SELECT Nothing FROM Lead LIMIT 1", "SELECT Id FROM Nothing LIMIT 1"):
        with pytest.raises(SalesforceMalformedRequest):
            await asyncio.to_thread(everything, theirs, query)
    org.tokens.clear()
    with pytest.raises(SalesforceExpiredSession):
        await asyncio.to_thread(everything, theirs, "SELECT Id FROM Lead LIMIT 1")
    described = await asyncio.to_thread((await asyncio.to_thread(client, org)).restful, "sobjects/Lead/describe")
    assert described is not None and described["name"] == "Lead"


@pytest.mark.parametrize(
    "where", [{}, {"Lead": "Status = 'Open' OR Status = 'New'", "OpportunityContactRole": "Id != ''"}]
)
def test_each_query_of_ours_is_soql_to_a_parser_of_others(org: SalesforceOrg, where: dict[str, str]) -> None:
    for query in asked(org, where=where):
        found = soql.parse_string(query, parse_all=True)
        ours = parsed(query)
        assert (found["sobject"], tuple(found["fields"])) == (ours.sobject, ours.fields), query
        assert found["limit"].as_list() == [ours.limit], query


@pytest.mark.parametrize(
    "query",
    [
        "SELECT Id FROM Lead",
        "SELECT * FROM Lead LIMIT 1",
        "SELECT Id, Id FROM Lead LIMIT 1",
        "SELECT Id FROM Lead WHERE Id > '0' OR IsDeleted = true AND Email = null LIMIT 1",
        "SELECT Id FROM Lead WHERE (Id > '0' LIMIT 1",
        "SELECT Id FROM Lead WHERE Id > 0a LIMIT 1",
        "SELECT Id FROM Lead WHERE Id LIMIT 1",
        "SELECT Id FROM Lead WHERE Id = '0' ORDER BY Name LIMIT 1",
        "SELECT Id FROM Lead LIMIT 9999",
        "DELETE FROM Lead LIMIT 1",
    ],
)
def test_the_double_refuses_what_is_no_query_of_ours(query: str) -> None:
    with pytest.raises(MalformedQueryError):
        parsed(query)
