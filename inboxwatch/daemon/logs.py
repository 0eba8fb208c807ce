"""Logs: colours on a terminal, JSON when piped; no addresses or subjects above debug.

The level is that of the command line, and by area that of the config, which a reload changes.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Mapping
from typing import Any

import structlog

from inboxwatch.hidden import hidden
from inboxwatch.now import now

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
    # Libraries speak up only when something is wrong: what they say below that may hold addresses.
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_HidingFormatter(logging.BASIC_FORMAT))
    logging.basicConfig(level=logging.ERROR, handlers=[handler])


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
    processors: list[Any] = [_by_area, structlog.processors.add_log_level, _stamp]
    structlog.configure(
        processors=[*processors, structlog.processors.format_exc_info, _cut, render],
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


def _cut(_logger: Any, _name: str, event: Any) -> Any:
    return _without_secrets(event)


def _without_secrets(value: Any) -> Any:
    """A value of a log line with every configured secret cut out, however deep it stands."""
    if isinstance(value, str):
        return hidden(value)
    if isinstance(value, dict):
        return {name: _without_secrets(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [_without_secrets(item) for item in value]
    return value if value is None or isinstance(value, bool | int | float) else hidden(str(value))


class _HidingFormatter(logging.Formatter):
    """What libraries say, without secrets, and without the texts of their errors' values."""

    def format(self, record: logging.LogRecord) -> str:
        return hidden(super().format(record))


def _stamp(_logger: Any, _name: str, event: Any) -> Any:
    event["at"] = now().isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return event
