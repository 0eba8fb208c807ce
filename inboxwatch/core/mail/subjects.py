"""Subjects: what remains when the prefixes of answers and forwards and the tags of lists are taken away."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from inboxwatch.core.mail.words.numbering import NUMBERED
from inboxwatch.core.mail.words.reply_prefixes import FORWARD, REPLY, WAS

_PREFIX = re.compile(
    r"\s*+([^\W\d_]{1,14}\.?(?:[ -][^\W\d_]{1,9})?)\s*+(?:[\[(^*]\s*+\d{1,3}\s*+[\])]?|\d{1,2})?\s*+[:：]\s*+"
)
_TAG = re.compile(r"\s*+\[([^\[\]]{1,60}+)\]\s*+")
_OLD = re.compile(rf"[\[(]\s*+(?:{'|'.join(WAS)})\s*+[:：]\s*+(?=.)", re.IGNORECASE)
_SERIES = re.compile(r"[\[(]([^\[\]()]*?)\b(\d{1,4})\s*+/\s*+(\d{1,4})([^\[\]()]*+)[\])]")
_KEPT = re.compile(r"[\W_]+")
_ALWAYS_OPEN = re.compile(r"(?<![\d/])(?:24/7|365/24)(?![\d/])")
_WITH_DIGIT = re.compile(
    r"(?<![^\W\d_])(?P<before>[^\W\d_]++[-_.])?(?P<token>[^\W\d_]*+\d[^\W_]*+)(?P<behind>[-_][^\W\d_]{2,}+)?"
)
_PIECES = re.compile(r"\d+|[^\W\d_]+")


@dataclass(frozen=True, slots=True)
class Subject:
    """A subject taken apart."""

    text: str
    """Without prefixes and list tags."""
    key: str
    """Letters and digits of the text, case folded: equal for a message and its answers."""
    reply: bool = False
    """It bears the prefix of an answer."""
    forward: bool = False
    was: str = ""
    """The key of the subject that this one replaced: `New (was: Old)`."""
    series: tuple[str, int, int] | None = None
    """Of a numbered series such as `[Part 2/5]`: what the brackets say besides, this number, how many."""

    @property
    def prefixed(self) -> bool:
        """A person's program put an answer's or a forward's prefix before it."""
        return self.reply or self.forward


def normal_subject(subject: str) -> str:
    """The subject without prefixes of answers and forwards (of many languages) and without list tags."""
    return read(subject).text


@lru_cache(maxsize=8192)
def read(subject: str) -> Subject:
    """Takes a subject apart; at most its first 1000 characters count."""
    text, reply, forward = subject[:1000].strip(), False, False
    for _ in range(20):
        if (tag := _TAG.match(text)) and tag.end() < len(text) and not _numbers(tag[1]):
            text = text[tag.end() :]
            continue
        found = _PREFIX.match(text)
        word = found[1].casefold().replace(" ", "-") if found else ""
        word = word if word in REPLY or word in FORWARD else word.rstrip(".")
        if found is None or word not in REPLY | FORWARD:
            break
        reply, forward = reply or word in REPLY, forward or word in FORWARD
        text = text[found.end() :]
    was = ""
    if old := _OLD.search(text):
        before = text[old.end() :]
        older = _OLD.search(before)
        was = read((before[: older.start()] if older else before).rstrip().rstrip("])")).key
        text = text[: old.start()]
    series = _SERIES.search(text)
    numbered = None
    if series and 0 < int(series[3]) >= int(series[2]):
        numbered = (_key(series[1] + " " + series[4]), int(series[2]), int(series[3]))
    return Subject(text.strip(), _key(text), reply, forward, was, numbered)


def _numbers(tag: str) -> bool:
    """Whether a tag numbers something (`#4711`, `2/5`, `v2`, `Ticket 12`), rather than naming a list (`p2p-talk`).

    Where it may be either it numbers: strangers are kept apart.
    """
    if not any(c.isdigit() for c in tag):
        return False
    text = _ALWAYS_OPEN.sub("", tag)
    return (
        any(mark in tag for mark in "#№:@")
        or not any(c.isalpha() for c in text)
        or any(not _names(found) for found in _WITH_DIGIT.finditer(text))
    )


def _names(found: re.Match[str]) -> bool:
    """Whether a word with digits is part of a name: `p2p`, `log4j`, `ipv6`, `list-2`, `9fans`, `50-plus`."""
    before, token, behind = found["before"] or "", found["token"], found["behind"] or ""
    pieces = _PIECES.findall(token)
    digits = sum(len(piece) for piece in pieces if piece.isdigit())
    first, last = pieces[0], pieces[-1]
    if digits > 2:
        return False
    if len(pieces) == 1:
        stem = before[:-1] or behind[1:]
        return len(stem) > 1 and stem.islower() and stem not in NUMBERED
    if first.isdigit():
        return len(last) > 2
    if last.isdigit() and len(pieces) == 2:
        return not first.isupper() and first.casefold() not in NUMBERED
    return True


def _key(text: str) -> str:
    return _KEPT.sub("", text.casefold())
