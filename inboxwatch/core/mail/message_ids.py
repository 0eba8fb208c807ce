"""Ids of messages in Message-ID, In-Reply-To and References, read however programs and people have written them."""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import cast

from inboxwatch.core.model import MessageId

MAX_WORDS = 200
"""So many words between ids are looked at."""

_ID = re.compile(r"<([^<>\s]+)>")
_BARE_ID = re.compile(r"[^\s<>,;\"()@]++@[^\s<>,;\"()]++")
_PLAIN_ADDRESS = re.compile(r"[a-z][a-z._+-]*\d{0,4}@[a-z0-9.-]+", re.IGNORECASE)
_ASIDE = re.compile(r'<[^<>]*>?|"(?:[^"\\]|\\.)*"?|\((?:[^()\\]|\\.|\((?:[^()\\]|\\.)*\)?)*\)?')
"""A bracketed id, a quoted string, or a comment with comments in it (RFC 5322, 3.2); it costs linear time."""
_NO_ASIDE = str.maketrans('()"', "   ")
_IN_AND_OUT = re.compile(r"<([^<>]+)>?|([^<]+)")
_OF_PERSON = re.compile(r"\s*['’´`\"]")
"""Behind an address: `'s message of ...`, or the title of the answered message."""
_CAPITALS = re.compile(r"[A-Z]+")


def own(text: str) -> MessageId | None:
    """The id in a Message-ID header, or None where it holds nothing."""
    bracketed = _ID.search(text)
    before = text[: bracketed.start()].strip() if bracketed else ""
    # A program that broke off one id and wrote another below is answered under the whole one.
    if bracketed and (not before or (before[0] == "<" and ">" not in before)):
        return MessageId(bracketed[1])
    if known := ids(text):
        return known[0]
    bare = text.strip(" \t<>").split()
    return MessageId(bare[0][:998]) if bare else None


def ids(text: str, *, prose: bool = False, but: str | None = None) -> tuple[MessageId, ...]:
    """The msg-ids of a header value, in order, each once: where it stands last, nearest to the message.

    Ids without brackets, broken by a fold or spaces, escaped as in HTML, and between comments are read; in `prose`
    (In-Reply-To of RFC 822: "Your message of ... <person@host>") a plain address is no id. `but` is left out: no
    message answers itself.
    """
    found = _ID.findall(text)
    if not len(found) == text.count("<") == len(text.split()) or (prose and len(found) > 1):
        found = _odd(text, prose)
    if len(found) == 1:
        return () if found[0] == but else (MessageId(found[0]),)
    if len(set(found)) < len(found):
        found = list(reversed(dict.fromkeys(reversed(found))))
    if but in found:
        found.remove(but)
    return cast("tuple[MessageId, ...]", tuple(found))


def of_nobody(found: tuple[MessageId, ...], people: Collection[str]) -> tuple[MessageId, ...]:
    """The ids without those that are addresses (lower case) of the message's people.

    Programs took them from an In-Reply-To in prose and passed them on in References: as an id, one person's address
    would join all mail to them.
    """
    if not any(one in people or one.lower() in people for one in found):
        return found
    return tuple([one for one in found if one.lower() not in people])


def _odd(text: str, prose: bool) -> list[str]:
    """The ids of a value that is more than ids in brackets with spaces between."""
    if "&lt;" in text:
        text = text.replace("&lt;", "<").replace("&gt;", ">")
    said = _ASIDE.sub(lambda aside: aside[0] if aside[0][0] == "<" else " ", text)
    if "@" not in said and "<" not in said:
        said = text.translate(_NO_ASIDE)
    found: list[str] = []
    around = prose and said != text
    bracketed = said.count("<")
    for inner, outer in _IN_AND_OUT.findall(said):
        if inner:
            found.extend(_within(inner, alone=bracketed == 1))
        elif words := [word.strip(",;") for word in outer.split()[:MAX_WORDS]]:
            bare = [word.strip("<>") for word in words if _BARE_ID.fullmatch(word.strip("<>"))]
            if len(bare) == len([word for word in words if word]):
                found.extend(bare)
            else:
                around = True
                found.extend(one for one in bare if prose and not bracketed and _no_address(one))
    if not prose or not (around or len(found) > 1):
        return found
    sure = [one for one in found if not _is_address(one) and ("@" in one or not around)]
    if sure or not found:
        return sure
    if not around:
        return found
    first = text.strip()
    return found[:1] if first[:1] == "<" and not _OF_PERSON.match(first.partition(">")[2]) else []


def _within(inner: str, *, alone: bool) -> list[str]:
    """The ids between two brackets: as a rule one, whatever spaces a fold left in it."""
    words = inner.replace(",", " ").replace(";", " ").split() if inner.count("@") > 1 else []
    if len(words) > 1:
        return [word for word in words if "@" in word]
    whole = "".join(inner.split())[:998].rstrip(",;")
    return [whole] if whole and (alone or "@" in whole or whole == inner) else []


def _is_address(one: str) -> bool:
    """Whether an id may as well be the address of a person."""
    if not _PLAIN_ADDRESS.fullmatch(one):
        return False
    local = one.partition("@")[0]
    longest = max(map(len, _CAPITALS.findall(local)), default=0)
    return longest < 20 and (longest < 8 or local.isupper())


def _no_address(one: str) -> bool:
    """Whether a word with an @ is surely an id: nobody's address has so many digits."""
    return sum(c.isdigit() for c in one.partition("@")[0]) > 4
