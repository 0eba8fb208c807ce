"""Subjects: what remains when the prefixes of answers and forwards and the tags of lists are taken away."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from inboxwatch.core.mail.words.reply_prefixes import FORWARD, REPLY, WAS

_PREFIX = re.compile(
    r"\s*([^\W\d_]{1,14}\.?(?:[ -][^\W\d_]{1,9})?)\s*(?:[\[(^*]\s*\d{1,3}\s*[\])]?|\d{1,2})?\s*[:：]\s*"
)
_TAG = re.compile(r"\s*\[([^\[\]]{1,60})\]\s*")
_OLD = re.compile(rf"[\[(]\s*(?:{'|'.join(WAS)})\s*[:：]\s*(.+?)[\])]*\s*$", re.IGNORECASE)
_SERIES = re.compile(r"[\[(]([^\[\]()]*?)\b(\d{1,4})\s*/\s*(\d{1,4})([^\[\]()]*)[\])]")
_KEPT = re.compile(r"[\W_]+")


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
        if (tag := _TAG.match(text)) and not any(c.isdigit() for c in tag[1]) and tag.end() < len(text):
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
        was = read(old[1]).key
        text = text[: old.start()]
    series = _SERIES.search(text)
    numbered = None
    if series and int(series[3]) > 0:
        numbered = (_key(series[1] + " " + series[4]), int(series[2]), int(series[3]))
    return Subject(text.strip(), _key(text), reply, forward, was, numbered)


def _key(text: str) -> str:
    return _KEPT.sub("", text.casefold())
