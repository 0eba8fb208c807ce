"""The definitions of SLA policies, by version, for the waits that run under them (rule 21)."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import Connection, select

from inboxwatch.store import tables
from inboxwatch.store.upsert import chunks, insert_missing

_policy = tables.policy


class PinnedPolicies:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def pin(self, version: str, document: str) -> None:
        """Keeps a policy's definition; the document of a version never changes."""
        insert_missing(self._connection, _policy, [{"version": version, "document": document}])

    def documents(self, versions: Iterable[str]) -> dict[str, str]:
        """The documents of policies by version; those that were never kept are left out."""
        found: dict[str, str] = {}
        for part in chunks(sorted(set(versions))):
            rows = select(_policy.c.version, _policy.c.document).where(_policy.c.version.in_(part))
            found.update((version, document) for version, document in self._connection.execute(rows))
        return found

    def all(self) -> dict[str, str]:
        """Every document by version."""
        rows = self._connection.execute(select(_policy.c.version, _policy.c.document))
        return {row.version: row.document for row in rows}
