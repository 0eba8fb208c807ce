"""`run`: the daemon, from a config that holds to its end."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

import structlog

from inboxwatch.commands.exit_code import ExitCode
from inboxwatch.commands.terminal import fail
from inboxwatch.daemon import systemd
from inboxwatch.daemon.app import App
from inboxwatch.store import StoreAwayError, StoreError

if TYPE_CHECKING:
    from pathlib import Path

    from inboxwatch.config import Config

log = structlog.get_logger(__name__)

WAIT = 600.0
"""Seconds for which a start waits for a database server that does not answer: one that boots beside us comes up."""
PAUSE = 3.0


def run_daemon(path: Path, config: Config) -> ExitCode:
    """The command; returns the exit code once the daemon has ended."""
    try:
        asyncio.run(_opened(path, config).serve())
    except StoreError as error:
        return fail(str(error))
    except OSError as error:
        return fail(f"cannot listen on {config.web.listen}: {error.strerror}. Is another daemon running?")
    return ExitCode.OK


def _opened(path: Path, config: Config) -> App:
    """The daemon over its store. Raises StoreError."""
    until, told = time.monotonic() + WAIT, False
    while True:
        try:
            return App(path, config)
        except StoreAwayError as error:
            if time.monotonic() >= until:
                raise
            if not told:
                log.warning("waiting for the store", error=str(error), seconds=WAIT)
                systemd.tell(STATUS="waiting for the store")
            told = True
            time.sleep(PAUSE)
