"""What kinds are decided by beside the messages: to whom we wrote, what people said; and judging again."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, and_, bindparam, delete, or_, select, text, update

from inboxwatch.core.leads import plain_address
from inboxwatch.core.mail.classify import Answered, Grounds, Said
from inboxwatch.core.mail.correspondence import Correspondence, answered
from inboxwatch.core.model import Direction, Kind, MessageId, Verdict
from inboxwatch.store import grounds_column, tables
from inboxwatch.store.known_columns import load as load_known
from inboxwatch.store.one_of import given, one_of, one_of_given
from inboxwatch.store.records import KindFactRecord, MessageRecord, message_of
from inboxwatch.store.unfiled import Unfiled
from inboxwatch.store.upsert import upsert

_message, _written, _fact, _forgotten = tables.message, tables.written_to, tables.kind_fact, tables.forgotten
_MACHINES = text(tables.NOT_HUMAN)
"""As the index has it, word for word: else it is not used."""
_FEW = 100
"""Facts that are read whole, rather than looked up."""
_FEW_FACTS = select(_fact.c.key, _fact.c.sender, _fact.c.by).limit(_FEW + 1)
_ANY_FORGOTTEN = select(_forgotten.c.key).limit(1)
_WRITTEN = select(_written).where(one_of_given(_written.c.key))
_OF_SENDERS = select(_message.c.key).where(one_of_given(_message.c.sender_key))
_FILED = select(_message).where(one_of_given(_message.c.key), _message.c.thread.is_not(None))


@dataclass(frozen=True, slots=True)
class Judged:
    """A filed message with what its kind is decided by."""

    record: MessageRecord
    grounds: Grounds
    again: bool
    """Whether enough is kept to decide it again; of mail filed by an older version it is not."""


class Kinds:
    def __init__(self, connection: Connection, key: Callable[[str], str], unfiled: Unfiled) -> None:
        """`key`: the keyed hash of a word; addresses are known by it where they are nobody's."""
        self._connection = connection
        self._key = key
        self._unfiled = unfiled

    def correspondence(
        self, ids: Iterable[str], senders: Iterable[str], emails: Iterable[str], parents: Iterable[MessageId]
    ) -> Correspondence:
        """What was said of messages (by id) and senders, when we first wrote to `emails`, and `parents` that matched no
        lead.
        """
        addresses = {self._address(plain): plain for plain in map(plain_address, emails)}
        written: dict[str, datetime] = {}
        if addresses:
            rows = self._connection.execute(_WRITTEN, given(addresses))
            written.update((addresses[row.key], row.at) for row in rows)
        return Correspondence(written, self._answered(parents), self._facts(ids, senders))

    def _answered(self, ids: Iterable[MessageId]) -> dict[MessageId, Answered]:
        asked = list(ids)
        found = self._unfiled.answered(asked)
        # What is left of messages whose lead was forgotten.
        if asked and self._connection.execute(_ANY_FORGOTTEN).first() is not None:
            keys = {self._key(one): one for one in asked}
            columns = (_message.c.key, _message.c.at, _message.c.direction, _message.c.kind)
            bare = select(*columns).where(one_of(_message.c.key, keys), _message.c.thread.is_(None))
            for row in self._connection.execute(bare):
                found[keys[row.key]] = Answered(Direction(row.direction), Kind(row.kind), row.at)
        return found

    def _facts(self, ids: Iterable[str], senders: Iterable[str]) -> dict[str, Said]:
        # There are few, mostly none: then nothing more is asked.
        few = self._connection.execute(_FEW_FACTS).all()
        if not few:
            return {}
        names = {self._key(one): one for one in ids}
        names |= {self._address(plain): plain for plain in map(plain_address, senders)}
        if len(few) <= _FEW:
            return {names[row.key]: Said(row.by, sender=row.sender) for row in few if row.key in names}
        found: dict[str, Said] = {}
        for row in self._connection.execute(select(_fact).where(one_of(_fact.c.key, names))):
            found[names[row.key]] = Said(row.by, sender=row.sender)
        return found

    def note_written(self, written: Mapping[str, datetime]) -> None:
        """Notes when we first wrote to plain addresses; the caller has found that each is news, or earlier."""
        rows = [{"key": self._address(plain), "at": at} for plain, at in written.items()]
        upsert(self._connection, _written, rows, ["at"])

    def to_judge(
        self, ids: Iterable[str] = (), emails: Iterable[str] = (), apart_from: Iterable[str] = ()
    ) -> list[Judged]:
        """Filed messages of leads by id, and those of senders (plain addresses) whose kind others can change, but none
        of `apart_from` (ids).
        """
        keys = {self._key(one) for one in ids}
        if senders := {self._address(one) for one in emails}:
            keys.update(self._connection.execute(_OF_SENDERS, given(senders)).scalars())
        keys.difference_update(map(self._key, apart_from))
        found: list[Row[Any]] = []
        if keys:
            found += self._connection.execute(_FILED, given(keys))
        return [
            Judged(message_of(row), grounds_column.load(row), row.grounds is not None or row.kind == Kind.HUMAN)
            for row in sorted(found, key=lambda row: (row.at, row.key))
        ]

    def answers_of(self, ids: Iterable[MessageId]) -> list[MessageId]:
        """Filed messages whose headers name one of the ids as what they answer."""
        found: list[MessageId] = []
        if keys := {self._key(one) for one in ids}:
            rows = select(_message.c.message_id)
            rows = rows.where(one_of(_message.c.named_key, keys), _message.c.thread.is_not(None))
            found += [MessageId(one) for one in self._connection.execute(rows).scalars()]
        return found

    def placed(self, ids: Iterable[MessageId]) -> dict[MessageId, Answered]:
        """Messages that others answer, filed with a lead or known by their ids alone."""
        wanted = set(ids)
        found = self._answered(wanted)
        if keys := {self._key(one) for one in wanted - found.keys()}:
            filed = self._connection.execute(_FILED, given(keys))
            found.update((MessageId(row.message_id), answered(load_known(row))) for row in filed)
        return found

    def judge(self, judged: Sequence[tuple[Judged, Verdict]]) -> None:
        """Writes kinds that were decided again."""
        values: dict[str, Any] = {
            name: bindparam(f"new_{name}")
            for name in ("kind", "signal", "owes_reply", "effect", "away_until", "grounds", "sender_key")
        }
        rows = [
            {
                "of": one.record.key,
                "new_kind": verdict.kind.value,
                "new_signal": verdict.signal,
                "new_owes_reply": verdict.owes_reply and one.record.direction is Direction.INBOUND,
                "new_effect": verdict.effect,
                "new_away_until": verdict.away_until,
                "new_grounds": grounds_column.dump(one.grounds, verdict),
                "new_sender_key": self.sender_key(one.record.direction, one.record.sender),
            }
            for one, verdict in judged
        ]
        if rows:
            self._connection.execute(update(_message).where(_message.c.key == bindparam("of")).values(values), rows)

    def sender_key(self, direction: Direction, email: str) -> str | None:
        """Under which the messages are found whose kind depends on what is known of their sender."""
        return self._address(plain_address(email)) if direction is Direction.INBOUND and email else None

    def say(self, fact: KindFactRecord) -> None:
        """Notes what a person said of a message or a sender; a later word replaces an earlier one."""
        key = self._address(fact.name) if fact.sender else self._key(fact.name)
        row = {"key": key, "sender": fact.sender, "name": fact.name, "by": fact.by, "at": fact.at}
        row |= {"reason": fact.reason, "of": fact.of}
        upsert(self._connection, _fact, [row], ["by", "at", "reason", "of"])

    def unsay(self, name: str, *, sender: bool) -> bool:
        """Takes back what was said of a message (by id) or a sender (plain address); False: nothing was."""
        key = self._address(name) if sender else self._key(name)
        return self._connection.execute(delete(_fact).where(_fact.c.key == key)).rowcount > 0

    def said(self) -> list[KindFactRecord]:
        """Everything that people have said of kinds, newest first."""
        columns = (_fact.c.name, _fact.c.sender, _fact.c.by, _fact.c.at, _fact.c.reason, _fact.c.of)
        rows = self._connection.execute(select(*columns).order_by(_fact.c.at.desc(), _fact.c.key))
        return [KindFactRecord(*row) for row in rows]

    def machines(
        self, where: Mapping[str, str], since: datetime | None, before: tuple[datetime, str] | None, limit: int
    ) -> list[MessageRecord]:
        """Inbound mail of leads that was not taken for a person, newest first, behind an (at, key).

        `where` may name a kind and a mailbox.
        """
        chosen: list[Any] = [_MACHINES, *(_message.c[name] == value for name, value in where.items())]
        if since is not None:
            chosen.append(_message.c.at >= since)
        if before is not None:
            at, key = before
            chosen.append(or_(_message.c.at < at, and_(_message.c.at == at, _message.c.key < key)))
        newest = (_message.c.at.desc(), _message.c.key.desc())
        found = select(_message).where(*chosen).order_by(*newest).limit(limit)
        return [message_of(row) for row in self._connection.execute(found)]

    def _address(self, plain: str) -> str:
        # No Message-ID holds a space.
        return self._key(f"address {plain}")
