"""Who is said to have written a quoted original, and when: `On Mon 3 May 2021 at 10:15, Ana wrote:` and its like."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta

from inboxwatch.core.mail.words.quoting import WROTE
from inboxwatch.core.model import MessageId

MAX_TEXT = 400

_WORDS = re.compile(r"\w+")
_EMAIL = re.compile(r"[\w.+=-]{1,64}@[\w.-]{1,255}")
_ID = re.compile(r"<([^<>\s]{3,250}@[^<>\s]{1,250})>")
_INVISIBLE = re.compile("[\u200b-\u200f\u202a-\u202e\u2066-\u2069]")
_DATES = re.compile(
    r"""(?<![\d:])(?:
    (?P<y>\d{4})[ ]?[./年년-][ ]?(?P<m>\d{1,2})[ ]?[./月월-][ ]?(?P<d>\d{1,2})(?!\d)
    |(?P<a>\d{1,2})[./-][ ]?(?P<b>\d{1,2})[./-][ ]?(?P<c>\d{4}|\d{2})(?!:?\d)
    |(?P<g>\d{1,2})\.(?P<h>\d{1,2})\.(?!\d)
    )""",
    re.VERBOSE,
)
_TIMES = re.compile(
    r"""(?<![\d.:/])(?P<hour>\d{1,2})(?:[:.]|[ ]?h[ ]?|[ ]?[시時时点點][ ]?)(?P<minute>\d{2})(?!\d)
    (?:[ ]?[:.分분][ ]?(?P<second>\d{2})(?!\d))?(?:\s?(?P<half>[ap])\.?\s?m\b)?""",
    re.VERBOSE | re.IGNORECASE,
)
_OFFSET = re.compile(
    r"""\b(?:GMT|UTC)\b\s?(?P<utc>[+-]\d{1,2}(?!\d))?
    |(?<!\w)(?P<sign>[+-])(?P<h>\d{2}):?(?P<m>00|15|30|45)\b""",
    re.VERBOSE,
)
_NUMBER = re.compile(r"\d+")

_HALVES = (-570, -210, -150, 210, 270, 330, 345, 390, 525, 570, 630, 765, 825)
_ZONES = (*range(-720, 841, 60), *_HALVES)
"""The offsets from UTC in use, in minutes: all whole hours from -12 to +14, and those of a half or three quarters."""


_BY_DIFFERENCE: dict[int, list[timedelta]] = {}
"""Difference of two times of day in minutes -> the offsets in use that explain it."""
for _minutes in _ZONES:
    _BY_DIFFERENCE.setdefault(_minutes % 1440, []).append(timedelta(minutes=_minutes))


@dataclass(frozen=True, slots=True)
class Attribution:
    """One line such as `On Mon 3 May 2021 at 10:15, Ana wrote:`, or the header lines of a forwarded message."""

    emails: frozenset[str]
    words: frozenset[str]
    times: frozenset[tuple[int, int, int]]
    """(hour, minute, second) of some zone, in both halves of a day where either may be meant; second -1: not told."""
    days: frozenset[int]
    """Numbers that may be days of a month."""
    dates: frozenset[tuple[int, int]]
    """(month, day) of dates in figures, in both readings where the order is open."""
    ids: tuple[MessageId, ...]
    zone: timedelta | None = None
    """The offset from UTC, where it is told."""

    def agrees(self, other: Attribution | None) -> bool:
        """Whether two attributions are of one message, as far as names and addresses tell."""
        if other is None:
            return False
        common = [word for word in self.words & other.words if len(word) > 2]
        dated = bool(self.days or self.dates) and bool(other.days or other.dates)
        return not self.emails.isdisjoint(other.emails) or len(common) >= (4 if dated else 2)

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

    def fits(self, sent: datetime | None, received: datetime) -> float | None:
        """How well it names the instant (UTC) at which a message was sent or received: 0 to 1.

        None where it tells no time. Mail programs tell the one or the other, in their own zone; when its other side
        received a message, which they may tell instead, we do not know: as a rule half a minute later.
        """
        if not self.times:
            return None
        best = max(self._in(received), self._in(sent) if sent is not None else 0.0)
        if sent is not None and best < 0.5:
            best = max(best, 0.5 * self._in(sent + timedelta(seconds=30)))
        return best

    def _in(self, instant: datetime) -> float:
        """1 where an instant has its minute and day in a zone of whole hours, less in one of halves and quarters."""
        best = 0.0
        for hour, minute, second in self.times:
            if second not in (-1, instant.second):
                continue
            for zone in _BY_DIFFERENCE.get((hour * 60 + minute - instant.hour * 60 - instant.minute) % 1440, ()):
                local = instant + zone
                if self.zone not in (None, zone):
                    continue
                on_day = (local.month, local.day) in self.dates if self.dates else local.day in self.days
                if on_day or not (self.dates or self.days):
                    best = max(best, 1.0 if self.zone is not None or not zone.seconds % 3600 else 0.75)
        return best


def read(text: str) -> Attribution | None:
    """The attribution that the last 400 characters of a text are, or None where they look like none."""
    text = _INVISIBLE.sub("", text[-MAX_TEXT:])
    emails = frozenset(email.lower().strip(".") for email in _EMAIL.findall(text))
    ids = tuple(MessageId(one) for one in _ID.findall(text))
    bare = _EMAIL.sub(" ", text)
    dates, times, rest = _dates_and_times(bare)
    if not (times or emails or text.rstrip()[-1:] in ":：៖"):
        return None
    words = frozenset(word for word in _WORDS.findall(bare.casefold()) if not word.isdigit())
    days = frozenset(int(day) for day in _NUMBER.findall(rest) if len(day) < 3 and 0 < int(day) < 32)
    return Attribution(emails, words, times, days, dates, ids, _zone(bare) if times else None)


def closes(text: str) -> bool:
    """Whether a line or paragraph surely ends an attribution: `... wrote:` of a person, a time or an address."""
    said = _INVISIBLE.sub("", text[-MAX_TEXT:]).rstrip(" \t\xa0*_")
    if said[-1:] not in (":", "：", "៖"):
        return False
    folded = said.casefold()
    if not any(word in folded for word in WROTE):
        return False
    return len(folded.split()) <= 6 or bool(_EMAIL.search(said)) or bool(_dates_and_times(said)[1])


def _dates_and_times(text: str) -> tuple[frozenset[tuple[int, int]], frozenset[tuple[int, int, int]], str]:
    """(month, day) of dates in figures, (hour, minute, second) of times, and the text without both.

    Three pairs of figures with points between may be either: they are the one that nothing else in the text is.
    """
    dates: set[tuple[int, int]] = set()
    times: set[tuple[int, int, int]] = set()
    either: list[tuple[int, int, int]] = []

    def date(found: re.Match[str]) -> str:
        if found["y"]:
            pairs = {(int(found["m"]), int(found["d"]))}
        else:
            a, b = int(found["a"] or found["g"]), int(found["b"] or found["h"])
            pairs = {(a, b), (b, a)}
            if found["a"] and len(found["c"]) == 2 and "." in found[0] and a < 24 and b < 60 and int(found["c"]) < 60:
                either.append((a, b, int(found["c"])))
                return " "
        dates.update((month, day) for month, day in pairs if 0 < month < 13 and 0 < day < 32)
        return " "

    def time(found: re.Match[str]) -> str:
        hour, minute, second = int(found["hour"]), int(found["minute"]), int(found["second"] or -1)
        if hour < 25 and minute < 60:
            halves = (0, 12) if hour < 13 and not found["half"] else (0,)
            if found["half"]:
                hour = hour % 12 + 12 * (found["half"] in "pP")
            times.update(((hour + half) % 24, minute, second) for half in halves)
        return " "

    rest = _TIMES.sub(time, _DATES.sub(date, text))
    for a, b, c in either:
        if times:
            dates.update(pair for pair in ((a, b), (b, a)) if 0 < pair[0] < 13 and 0 < pair[1] < 32)
        elif dates or _NUMBER.search(rest):
            times.add((a, b, c))
    return frozenset(dates), frozenset(times), rest


def _zone(text: str) -> timedelta | None:
    found = _OFFSET.search(text)
    if found is None:
        return None
    if found["sign"]:
        minutes = int(found["h"]) * 60 + int(found["m"])
        return timedelta(minutes=-minutes if found["sign"] == "-" else minutes)
    return timedelta(hours=int(found["utc"] or 0))
