"""What takes the place of a forgotten person's addresses and name: a word that nothing leads back from."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from typing import Any

DOMAIN = "forgotten.invalid"
"""Of the addresses that stand for forgotten people; RFC 2606 keeps it from ever being anybody's."""
_NAME_LENGTH = 6
"""A name of fewer letters, or of one word, may be any word: it is not looked for in other people's sentences."""


class Pseudonym:
    """Replaces a person's addresses, and the full name, wherever they stand."""

    def __init__(self, addresses: Iterable[str], names: Iterable[str], token: str) -> None:
        """`token`: letters and digits that were drawn by lot."""
        self.address = f"forgotten-{token}@{DOMAIN}"
        """Stands for each of the addresses, and for the lead."""
        known = sorted({one.lower() for one in addresses if one}, key=len, reverse=True)
        told = {" ".join(one.split()) for one in names}
        full = sorted((one for one in told if " " in one and len(one) >= _NAME_LENGTH), key=len, reverse=True)
        # No part of a longer address or word: `jimbo@buyer.test` is not `bo@buyer.test`.
        self._addresses = _any_of(known, r"(?<![\w.+\-])", r"(?![\w\-]|\.\w)")
        self._names = _any_of(full, r"(?<!\w)", r"(?!\w)")
        self.terms = tuple(dict.fromkeys(form for one in (*known, *full) for form in _forms(one.lower())))
        """One of them is in every text that names the person, in lower case as it is or as JSON writes it."""

    def in_text(self, text: str) -> str:
        if self._addresses is not None:
            text = self._addresses.sub(self.address, text)
        return text if self._names is None else self._names.sub("forgotten", text)

    def in_json(self, value: Any) -> Any:
        """The same in every text of a JSON value, keys too."""
        if isinstance(value, str):
            return self.in_text(value)
        if isinstance(value, list):
            return [self.in_json(one) for one in value]
        if isinstance(value, dict):
            return {self.in_text(key): self.in_json(one) for key, one in value.items()}
        return value


def _any_of(words: list[str], before: str, after: str) -> re.Pattern[str] | None:
    if not words:
        return None
    return re.compile(f"{before}(?:{'|'.join(map(re.escape, words))}){after}", re.IGNORECASE)


def _forms(word: str) -> tuple[str, ...]:
    return word, json.dumps(word)[1:-1].lower()
