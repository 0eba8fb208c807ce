"""The people of a distribution group on an Exchange Server, of groups within it too, or an error; never a part."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from connectors.directories.ews import DistributionGroup, DistributionGroupSettings
from connectors.mail.quota_turns import turns
from inboxwatch.connector import Context, MailboxError, Member, MemberList, Reason
from tests.doubles.ews import ACCOUNT, DOMAIN, PASSWORD, EwsServer
from tests.doubles.https_server import ca_file

SALES, EMEA, DACH = "sales@acme.test", "emea@acme.test", "dach@acme.test"
ANA, BEN = ("Ana  Diaz", "Ana@acme.test", "Mailbox"), ("Ben", "ben@acme.test", "Mailbox")


@pytest.fixture
def server() -> Iterator[EwsServer]:
    running = EwsServer()
    running.lists[SALES] = [BEN, ("EMEA", EMEA, "PublicDL"), ("Partner", "bo@partner.test", "Contact")]
    running.lists[SALES] += [("DACH", DACH, "PublicDL")]
    running.lists[DACH] = [("EMEA", EMEA, "PublicDL")]
    running.lists[EMEA] = [ANA, BEN, ("Sales", SALES, "PublicDL"), ("Deals", "deals@acme.test", "PublicFolder")]
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("NTLM_USER_FILE", running.users_file)
        yield running
    running.close()


async def read(server: EwsServer, **settings: object) -> MemberList:
    made = DistributionGroupSettings.model_validate(
        {
            "group": "Sales@Acme.Test",
            "url": server.url,
            "username": f"{DOMAIN}\\{ACCOUNT}",
            "password": PASSWORD,
            "ca_file": str(ca_file()),
            "retry_for": "1s",
            **settings,
        }
    )
    source = DistributionGroup(made, Context("sales", ""))
    try:
        return await source.read()
    finally:
        await source.aclose()


@pytest.mark.parametrize("auth", ["ntlm", "basic"])
async def test_people_of_groups_within_each_other_are_listed_once_and_nobody_else(server: EwsServer, auth: str) -> None:
    ana, ben = Member("ana@acme.test", "ana@acme.test", "Ana Diaz"), Member("ben@acme.test", "ben@acme.test", "Ben")
    assert (await read(server, auth=auth)).members == (ana, ben)
    assert server.server.requests["POST ExpandDL"] == 3, "each group once, though they hold each other"


async def test_mailboxes_that_fill_all_turns_of_the_login_do_not_keep_the_list_waiting(server: EwsServer) -> None:
    queue = turns((server.url, f"{DOMAIN}\\{ACCOUNT}", ""), 3)
    for _ in range(3):
        await queue.take(0.1)
    assert len((await read(server)).members) == 2


async def test_a_group_within_it_that_cannot_be_expanded_costs_the_whole_list(server: EwsServer) -> None:
    del server.lists[EMEA]
    with pytest.raises(MailboxError, match=EMEA) as failed:
        await read(server)
    assert "hidden from address lists" in failed.value.hint


async def test_a_wrong_password_is_told_as_such_and_not_shown(server: EwsServer) -> None:
    with pytest.raises(MailboxError) as refused:
        await read(server, password="not-the-password")
    assert refused.value.reason is Reason.AUTH
    assert "not-the-password" not in f"{refused.value}{refused.value.hint}"
