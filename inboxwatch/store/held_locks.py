"""What the locks of workers say to everybody: who lives, who is at work, and who owns which shard."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from sqlalchemy import Connection, text

from inboxwatch.core.shards import SHARDS, House

AT_WORK, LIVES = 1_000_000, 1_000_000_000
"""Locks by which workers show themselves: these, and the worker's number. One that leaves still lives for a while, and
its deliveries on their way are its own."""
CLASS = "CAST(CAST('worker' AS regclass) AS int)"
"""Tells the locks of this store from those of another in the same database: by the number of a table of it."""
_LOCKS = text(
    "SELECT l.pid, CAST(l.objid AS int) AS number FROM pg_locks AS l "
    "JOIN pg_database AS d ON d.oid = l.database AND d.datname = current_database() "
    "WHERE l.locktype = 'advisory' AND l.classid = CAST(CAST('worker' AS regclass) AS oid) "
    "AND l.objsubid = 2 AND l.granted"
)


def house_of(connection: Connection) -> House:
    """Who is at work and owns what now. The shards of a worker that is leaving are owned by nobody known."""
    return house_in(held_locks(connection))


def living(connection: Connection) -> frozenset[int]:
    """The workers that live now, those included that are leaving."""
    return living_in(held_locks(connection))


def held_locks(connection: Connection) -> dict[int, set[int]]:
    """By session the locks that it holds."""
    held: dict[int, set[int]] = {}
    for row in connection.execute(_LOCKS):
        held.setdefault(row.pid, set()).add(row.number)
    return held


def house_in(held: Mapping[int, Collection[int]]) -> House:
    workers, owners = set(), {}
    for pid, numbers in held.items():
        worker = next((number - AT_WORK for number in numbers if AT_WORK < number < LIVES), None)
        if worker is not None:
            workers.add(worker)
        owners.update({shard: -pid if worker is None else worker for shard in numbers if shard < SHARDS})
    return House(frozenset(workers), owners)


def living_in(held: Mapping[int, Collection[int]]) -> frozenset[int]:
    return frozenset(number - LIVES for numbers in held.values() for number in numbers if number > LIVES)
