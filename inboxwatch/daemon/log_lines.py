"""What a line of the log holds: who speaks, ids, servers' own words. No secret, no address, no value of a defect's."""

from __future__ import annotations

import sys
import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from inboxwatch.connector import MailboxError
from inboxwatch.hidden import hidden, without_addresses
from inboxwatch.notify import ChannelError
from inboxwatch.now import now
from inboxwatch.store import Outage, StoreError

NAMES = frozenset({"mailbox", "mailboxes", "channel", "channels", "source", "people", "teams"})
"""Fields that hold names of the config as they are, so that the lines of one can be found, whatever it is called."""
FIRST = ("at", "level", "event")
LONGEST = 1000
"""Characters of a text; servers answer with whole pages."""
MOST = 30
"""Items of a list, places of a trace; further ones are counted."""

_SPEAKING = (MailboxError, ChannelError, Outage, StoreError, OSError)
"""Their text is a server's or the system's; that of others may quote a message."""


def stamped(_logger: Any, _method: str, event: Any) -> Any:
    """Adds the time, in UTC."""
    event["at"] = now().isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return event


def traced(_logger: Any, _method: str, event: Any) -> Any:
    """An exception by its kind and place; in its own words only where these are a server's or the system's."""
    error = event.pop("exc_info", None)
    if error and not isinstance(error, BaseException):
        error = (error if isinstance(error, tuple) else sys.exc_info())[1]
    if isinstance(error, BaseException):
        event["error"], event["trace"] = in_words(error), list(_places(error))[-MOST:]
    return event


def in_words(error: BaseException) -> str:
    """What failed: the kind of a defect, with the words of what a server or the system says."""
    kind = type(error).__name__
    return f"{kind}: {error}" if isinstance(error, _SPEAKING) and str(error) else kind


def _places(error: BaseException) -> Iterator[str]:
    """Where it was raised, after the places of what caused it, which it follows."""
    cause = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    if cause is not None:
        yield from _places(cause)
        yield f"{in_words(cause)}, and then:"
    for frame in traceback.extract_tb(error.__traceback__)[-MOST:]:
        yield f"{'/'.join(Path(frame.filename).parts[-3:])}:{frame.lineno} {frame.name}"


def scrubbed(_logger: Any, _method: str, event: Any) -> Any:
    """Without a secret or an address anywhere; long texts and lists are cut. What everybody reads comes first."""
    told = {name: _scrubbed(value, names=name in NAMES) for name, value in event.items()}
    return {name: told.pop(name) for name in FIRST if name in told} | told


def _scrubbed(value: Any, *, names: bool) -> Any:
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, dict):
        return {str(name): _scrubbed(item, names=names) for name, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        items = list(value)
        more = [f"and {len(items) - MOST} more"] if len(items) > MOST else []
        return [_scrubbed(item, names=names) for item in items[:MOST]] + more
    # Cut before it is read: a server's page may be megabytes. What is cut off may be the rest of a secret.
    text = hidden(str(value)[:LONGEST])
    if not text.isprintable():
        text = "".join(char if char.isprintable() else " " for char in text)
    return text if names else without_addresses(text)
