"""Logs: colours on a terminal, JSON when piped, with priorities where the journal reads it.

The level is that of the command line, and by area that of the config, which a reload changes.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Mapping
from typing import Any

import structlog

from inboxwatch.daemon import journal
from inboxwatch.daemon.log_lines import scrubbed, stamped, traced

LEVELS = {"debug": logging.DEBUG, "info": logging.INFO, "warning": logging.WARNING, "error": logging.ERROR}


_COMMAND_LINE = "--log-level"
_levels = {_COMMAND_LINE: logging.INFO, "": logging.INFO}
"""By area (the longest that fits counts; no name: all others). A process has one log."""


class _AreaLogger(structlog.PrintLogger):
    """Writes to whatever standard error is by then, and knows who speaks."""

    def __init__(self, name: str = "") -> None:
        super().__init__(sys.stderr)
        self.area = name.removeprefix("inboxwatch.")


def configure(level: str = "info") -> None:
    """Sets up structlog on standard error. Raises ValueError for an unknown level."""
    if level not in LEVELS:
        raise ValueError(f"{level!r} is no log level; known are {', '.join(LEVELS)}")
    _levels.clear()
    _levels[_COMMAND_LINE] = _levels[""] = LEVELS[level]
    _set_up()
    # Libraries speak up only when something is wrong: what they say below that is about each message.
    logging.basicConfig(level=logging.ERROR, handlers=[_Libraries()])


def set_areas(levels: Mapping[str, str]) -> None:
    """Takes over the levels of areas (`default` is all that no other fits); what was set before is gone."""
    given = _levels[_COMMAND_LINE]
    _levels.clear()
    _levels[_COMMAND_LINE] = _levels[""] = given
    _levels.update({"" if area == "default" else area: LEVELS[level] for area, level in levels.items()})
    if structlog.get_config()["logger_factory"] is _AreaLogger:
        _set_up()


def _set_up() -> None:
    terminal = sys.stderr.isatty()
    render: Any = structlog.dev.ConsoleRenderer() if terminal else structlog.processors.JSONRenderer()
    processors: list[Any] = [_by_area, structlog.processors.add_log_level, stamped, traced, scrubbed]
    structlog.configure(
        processors=[*processors, render, _marked],
        wrapper_class=structlog.make_filtering_bound_logger(min(_levels.values())),
        logger_factory=_AreaLogger,
        cache_logger_on_first_use=False,
    )


def _by_area(logger: Any, method: str, event: Any) -> Any:
    """Drops what the level of the speaker's area leaves out."""
    area = getattr(logger, "area", "")
    while area and area not in _levels:
        area = area.rpartition(".")[0]
    if LEVELS.get(method, logging.ERROR) < _levels[area]:
        raise structlog.DropEvent
    return event


def _marked(_logger: Any, method: str, line: Any) -> str:
    return journal.marked(line, method)


class _Libraries(logging.Handler):
    """What libraries say becomes lines like ours: JSON for JSON, without secrets, addresses and values."""

    def emit(self, record: logging.LogRecord) -> None:
        level = "warning" if record.levelno < logging.ERROR else "error"
        say = getattr(structlog.get_logger(record.name), level)
        # Further lines show objects, with values in them.
        what = next(iter(record.getMessage().splitlines()), "")
        say(what, library=record.name, exc_info=record.exc_info)
