"""Optional packages: which command brings one that is missing, at the locked versions and hashes."""

from __future__ import annotations

import shlex
import sys
from importlib.util import find_spec
from pathlib import Path

LOCKS = Path(__file__).parent / "locks"
"""One lock an extra of `pyproject.toml`; each is whole by itself."""


def installed(package: str) -> bool:
    """Whether a top-level package can be imported; it is not."""
    try:
        return find_spec(package) is not None
    except (ImportError, ValueError):  # a finder refuses it, or its place in `sys.modules` is taken
        return False


def command(extra: str) -> str:
    """What to run so that the extra is there: the installer that made this environment, else pip of the interpreter."""
    made = Path(sys.prefix, "extras")
    installer = Path(sys.prefix).parent / "install.sh"
    if made.is_file() and installer.is_file():
        there = set(made.read_text(encoding="utf-8").strip().split(",")) - {"none"}
        return shlex.join(["sudo", str(installer), "--extras", ",".join(sorted(there | {extra}))])
    lock = LOCKS / f"{extra}.txt"
    return shlex.join([sys.executable, "-m", "pip", "install", "--require-hashes", "-r", str(lock)])
