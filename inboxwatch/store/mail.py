"""Messages, their witnesses, and the lookups that matching needs: one round trip a kind of key and batch."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import (
    Column,
    Connection,
    Row,
    Select,
    Text,
    and_,
    bindparam,
    delete,
    func,
    or_,
    select,
    text,
    type_coerce,
    union,
    update,
)

from inboxwatch.core.mail.threads import Ghost
from inboxwatch.core.mail.threads.known import Keys, Known
from inboxwatch.core.model import Delivery, MailboxId, MessageId, ThreadId
from inboxwatch.core.proof import NOTHING_KNOWN
from inboxwatch.core.sla.timeline import Mail
from inboxwatch.store import tables, timeline_columns
from inboxwatch.store.known_columns import dump, load
from inboxwatch.store.one_of import given, one_of, one_of_given
from inboxwatch.store.proofs import CopyProof, Proofs
from inboxwatch.store.records import MessageRecord, message_of
from inboxwatch.store.timeline_columns import Filed
from inboxwatch.store.upsert import chunks, insert_missing, upsert

_message, _ghost, _sighting = tables.message, tables.ghost, tables.sighting


class Mails:
    def __init__(self, connection: Connection, salt: bytes) -> None:
        self._connection = connection
        self._salt = salt
        self._keys: dict[str, str] = {}

    def key(self, message_id: str) -> str:
        """The keyed hash under which a Message-ID is known; without the store's salt nobody can guess it back."""
        if (key := self._keys.get(message_id)) is None:
            data = message_id.encode("utf-8", "surrogateescape")
            key = self._keys[message_id] = hashlib.blake2b(data, key=self._salt[:64], digest_size=16).hexdigest()
        return key

    def known(self, keys: Keys) -> tuple[list[Known], dict[MessageId, Ghost]]:
        """What matching asks for: the placed messages under any of the keys, the ids remembered without a message,
        and the whole threads of all that is found by its id.
        """
        hashes = [self.key(message_id) for message_id in keys.ids]
        ghosts: dict[MessageId, Ghost] = {}
        for row in self._connection.execute(_GHOSTS, given(hashes)):
            component = ThreadId(row.component or row.thread)
            ghosts[MessageId(row.message_id)] = Ghost(component, ThreadId(row.thread), row.read)
        rows: dict[str, Row[Any]] = {}
        self._find(rows, _message.c.key, hashes)
        self._find(rows, _message.c.named_key, hashes)
        threads = {row.thread for row in rows.values()} | {ghost.thread for ghost in ghosts.values()}
        known = self.known_more(replace(keys, threads=keys.threads | threads), rows)
        return known, ghosts

    def known_more(self, keys: Keys, rows: dict[str, Row[Any]] | None = None) -> list[Known]:
        """The placed messages under any of the keys but ids, and of whole threads; with those of `rows`, by key."""
        rows = {} if rows is None else rows
        conversing = self._conversing(_sighting.c.conversation, keys.provider_threads)
        self._find(rows, _message.c.key, conversing)
        self._find(rows, _message.c.series, keys.series)
        self._find(rows, _message.c.index_root, [root.hex() for root in keys.index_roots])
        self._find(rows, _message.c.key, self._titled(keys, rows))
        self._find(rows, _message.c.thread, keys.threads)
        known = []
        for key, row in rows.items():
            one = load(row)
            one.provider_threads |= conversing.get(key, set())
            known.append(one)
        return known

    def _titled(self, keys: Keys, found: Collection[str]) -> list[str]:
        """The keys of messages with one of the titles, of its time and of its sides: many share a title."""
        titled: list[str] = []
        if not keys.subject_keys:
            return titled
        statement, asked = _TITLED, given(keys.subject_keys)
        if keys.span is not None:
            statement, asked = _TITLED_THEN, asked | dict(zip(("since", "until"), keys.span, strict=True))
        for key, sender, sides, answer_to in self._connection.execute(statement, asked):
            # Of messages that were filed before they were kept the sides are not known.
            if key not in found and (
                keys.sides is None or sides is None or not keys.sides.isdisjoint((*sides, sender, *(answer_to or ())))
            ):
                titled.append(key)
        return titled

    def _conversing(self, column: Column[Any], values: Collection[str]) -> dict[str, set[str]]:
        found: dict[str, set[str]] = {}
        if values:
            rows = select(_sighting.c.key, _sighting.c.conversation)
            rows = rows.where(one_of(column, values), _sighting.c.conversation.is_not(None))
            for key, conversation in self._connection.execute(rows):
                found.setdefault(key, set()).add(conversation)
        return found

    def _find(self, rows: dict[str, Row[Any]], column: Column[Any], values: Collection[str]) -> None:
        if values:
            rows.update((row.key, row) for row in self._connection.execute(_known_by(column), given(values)))

    def file(self, filed: Sequence[Filed]) -> None:
        """Writes the messages that concern a lead; what is told here replaces what was told before."""
        full = [self._full(one) for one in filed if one.mail is not None]
        if full:
            upsert(self._connection, _message, full, [name for name in full[0] if name != "key"])

    def amend(self, changed: Iterable[Known]) -> None:
        """Writes the place and time of filed messages that later ones have shown to be another."""
        rows = [
            {
                "its_key": self.key(known.id),
                "its_at": known.at,
                "its_thread": known.thread,
                "its_parent": known.parent,
                "its_evidence": known.evidence.value,
                "its_confidence": known.confidence,
                "its_lead": known.lead,
                "its_apart_from": known.apart,
                "its_component": _component(known),
                "its_named_key": self.key(known.named) if known.named else None,
                "its_known": dump(known, known.at),
            }
            for known in changed
        ]
        if rows:
            self._connection.execute(_AMEND, rows)

    def witness(self, mailbox: str, sightings: Iterable[tuple[str, str, str, datetime, str | None]]) -> int:
        """Records (Message-ID, ref, role, at, conversation) seen in a mailbox; returns how many were new to it."""
        rows = [
            {
                "mailbox": mailbox,
                "key": self.key(message_id),
                "ref": ref,
                "role": role,
                "at": at,
                "conversation": conversation,
            }
            for message_id, ref, role, at, conversation in sightings
        ]
        return insert_missing(self._connection, _sighting, rows)

    def witnessed(self, mailbox: str, message_ids: Sequence[str]) -> set[str]:
        """Which of the ids were seen in a mailbox and concern a lead."""
        seen: set[str] = set()
        by_key = {self.key(message_id): message_id for message_id in message_ids}
        for part in chunks(list(by_key)):
            rows = select(_sighting.c.key).where(_sighting.c.mailbox == mailbox, _sighting.c.key.in_(part))
            seen.update(by_key[key] for key in self._connection.execute(rows).scalars())
        return seen

    def left(self, message_ids: Iterable[str]) -> set[str]:
        """Which messages concern or have concerned a lead, whatever is left of them."""
        by_key = {self.key(one): one for one in message_ids}
        found = self._connection.execute(select(_message.c.key).where(one_of(_message.c.key, by_key)))
        return {by_key[key] for key in found.scalars()}

    def witnesses(self, threads: Sequence[str]) -> dict[str, set[str]]:
        """The mailboxes that have seen mail of each thread."""
        boxes: dict[str, set[str]] = {}
        for thread, mailbox in self._connection.execute(_WITNESSES, given(threads)) if threads else ():
            boxes.setdefault(thread, set()).add(mailbox)
        return boxes

    def add_ghosts(self, ghosts: Mapping[MessageId, Ghost]) -> None:
        """Remembers ids without their messages, with the component that waits for them, and its thread."""
        rows = [
            {
                "key": self.key(message_id),
                "thread": ghost.thread,
                "message_id": message_id,
                "component": ghost.component,
                "read": ghost.read,
            }
            for message_id, ghost in ghosts.items()
        ]
        upsert(self._connection, _ghost, rows, ["thread", "component", "read"])

    def move_ghosts(self, components: Mapping[ThreadId, tuple[ThreadId, ThreadId]]) -> None:
        """For each component, what it has become and the thread it is in now: its ids without messages follow."""
        for old, (new, thread) in components.items():
            chosen = func.coalesce(_ghost.c.component, _ghost.c.thread) == old
            self._connection.execute(update(_ghost).where(chosen).values(component=new, thread=thread))

    def unite(self, old: ThreadId, new: ThreadId) -> None:
        """Makes two components one, as if headers had joined them."""
        for table in (_message, _ghost):
            chosen = func.coalesce(table.c.component, table.c.thread) == old
            self._connection.execute(update(table).where(chosen).values(component=new))

    def rename_apart(self, old: ThreadId, new: ThreadId) -> None:
        """A thread has become part of another: who was split from it stays apart from that."""
        self._connection.execute(update(_message).where(_message.c.apart_from == old).values(apart_from=new))

    def timeline(self, threads: Sequence[str]) -> dict[str, list[Mail]]:
        """The mail of threads, as the fold wants it."""
        mails: dict[str, list[Mail]] = {thread: [] for thread in threads}
        if not mails:
            return mails
        proofs = Proofs(self._connection).of_threads(threads)
        for row in self._connection.execute(_TIMELINE, given(threads)):
            mails[row.thread].append(timeline_columns.to_mail(row, proofs.get(row.key, NOTHING_KNOWN)))
        return mails

    def threads_begun(self, filed: Iterable[Filed]) -> frozenset[ThreadId]:
        """The threads of messages of which nothing is stored or proven, and in which nothing was done and nobody has
        waited, before these are filed. (Of a person who was forgotten, waits that are over stay without mail.)
        """
        threads: dict[ThreadId, list[str]] = {}
        for one in filed:
            if one.mail is not None and one.known is not None:
                threads.setdefault(one.known.thread, []).append(self.key(one.id))
        old = set(self._connection.execute(_STORED_THREADS, given(threads)).scalars()) if threads else set()
        keys = {key: thread for thread, its in threads.items() if thread not in old for key in its}
        old.update(keys[key] for key in Proofs(self._connection).known(keys))
        return frozenset(threads.keys() - old)

    def begun(
        self, threads: Collection[ThreadId], filed: Iterable[Filed], proofs: Iterable[CopyProof]
    ) -> dict[str, list[Mail]]:
        """The mail of threads that messages just filed have begun, as `timeline` would read it back.

        `proofs`: of copies in the mailbox from which they were read. Left out is what the store may hold otherwise.
        """
        proven = timeline_columns.proofs_of(proofs)
        mails: dict[str, list[Mail]] = {thread: [] for thread in threads}
        for one in filed:
            if one.known is not None and one.mail is not None and one.known.thread in mails:
                meeting = self._meeting(one.mail.meeting) if one.mail.meeting else ""
                mail = timeline_columns.read_back(one, meeting, proven.get(self.key(one.id), NOTHING_KNOWN))
                if mail is None:
                    del mails[one.known.thread]
                else:
                    mails[one.known.thread].append(mail)
        return mails

    def with_lead(self, lead: str) -> list[Mail]:
        """All mail to and from one lead, and the bounces of it."""
        threads = select(_message.c.thread).where(_message.c.lead == lead)
        rows = self._connection.execute(select(*timeline_columns.COLUMNS).where(_message.c.thread.in_(threads))).all()
        proofs = Proofs(self._connection).of_messages([row.key for row in rows])
        return [timeline_columns.to_mail(row, proofs.get(row.key, NOTHING_KNOWN)) for row in rows]

    def meetings(self, uids: Iterable[str]) -> list[Mail]:
        """Invitations to meetings, and the answers that accept them, by UID."""
        found: list[Mail] = []
        for part in chunks([self._meeting(uid) for uid in uids]):
            rows = self._connection.execute(select(*timeline_columns.COLUMNS).where(_message.c.meeting.in_(part))).all()
            proofs = Proofs(self._connection).of_messages([row.key for row in rows])
            found += [timeline_columns.to_mail(row, proofs.get(row.key, NOTHING_KNOWN)) for row in rows]
        return found

    def weak(self, below: float, after: tuple[datetime, str] | None, limit: int) -> list[MessageRecord]:
        """Messages that were placed with less confidence, oldest first, behind an (at, key)."""
        chosen = [_message.c.thread.is_not(None), _message.c.confidence < below]
        if after is not None:
            at, key = after
            chosen.append(or_(_message.c.at > at, and_(_message.c.at == at, _message.c.key > key)))
        found = select(_message).where(*chosen).order_by(_message.c.at, _message.c.key).limit(limit)
        return [message_of(row) for row in self._connection.execute(found)]

    def weak_count(self) -> int:
        """How many messages a guess has placed, and nobody has reviewed."""
        found = select(func.count()).select_from(_message).where(text(tables.WEAK))
        return int(self._connection.execute(found).scalar_one())

    def awaited(self, thread: str, message_ids: Iterable[MessageId]) -> list[MessageId]:
        """Those of the ids that are named in a thread, and were not read yet."""
        found: list[MessageId] = []
        for part in chunks([self.key(message_id) for message_id in message_ids]):
            rows = select(_ghost.c.message_id).where(_ghost.c.key.in_(part), _ghost.c.thread == thread)
            found += [MessageId(one) for one in self._connection.execute(rows).scalars()]
        return found

    def row(self, message_id: str) -> MessageRecord | None:
        """A message that was placed in a thread."""
        found = select(_message).where(_message.c.key == self.key(message_id), _message.c.thread.is_not(None))
        row = self._connection.execute(found).first()
        return None if row is None else message_of(row)

    def threads_after(self, thread: str, most: int) -> list[ThreadId]:
        """The first threads behind one, in the order of their names."""
        found = select(_message.c.thread).where(_message.c.thread > thread).distinct()
        return list(self._connection.execute(found.order_by(_message.c.thread).limit(most)).scalars())

    def before_components(self, thread: str) -> bool:
        """Whether any message of a thread was filed before components were known (version 9 and before)."""
        rows = self._connection.execute(select(_message.c.known).where(_message.c.thread == thread))
        return any("sides" not in known for known in rows.scalars())

    def whole(self, threads: Iterable[str]) -> tuple[list[Known], dict[MessageId, Ghost]]:
        """The messages of threads, and the ids named in them but not read."""
        known: list[Known] = []
        ghosts: dict[MessageId, Ghost] = {}
        for part in chunks(sorted(threads)):
            rows = self._connection.execute(select(*_KNOWN).where(_message.c.thread.in_(part))).all()
            conversing = self._conversing(_sighting.c.key, [row.key for row in rows])
            for row in rows:
                known.append(one := load(row))
                one.provider_threads |= conversing.get(row.key, set())
            for row in self._connection.execute(select(_ghost).where(_ghost.c.thread.in_(part))):
                component = ThreadId(row.component or row.thread)
                ghosts[MessageId(row.message_id)] = Ghost(component, ThreadId(row.thread), row.read)
        return known, ghosts

    def drop_ghosts(self, message_ids: Iterable[MessageId]) -> None:
        """Forgets ids that nothing names any more."""
        for part in chunks([self.key(message_id) for message_id in message_ids]):
            self._connection.execute(delete(_ghost).where(_ghost.c.key.in_(part)))

    def rows(self, thread: str) -> list[MessageRecord]:
        """The messages of a thread with all that was decided about them, oldest first."""
        found = select(_message).where(_message.c.thread == thread).order_by(_message.c.at, _message.c.key)
        return [message_of(row) for row in self._connection.execute(found)]

    def subjects(self, message_ids: Sequence[str]) -> dict[str, str]:
        found: dict[str, str] = {}
        for part in chunks([self.key(message_id) for message_id in message_ids]):
            rows = select(_message.c.message_id, _message.c.subject).where(_message.c.key.in_(part))
            found.update((row.message_id, row.subject or "") for row in self._connection.execute(rows))
        return found

    def thread_of(self, message_id: str) -> str | None:
        found = select(_message.c.thread).where(_message.c.key == self.key(message_id))
        return self._connection.execute(found).scalar()

    def threads_of_lead(self, lead: str) -> list[ThreadId]:
        found = select(_message.c.thread).where(_message.c.lead == lead, _message.c.thread.is_not(None)).distinct()
        return list(self._connection.execute(found).scalars())

    def last_mailbox(self, lead: str) -> MailboxId | None:
        """The mailbox of the latest mail with a lead."""
        found = select(_message.c.mailbox).where(_message.c.lead == lead, _message.c.mailbox.is_not(None))
        return self._connection.execute(found.order_by(_message.c.at.desc()).limit(1)).scalar()

    def _meeting(self, uid: str) -> str:
        """The keyed hash of a meeting's UID."""
        return self.key(f"meeting:{uid}")

    def _full(self, filed: Filed) -> dict[str, Any]:
        mail, known = filed.mail, filed.known
        assert mail is not None and known is not None  # noqa: S101  (file() asks only for these)
        delivery = mail.delivery
        return {
            "key": self.key(filed.id),
            "at": filed.at,
            "direction": filed.direction.value,
            "kind": filed.kind.value,
            "thread": known.thread,
            "message_id": filed.id,
            "signal": filed.signal,
            "evidence": known.evidence.value,
            "confidence": known.confidence,
            "lead": known.lead,
            "parent": known.parent,
            "named_key": self.key(known.named) if known.named else None,
            "sender": mail.sender.email,
            "side": mail.sender.side,
            "recipients": [[party.email, party.lead, party.side] for party in mail.recipients],
            "subject": filed.subject,
            "author": mail.author,
            "mailbox": mail.mailbox,
            "owes_reply": mail.owes_reply,
            "effect": mail.effect,
            "delivery": _delivery(delivery) if delivery else None,
            "away_until": mail.away_until,
            "meeting": self._meeting(mail.meeting) if mail.meeting else None,
            "time_from": filed.time_from,
            "subject_key": known.subject_key,
            "index_root": known.thread_index[:22].hex() if known.thread_index else None,
            "apart_from": known.apart,
            "grounds": filed.grounds,
            "sender_key": filed.sender_key,
            "own_address": mail.own_address,
            "component": _component(known),
            "series": known.series or None,
            "class_rule": (mail.inquiry.rule or None) if mail.inquiry is not None else None,
            "intents": (list(mail.inquiry.words) or None) if mail.inquiry is not None else None,
            "known": dump(known, filed.at) | {"sender_lead": mail.sender.lead},
        }


_KNOWN = (
    *(_message.c[name] for name in ("key", "message_id", "thread", "at", "direction", "kind", "parent", "evidence")),
    *(_message.c[name] for name in ("confidence", "sender", "side", "subject_key", "lead", "apart_from", "component")),
    _message.c.known,
    type_coerce(_message.c.recipients, Text).label("recipients"),
)
"""What `load` reads. Recipients come as they are stored: only for old mail they are decoded."""

_AMENDED = (
    "at", "lead", "thread", "parent", "evidence", "confidence", "apart_from", "component", "named_key", "known",
)  # fmt: skip
_AMEND = (
    update(_message)
    .where(_message.c.key == bindparam("its_key"))
    .values({name: bindparam(f"its_{name}") for name in _AMENDED})
)
_TITLED = select(
    _message.c.key, _message.c.sender, _message.c.known["sides"].as_json(), _message.c.known["answer_to"].as_json()
).where(one_of_given(_message.c.subject_key), _message.c.thread.is_not(None))
_TITLED_THEN = _TITLED.where(_message.c.at.between(bindparam("since"), bindparam("until")))
_GHOSTS = select(_ghost).where(one_of_given(_ghost.c.key))
_STORED_THREADS = union(
    *(select(one.c.thread).where(one_of_given(one.c.thread)) for one in (_message, tables.clock, tables.act))
)
_TIMELINE = select(*timeline_columns.COLUMNS).where(one_of_given(_message.c.thread))
_WITNESSES = (
    select(_message.c.thread, _sighting.c.mailbox)
    .join(_sighting, _sighting.c.key == _message.c.key)
    .where(one_of_given(_message.c.thread))
    .distinct()
)


@cache
def _known_by(column: Column[Any]) -> Select[Any]:
    """The placed messages that have one of the given values in a column."""
    return select(*_KNOWN).where(one_of_given(column), _message.c.thread.is_not(None))


def _component(known: Known) -> ThreadId | None:
    return None if known.component == known.thread else known.component


def _delivery(told: Delivery) -> list[Any]:
    return [told.action, told.of, sorted(told.recipients), told.proven]
