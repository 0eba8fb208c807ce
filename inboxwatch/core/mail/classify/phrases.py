"""Looking for many phrases in a short text at the cost of its words, not of the phrases."""

from __future__ import annotations

import re
from collections.abc import Iterable

_WORD = re.compile(r"\w+")
_SPACED = re.compile(r"[a-zà-ɏͰ-ӿ]")


class Phrases:
    """A table of phrases, case folded; `find` gives the first of them that a case-folded text holds."""

    def __init__(self, *tables: Iterable[str]) -> None:
        self._by_word: dict[str, list[str]] = {}
        self._anywhere: list[str] = []
        for phrase in (one for table in tables for one in table):
            first = _WORD.search(phrase)
            # Scripts without spaces have no words to look up.
            if first is None or not _SPACED.match(first[0]):
                self._anywhere.append(phrase)
            else:
                self._by_word.setdefault(first[0], []).append(phrase)

    def find(self, text: str, words: Iterable[str] | None = None) -> str | None:
        """The phrase found, or None; it begins where a word of the text begins. `words`: the text's, if at hand."""
        known = self._by_word
        for word in words_of(text) if words is None else words:
            if word in known:
                for phrase in known[word]:
                    if phrase in text:
                        return phrase
        if not text.isascii():
            return next((phrase for phrase in self._anywhere if phrase in text), None)
        return None

    def starts(self, text: str) -> str | None:
        """The phrase with which a text begins."""
        first = _WORD.search(text)
        if first is None:
            return None
        rest = text[first.start() :]
        found = next((phrase for phrase in self._by_word.get(first[0], ()) if rest.startswith(phrase)), None)
        return found or next((phrase for phrase in self._anywhere if rest.startswith(phrase)), None)


def words_of(text: str) -> list[str]:
    """The words of a text."""
    return _WORD.findall(text)
