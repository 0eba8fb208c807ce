"""What every loop of the daemon works with."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from inboxwatch.daemon.writer import Writer
from inboxwatch.engine.rules import Rules
from inboxwatch.now import Now


def _nobody() -> None:
    """No loop waits beside this one."""


@dataclass(frozen=True, slots=True)
class LoopContext:
    """The rules of one config, the way to the store, the time, and the other loops."""

    rules: Rules
    writer: Writer
    now: Now
    wake: Callable[[], None] = _nobody
    """Says to the other loops that clocks or deliveries may be due."""
