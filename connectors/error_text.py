"""A provider's own words, fit for a log and a page."""

from __future__ import annotations

import re

_MAX_TEXT = 300
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]+")


def one_line(text: str) -> str:
    """The text without control characters, at most 300 characters of it."""
    words = _CONTROL.sub(" ", text).strip()
    return words if len(words) <= _MAX_TEXT else words[: _MAX_TEXT - 1] + "…"
