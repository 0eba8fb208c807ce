"""Lists of members taken over in the store, on SQLite and on PostgreSQL, by one process and by two."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from inboxwatch import config as configuration
from inboxwatch.config.members import with_members
from inboxwatch.core.membership import Member
from inboxwatch.engine.directories import directory_unread, stored_members, take_members
from inboxwatch.store import Store, tables
from tests.support.engine import Engine
from tests.support.staff import RULES, csv_directory

MONDAY = datetime(2026, 5, 4, 9, tzinfo=UTC)
DAY = timedelta(days=1)


class Staffed:
    """Two processes on one store, and what they have told."""

    def __init__(self, folder: Path, database: str) -> None:
        path = folder / "inboxwatch.yaml"
        path.write_text(f"{RULES}{csv_directory()}store: {{url: '{database}'}}\n", encoding="utf-8")
        self.written = configuration.load(path)
        self.stores = [Store(database) for _ in range(2)]
        self.engines = [Engine(store, self.written) for store in self.stores]

    def reads(self, *people: str, at: datetime = MONDAY, by: int = 0) -> int:
        listed = [Member(f"{person}@acme.test", f"{person}@acme.test") for person in people]
        return self.takes(listed, at, by)

    def takes(self, listed: list[Member], at: datetime = MONDAY, by: int = 0) -> int:
        engine = self.engines[by]
        new = engine.write(take_members, engine.rules, "staff", listed, at)
        engine.reload(with_members(self.written, engine.read(stored_members, self.written)))
        return new

    @property
    def people(self) -> list[str]:
        return [one.person for one in self.engines[0].read(stored_members, self.written)]

    @property
    def told(self) -> list[str]:
        rows = self.engines[0].read(lambda tx: tx.connection.execute(select(tables.delivery.c.body)).all())
        return [row.body["title"] for row in rows]


@pytest.fixture
def staffed(tmp_path: Path, database: str) -> Iterator[Staffed]:
    staffed = Staffed(tmp_path, database)
    yield staffed
    for store in staffed.stores:
        store.close()


def test_two_processes_that_read_one_list_tell_of_each_change_once(staffed: Staffed) -> None:
    for step in (["ana", "ben", "cy"], ["ben", "cy"], ["ana", "ben", "cy"]):
        assert [staffed.reads(*step, by=process) for process in (0, 1)] == [1, 0]
    assert staffed.people == ["ana", "ben", "cy"]


def test_a_process_with_an_old_config_gives_nobody_an_id_that_another_process_has_given(staffed: Staffed) -> None:
    staffed.takes([Member("1", "ana@acme.test")], by=0)
    staffed.takes([Member("1", "ana@acme.test"), Member("2", "ana@other.test")], by=1)
    assert staffed.people == ["ana", "ana-2"]


def test_an_id_stays_with_a_person_whatever_becomes_of_the_others(staffed: Staffed) -> None:
    both = [Member("1", "ana@acme.test"), Member("2", "ana@other.test"), Member("3", "cy@acme.test")]
    staffed.takes(both)
    staffed.takes(both[1:], MONDAY + DAY)
    staffed.takes(both[1:], MONDAY + 3 * DAY)
    assert staffed.people == ["ana-2", "cy"]


def test_a_directory_that_cannot_be_read_is_told_once_and_once_again_when_it_can(staffed: Staffed) -> None:
    staffed.reads("ana", "ben")
    engine = staffed.engines[0]
    fails = [engine.write(directory_unread, engine.rules, "staff", "no route", MONDAY + n * DAY) for n in range(3)]
    assert fails == [1, 0, 0]
    assert staffed.reads("ana", "ben", at=MONDAY + 9 * DAY) == 1
    assert staffed.people == ["ana", "ben"]


def test_names_with_characters_that_no_database_takes_are_taken_without_them_and_change_nothing_later(
    staffed: Staffed,
) -> None:
    listed = [Member("1", "ana@acme.test", "A\0na\ud800 \x1b[31m", team="e\x00mea")]
    assert staffed.takes(listed) == 1
    assert staffed.takes(listed) == 0
    assert staffed.engines[0].config.teams["emea"].members == ("ana",)


def test_members_of_a_directory_that_the_config_names_no_more_are_forgotten(staffed: Staffed) -> None:
    staffed.reads("ana")
    without = Path(staffed.written.path)
    text = without.read_text(encoding="utf-8")
    without.write_text(text.replace(csv_directory(), ""), encoding="utf-8")
    staffed.engines[0].reload(configuration.load(without))
    assert staffed.people == []
