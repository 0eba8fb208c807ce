"""Cells of CSV files that a spreadsheet shows as they are."""

from __future__ import annotations

_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
"""What a spreadsheet takes for the beginning of a formula (OWASP, CSV Injection), in its wide forms too."""


def plain(value: object) -> str:
    """A cell that is shown as it is. An apostrophe before text keeps a spreadsheet from calculating it."""
    if isinstance(value, float):
        return f"{value:.0f}"
    text = "" if value is None else str(value)
    return f"'{text}" if text.startswith(_FORMULA) or text.lstrip().startswith(_FORMULA) else text
