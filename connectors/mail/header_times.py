"""When a message was received, by its own header: for servers that do not say it."""

from __future__ import annotations

import re
from datetime import datetime

from inboxwatch.core.mail.headers import date

_FOLD = re.compile(rb"\r?\n[ \t]+")
_FIELD = re.compile(rb"^(received|date)[ \t]*:([^\r\n]*)", re.IGNORECASE | re.MULTILINE)
_MAX_BLOCK = 128 * 1024


def time_in(header: bytes) -> datetime | None:
    """The time (UTC) of the topmost Received line, which our side wrote, or of Date where there is none, as in a Sent
    folder; None where neither can be read.
    """
    sent: datetime | None = None
    for name, value in _FIELD.findall(_FOLD.sub(b" ", header[:_MAX_BLOCK])):
        if name.lower() == b"date":
            sent = sent or date(value.strip())
        elif received := date(value.rpartition(b";")[2].strip()):
            return received
    return sent
