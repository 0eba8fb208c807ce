"""What a message quotes: its author's words, those of others, and who is said to have written them.

Only hashes of word runs leave this module; they live in memory and are never stored.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from inboxwatch.core.mail import attribution as attributed
from inboxwatch.core.mail.attribution import Attribution
from inboxwatch.core.mail.words.quoting import HEADER_NAMES, ORIGINAL

MAX_LINES = 3000
MAX_WORDS = 1500
RUN = 4
"""Words in a run: long enough to be rare, short enough to survive re-wrapping."""

_QUOTE = re.compile(r"[ \t]*(?:[A-Za-z]{0,4}[>|]|[:}] (?=\S))[ \t]?")
_MARK = re.compile(r"[A-Za-z]{0,4}[>|][ \t]?|[:}] ")
_WORDS = re.compile(r"\w+")
_HEADER = re.compile(r"[ \t>*]*([^\W\d_][\w' -]{0,20})\*?[ \t\xa0]*[:：]\*?[ \t]*(.*)")
_SEPARATOR = re.compile(r"[-_=*]{3,}|_{10,}")


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
    """The lines of the author, those of the answered message, and what is said of that one.

    What the answered message itself quotes, or has below header lines or an attribution of its own, is neither's.
    """
    own: list[str] = []
    quoted: list[str] = []
    attribution: Attribution | None = None
    below = history = False
    asked = 0
    lines = text.splitlines()[:MAX_LINES]
    number = 0
    while number < len(lines):
        line = lines[number][:1000]
        number += 1
        mark = _QUOTE.match(line)
        if mark and not below:
            rest = line[mark.end() :].lstrip()
            if history or _MARK.match(rest):
                continue
            if attribution is None and len(own) > asked:
                attribution, asked = attributed.read(" ".join(own[-3:])), len(own)
            if rest and (header := _headers(_unmarked(lines, number - 1), 0)):
                inner = attributed.read(header[0])
                history = any(quoted) or (attribution is not None and not attribution.agrees(inner))
                attribution = attribution if history else inner or attribution
                number += header[1] - 1
                continue
            quoted.append(rest)
            if _goes_deeper(quoted, lines, number, marked=True):
                history = attribution is not None or any(quoted[:-2])
                attribution = attribution if history else attributed.read(" ".join(quoted[-2:]))
            continue
        if not line.strip():
            continue
        if not below and (header := _headers(lines, number - 1)):
            block, number = header
            attribution = attribution or attributed.read(block)
            below = True
        elif not below:
            own.append(line)
        elif mark or _headers(lines, number - 1):
            break
        else:
            quoted.append(line)
            if _goes_deeper(quoted, lines, number, marked=False):
                break
    return own, quoted, attribution


def _unmarked(lines: list[str], start: int) -> list[str]:
    """The next lines without the mark of a quotation, as far as they bear one and header lines may go."""
    found = []
    for line in lines[start : start + 20]:
        mark = _QUOTE.match(line[:1000])
        if mark is None:
            break
        found.append(line[mark.end() : 1000])
    return found


def _goes_deeper(quoted: list[str], lines: list[str], number: int, *, marked: bool) -> bool:
    """Whether the last quoted line ends an attribution and what it announces follows with no further mark."""
    line = quoted[-1].rstrip(" \t\xa0*_")
    if line[-1:] not in (":", "：", "៖") or not attributed.closes(" ".join(quoted[-2:])):
        return False
    for following in lines[number : number + 4]:
        mark = _QUOTE.match(following)
        rest = following[mark.end() :].strip() if mark else following.strip()
        if rest:
            return bool(mark) == marked and not _MARK.match(rest)
    return False


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
            if (role is None and not names) or names == {role}:
                break  # no block of headers says one thing twice first: it may begin with this line
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


def _runs(lines: list[str]) -> frozenset[int]:
    words = [word for line in lines for word in _WORDS.findall(line.casefold())][:MAX_WORDS]
    return frozenset(hash(tuple(words[at : at + RUN])) for at in range(len(words) - RUN + 1))
