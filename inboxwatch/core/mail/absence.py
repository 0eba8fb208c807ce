"""The day on which an absent person says to be back."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

from inboxwatch.core.mail.words.day_names import BACK, MONTHS, UNTIL, WEEKDAYS

FARTHEST = timedelta(days=400)
"""No absence is believed to last longer."""

_MONTH = "|".join(sorted(MONTHS, key=len, reverse=True))
_WEEKDAY = "|".join(sorted(WEEKDAYS, key=len, reverse=True))
_CUE = re.compile(rf"\b(?:(?P<until>{'|'.join(UNTIL)})|(?:{'|'.join(BACK)}))\b")
_BETWEEN = r"(?:[^\d]{0,25}?\b|\W{0,5})"
_DAY = re.compile(
    rf"{_BETWEEN}(?:(?P<iso>\d{{4}}-\d\d-\d\d)"
    rf"|(?P<d1>\d{{1,2}})(?:st|nd|rd|th|er|º|\.)?(?: of| de)? ?(?P<m1>{_MONTH})\b\.?,?(?: de)? ?(?P<y1>20\d\d)?"
    rf"|(?P<m2>{_MONTH})\b\.? (?P<d2>\d{{1,2}})(?:st|nd|rd|th)?\b,? ?(?P<y2>20\d\d)?"
    rf"|(?P<d3>\d{{1,2}})(?P<sep>[./-])(?P<m3>\d{{1,2}})(?:(?P=sep)(?P<y3>20\d\d|\d\d)?)?(?!\d))"
)
_ONLY_WEEKDAY = re.compile(rf"\W{{0,3}}(?:on |next |am |le |el |op |på )?(?P<day>{_WEEKDAY})\b")


def return_day(text: str, received_at: datetime) -> datetime | None:
    """The start (UTC) of the first day on which the author is back, as the text says; None where it does not.

    `text` is case folded, on one line. Of several dates the latest counts. A date in figures whose order of day and
    month cannot be known is left alone.
    """
    days = []
    for cue in _CUE.finditer(text[:4000]):
        rest = text[cue.end() : cue.end() + 60]
        found = _DAY.match(rest)
        day = _day(found, received_at) if found else None
        if day is None and (weekday := _ONLY_WEEKDAY.match(rest)):
            ahead = (WEEKDAYS[weekday["day"]] - received_at.weekday() - 1) % 7 + 1
            day = _midnight(received_at) + timedelta(days=ahead)
        if day is not None:
            days.append(day + timedelta(days=1) if cue["until"] else day)
    plausible = [day for day in days if received_at < day <= received_at + FARTHEST]
    return max(plausible, default=None)


def _midnight(at: datetime) -> datetime:
    return at.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)


def _day(found: re.Match[str], received_at: datetime) -> datetime | None:
    if found["iso"]:
        year, month, day = (int(one) for one in found["iso"].split("-"))
    elif found["m1"] or found["m2"]:
        month = MONTHS[found["m1"] or found["m2"]]
        day = int(found["d1"] or found["d2"])
        year = int(found["y1"] or found["y2"] or 0)
    else:
        day, month = int(found["d3"]), int(found["m3"])
        if found["sep"] != ".":
            if day <= 12 and month <= 12 and day != month:
                return None
            if month > 12:
                day, month = month, day
        year = int(found["y3"] or 0)
        year += 2000 if 0 < year < 100 else 0
    try:
        if year:
            return datetime(year, month, day, tzinfo=UTC)
        then = datetime(received_at.year, month, day, tzinfo=UTC)
        return then if then > received_at - timedelta(days=60) else then.replace(year=then.year + 1)
    except ValueError:
        return None
