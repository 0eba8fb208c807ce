"""Priorities of lines for the journal of systemd, which otherwise takes each for information (sd-daemon(3))."""

from __future__ import annotations

import os
import sys
from typing import IO

PRIORITIES = {"critical": 2, "error": 3, "warning": 4, "info": 6, "debug": 7}
"""As in syslog(3)."""


def read_by_journal(stream: IO[str]) -> bool:
    """Whether a stream goes to the journal: JOURNAL_STREAM names its device and inode (systemd.exec(5))."""
    try:
        found = os.fstat(stream.fileno())
    except (OSError, ValueError):  # closed, or no file
        return False
    return os.environ.get("JOURNAL_STREAM") == f"{found.st_dev}:{found.st_ino}"


def marked(line: str, level: str = "error") -> str:
    """A line for standard error, with its priority where the journal reads it."""
    return f"<{PRIORITIES[level]}>{line}" if read_by_journal(sys.stderr) else line
