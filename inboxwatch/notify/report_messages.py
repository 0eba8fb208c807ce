"""What is said of reports: how long buyers waited in a period."""

from __future__ import annotations

from datetime import date, datetime
from types import MappingProxyType
from typing import Literal, NamedTuple

from inboxwatch.core.calendar_period import CalendarPeriod, Every
from inboxwatch.words import ENGLISH, Wording, english

WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
PERIODS = MappingProxyType(
    {
        "this-week": english("This week"),
        "last-week": english("Last week"),
        "this-month": english("This month"),
        "last-month": english("Last month"),
    }
)
"""The periods that have a name."""
MOMENT, DATE, DAY = english("EEE d MMM HH:mm"), english("d MMMM y"), english("d")
"""CLDR patterns of dates, as in `inboxwatch.words`."""
_DATE_AT, _DAY_AT = english("d MMMM y HH:mm"), english("EEEE d MMMM HH:mm")
_DAY_OF_MONTH, _SHORT_DAY, _MONTH = english("d MMMM"), english("d MMM"), english("LLLL y")


def period_name(period: CalendarPeriod, words: Wording = ENGLISH) -> str:
    """`4–10 May 2026`, `27 April – 3 May 2026`, `May 2026`."""
    first, last = period.first, period.last
    if period.every is Every.MONTH:
        return words.dated(_MONTH, first)
    end = words.dated(DATE, last)
    if first.month == last.month:
        return words.say("%(first)s–%(last)s", first=words.dated(DAY, first), last=end)
    begin = words.dated(DATE if first.year != last.year else _DAY_OF_MONTH, first)
    return words.say("%(first)s – %(last)s", first=begin, last=end)


def moment(at: datetime, words: Wording) -> str:
    """`Tue 3 Nov 14:03`, in a zone that is said elsewhere."""
    return words.dated(MOMENT, at)


def date_and_time(at: datetime, words: Wording) -> str:
    """`3 November 2026 14:03`."""
    return words.dated(_DATE_AT, at)


def slice_name(day: date, words: Wording) -> str:
    """`3 Nov`: what stands under a bar."""
    return words.dated(_SHORT_DAY, day)


def weekday_name(day: date, words: Wording) -> str:
    """`Tue`."""
    return words.dated("EEE", day)


def due_day(day: date, today: date, words: Wording) -> str:
    """When follow-ups fall due."""
    if day < today:
        return words.say("overdue")
    named = {0: english("due today"), 1: english("due tomorrow")}.get((day - today).days)
    return words.say(named) if named else words.say("due %(day)s", day=words.day(day))


def mail_title(*, period: str, team: str, words: Wording = ENGLISH) -> str:
    title = words.say("How long buyers waited: %(period)s", period=period)
    return title + _whose(team, words)


def mail_subject(*, period: str, team: str, share: float | None, goal: float | None, words: Wording = ENGLISH) -> str:
    """`share` (0..1) of first replies on time, None where none was decided; `goal` None where there is none."""
    about = period + _whose(team, words)
    if share is None:
        return words.say("Report, %(about)s: no first reply fell due", about=about)
    said = words.say("Report, %(about)s: %(share)s of first replies on time", about=about, share=words.percent(share))
    if goal is None:
        return said
    aim = words.say("(goal %(goal)s)", goal=words.percent(goal))
    return f"{said} {aim}"


def _whose(team: str, words: Wording) -> str:
    return words.say(", team %(team)s", team=team) if team else ""


def late(*, at: datetime, missed: bool, words: Wording = ENGLISH) -> str:
    """Said in a report that leaves after its time; `missed`: reports before it never left."""
    when = f"{words.dated(_DAY_AT, at)} {at:%Z}"
    said = words.say("This report was due on %(when)s, and could not be sent before.", when=when)
    earlier = words.say("Earlier ones were missed: they are on the board.")
    return f"{said} {earlier}" if missed else said


def schedule(*, every: str, weekday: int, minutes: int, zone: str) -> str:
    """When a report leaves; `weekday`: Monday is 0; `minutes` after midnight. Commands alone say it."""
    at = f"{minutes // 60:02}:{minutes % 60:02}"
    if every == "week":
        return f"each {WEEKDAYS[weekday]} at {at} ({zone}), of the last whole week"
    return f"on the first of each month at {at} ({zone}), of the month before"


def change(rise: float, words: Wording) -> str:
    """By how much a share (0..1) rose."""
    points = round(100 * rise)
    if not points:
        return words.say("unchanged")
    return words.count("%(change)s point", "%(change)s points", abs(points), change=f"{points:+d}")


class Delay(NamedTuple):
    """What made a wait long."""

    kind: Literal[
        "off_hours", "owner_away", "unread", "moved", "acknowledged", "snoozed", "bounced", "nudged", "first_sight",
        "untold",
    ]  # fmt: skip
    much: float = 0
    """How often, or a share (0..1) of its length."""


_DELAYS = MappingProxyType(
    {
        "off_hours": english("%(share)s of it outside business hours"),
        "owner_away": english("its owner was away"),
        "unread": english("its mailbox was unread for %(share)s of it"),
        "acknowledged": english("acknowledged"),
        "snoozed": english("snoozed"),
        "bounced": english("an answer bounced"),
        "first_sight": english("from before inboxwatch watched: nobody was paged"),
        "untold": english("nobody was told"),
    }
)


def delay(of: Delay, words: Wording) -> str:
    """Why a missed wait was long."""
    if of.kind == "moved":
        return words.count("moved on once", "moved on %(count)s times", int(of.much))
    if of.kind == "nudged":
        return words.count("the buyer wrote again once", "the buyer wrote again %(count)s times", int(of.much))
    return words.say(_DELAYS[of.kind], share=words.percent(of.much))
