"""What each copy of a message proves about its sender: a row a copy, so that their order is no matter."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import Any, NamedTuple

from sqlalchemy import Connection, Row, select

from inboxwatch.core.proof import Proof, Standing, combined
from inboxwatch.store import tables
from inboxwatch.store.one_of import given, one_of, one_of_given
from inboxwatch.store.upsert import insert_missing

_message, _proof = tables.message, tables.proof
_KNOWN = select(_proof.c.key).where(one_of_given(_proof.c.key)).distinct()
_OF_THREADS = select(_proof).join(_message, _message.c.key == _proof.c.key).where(one_of_given(_message.c.thread))


class CopyProof(NamedTuple):
    """What the copy of a message in one folder proves."""

    key: str
    """The message's keyed hash."""
    role: str
    """The folder's role: a mailbox may have one message in its inbox and in Sent."""
    proof: Proof


class Proofs:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add(self, mailbox: str, copies: Iterable[CopyProof]) -> None:
        """Records copies found in a mailbox. What was found first stays: a copy does not change, and its age counts."""
        rows = [
            {
                "key": one.key,
                "mailbox": mailbox,
                "role": one.role,
                "standing": one.proof.standing.value,
                "why": one.proof.why,
                "held_since": one.proof.held_since,
                "empty": one.proof.empty,
            }
            for one in copies
        ]
        insert_missing(self._connection, _proof, rows)

    def known(self, keys: Collection[str]) -> set[str]:
        """Of which messages anything is recorded."""
        return set(self._connection.execute(_KNOWN, given(keys)).scalars()) if keys else set()

    def of_threads(self, threads: Sequence[str]) -> dict[str, Proof]:
        """What is known of the messages of threads, by their keys; nothing is known of those left out."""
        copies: dict[str, list[Proof]] = {}
        for row in self._connection.execute(_OF_THREADS, given(threads)):
            copies.setdefault(row.key, []).append(_of(row))
        return {key: combined(proofs) for key, proofs in copies.items()}

    def of_messages(self, keys: Sequence[str]) -> dict[str, Proof]:
        """The same of messages, by their keys."""
        copies: dict[str, list[Proof]] = {}
        for row in self._connection.execute(select(_proof).where(one_of(_proof.c.key, keys))):
            copies.setdefault(row.key, []).append(_of(row))
        return {key: combined(proofs) for key, proofs in copies.items()}


def _of(row: Row[Any]) -> Proof:
    return Proof(Standing(row.standing), row.why, row.held_since, row.empty)
