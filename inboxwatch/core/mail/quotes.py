"""What a message quotes: its author's words, those of others, and who is said to have written them.

Only hashes of word runs leave this module; they live in memory and are never stored.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta

from inboxwatch.core.mail.words.quoting import HEADER_NAMES, ORIGINAL
from inboxwatch.core.model import MessageId

MAX_LINES = 3000
MAX_WORDS = 1500
RUN = 4
"""Words in a run: long enough to be rare, short enough to survive re-wrapping."""

_QUOTE = re.compile(r"[ \t]*(?:[A-Za-z]{0,4}[>|]|[:}] (?=\S))[ \t]?")
_MARK = re.compile(r"[A-Za-z]{0,4}[>|][ \t]?|[:}] ")
_WORDS = re.compile(r"\w+")
_EMAIL = re.compile(r"[\w.+=-]{1,64}@[\w.-]{1,255}")
_ID = re.compile(r"<([^<>\s]{3,250}@[^<>\s]{1,250})>")
_TIME = re.compile(r"\b(\d{1,2})[:.h](\d{2})(?:[:.](\d{2}))?(?:\s*([AaPp])\.?[Mm])?")
_NUMBER = re.compile(r"\d+")
_HEADER = re.compile(r"[ \t>*]*([^\W\d_][\w' -]{0,20})\*?[ \t\xa0]*[:：]\*?[ \t]*(.*)")
_SEPARATOR = re.compile(r"[-_=*]{3,}|_{10,}")


@dataclass(frozen=True, slots=True)
class Attribution:
    """One line such as `On Mon 3 May 2021 at 10:15, Ana wrote:`, or the header lines of a forwarded message."""

    emails: frozenset[str]
    words: frozenset[str]
    times: frozenset[tuple[int, int]]
    """(minute, second), second -1 where it is not told: hours depend on zones, minutes do not."""
    days: frozenset[int]
    ids: tuple[MessageId, ...]

    def is_by(self, email: str, name: str) -> bool | None:
        """Whether a person is the one it names; None where it names nobody in a way that can be compared."""
        if email and email in self.emails:
            return True
        parts = {word for word in _WORDS.findall(name.casefold()) if len(word) > 1}
        if parts and (len(parts & self.words) >= min(2, len(parts))):
            return True
        local = email.partition("@")[0]
        if len(local) > 2 and local in self.words:
            return True
        return False if self.emails or self.words else None

    def is_at(self, sent_at: datetime | None) -> bool | None:
        """Whether it names the instant a message was sent; None where one of both tells none."""
        if sent_at is None or not self.times:
            return None
        if not any(sent_at.minute == minute and second in (-1, sent_at.second) for minute, second in self.times):
            return False
        return not self.days or any((sent_at + timedelta(hours=shift)).day in self.days for shift in (-14, 0, 14))


@dataclass(frozen=True, slots=True)
class Quotation:
    """A message's text as far as threading needs it."""

    own: frozenset[int]
    """Hashes of the word runs that its author wrote."""
    quoted: frozenset[int]
    """Hashes of the word runs quoted from the message it answers (one level)."""
    attribution: Attribution | None


def read(text: str) -> Quotation:
    """Separates a text into what its author wrote and what they quoted. Costs linear time."""
    own, quoted, attribution = _separate(text)
    return Quotation(_runs(own), _runs(quoted), attribution)


def own_and_quoted(text: str) -> tuple[list[str], list[str]]:
    """The lines that the author wrote, and those that they quoted."""
    own, quoted, _ = _separate(text)
    return own, quoted


def _separate(text: str) -> tuple[list[str], list[str], Attribution | None]:
    own: list[str] = []
    quoted: list[str] = []
    attribution: Attribution | None = None
    below = False
    lines = text.splitlines()[:MAX_LINES]
    number = 0
    while number < len(lines):
        line = lines[number][:1000]
        number += 1
        mark = _QUOTE.match(line)
        if mark and not below:
            rest = line[mark.end() :].lstrip()
            if not _MARK.match(rest):
                if attribution is None and own:
                    attribution = _attribution(" ".join(own[-3:]))
                quoted.append(rest)
            continue
        if not line.strip():
            continue
        if not below and (header := _headers(lines, number - 1)):
            block, number = header
            attribution = attribution or _attribution(block)
            below = True
        elif not below:
            own.append(line)
        elif mark or _headers(lines, number - 1):
            break
        else:
            quoted.append(line)
    return own, quoted, attribution


def _headers(lines: list[str], start: int) -> tuple[str, int] | None:
    """Where a quoted original begins: the lines that tell its author and date, and the number of the next line.

    Header lines (From, Sent, To, Subject in any language and order), or a rule such as `---- Original Message ----`.
    """
    first = lines[start][:200].strip()
    rule = bool(_SEPARATOR.match(first))
    marked = rule and any(word in first.casefold() for word in ORIGINAL)
    if not (marked or (rule and not first.strip("-_=* \t")) or _HEADER.match(first)):
        return None
    names: set[str] = set()
    told: list[str] = []
    at = start + rule
    while at < min(len(lines), start + 16):
        line = lines[at][:400]
        if line.strip():
            found = _HEADER.match(line)
            role = HEADER_NAMES.get(found[1].strip().casefold()) if found else None
            if role is None and not names:
                break
            if found is not None and role is not None:
                names.add(role)
                if role in ("from", "date"):
                    told.append(found[2])
        elif names:
            break
        at += 1
    if len(names) >= 2 and "from" in names:
        return " ".join(told), at
    return (" ".join(line[:400] for line in lines[start : start + 4]), start + 1) if marked else None


def _attribution(text: str) -> Attribution | None:
    text = text[-400:]
    times = frozenset((int(m), int(s) if s else -1) for _, m, s, _ in _TIME.findall(text) if int(m) < 60)
    emails = frozenset(email.lower().strip(".") for email in _EMAIL.findall(text))
    ids = tuple(MessageId(one) for one in _ID.findall(text))
    if not (times or emails or text.rstrip()[-1:] in ":："):
        return None
    words = frozenset(word for word in _WORDS.findall(_EMAIL.sub(" ", text).casefold()) if not word.isdigit())
    days = frozenset(int(day) for day in _NUMBER.findall(_TIME.sub(" ", text)) if len(day) < 3 and 0 < int(day) < 32)
    return Attribution(emails, words, times, days, ids)


def _runs(lines: list[str]) -> frozenset[int]:
    words = [word for line in lines for word in _WORDS.findall(line.casefold())][:MAX_WORDS]
    return frozenset(hash(tuple(words[at : at + RUN])) for at in range(len(words) - RUN + 1))
