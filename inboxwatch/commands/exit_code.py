"""What a command tells the shell when it ends."""

from __future__ import annotations

from enum import IntEnum


class ExitCode(IntEnum):
    """The exit codes of every command."""

    OK = 0
    FAILED = 1
    """It was done in part or not at all: refused, unreachable, unknown, or a finding of `check`."""
    BAD_CONFIG = 2
    """The config or an option cannot be used; nothing was done."""
    INTERRUPTED = 130
    """Ended by Ctrl-C: 128 and the number of SIGINT, as shells have it."""
