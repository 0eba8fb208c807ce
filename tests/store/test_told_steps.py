"""What was told of a ladder's steps, of which a wait may have several one after the other."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from alembic import command
from alembic.config import Config as AlembicConfig
from sqlalchemy import create_engine, insert

from inboxwatch.core.model import ClockId, PersonId
from inboxwatch.notify import NoticeType
from inboxwatch.store import Store, tables
from inboxwatch.store.records import NewDelivery, NotifiedRecord

NOON = datetime(2026, 5, 4, 12, tzinfo=UTC)
BEFORE = "0026"
"""The version of tables whose ladders began once."""
FIRST = NotifiedRecord(ClockId("c"), 1, 1, "ana", NOON, "breach", "ladder")


def test_what_an_older_store_has_told_belongs_to_the_first_ladder_and_the_next_one_tells_again(database: str) -> None:
    config = AlembicConfig()
    config.set_main_option("script_location", str(Path(tables.__file__).parent / "migrations"))
    Store(database).close()
    engine = create_engine(database)
    old = {"clock": "c", "step": 1, "round": 1, "target": "ana", "at": NOON, "reason": "breach", "policy": "ladder"}
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.downgrade(config, BEFORE)
        connection.execute(insert(tables.told).inline().values(old))
    store = Store(database)
    anew = NotifiedRecord(ClockId("c"), 1, 1, "ana", NOON, "breach", "hot", era=1, inquiry_class="sales")
    with store.transaction() as tx:
        assert tx.clocks.notifications(["c"]) == [FIRST]
        tx.clocks.record_notified([FIRST, anew, anew])
        assert tx.clocks.notified(["c"]) == {"c": {(0, 1, 1), (1, 1, 1)}}
        assert sorted(tx.clocks.notifications(["c"]), key=lambda one: one.era) == [FIRST, anew]
    store.close()
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.downgrade(config, BEFORE)
    Store(database).close()
    engine.dispose()


def test_a_reader_is_owed_a_step_of_one_ladder_whatever_they_were_owed_of_another(database: str) -> None:
    """Who leaves has a step handed to somebody who is not told it twice."""

    def step(target: str, era: int) -> NewDelivery:
        key = f"{target} {era}"
        ways = (("desk", ""),)
        return NewDelivery(
            key, NoticeType.ESCALATION, target, PersonId(target), ways, NOON, "c", step=1, round=1, era=era
        )

    store = Store(database)
    with store.transaction() as tx:
        tx.deliveries.enqueue([step("ana", 0), step("max", 0), step("ana", 1)])
        first, _, second = tx.deliveries.for_clocks(["c"])
        assert (first.era, second.era) == (0, 1)
        assert (tx.deliveries.owes(first, "max"), tx.deliveries.owes(second, "max")) == (True, False)
    store.close()
