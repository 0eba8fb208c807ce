"""The report as HTML: a page that needs nothing but itself (style and plots are inside, and there is no script), or the
content alone, for a page of the board."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from inboxwatch.engine.report import figures, plots
from inboxwatch.engine.report.cases import NEVER, Outcome, Story
from inboxwatch.engine.report.figures import Comparison, Group, Slice, Times
from inboxwatch.notify.text import span

CAUSES = {
    "open, overdue": "still open, overdue",
    "open, not yet due": "still open, not yet due",
    "open, cannot be verified": "still open, but a mailbox that could hold the answer is unread",
    "acknowledged": "still open, somebody said “I have it”",
    "snoozed": "still open, put off until later",
    "dismissed": "dismissed: no reply was owed",
    "meeting_accepted": "a meeting was accepted",
    "opted_out": "the buyer opted out",
    "lead_closed": "the lead was closed",
    "activity": "a call or meeting was logged",
}
DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_TEMPLATES = Path(__file__).parent / "templates"
_NAMES = {"first_words": "first replies", "next_words": "next replies"}


def in_words(story: Story) -> str:
    """The figures of first and next replies in a few lines of plain text; no buyer is named in it."""
    words = templates(story).get_template("report.txt")
    return words.render(story=story, period=story.period, parts=figures.parts(story), **_NAMES)


def templates(story: Story, board: str | None = None, *, html: bool = True) -> Environment:
    """The templates of a story; `board` begins the links to waits, else the board's whole address. Plain text escapes
    nothing.
    """
    made = Environment(
        loader=PackageLoader("inboxwatch.engine.report", "templates"),
        autoescape=html,  # noqa: S701  (plain text: no markup, and no buyer is named in it)
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    local = story.period.local
    base = story.board if board is None else board
    made.filters.update(
        span=_span,
        hours=_hours,
        percent=_percent,
        points=_points,
        page_of=lambda clock: f"{base}/waits/{quote(clock, safe='')}",
        stamp=lambda at: f"{local(at):%a} {local(at).day} {local(at):%b %H:%M}",
        dated=lambda at: f"{local(at).day} {local(at):%B %Y %H:%M}",
    )
    return made


def render(story: Story, made_at: datetime) -> str:
    """The page. Names, companies and subjects are untrusted text; the template escapes all of it."""
    whole = templates(story).get_template("report.html")
    inside = Markup(frame_style() + style())  # noqa: S704  (our own files)
    return whole.render(made_at=made_at, style=inside, **_values(story))


def content(story: Story) -> Markup:
    """What the page shows, for a page of the board that has `style()`: escaped, without inline style or script."""
    shown = templates(story, board="").get_template("content.html")
    return Markup(shown.render(**_values(story)))  # noqa: S704  (the template escapes)


def style() -> str:
    """The style of the content; the page around it gives the colours that both have."""
    return (_TEMPLATES / "report.css").read_text(encoding="utf-8")


def frame_style() -> str:
    return (_TEMPLATES / "frame.css").read_text(encoding="utf-8")


def _values(story: Story) -> dict[str, Any]:
    everything = Group("all", story.cases)
    return {
        "story": story,
        "period": story.period,
        "all": everything,
        "tiers": figures.by_tier(story),
        "teams": figures.by_team(story),
        "people": figures.by_person(story),
        "away": figures.AWAY,
        "heat": figures.heat(story.cases),
        "days": DAYS,
        "causes": figures.causes(story.cases),
        "cause_words": CAUSES,
        "slow": figures.slowest(story.cases, {Outcome.LATE}),
        "never": figures.slowest(story.cases, NEVER),
        "parts": figures.parts(story),
        **_NAMES,
        "ahead": figures.days_ahead(story),
        "follow_ups": Group("follow-ups", story.follow_ups),
        "comparison": figures.comparison(story),
        "plots": _plots(story, everything),
        "verified": sum(story.verified.values()) / len(story.verified) if story.verified else None,
    }


def _plots(story: Story, everything: Group) -> dict[str, Markup]:
    drawn = {
        "first": _curve("First replies within, business time", everything.first.business),
        "next": _curve("Next replies within, business time", everything.next.business),
        "slices": _slices(figures.slices(story)),
        "distribution": plots.distribution(
            "How long answers took",
            [("business time", everything.business.buckets), ("elapsed time", everything.wall.buckets)],
        ),
    }
    if (compared := figures.comparison(story)) is not None:
        drawn["comparison"] = _compared(compared)
    return {name: Markup(svg) for name, svg in drawn.items()}  # noqa: S704  (pygal escapes what it is given)


def _curve(title: str, times: Times) -> str:
    lines = [plots.line_of("with open waits", times.curve), plots.naive_line("answered waits only", times.answered)]
    return plots.answered_by(title, lines, times.curve, business=True)


def _slices(parts: Iterable[Slice]) -> str:
    parts = list(parts)
    groups = [one.group for one in parts]
    stacks = [
        ("answered on time", [group.in_time for group in groups]),
        ("answered late", [group.late for group in groups]),
        ("overdue, never answered", [group.never for group in groups]),
        ("undecided", [len(group) - group.decided for group in groups]),
    ]
    return plots.per_slice("Waits by when they began", [group.name for group in groups], stacks)


def _compared(compared: Comparison) -> str:
    lines = [plots.line_of(group.name, group.business.curve) for group in (compared.before, compared.after)]
    return plots.answered_by("Before and after, business time", lines, business=True)


def _span(seconds: float | None) -> str:
    return "–" if seconds is None else span(seconds)


def _hours(seconds: float | None) -> str:
    return "–" if seconds is None else plots.hours(seconds)


def _percent(share: Any, digits: int = 0) -> str:
    return "–" if share is None else f"{share:.{digits}%}"


def _points(change: float) -> str:
    rounded = round(100 * change)
    return "unchanged" if rounded == 0 else f"{rounded:+d} point{'' if abs(rounded) == 1 else 's'}"
