"""Regular expressions that operators write in files of rules."""

from __future__ import annotations

import re
from collections.abc import Iterable


def checked(words: tuple[str, ...]) -> tuple[str, ...]:
    """The expressions as they are. Raises ValueError that names one that is none."""
    for word in words:
        try:
            re.compile(word)
        except (re.error, OverflowError, RecursionError) as error:
            raise ValueError(f"{word!r} is no regular expression: {error}") from None
    return words


def any_of(words: Iterable[str]) -> re.Pattern[str]:
    """One expression made of some that were checked. Raises ValueError where they cannot stand beside each other."""
    try:
        return re.compile("|".join(f"(?:{word})" for word in words))
    except re.error as error:  # as of flags for a whole expression, or a group's name given twice
        raise ValueError(f"its expressions cannot stand beside each other: {error}") from None
