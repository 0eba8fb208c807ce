"""Where a feed stands: what its cursors hold. One that is not ours means a beginning."""

from __future__ import annotations

import json
import re
from dataclasses import asdict, dataclass

from inboxwatch.connector import Cursor

_VERSION = 1
_INSTANT = re.compile(r"(?:\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z)?", re.ASCII)
_ID = re.compile(r"[A-Za-z0-9]{0,18}", re.ASCII)
_DIGEST = re.compile(r"[0-9a-f]{0,32}", re.ASCII)


@dataclass(frozen=True, slots=True)
class LookUnderWay:
    """A look that is under way. Instants are SOQL's literals, by the server's clock."""

    at: str
    """When it began: the next one reads from here, less the overlap."""
    passing: bool = False
    """A whole pass belongs to it."""
    records: bool = False
    """The pass reads whole records, not only their Ids."""
    anew: bool = False
    """Other things are asked than before: what reaches back is read from its beginning."""
    passed: int = 0
    """Objects that the pass has read to their end."""
    last: str = ""
    """The last Id that it read of the next one."""
    stream: int = 0
    """Streams that were read to their end."""
    since: str = ""
    """The time stamp and the Id from which the next stream is read on; empty: from its beginning."""
    after: str = ""


@dataclass(frozen=True, slots=True)
class SalesforcePosition:
    """What is known between two batches."""

    asked: str = ""
    """The digest of what was asked: with other settings, all records are read again."""
    owners: str = ""
    """The digest of our people, with whom all records were read."""
    until: str = ""
    """Everything that changed before this instant was told; empty: there was no look yet."""
    passed: str = ""
    """When the last whole pass began."""
    complete: str = ""
    """When the last whole pass of whole records began."""
    look: LookUnderWay | None = None


def encode(position: SalesforcePosition) -> Cursor:
    """The cursor of a position."""
    return Cursor(json.dumps({"v": _VERSION, **asdict(position)}, separators=(",", ":")))


def decode(cursor: Cursor | None) -> SalesforcePosition:
    """The position of a cursor; that of a beginning where it is none of ours."""
    try:
        found = json.loads(cursor or "")
        if found.pop("v") != _VERSION:
            return SalesforcePosition()
        look = found.pop("look")
        position = SalesforcePosition(**found, look=None if look is None else LookUnderWay(**look))
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return SalesforcePosition()
    return position if _sound(position) else SalesforcePosition()


def _sound(position: SalesforcePosition) -> bool:
    """Its parts become parts of queries."""
    texts = [(position.asked, _DIGEST), (position.owners, _DIGEST)]
    texts += [(one, _INSTANT) for one in (position.until, position.passed, position.complete)]
    look = position.look
    if look is not None:
        texts += [(look.at, _INSTANT), (look.since, _INSTANT), (look.last, _ID), (look.after, _ID)]
        numbers = (look.passed, look.stream)
        if not look.at or any(type(one) is not int or one < 0 for one in numbers):
            return False
        if any(type(one) is not bool for one in (look.passing, look.records, look.anew)):
            return False
    return all(type(text) is str and pattern.fullmatch(text) for text, pattern in texts)
