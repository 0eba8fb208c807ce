"""People of a CSV file: good rows load, refused ones are named, and a file that is no list is an error."""

from __future__ import annotations

from pathlib import Path

import pytest

from connectors.directories.csv import MemberCsv, MemberCsvSettings
from inboxwatch.connector import Context, MailboxError, Member, MemberList


async def read(folder: Path, text: str) -> MemberList:
    (folder / "staff.csv").write_text(text, encoding="utf-8")
    source = MemberCsv(MemberCsvSettings.model_validate({"path": str(folder / "staff.csv")}), Context("staff", ""))
    return await source.read()


async def test_each_row_is_a_member_and_an_id_outlasts_an_address(tmp_path: Path) -> None:
    text = (
        "Email;Name;ID;Team;Manager;Aliases;Floor\nAna@acme.test;Ana Diaz;a17;emea;Max@Acme.test;a.diaz@acme.test;3\n"
    )
    found = await read(tmp_path, text + "ben@acme.test;;;;max;;\n")
    assert found.members == (
        Member("a17", "ana@acme.test", "Ana Diaz", ("a.diaz@acme.test",), "emea", "max@acme.test", "a17"),
        Member("ben@acme.test", "ben@acme.test", manager="max"),
    )


async def test_a_row_that_cannot_be_used_is_named_and_the_others_load(tmp_path: Path) -> None:
    found = await read(
        tmp_path, "email,name\nana@acme.test,Ana\nnobody,Ben\nana@acme.test,Ana again\n,Cy\ndi@acme.test,Di\n"
    )
    assert [one.address for one in found.members] == ["ana@acme.test", "di@acme.test"]
    assert [place for place, _ in found.refused] == ["staff.csv:3", "staff.csv:4", "staff.csv:5"]


@pytest.mark.parametrize("text", ["name,team\nana,emea\n", "email,email\nana@acme.test,\n"])
async def test_a_file_that_is_no_list_is_an_error_and_no_empty_list(tmp_path: Path, text: str) -> None:
    with pytest.raises(MailboxError, match="its header"):
        await read(tmp_path, text)
