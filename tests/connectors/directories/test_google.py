"""The people of a Google group or an organisational unit: users of the domain, or an error with what to do."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from pydantic import ValidationError

from connectors.directories.google import MEMBERS, PEOPLE, GoogleDirectory, GoogleDirectorySettings
from inboxwatch.connector import Context, MailboxError, MemberList, Reason
from tests.doubles.google_directory import ADMIN, GoogleDirectoryServer, person
from tests.doubles.https_server import Fault, ca_file

GROUP = "sales@acme.test"


@pytest.fixture
def server() -> Iterator[GoogleDirectoryServer]:
    server = GoogleDirectoryServer(people=[person(number) for number in range(4)])
    server.tokens.delegated = {PEOPLE, MEMBERS}
    server.groups = {GROUP: ["p0@acme.test", "emea@acme.test"], "emea@acme.test": ["p1@acme.test"]}
    yield server
    server.close()


async def read(server: GoogleDirectoryServer, **settings: object) -> MemberList:
    made = GoogleDirectorySettings.model_validate(
        {
            "admin": ADMIN,
            "service_account": server.tokens.key(),
            "directory_url": server.server.url,
            "ca_file": str(ca_file()),
            "retry_for": "1s",
            **(settings or {"group": GROUP}),
        }
    )
    source = GoogleDirectory(made, Context("sales", ""))
    try:
        return await source.read()
    finally:
        await source.aclose()


async def test_people_of_a_group_and_of_groups_within_it_are_listed_with_what_the_domain_says_of_them(
    server: GoogleDirectoryServer,
) -> None:
    found = await read(server, group=GROUP, team_from="department")
    assert [one.ref for one in found.members] == ["id-0", "id-1"]
    first = found.members[1]
    assert (first.address, first.name, first.team, first.manager) == (
        "p1@acme.test",
        "Person 1",
        "emea",
        "p0@acme.test",
    )
    assert first.aliases == ("p1@acme.test.test-google-a.com", "person.1@acme.test")


async def test_a_unit_has_the_people_of_those_below_it_over_all_pages(server: GoogleDirectoryServer) -> None:
    server.page = 2
    server.people += [person(7, orgUnitPath="/Salesforce"), person(8, orgUnitPath="/Sales's")]
    found = await read(server, unit="/Sales", team_from="unit")
    assert [(one.ref, one.team) for one in found.members] == [
        ("id-0", "Sales"), ("id-1", "EMEA"), ("id-2", "Sales"), ("id-3", "EMEA")
    ]  # fmt: skip
    assert len((await read(server, unit="/")).members) == 6
    assert [one.ref for one in (await read(server, unit="/Sales's")).members] == ["id-8"]


async def test_who_has_no_mailbox_of_ours_is_left_out(server: GoogleDirectoryServer) -> None:
    server.people = [person(0), person(1, suspended=True), person(2, archived=True), person(3, primaryEmail="none")]
    server.groups[GROUP] = [*(one["primaryEmail"] for one in server.people), "partner@elsewhere.test"]
    assert [one.address for one in (await read(server)).members] == ["p0@acme.test"]


async def test_a_page_that_fails_costs_the_whole_list(server: GoogleDirectoryServer) -> None:
    server.page = 2
    server.server.fault = lambda request: Fault(status=503) if "pageToken" in request.query_string else None
    with pytest.raises(MailboxError) as failed:
        await read(server, unit="/")
    assert failed.value.reason is Reason.SERVER


async def test_a_scope_that_is_not_delegated_is_told_with_the_way_to_delegate_it(server: GoogleDirectoryServer) -> None:
    server.tokens.delegated = {PEOPLE}
    with pytest.raises(MailboxError) as refused:
        await read(server)
    assert refused.value.reason is Reason.AUTH
    assert MEMBERS in refused.value.hint
    assert "domainwidedelegation?clientIdToAdd=1034567890123456" in refused.value.hint
    assert len((await read(server, unit="/")).members) == 4, "a unit needs no scope for groups"


@pytest.mark.parametrize(
    ("settings", "hint"),
    [
        ({"group": "other@acme.test"}, "check `group`"),
        ({"group": GROUP, "admin": "nobody@acme.test"}, "address of `admin`"),
        ({"group": GROUP, "admin": "p0@acme.test"}, "privileges"),
    ],
)
async def test_what_is_wrong_is_told_with_what_to_check(
    server: GoogleDirectoryServer, settings: dict[str, str], hint: str
) -> None:
    server.tokens.users.add("p0@acme.test")
    with pytest.raises(MailboxError) as refused:
        await read(server, **settings)
    assert hint in refused.value.hint
    assert "PRIVATE KEY" not in f"{refused.value}{refused.value.hint}"


@pytest.mark.parametrize("settings", [{}, {"group": GROUP, "unit": "/"}, {"unit": "Sales"}])
def test_a_directory_is_one_group_or_one_unit(settings: dict[str, str]) -> None:
    with pytest.raises(ValidationError):
        GoogleDirectorySettings.model_validate({"admin": ADMIN, "service_account": "{}", **settings})
