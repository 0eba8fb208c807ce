"""Messages as they stand in a mailbox, for tests that deliver mail."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime
from email.utils import format_datetime

_numbers = itertools.count(1)


def message_bytes(
    sender: str,
    to: str,
    *,
    id: str = "",  # noqa: A002  (the header's own name)
    answers: str = "",
    subject: str = "Seats for the spring term",
    at: datetime | None = None,
    text: str = "Hello",
    extra: str = "",
) -> bytes:
    """A message as it stands in a mailbox; `answers` is the Message-ID it replies to."""
    name = id or f"m{next(_numbers)}@{sender.rpartition('@')[2]}"
    lines = [
        f"Message-ID: <{name}>",
        f"From: {sender}",
        f"To: {to}",
        f"Subject: {'Re: ' if answers else ''}{subject}",
        f"Date: {format_datetime(at or datetime.now(UTC))}",
    ]
    lines += [f"In-Reply-To: <{answers}>", f"References: <{answers}>"] if answers else []
    lines += [extra] if extra else []
    return ("\r\n".join(lines) + f"\r\n\r\n{text}\r\n").encode()
