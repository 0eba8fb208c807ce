"""Where mail of leads can be opened: which mailboxes hold it, and the address that a provider gives for it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

from sqlalchemy import Connection, bindparam, select, update

from inboxwatch.core.model import MessageId
from inboxwatch.store import tables
from inboxwatch.store.upsert import chunks

_sighting = tables.sighting


class HeldCopy(NamedTuple):
    """A copy of a message in a mailbox."""

    mailbox: str
    web_link: str
    """As the provider gave it, unchecked; empty without one."""


class MailLinks:
    def __init__(self, connection: Connection, key: Callable[[str], str]) -> None:
        """`key`: the keyed hash of a Message-ID."""
        self._connection = connection
        self._key = key

    def note(self, mailbox: str, links: Iterable[tuple[MessageId, str]]) -> None:
        """Keeps what the provider gave for messages of leads that were seen in a mailbox."""
        rows = [{"its_key": self._key(message), "its_link": link} for message, link in links]
        if rows:
            seen = (_sighting.c.key == bindparam("its_key"), _sighting.c.mailbox == mailbox)
            self._connection.execute(update(_sighting).where(*seen).values(web_link=bindparam("its_link")), rows)

    def of(self, messages: Sequence[MessageId]) -> dict[MessageId, list[HeldCopy]]:
        """The mailboxes that hold messages, in the order of their names."""
        found: dict[MessageId, list[HeldCopy]] = {}
        by_key = {self._key(message): message for message in messages}
        for part in chunks(list(by_key)):
            columns = (_sighting.c.key, _sighting.c.mailbox, _sighting.c.web_link)
            rows = select(*columns).where(_sighting.c.key.in_(part)).order_by(_sighting.c.mailbox)
            for row in self._connection.execute(rows):
                found.setdefault(by_key[row.key], []).append(HeldCopy(row.mailbox, row.web_link or ""))
        return found
