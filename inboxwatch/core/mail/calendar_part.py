"""How a calendar part is read: its lines, and the method that it has (RFC 5545, 3.1 and 3.7.2; RFC 6047, 2.4)."""

from __future__ import annotations

import re

from inboxwatch.core.model import Message, Part

METHOD = re.compile(rb"^METHOD[ \t]*:[ \t]*([A-Z]+)", re.IGNORECASE | re.MULTILINE)
"""As the unfolded part itself has it."""
DECLARED = re.compile(r"method=([a-z]+)")
"""As the content type, which is lower case, declares it."""
_FOLD = re.compile(rb"\r?\n[ \t]")


def calendar_part(message: Message) -> Part | None:
    """The first calendar part of a message."""
    return next((one for one in message.parts or () if one.content_type.startswith("text/calendar")), None)


def unfolded(payload: bytes) -> bytes:
    """The lines of a part, each in one piece."""
    return _FOLD.sub(b"", payload)
