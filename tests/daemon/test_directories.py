"""Whoever a directory lists is watched; who is missing is told to IT first, and a broken list drops nobody."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

import pytest

from inboxwatch import now as instant
from tests.doubles.dovecot import MASTER_PASSDB, MASTERS, Dovecot
from tests.support.staff import (
    GROUP,
    RULES,
    CsvStaff,
    RunningApp,
    app_of,
    dovecot_directory,
    google_directory,
    google_staff,
    graph_directory,
    graph_staff,
)
from tests.support.waiting import wait_in_loop

DAY = timedelta(hours=25)


class Clock:
    """The time, which a test can put on."""

    def __init__(self) -> None:
        self.ahead = timedelta(0)

    def __call__(self) -> datetime:
        return instant.now() + self.ahead


async def test_five_hundred_mailboxes_of_a_group_are_watched_by_three_lines_of_config(tmp_path: Path) -> None:
    with graph_staff(500) as server:
        path = tmp_path / "inboxwatch.yaml"
        path.write_text(RULES + graph_directory(server, "sales@acme.test"), encoding="utf-8")
        async with RunningApp(app_of(path)) as running:
            await running.watches(*(f"p{number}" for number in range(500)))
            with running.app.store.reading() as tx:
                assert [row.id for row in tx.mailboxes.all() if row.last_success is None or row.error] == []
            config = running.app.config
            assert {box.owner for box in config.mailboxes.values()} == config.people.keys() - {"max"}
            assert config.us.addresses["person.7@acme.test"] == "p7"


async def test_who_joins_is_watched_and_who_moves_is_in_the_new_team(tmp_path: Path) -> None:
    staff = CsvStaff(tmp_path, team="emea")
    staff.lists("ana", "ben")
    async with RunningApp(staff.app()) as running:
        await running.watches("ana", "ben")
        staff.lists("ana", "ben,apac", "cy")
        await running.app.reload()
        await running.watches("ana", "ben", "cy")
        assert {name: team.members for name, team in running.app.config.teams.items()} == {
            "emea": ("ana", "cy"),
            "apac": ("ben",),
        }
        joined, again, moved = (next(one for one in running.told if word in one) for word in ("ana", "cy", "apac"))
        assert "2 new members: ana, ben" in joined
        assert "1 new member: cy" in again
        assert "ben (team apac)" in moved


async def test_who_is_not_listed_is_told_first_and_dropped_after_the_grace_time(tmp_path: Path) -> None:
    staff, clock = CsvStaff(tmp_path), Clock()
    staff.lists("ana", "ben", "cy")
    async with RunningApp(staff.app(clock)) as running:
        await running.watches("ana", "ben", "cy")
        staff.lists("ben", "cy")
        await running.app.reload()
        await wait_in_loop(lambda: any("does not list 1 member any more: ana" in one for one in running.told))
        await running.watches("ana", "ben", "cy")
        clock.ahead = DAY
        await running.app.reload()
        await running.watches("ben", "cy")
        assert "ana" not in running.app.config.people
        assert any("has not listed 1 member for the grace time: ana" in one for one in running.told)


async def test_who_is_listed_again_within_the_grace_time_stays(tmp_path: Path) -> None:
    staff, clock = CsvStaff(tmp_path), Clock()
    staff.lists("ana", "ben", "cy")
    async with RunningApp(staff.app(clock)) as running:
        await running.watches("ana", "ben", "cy")
        staff.lists("ben", "cy")
        await running.app.reload()
        await wait_in_loop(lambda: any("does not list 1 member any more: ana" in one for one in running.told))
        staff.lists("ana", "ben", "cy")
        await running.app.reload()
        await wait_in_loop(lambda: any("lists 1 member again: ana" in one for one in running.told))
        clock.ahead = DAY
        await running.app.reload()
        await running.watches("ana", "ben", "cy")


@pytest.mark.parametrize(
    "broken",
    ["email,team\n", "email,team\nben@acme.test,\n", "name\nben\n", None],
    ids=["empty", "short", "other", "gone"],
)
async def test_a_broken_list_drops_nobody_however_long_it_lasts(tmp_path: Path, broken: str | None) -> None:
    staff, clock = CsvStaff(tmp_path), Clock()
    staff.lists("ana", "ben", "cy")
    async with RunningApp(staff.app(clock)) as running:
        await running.watches("ana", "ben", "cy")
        if broken is None:
            staff.list.unlink()
        else:
            staff.list.write_text(broken, encoding="utf-8")
        await running.app.reload()
        await wait_in_loop(lambda: any("all members stay watched" in one for one in running.told))
        clock.ahead = 30 * DAY
        await running.app.reload()
        await running.watches("ana", "ben", "cy")
    # A start while the directory is away goes on with the members that were stored.
    async with RunningApp(staff.app(clock)) as running:
        await running.watches("ana", "ben", "cy")
        assert len([one for one in running.told if "all members stay watched" in one]) == 1, "it is told once"
        staff.lists("ana", "ben", "cy", "di")
        await running.app.reload()
        await running.watches("ana", "ben", "cy", "di")
        assert any("again" in one for one in running.told)


async def test_the_accounts_of_a_mail_server_are_read_by_its_master_user_and_who_is_closed_leaves(
    tmp_path: Path,
) -> None:
    accounts = {one: f"{one}@acme.test:::::::\n" for one in ("ana", "ben", "cy")}
    files = {"masters": MASTERS, "users": "".join(accounts.values())}
    mail = [f"{one}@acme.test" for one in accounts]
    with Dovecot.start(mail, passdb=MASTER_PASSDB, files=files) as server:
        path, clock = tmp_path / "inboxwatch.yaml", Clock()
        path.write_text(RULES + dovecot_directory(server), encoding="utf-8")
        async with RunningApp(app_of(path, clock)) as running:
            await running.watches(*accounts)
            with running.app.store.reading() as tx:
                assert [row.id for row in tx.mailboxes.all() if row.last_success is None or row.error] == []
            closed = "".join(line for one, line in accounts.items() if one != "cy") + "cy@acme.test:::::::nologin\n"
            (server.base / "users").write_text(closed, encoding="utf-8")
            await running.app.reload()
            await wait_in_loop(lambda: any("does not list 1 member any more: cy" in one for one in running.told))
            clock.ahead = DAY
            await running.app.reload()
            await running.watches("ana", "ben")


async def test_who_gets_another_address_in_google_stays_the_same_person_and_who_is_suspended_leaves(
    tmp_path: Path,
) -> None:
    with google_staff(3) as (directory, gmail):
        path, clock = tmp_path / "inboxwatch.yaml", Clock()
        path.write_text(RULES + google_directory(directory, gmail), encoding="utf-8")
        async with RunningApp(app_of(path, clock)) as running:
            await running.watches("p0", "p1", "p2")
            gmail.user("ana.new@acme.test")
            directory.people[0]["primaryEmail"] = "ana.new@acme.test"
            directory.people[2]["suspended"] = True
            await running.app.reload()
            await wait_in_loop(lambda: any("p0 (address ana.new@acme.test" in one for one in running.told))
            await wait_in_loop(lambda: any("does not list 1 member any more: p2" in one for one in running.told))
            await running.watches("p0", "p1", "p2")
            clock.ahead = DAY
            await running.app.reload()
            await running.watches("p0", "p1")
            assert {box.owner: box.address for box in running.app.config.mailboxes.values()} == {
                "p0": "ana.new@acme.test",
                "p1": "p1@acme.test",
            }


async def test_a_group_that_cannot_be_asked_keeps_its_members(tmp_path: Path) -> None:
    with graph_staff(3) as server:
        path = tmp_path / "inboxwatch.yaml"
        path.write_text(RULES + graph_directory(server, GROUP), encoding="utf-8")
        async with RunningApp(app_of(path)) as running:
            await running.watches("p0", "p1", "p2")
            server.groups[GROUP].names_people = False
            await running.app.reload()
            await wait_in_loop(lambda: any("none with an address" in one for one in running.told))
            del server.groups[GROUP]
            await running.app.reload()
            await running.watches("p0", "p1", "p2")
