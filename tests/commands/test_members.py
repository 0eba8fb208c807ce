"""What `check` says of a directory before anything is taken over, and how other commands know its members."""

from __future__ import annotations

import asyncio
import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from inboxwatch import config as configuration
from inboxwatch import now as instant
from inboxwatch.cli import app
from inboxwatch.config.members import with_members
from inboxwatch.connector import Batch, Cursor
from inboxwatch.core.model import FolderRole, MailboxId, RawMessage
from inboxwatch.engine.actions import Acting
from inboxwatch.engine.departures import settle_departures
from inboxwatch.engine.directories import stored_members, take_members
from inboxwatch.engine.erasure import forget
from inboxwatch.engine.refused import Refused
from inboxwatch.engine.rules import Rules
from inboxwatch.store import Store
from tests.support.engine import Engine
from tests.support.message_bytes import message_bytes
from tests.support.staff import RULES, CsvStaff


class StaffOnce:
    """What a daemon has taken over of a list, without its loops."""

    def __init__(self, staff: CsvStaff) -> None:
        self.staff = staff
        self.written = configuration.load(staff.path)
        self.store = Store(self.written.store_url.reveal())
        self.engine = Engine(self.store, self.written)

    async def takes_over(self, ahead: timedelta = timedelta(0)) -> None:
        found = await self.written.directories["staff"].connect().read()
        self.engine.write(take_members, self.engine.rules, "staff", found.members, instant.now() + ahead)
        self.engine.reload(with_members(self.written, self.engine.read(stored_members, self.written)))

    def owes(self, owner: str) -> None:
        """A buyer waits for an answer of somebody."""
        header = message_bytes("bo@buyer.test", f"{owner}@acme.test", at=instant.now()).partition(b"\r\n\r\n")[0]
        raw = RawMessage("inbox/1", FolderRole.INBOX, instant.now(), header + b"\r\n\r\n")
        batch = Batch((raw,), Cursor("1"), seen_until=instant.now())
        self.engine.ingest(MailboxId(owner), batch, None, instant.now())


def staff_rows(once: StaffOnce) -> object:
    return once.engine.read(stored_members, once.written)


def owners(once: StaffOnce) -> list[str | None]:
    """Of the open waits, once what a start does is done."""
    once.engine.write(settle_departures, once.engine.rules, instant.now())
    return [row.owner for row in once.engine.read(lambda tx: tx.clocks.running())]


def check(path: Path, *options: str) -> dict[str, list[tuple[str, str]]]:
    done = CliRunner().invoke(app, ["check", "-c", str(path), "--json", *options])
    found: dict[str, Any] = {}
    for one in json.loads(done.stdout)["findings"]:
        found.setdefault(one["subject"], []).append((one["verdict"], one["text"]))
    return found


async def test_check_shows_who_would_join_move_and_leave_and_whose_waits_would_go_where(tmp_path: Path) -> None:
    staff = CsvStaff(tmp_path)
    staff.lists("ana", "ben", "cy")
    once = StaffOnce(staff)
    await once.takes_over()
    once.owes("ana")
    staff.lists("ben,emea", "cy", "di")
    before = staff_rows(once)
    found = await asyncio.to_thread(check, staff.path)
    assert found["directory staff"] == [
        ("ok", "lists 3 members"),
        ("ok", "1 would join: di@acme.test"),
        ("warning", "1 would move: ben (team emea)"),
        ("warning", "1 would leave when the grace time is over: ana"),
    ]
    (wait,) = [text for _, text in found["open waits"] if "ana is no person" in text]
    assert "goes to max" in wait
    assert found["mailbox di"][0][0] == "ok", "whoever would join is tried already"
    assert staff_rows(once) == before, "looking takes nothing over"


async def test_check_shows_whom_the_config_leaves_out(tmp_path: Path) -> None:
    staff = CsvStaff(tmp_path, exclude='["info@*"]')
    staff.lists("ana", "info", "ben")
    found = await asyncio.to_thread(check, staff.path)
    assert found["directory staff"] == [
        ("ok", "lists 3 members, 1 of whom `exclude` leaves out"),
        ("ok", "2 would join: ana@acme.test, ben@acme.test"),
    ]
    assert "mailbox info" not in found


async def test_a_wait_of_who_has_left_goes_to_whom_routing_names_with_the_reason(tmp_path: Path) -> None:
    staff = CsvStaff(tmp_path)
    staff.lists("ana", "ben", "cy")
    once = StaffOnce(staff)
    await once.takes_over()
    once.owes("ana")
    staff.lists("ben", "cy")
    await once.takes_over()
    assert owners(once) == ["ana"], "the grace time goes first"
    await once.takes_over(timedelta(hours=25))
    assert owners(once) == ["max"]


async def test_who_is_on_no_list_any_more_can_be_forgotten_and_nobody_who_is(tmp_path: Path) -> None:
    staff, address = CsvStaff(tmp_path), "cy@freelance.test"
    staff.list.write_text(f"email,name,manager\n{address},Cy Orr,\ndi@freelance.test,Di,{address}\n", encoding="utf-8")
    once = StaffOnce(staff)
    await once.takes_over()
    forgets = ["forget", address, "-c", str(staff.path), "--by", "max"]
    done = CliRunner().invoke(app, forgets)
    assert (done.exit_code, "off the directory's list" in done.output) == (1, True)
    with once.store.transaction() as tx, pytest.raises(Refused, match="on the list of the directory staff"):
        forget(tx, Rules.connect(once.written), address, Acting("max", instant.now()))
    staff.path.write_text(RULES, encoding="utf-8")
    known = json.loads(CliRunner().invoke(app, ["export", address, "-c", str(staff.path)]).stdout)
    assert [one["name"] for one in known["members"]] == ["Cy Orr"]
    assert CliRunner().invoke(app, forgets).exit_code == 0
    (di,) = once.engine.read(lambda tx: tx.members.of(["staff"]))
    assert (di.person, di.member.manager.endswith("@forgotten.invalid")) == ("di", True)


async def test_check_fails_at_a_list_that_is_not_believed_and_still_looks_at_the_known_mailboxes(
    tmp_path: Path,
) -> None:
    staff = CsvStaff(tmp_path)
    staff.lists("ana", "ben", "cy")
    once = StaffOnce(staff)
    await once.takes_over()
    staff.lists("ana")
    found = await asyncio.to_thread(check, staff.path)
    ((verdict, text),) = found["directory staff"]
    assert verdict == "failed"
    assert "2 of 3 members no more: ben, cy" in text
    staff.list.unlink()
    found = await asyncio.to_thread(check, staff.path)
    ((verdict, text),) = found["directory staff"]
    assert verdict == "failed"
    assert "its members stay as the store knows them" in text
    assert {"mailbox ana", "mailbox ben", "mailbox cy"} <= found.keys()


async def test_commands_beside_the_daemon_know_the_members(tmp_path: Path) -> None:
    staff = CsvStaff(tmp_path)
    staff.lists("ana", "ben")
    await StaffOnce(staff).takes_over()
    done = CliRunner().invoke(app, ["backfill", "-c", str(staff.path), "nobody"])
    assert "known are ana, ben" in done.output
