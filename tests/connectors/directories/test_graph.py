"""The members of a group of Microsoft Entra: people with mailboxes, over pages, or an error; never a part of them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from connectors.directories.graph import GraphGroup, GraphGroupSettings
from inboxwatch.connector import Context, MailboxError, MemberList
from tests.doubles.entra import CLIENT_ID, SECRET, TENANT
from tests.doubles.graph import GraphServer
from tests.doubles.https_server import Fault, ca_file
from tests.support.staff import GROUP, graph_staff, user


@pytest.fixture
def server() -> Iterator[GraphServer]:
    with graph_staff(3) as server:
        yield server


async def read(server: GraphServer, group: str = GROUP, **settings: object) -> MemberList:
    made = GraphGroupSettings.model_validate(
        {
            "group": group,
            "tenant": TENANT,
            "client_id": CLIENT_ID,
            "client_secret": SECRET,
            "graph_url": server.server.url,
            "login_url": server.entra.server.url,
            "ca_file": str(ca_file()),
            "retry_for": "1s",
            **settings,
        }
    )
    source = GraphGroup(made, Context("sales", ""))
    try:
        return await source.read()
    finally:
        await source.aclose()


async def test_people_are_listed_over_all_pages_and_found_by_the_address_of_the_group(server: GraphServer) -> None:
    server.groups[GROUP].members = [user(number) for number in range(450)]
    found = await read(server, "Sales@acme.test", team_from="department")
    assert [one.ref for one in found.members] == [f"id-{number}" for number in range(450)]
    first = found.members[0]
    assert (first.address, first.name, first.team) == ("p0@acme.test", "Person 0", "apac")
    assert first.aliases == ("person.0@acme.test",)


async def test_who_has_no_mailbox_of_ours_is_left_out(server: GraphServer) -> None:
    server.groups[GROUP].members = [
        user(0),
        user(1, accountEnabled=False),
        user(2, userType="Guest"),
        user(3, mail=None),
        {"@odata.type": "#microsoft.graph.device", "id": "id-4", "displayName": "A printer"},
        {"@odata.type": "#microsoft.graph.orgContact", "id": "id-5", "mail": "contact@partner.test"},
    ]
    assert [one.address for one in (await read(server)).members] == ["p0@acme.test"]


async def test_an_application_that_may_not_see_people_is_an_error_and_no_empty_group(server: GraphServer) -> None:
    server.groups[GROUP].names_people = False
    with pytest.raises(MailboxError, match="3 people, and none with an address") as refused:
        await read(server)
    assert "User.Read.All" in refused.value.hint


async def test_a_page_that_fails_costs_the_whole_list(server: GraphServer) -> None:
    server.groups[GROUP].members = [user(number) for number in range(450)]
    server.server.fault = lambda request: Fault(status=503) if "skiptoken" in request.query_string else None
    with pytest.raises(MailboxError):
        await read(server)


@pytest.mark.parametrize("group", ["99999999-2222-3333-4444-555555555555", "other@acme.test", "Sales"])
async def test_a_group_that_is_not_there_is_told_with_what_to_check(server: GraphServer, group: str) -> None:
    with pytest.raises(MailboxError) as refused:
        await read(server, group)
    assert "group" in refused.value.hint or "object id" in refused.value.hint


async def test_the_list_says_when_the_secret_by_which_it_was_read_ends(server: GraphServer) -> None:
    assert (await read(server, secret_expires="2099-03-01")).facts == (("client secret ends", "2099-03-01 00:00 UTC"),)
