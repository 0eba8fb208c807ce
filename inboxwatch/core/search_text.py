"""What a lead is found by when somebody types a few letters: name, company and addresses, without accents and case."""

from __future__ import annotations

import unicodedata
from functools import lru_cache

from inboxwatch.core.model import Lead

MOST_WORDS = 8
"""Words of a query that are looked for."""
_APART = "\x1f"
"""Between fields: nobody asks for it."""
_LETTERS = str.maketrans(
    {"æ": "ae", "ð": "d", "ø": "o", "þ": "th", "đ": "d", "ħ": "h", "ı": "i", "ł": "l", "œ": "oe", "ŧ": "t"}
)
"""Letters that Unicode does not take apart, as they are typed without them."""
_SPELT = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "å": "aa", "ø": "oe"})
"""The other way in which they are written in addresses and by foreigners."""


@lru_cache(maxsize=4096)
def folded(text: str) -> str:
    """A text as it is compared: `Żółć Çelik` and `ZOLC celik` are the same."""
    if text.isascii():
        return text.lower()
    apart = unicodedata.normalize("NFKD", text.casefold())
    plain = "".join(char for char in apart if not unicodedata.combining(char))
    return plain.casefold().translate(_LETTERS)


def search_text(lead: Lead) -> str:
    """The text in which the words of a query are looked for; `Müller` is found by `muller` and by `mueller`."""
    fields = [lead.name, lead.company, lead.id, *lead.aliases, lead.domain]
    spelt = [unicodedata.normalize("NFC", one).casefold().translate(_SPELT) for one in fields if not one.isascii()]
    return _APART.join(dict.fromkeys(map(folded, (*fields, *spelt))))


def begins_with(name: str) -> str:
    """With what the text of a lead of this whole name begins; empty for no name."""
    plain = folded(name).strip()
    return f"{plain}{_APART}" if plain and _APART not in plain else ""


def search_words(query: str) -> list[str]:
    """The words of a query, each of which must be a part of what is found; a NUL is none."""
    return list(dict.fromkeys(folded(query).replace("\0", " ").replace(_APART, " ").split()))[:MOST_WORDS]
