"""The CSV lead source: good rows load whatever the others are, and the file is read again when it changes."""

from __future__ import annotations

from pathlib import Path

import pytest

from connectors.leads.csv import Csv, CsvSettings
from inboxwatch.connector import Context, LeadList, MailboxError
from inboxwatch.core.model import Lead, LeadId, PersonId

HEADER = "email,name,company,domain,owner,tier,status\n"


def source(path: Path) -> Csv:
    return Csv(CsvSettings.model_validate({"path": str(path)}), Context("known", ""))


async def loaded(path: Path, content: str | bytes) -> LeadList:
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    found = await source(path).read(None)
    assert found is not None
    return found


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "leads.csv"


async def test_a_row_becomes_a_lead_with_its_place(path: Path) -> None:
    found = await loaded(path, HEADER + "Pat@Buyer.Test,Pat Low,Buyer Ltd,buyer.test,ana,hot,open\n")
    (row,) = found.rows
    assert row.place == "leads.csv:2"
    assert row.lead == Lead(
        id=LeadId("pat@buyer.test"),
        name="Pat Low",
        company="Buyer Ltd",
        domain="buyer.test",
        owner=PersonId("ana"),
        tier="hot",
        source="known",
    )


async def test_only_email_is_required_and_further_columns_are_attributes(path: Path) -> None:
    found = await loaded(path, "Region,EMAIL,country,language,aliases\nnorth,a@b.test,GB,en,a2@b.test A3@B.test\n")
    (row,) = found.rows
    assert row.lead.attributes == (("region", "north"),)
    assert (row.lead.country, row.lead.language) == ("GB", "en")
    assert row.lead.aliases == ("a2@b.test", "a3@b.test")
    assert row.lead.owner is None


async def test_what_became_of_a_lead_is_a_date_or_an_instant(path: Path) -> None:
    header = "email,opportunity_at,closed_at\n"
    found = await loaded(path, header + "bo@x.test,2026-05-04,2026-05-09T10:00:00Z\ncy@x.test,,\ndi@x.test,soon,\n")
    assert [place for place, _ in found.refused] == ["leads.csv:4"]
    assert dict(found.rows[0].lead.attributes) == {"opportunity_at": "2026-05-04", "closed_at": "2026-05-09T10:00:00Z"}


async def test_bad_rows_are_refused_by_line_and_the_good_ones_load(path: Path) -> None:
    found = await loaded(
        path,
        HEADER
        + "good@a.test,,,,,,\n"
        + ",nobody,,,,,\n"
        + "not an address,,,,,,\n"
        + "\n"
        + "s@a.test,,,,,,maybe\n"
        + "long@a.test,1,2,3,4,5,open,8,9\n"
        + "good@a.test,again,,,,,\n"
        + "last@a.test,,,,,,won\n",
    )
    assert [row.lead.id for row in found.rows] == ["good@a.test", "last@a.test"]
    assert [place for place, _ in found.refused] == [f"leads.csv:{line}" for line in (3, 4, 6, 7, 8)]
    assert "leads.csv:2" in dict(found.refused)["leads.csv:8"]
    assert "maybe" in dict(found.refused)["leads.csv:6"]


async def test_a_quotation_mark_that_is_never_closed_costs_one_row(path: Path) -> None:
    found = await loaded(path, HEADER + 'a@a.test,"open end,,,,,\nb@a.test,,,,,,\nc@a.test,,,,,,\n')
    assert [row.lead.id for row in found.rows] == ["b@a.test", "c@a.test"]
    assert [place for place, _ in found.refused] == ["leads.csv:2"]


async def test_a_field_may_hold_line_ends_and_lines_are_counted_through_them(path: Path) -> None:
    found = await loaded(path, HEADER + 'a@a.test,"two\nlines",,,,,\nb@a.test,,,,,,\nbad,,,,,,\n')
    assert [(row.lead.id, row.place) for row in found.rows] == [
        ("a@a.test", "leads.csv:2"),
        ("b@a.test", "leads.csv:4"),
    ]
    assert [place for place, _ in found.refused] == ["leads.csv:5"]


@pytest.mark.parametrize(
    "content",
    [
        "\ufeffemail;name\r\nz@a.test;Zoë\r\n".encode(),
        "email\tname\nz@a.test\tZoë\n".encode("utf-16"),
        "email;name\nz@a.test;Zoë\n".encode("cp1252"),
        "email|name\nz@a.test|Zoë\n".encode(),
    ],
    ids=["utf-8 with byte order mark", "utf-16 with tabs", "windows", "bars"],
)
async def test_what_spreadsheets_save_is_read(path: Path, content: bytes) -> None:
    (row,) = (await loaded(path, content)).rows
    assert (row.lead.id, row.lead.name) == ("z@a.test", "Zoë")


async def test_an_unchanged_file_is_not_read_again_and_a_changed_one_is(path: Path) -> None:
    path.write_text(HEADER + "a@a.test,,,,,,\n")
    leads = source(path)
    first = await leads.read(None)
    assert first is not None
    assert await leads.read(first.version) is None
    assert await source(path).read(first.version) is None  # nor by a later process
    path.write_text(HEADER + "a@a.test,,,,,,\nb@a.test,,,,,,\n")
    second = await leads.read(first.version)
    assert second is not None
    assert len(second.rows) == 2
    assert second.version != first.version


@pytest.mark.parametrize("content", ["", "name,company\nx,y\n", "email,name,email\na@a.test,x,b@a.test\n"])
async def test_a_file_without_a_usable_header_is_an_error_not_an_empty_list(path: Path, content: str) -> None:
    path.write_text(content)
    with pytest.raises(MailboxError, match=r"leads\.csv"):
        await source(path).read(None)


async def test_a_missing_file_is_an_error_that_names_it(path: Path) -> None:
    with pytest.raises(MailboxError, match=r"leads\.csv"):
        await source(path).read(None)
