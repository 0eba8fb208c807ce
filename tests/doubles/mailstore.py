"""The mailbox behind a double of a mail API: messages in folders, and a log of all that happens to them."""

from __future__ import annotations

import base64
import email
import hashlib
import itertools
import random
import re
import threading
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.message import Message
from functools import cached_property

from inboxwatch import now as instant

_ID = re.compile(r"<([^<>\s]+)>")


@dataclass
class Stored:
    """A message as a server keeps it."""

    id: str
    folder: str
    raw: bytes
    received: datetime
    readable: bool = True
    flags: set[str] = field(default_factory=set)

    @cached_property
    def parsed(self) -> Message:
        return email.message_from_bytes(self.raw)

    @property
    def headers(self) -> list[tuple[str, str]]:
        """Unfolded, as an API gives them."""
        return [
            (name, " ".join(str(value).encode("utf-8", "surrogateescape").decode("utf-8", "replace").split()))
            for name, value in self.parsed.items()
        ]

    def header(self, name: str) -> str:
        return next((value for key, value in self.headers if key.lower() == name.lower()), "")

    @property
    def message_id(self) -> str:
        """With brackets."""
        found = _ID.search(self.header("Message-ID"))
        return f"<{found[1]}>" if found else ""

    @property
    def conversation(self) -> str:
        """Servers that thread by ids: the same for a message and what answers it."""
        chain = _ID.findall(self.header("References")) + _ID.findall(self.header("In-Reply-To"))
        root = chain[0] if chain else self.message_id.strip("<>") or self.id
        return hashlib.sha256(root.encode()).hexdigest()[:22]

    @property
    def conversation_index(self) -> str:
        """Outlook's: 22 bytes that the conversation shares, and 5 for each level below its start."""
        level = len(_ID.findall(self.header("References"))) or bool(self.header("In-Reply-To"))
        start = b"\x01" + hashlib.sha256(self.conversation.encode()).digest()[:21]
        return base64.b64encode(start + b"\x80\x00\x00\x00\x00" * level).decode()

    @property
    def calendar(self) -> tuple[str, str]:
        """METHOD and PARTSTAT of its calendar part, in upper case; empty where it has none."""
        for part in self.parsed.walk():
            if part.get_content_type() == "text/calendar" and isinstance(body := part.get_payload(decode=True), bytes):
                method = re.search(rb"METHOD:(\w+)", body)
                status = re.search(rb"PARTSTAT=([\w-]+)", body)
                return (method[1].decode() if method else "", status[1].decode() if status else "")
        return "", ""

    @property
    def is_report(self) -> bool:
        return self.parsed.get_content_type() == "multipart/report"


@dataclass(frozen=True)
class Change:
    number: int
    kind: str
    """created, updated, deleted."""
    id: str
    folder: str
    moved: bool = False
    """It came from, or went to, another folder of the mailbox."""


class MailStore:
    """One mailbox. Ids are random, so that no order of theirs helps anybody; every call is safe from any thread."""

    def __init__(self, seed: str) -> None:
        self._chance = random.Random(seed)
        self._numbers = itertools.count(1000, 7)
        self.lock = threading.RLock()
        self.messages: dict[str, Stored] = {}
        self.log: list[Change] = []
        self.epoch = 1
        """Positions of an earlier epoch are forgotten."""
        self.number = self.floor = next(self._numbers)
        """Of the last change, and of the oldest position that is still known."""

    def deliver(self, raw: bytes, folder: str, when: datetime | None = None, *, readable: bool = True) -> Stored:
        with self.lock:
            received = (when or instant.now()).astimezone(UTC).replace(microsecond=0)
            one = Stored(f"{self._chance.getrandbits(64):016x}", folder, raw, received, readable)
            self.messages[one.id] = one
            self._changed("created", one.id, folder)
            return one

    def delete(self, name: str) -> None:
        with self.lock:
            self._changed("deleted", name, self.messages.pop(name).folder)

    def move(self, name: str, folder: str) -> None:
        with self.lock:
            one = self.messages[name]
            self._changed("deleted", name, one.folder, moved=True)
            one.folder = folder
            self._changed("created", name, folder, moved=True)

    def flag(self, name: str, *flags: str) -> None:
        with self.lock:
            self.messages[name].flags.update(flags)
            self._changed("updated", name, self.messages[name].folder)

    def handle(self) -> None:
        for name in list(self.messages):
            self.flag(name, "read", "flagged")

    def forget(self) -> None:
        """Positions given so far mean nothing any more."""
        with self.lock:
            self.epoch += 1
            self.number = self.floor = next(self._numbers)
            self.log.clear()

    def within(self, folder: str, since: datetime | None = None) -> list[Stored]:
        """Messages of a folder, oldest first."""
        with self.lock:
            found = [one for one in self.messages.values() if one.folder == folder]
        return sorted(
            (one for one in found if since is None or one.received >= since), key=lambda one: (one.received, one.id)
        )

    def since(self, number: int, folder: str | None = None) -> list[Change]:
        with self.lock:
            return [one for one in self.log if one.number > number and folder in (None, one.folder)]

    def snapshot(self) -> object:
        """All that a reader could have changed."""
        with self.lock:
            return [
                (one.id, one.folder, one.raw, one.received, sorted(one.flags)) for one in self.messages.values()
            ], len(self.log)

    def _changed(self, kind: str, name: str, folder: str, *, moved: bool = False) -> None:
        self.number = next(self._numbers)
        self.log.append(Change(self.number, kind, name, folder, moved))


def rfc3339(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


SECOND = timedelta(seconds=1)
