"""`explain`: prints what is known of a clock, a message or a lead."""

from __future__ import annotations

import sys
from datetime import datetime
from typing import TYPE_CHECKING

from inboxwatch.engine.explanation import explain
from inboxwatch.engine.rules import Rules
from inboxwatch.now import now
from inboxwatch.store import Store, StoreError

if TYPE_CHECKING:
    from inboxwatch.config import Config

OK, UNKNOWN = 0, 1


def run_explain(config: Config, ref: str, then: datetime | None = None) -> int:
    """The command; `then` asks who owned it at that instant. Returns the exit code."""
    try:
        store = Store(config.store_url.reveal())
    except StoreError as error:
        return _say(str(error))
    try:
        with store.reading() as tx:
            lines = list(explain(tx, Rules.connect(config), ref, now(), then))
    finally:
        store.close()
    if not lines:
        return _say(f"nothing is known of {ref!r}: give a clock id, a Message-ID or a lead's address")
    print("\n".join(_clean(line) for line in lines))  # noqa: T201  (the command's output)
    return OK


def _clean(line: str) -> str:
    """A buyer's name or address must not steer the reader's terminal."""
    return "".join(char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in line)


def _say(text: str) -> int:
    print(f"inboxwatch: {text}", file=sys.stderr)  # noqa: T201  (a command's own words)
    return UNKNOWN
