"""A report held to a recount: every figure of its JSON and of its page, as text for each that differs."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from fractions import Fraction
from html.parser import HTMLParser
from typing import Any

from inboxwatch.engine.report.page import render
from inboxwatch.engine.report.period import Period
from inboxwatch.engine.report.plots import hours
from inboxwatch.engine.report.summary import summary
from inboxwatch.words import ENGLISH
from tests.support.company_desk import CompanyDesk
from tests.support.recount import AWAY, FIRST, NEXT, TEAM_OF, Counted, Recount, middle, share_on_time, time_until

HALF, MOST = Fraction(1, 2), Fraction(9, 10)
OUTCOMES = {
    "in time": "answered in time", "late": "answered late", "overdue": "open, overdue", "open": "open, not yet due",
    "ended": "ended without an answer", "ended late": "ended without an answer, overdue",
}  # fmt: skip
Table = dict[str, list[str]]
"""The cells of each row by its head."""


def differences(desk: CompanyDesk, recount: Recount, period: Period, team: str = "") -> Iterator[str]:
    """What a report says otherwise than the recount, of one team or of all."""
    story = desk.told(period, team)
    now = recount.counted(period.start, period.end, team)
    before = recount.counted(period.before.start, period.before.end, team)
    left_over = recount.left_over(period.start, period.end, team)
    yield from _waits(story.cases, now)
    told = json.loads(summary(story))
    yield from _unlike("left over", told["left_over"], left_over)
    for metric in (FIRST, NEXT):
        then, mine = _of(before, metric), _of(now, metric)
        yield from _in_json(metric, told["metrics"][metric], mine)
        yield from _in_json(f"{metric} before", told["metrics"][metric]["before"], then)
        one, other = share_on_time(mine), share_on_time(then)
        change = None if one is None or other is None else float(one) - float(other)
        yield from _unlike(f"{metric} change", told["metrics"][metric]["change"], change)
    page = render(story, period.end)
    yield from _on_page(page, now, before, left_over)
    if not team:
        yield from _follow_ups(_Page(page), recount.follow_ups(period.start, period.end))


def _waits(cases: Iterable[Any], counted: Iterable[Counted]) -> Iterator[str]:
    """Wait by wait."""
    known = {(case.wait.started_by.partition(".")[0], case.started_at): case for case in cases}
    mine = {(str(one.wait.story), one.wait.start): one for one in counted}
    for which in known.keys() ^ mine.keys():
        yield f"wait {which}: {'only in the report' if which in known else 'not in the report'}"
    for which in known.keys() & mine.keys():
        case, one = known[which], mine[which]
        told = (
            case.metric, case.due_at, case.stopped_at, case.outcome.value, case.owner, case.away, case.business.seconds,
            case.wall.seconds, case.handovers, case.escalations, case.acknowledged_after, case.by_colleague,
        )  # fmt: skip
        expected = (
            one.wait.metric, one.wait.due, one.stop, OUTCOMES[one.outcome], one.owner, one.away, one.business, one.wall,
            one.handovers, one.escalations, one.acknowledged, one.by_colleague,
        )  # fmt: skip
        yield from _unlike(f"wait {which}", told, expected)


def _in_json(name: str, told: Mapping[str, Any], counted: list[Counted]) -> Iterator[str]:
    share = share_on_time(counted)
    said = [one.acknowledged for one in counted if one.acknowledged is not None]
    expected: dict[str, Any] = {
        "waits": len(counted),
        "on_time": sum(one.outcome == "in time" for one in counted),
        "on_time_share": None if share is None else float(share),
        "answered_late": sum(one.outcome == "late" for one in counted),
        "never_answered": _never(counted),
        "open": _open(counted),
        "unverified": 0,
        "handovers": sum(one.handovers for one in counted),
        "escalations": sum(one.escalations for one in counted),
        "acknowledged": len(said),
        "acknowledged_seconds": middle(said),
        "by_colleague": sum(one.by_colleague for one in counted),
    }
    for basis in ("business", "wall"):
        business = basis == "business"
        found = {name: time_until(counted, part, business=business) for name, part in (("median", HALF), ("p90", MOST))}
        expected[f"{basis}_seconds"] = found
    for key in expected:
        yield from _unlike(f"{name} {key}", told[key], expected[key])


def _on_page(page: str, now: list[Counted], before: list[Counted], left_over: int) -> Iterator[str]:
    shown = _Page(page)
    people = {one.owner: f"Rep {one.owner}" if one.owner[0] == "r" else f"Lead {one.owner}" for one in now}
    by_person: dict[str, list[Counted]] = {}
    by_team: dict[str, list[Counted]] = {}
    for one in now:
        by_person.setdefault(AWAY if one.away else people[one.owner], []).append(one)
        by_team.setdefault(TEAM_OF.get(one.owner, "in no team"), []).append(one)
    by_person = {"Owner was away nobody’s figure" if who == AWAY else who: some for who, some in by_person.items()}
    for title, groups in (("Person", by_person), ("Team", by_team)):
        told = {name: cells for name, cells in shown.tables[title].items() if name != title}  # without its head
        yield from _unlike(f"page: {title}", sorted(told), sorted(groups))
        for name in told.keys() & groups.keys():
            yield from _unlike(f"page: {title} {name}", told[name], _row(groups[name]))
    first, next_ = _of(now, FIRST), _of(now, NEXT)
    parts = shown.tables["First and next replies, and the period before"]
    for row, values in {
        "Answered late": [sum(one.outcome == "late" for one in some) for some in (first, next_)],
        "Overdue, never answered": [_never(some) for some in (first, next_)],
        "Hand-overs to another owner": [sum(one.handovers for one in some) for some in (first, next_)],
        "Escalations steps told once a reply was due": [
            sum(one.escalations for one in some) for some in (first, next_)
        ],
    }.items():
        yield from _unlike(f"page: {row}", parts[row], [str(value) for value in values])
    waits = [
        f"{len(some)} {len(_of(before, metric))} in the period before"
        for metric, some in ((FIRST, first), (NEXT, next_))
    ]
    yield from _unlike("page: waits", parts["Waits"], waits)
    open_late = sum(one.outcome == "overdue" for one in now)
    tile = f"{_never(now)} never answered {open_late} open and overdue; {left_over} more from before the period"
    yield from _unlike("page: tile", [one for one in shown.tiles if "never answered" in one], [tile])


def _follow_ups(shown: _Page, counted: tuple[int, int, int]) -> Iterator[str]:
    told = shown.tables.get("Follow-ups", {})
    heads = ("The buyer answered", "We wrote again, or it ended", "Open")
    yield from _unlike("page: follow-ups", [told.get(head, ["0"]) for head in heads], [[str(one)] for one in counted])


def _row(some: list[Counted]) -> list[str]:
    """A person's or a team's cells."""
    first, next_ = _of(some, FIRST), _of(some, NEXT)
    late = sum(one.outcome == "late" for one in some)
    moved, helped = sum(one.handovers for one in some), sum(one.by_colleague for one in some)
    return [
        str(len(some)), _percent(first), _percent(next_), str(late), str(_never(some)), str(_open(some)),
        _times(first), _times(next_), str(moved or ""), str(helped or ""),
    ]  # fmt: skip


def _percent(some: list[Counted]) -> str:
    share = share_on_time(some)
    return "–" if share is None else ENGLISH.percent(float(share))


def _times(some: list[Counted]) -> str:
    longest = max((one.business for one in some), default=0.0)
    found = [time_until(some, part, business=True) for part in (HALF, MOST)]
    said = [f"> {hours(longest, ENGLISH)}" if one is None else hours(one, ENGLISH) for one in found]
    return " ".join(said) if some else "– –"


def _of(counted: Iterable[Counted], metric: str) -> list[Counted]:
    return [one for one in counted if one.wait.metric == metric]


def _never(counted: Iterable[Counted]) -> int:
    return sum(one.outcome in ("overdue", "ended late") for one in counted)


def _open(counted: Iterable[Counted]) -> int:
    return sum(one.outcome in ("overdue", "open") for one in counted)


def _unlike(what: str, told: object, expected: object) -> Iterator[str]:
    same = abs(told - expected) < 1e-9 if isinstance(told, float) and isinstance(expected, float) else told == expected
    if not same:
        yield f"{what}: the report says {told}, the recount {expected}"


class _Page(HTMLParser):
    """The tables of a report by their captions, and its tiles, as the text that is shown."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tables: dict[str, Table] = {}
        self.tiles: list[str] = []
        self._text: list[str] = []
        self._cells: list[str] = []
        self._table: Table = {}
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in ("td", "th", "caption", "li"):
            self._text = []
        elif tag == "tr":
            self._cells = []
        self._text.append(" ")

    def handle_data(self, data: str) -> None:
        self._text.append(data)

    def handle_endtag(self, tag: str) -> None:
        text = re.sub(r"\s+", " ", "".join(self._text)).strip()
        if tag == "caption":
            self._table = self.tables.setdefault(text, {})
        elif tag in ("td", "th"):
            self._cells.append(text)
        elif tag == "tr" and self._cells:
            self._table[self._cells[0]] = self._cells[1:]
        elif tag == "li":
            self.tiles.append(text)
        self._text.append(" ")
