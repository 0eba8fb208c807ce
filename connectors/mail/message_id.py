"""The Message-ID of a header block, read as the core reads it: the census compares the two."""

from __future__ import annotations

from datetime import UTC, datetime

from inboxwatch.core.mail.headers import Unusable, parse
from inboxwatch.core.model import FolderRole, RawMessage

_ANY_TIME = datetime(2000, 1, 1, tzinfo=UTC)


def message_id(header: bytes) -> str:
    """Without brackets; empty where the header has none."""
    try:
        found = parse(RawMessage("", FolderRole.OTHER, _ANY_TIME, header)).id
    except Unusable:
        return ""
    return "" if found.endswith("@missing.inboxwatch") else found
