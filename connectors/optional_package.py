"""Client libraries of providers, imported when they are first needed: each costs memory and a tenth of a second."""

from __future__ import annotations

import importlib
import threading
from typing import Any

from inboxwatch.connector import MailboxError, Reason
from inboxwatch.extras import command

_importing = threading.RLock()
"""Two threads that import libraries with parts in common can see one half-made."""


def optional_package(module: str, extra: str) -> Any:
    """A module of an optional package. Raises MailboxError that names the extra where it is not installed."""
    with _importing:
        try:
            return importlib.import_module(module)
        except ImportError as error:
            raise MailboxError(
                Reason.CLIENT,
                f"the package {(error.name or module).partition('.')[0]} is missing",
                hint=command(extra),
                permanent=True,
            ) from error
