"""Under which names a mailbox's servers stamp what they find out about senders, seen from its newest mail."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any

from inboxwatch.connector import MailConnector
from inboxwatch.core.mail.authentication import Stamps
from inboxwatch.core.mail.headers import Unusable, parse
from inboxwatch.core.mail.parties import Us
from inboxwatch.core.model import FolderRole, RawMessage

SAMPLE = 50
"""Messages that are looked at."""


@dataclass(frozen=True, slots=True)
class SeenStamps:
    """What a sample of received mail shows."""

    messages: int
    ours: Counter[str]
    """Names that are believed, and on how many messages they stand."""
    others: Counter[str]
    """Names that stand on top of messages without a believed one."""

    @property
    def text(self) -> str:
        """The same for an operator."""
        if not self.ours:
            return "its newest mail bears no Authentication-Results of ours: mail in our name is taken as ours"
        names = ", ".join(f"{name} ({count} of {self.messages})" for name, count in self.ours.most_common(5))
        return f"senders are checked by the Authentication-Results of {names}"

    @property
    def hint(self) -> str:
        """What the operator may want to add."""
        name, count = next(iter(self.others.most_common(1)), ("", 0))
        if not name or 2 * count < self.messages:
            return ""
        return f"most mail is stamped by {name}: if that is your gateway, name it in organization.authserv_ids"


async def seen_stamps(connector: MailConnector, us: Us) -> SeenStamps:
    """The stamps of the first batch that a fresh connector reads. Raises MailboxError."""
    polled: Any = connector.poll(None)
    async with aclosing(polled):
        async for batch in polled:
            if batch.messages:
                return counted(batch.messages[-SAMPLE:], us)
    return counted((), us)


def counted(messages: Iterable[RawMessage], us: Us) -> SeenStamps:
    """Counts the stamps of received messages."""
    seen = SeenStamps(0, Counter(), Counter())
    number = 0
    for raw in messages:
        if raw.role is FolderRole.SENT:
            continue
        try:
            message = parse(raw)
        except Unusable:
            continue
        number += 1
        stamps = Stamps.of(message, us)
        if stamps.own:
            seen.ours[stamps.own] += 1
        elif stamps.top:
            seen.others[stamps.top] += 1
    return SeenStamps(number, seen.ours, seen.others)
