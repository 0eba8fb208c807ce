"""Mail of ours that reached no lead, sealed: it opens only for who holds what it was about.

What we answered to a stranger may be read before the question. Such an answer is kept so that it can take its place
later, but the store alone does not tell what it says: its headers are encrypted, and the key is kept once for each
*clue* (an id that it bears or names, an address that it went to), itself encrypted by that clue. Clues are known by
keyed hashes only. No text is kept, nor the title (a hash of it tells whether it is that of the mail that opens it), nor
the names of people outside. Of what strangers wrote nothing is kept.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, delete, select

from inboxwatch.core.mail import subjects
from inboxwatch.core.mail.copies import Reader
from inboxwatch.core.model import Address, FolderRole, Message, MessageId
from inboxwatch.core.proof import Proof, Standing
from inboxwatch.store import tables
from inboxwatch.store.upsert import chunks, insert_missing

_sealed, _clue = tables.sealed, tables.clue


@dataclass(frozen=True, slots=True)
class Sealed:
    """A copy of a message to be kept, what it proves, and its clues (`core.mail.strangers`)."""

    message: Message
    reader: Reader
    proof: Proof
    clues: Sequence[str]


@dataclass(frozen=True, slots=True)
class Opened:
    """A copy that was kept; of its reader only the mailbox."""

    key: str
    message: Message
    reader: Reader
    proof: Proof


class Strangers:
    def __init__(self, connection: Connection, salt: bytes) -> None:
        self._connection = connection
        self._salt = salt[:64]

    def seal(self, copies: Iterable[Sealed]) -> None:
        """Keeps copies of messages; of those that are kept already nothing changes."""
        sealed, clues = [], []
        for one in copies:
            name = f"{one.message.id}\0{one.reader.mailbox}\0{one.message.role}"
            key, secret = self._digest("copy", name, 16).hex(), self._digest("secret", name, 32)
            subject = subjects.read(one.message.subject)
            title = f"{'Re: ' if subject.reply else ''}{self._title(subject.key)}"
            told = [one.reader.mailbox, _proof_dumped(one.proof), _dumped(one.message) | {"subject": title}]
            content = _crypted(json.dumps(told, separators=(",", ":")).encode(), secret)
            sealed.append({"key": key, "content": content.hex(), "at": one.message.received_at})
            for clue in dict.fromkeys(one.clues):
                wrapped = _xor(secret, self._digest(f"wrap {key}", clue, 32))
                clues.append({"clue": self._digest("clue", clue, 16).hex(), "key": key, "wrapped": wrapped.hex()})
        insert_missing(self._connection, _sealed, sealed)
        insert_missing(self._connection, _clue, clues)

    def open(self, clues: Iterable[str], titles: Iterable[str]) -> list[Opened]:
        """The copies that any of the clues opens, in the order of their keys.

        Each has its title again, or as good as, if that is among `titles`.
        """
        by_hash = {self._digest("clue", clue, 16).hex(): clue for clue in clues}
        found: dict[str, Opened] = {}
        for part in chunks(sorted(by_hash)):
            columns = (_clue.c.clue, _clue.c.wrapped, _sealed.c.key, _sealed.c.content)
            rows = select(*columns).join(_sealed, _sealed.c.key == _clue.c.key).where(_clue.c.clue.in_(part))
            for row in self._connection.execute(rows):
                if row.key not in found:
                    wrap = self._digest(f"wrap {row.key}", by_hash[row.clue], 32)
                    content = _crypted(bytes.fromhex(row.content), _xor(bytes.fromhex(row.wrapped), wrap))
                    mailbox, proof, message = json.loads(content)
                    found[row.key] = Opened(row.key, _loaded(message), Reader(mailbox), _proof_loaded(proof))
        if found:
            by_title = {self._title(key): title for key, title in _plain(titles).items()}
            for key, one in found.items():
                answer, colon, title = one.message.subject.rpartition(": ")
                subject = f"{answer}{colon}{by_title[title]}" if title in by_title else ""
                found[key] = replace(one, message=replace(one.message, subject=subject))
        return [found[key] for key in sorted(found)]

    def _title(self, subject_key: str) -> str:
        return self._digest("title", subject_key, 16).hex()

    def drop(self, opened: Iterable[Opened]) -> None:
        """Forgets copies: their messages are filed now."""
        for part in chunks([one.key for one in opened]):
            for table in (_clue, _sealed):
                self._connection.execute(delete(table).where(table.c.key.in_(part)))

    def _digest(self, use: str, words: str, size: int) -> bytes:
        data = f"{use}\0{words}".encode("utf-8", "surrogateescape")
        return hashlib.blake2b(data, key=self._salt, digest_size=size).digest()


def _crypted(content: bytes, secret: bytes) -> bytes:
    """Encrypts, or decrypts: BLAKE2b, keyed and counting, is the stream. No secret is used for two contents."""
    stream = bytearray()
    while len(stream) < len(content):
        stream += hashlib.blake2b(len(stream).to_bytes(8, "big"), key=secret).digest()
    return _xor(content, bytes(stream[: len(content)]))


def _xor(one: bytes, other: bytes) -> bytes:
    return (int.from_bytes(one, "big") ^ int.from_bytes(other, "big")).to_bytes(len(one), "big")


def _dumped(message: Message) -> dict[str, Any]:
    """What places a message and tells its kind; proofs are told apart from it."""
    told = {
        "id": message.id,
        "received_at": message.received_at.isoformat(),
        "sender": [message.sender.email, message.sender.name],
        "role": message.role,
        "time_from": message.time_from,
        "sent_at": message.sent_at.isoformat() if message.sent_at else None,
        "to": [one.email for one in message.to],
        "cc": [one.email for one in message.cc],
        "bcc": [one.email for one in message.bcc],
        "reply_to": [one.email for one in message.reply_to],
        "in_reply_to": message.in_reply_to,
        "references": message.references,
        "thread_index": message.thread_index.hex() if message.thread_index else None,
        "marks": message.marks,
        "content_type": message.content_type,
    }
    return {name: value for name, value in told.items() if value}


def _plain(titles: Iterable[str]) -> dict[str, str]:
    """Titles without the prefixes of answers, by the key of their subject."""
    plain: dict[str, str] = {}
    for title in titles:
        subject = subjects.read(title)
        if subject.key and (subject.key not in plain or not subject.reply):
            plain[subject.key] = subject.key if subject.reply else title
    return plain


def _people(emails: Iterable[str]) -> tuple[Address, ...]:
    return tuple(Address(email) for email in emails)


def _loaded(data: dict[str, Any]) -> Message:
    return Message(
        id=MessageId(data["id"]),
        received_at=datetime.fromisoformat(data["received_at"]),
        sender=Address(*data["sender"]),
        role=FolderRole(data["role"]),
        time_from=data.get("time_from", ""),
        sent_at=datetime.fromisoformat(data["sent_at"]) if "sent_at" in data else None,
        to=_people(data.get("to", ())),
        cc=_people(data.get("cc", ())),
        bcc=_people(data.get("bcc", ())),
        reply_to=_people(data.get("reply_to", ())),
        subject=data["subject"],
        in_reply_to=tuple(data.get("in_reply_to", ())),
        references=tuple(data.get("references", ())),
        thread_index=bytes.fromhex(data["thread_index"]) if "thread_index" in data else None,
        marks=tuple((name, value) for name, value in data.get("marks", ())),
        content_type=data.get("content_type", ""),
    )


def _proof_dumped(proof: Proof) -> list[Any]:
    held = proof.held_since.isoformat() if proof.held_since else None
    return [proof.standing, proof.why, held, proof.empty]


def _proof_loaded(data: list[Any]) -> Proof:
    standing, why, held, empty = data
    return Proof(Standing(standing), why, datetime.fromisoformat(held) if held else None, empty)
