"""Optional packages: which command brings one that is missing, at the locked versions and hashes."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path

LOCKS = Path(__file__).parent / "locks"
"""One lock an extra of `pyproject.toml`; each is whole by itself."""


def command(extra: str) -> str:
    """What to run, by the interpreter at work, so that the extra is there."""
    lock = LOCKS / f"{extra}.txt"
    return shlex.join([sys.executable, "-m", "pip", "install", "--require-hashes", "-r", str(lock)])
