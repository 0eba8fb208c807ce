"""What a test of a connector asks of the world around it."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Protocol

from inboxwatch.connector import MailConnector, Reading


class Mailbox(Protocol):
    """One mailbox on a real server, and the world around it. It has an inbox and a folder of sent mail, both empty."""

    secrets: tuple[str, ...]
    """Passwords and tokens in its settings: they must never be shown."""

    def connector(self, reading: Reading) -> MailConnector:
        """A fresh connector for it, as after a restart of the daemon. The test closes it."""
        ...

    def deliver(self, raw: bytes, *, sent: bool = False, when: datetime | None = None) -> None:
        """A message arrives in the inbox, or in the sent folder; `when` is the server's receive time (default: now)."""
        ...

    def deliver_unreadable(self) -> None:
        """A message arrives that the server or file system lists and then fails to give."""
        ...

    # A world that can do it has `mend_unreadable()`: after it, the message that came last in that way can be read.

    def handle(self) -> None:
        """A person's mail program marks everything as read and flags it."""
        ...

    def void_cursors(self) -> None:
        """The server forgets what cursors refer to (UIDVALIDITY changes, a history expires); the messages stay."""
        ...

    def break_connection(self) -> None:
        """The server is gone, with all its connections."""
        ...

    def mend_connection(self) -> None: ...

    def snapshot(self) -> Any:
        """All that a reader could have changed: folders, counts, flags, UIDs. Compared by `==`."""
        ...
