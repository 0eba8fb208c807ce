"""Logs: colours on a terminal, JSON when piped; no addresses or subjects above debug."""

from __future__ import annotations

import logging
import sys
from typing import Any

import structlog

from inboxwatch.hidden import hidden
from inboxwatch.now import now

LEVELS = {"debug": logging.DEBUG, "info": logging.INFO, "warning": logging.WARNING, "error": logging.ERROR}


def configure(level: str = "info") -> None:
    """Sets up structlog on standard error. Raises ValueError for an unknown level."""
    if level not in LEVELS:
        raise ValueError(f"{level!r} is no log level; known are {', '.join(LEVELS)}")
    terminal = sys.stderr.isatty()
    render: Any = structlog.dev.ConsoleRenderer() if terminal else structlog.processors.JSONRenderer()
    processors: list[Any] = [structlog.processors.add_log_level, _stamp, structlog.processors.format_exc_info, _cut]
    structlog.configure(
        processors=[*processors, render],
        wrapper_class=structlog.make_filtering_bound_logger(LEVELS[level]),
        logger_factory=lambda *_: structlog.PrintLogger(sys.stderr),  # whatever standard error is by then
        cache_logger_on_first_use=False,
    )
    # Libraries speak up only when something is wrong: what they say below that may hold addresses.
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_HidingFormatter(logging.BASIC_FORMAT))
    logging.basicConfig(level=logging.ERROR, handlers=[handler])


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
