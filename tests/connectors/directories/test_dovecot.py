"""The accounts of a mail server: as doveadm prints them, or as a passwd-file holds them; never a part of the list."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest
from pydantic import ValidationError

from connectors.directories.dovecot import DovecotAccounts, DovecotAccountsSettings
from inboxwatch.connector import Context, MailboxError, Member, MemberList
from tests.doubles.dovecot import Dovecot

PASSWD = """\
# users of acme
root:x:0:0:root:/root:/bin/bash
Ana@acme.test:{SHA256-CRYPT}$5$x$y:5000:5000:Ana Diaz,,,:/var/vmail/ana::userdb_quota_rule=*:storage=1G
ben@acme.test:{PLAIN}secret::::::

cy:{PLAIN}x:5000:5000::/var/vmail/cy
gone@acme.test:{PLAIN}x::::::nologin
"""


async def read(folder: Path, text: str = "", **settings: object) -> MemberList:
    (folder / "users").write_text(text, encoding="utf-8")
    given = settings if "command" in settings else {"path": str(folder / "users"), **settings}
    return await DovecotAccounts(DovecotAccountsSettings.model_validate(given), Context("staff", "")).read()


async def test_a_passwd_file_lists_people_and_neither_the_system_nor_closed_accounts(tmp_path: Path) -> None:
    found = await read(tmp_path, PASSWD, domain="acme.test")
    assert found.members == (
        Member("ana@acme.test", "ana@acme.test", "Ana Diaz"),
        Member("ben@acme.test", "ben@acme.test"),
        Member("cy", "cy@acme.test"),
    )
    assert found.refused == ()


async def test_an_account_that_is_no_address_is_named_and_the_others_load(tmp_path: Path) -> None:
    found = await read(tmp_path, "ana@acme.test\nben\nANA@acme.test\nnot an@account\n")
    assert [one.ref for one in found.members] == ["ana@acme.test"]
    assert [place for place, _ in found.refused] == ["users:2", "users:4"]
    assert "give `domain`" in found.refused[0][1]


async def test_what_doveadm_prints_of_a_real_server_is_its_accounts(tmp_path: Path) -> None:
    users = "ana@acme.test:::::::\nben@acme.test:::::::\nlena@other.test:::::::\n"
    with Dovecot.start([], files={"users": users}) as server:
        command = shlex.join(["doveadm", "-c", str(server.base / "dovecot.conf"), "user", "*@acme.test"])
        found = await read(tmp_path, command=command)
    assert sorted(one.address for one in found.members) == ["ana@acme.test", "ben@acme.test"]


@pytest.mark.parametrize(
    ("command", "why"),
    [
        ("sh -c 'echo ana@acme.test; echo no such socket >&2; exit 75'", "ended with 75: no such socket"),
        ("/nonexistent/doveadm user", "No such file"),
    ],
)
async def test_a_program_that_fails_lists_nobody_whatever_it_printed(tmp_path: Path, command: str, why: str) -> None:
    with pytest.raises(MailboxError, match=why):
        await read(tmp_path, command=command)


@pytest.mark.parametrize("settings", [{}, {"path": "users", "command": "doveadm user x"}, {"command": "doveadm 'user"}])
def test_accounts_come_from_one_place(settings: dict[str, str]) -> None:
    with pytest.raises(ValidationError):
        DovecotAccountsSettings.model_validate(settings)
