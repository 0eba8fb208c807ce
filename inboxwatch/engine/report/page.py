"""The report as HTML, in its reader's language: a page that needs nothing but itself (style and plots are inside, and
there is no script), or the content alone, for a page of the board."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import date, datetime
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any
from urllib.parse import quote, urlencode

from jinja2 import Environment, PackageLoader, StrictUndefined, pass_context, select_autoescape
from jinja2.runtime import Context
from markupsafe import Markup

from inboxwatch.engine.report import figures, plots
from inboxwatch.engine.report.cases import NEVER, Outcome, Story
from inboxwatch.engine.report.figures import Comparison, Group, Slice, Times
from inboxwatch.engine.report.part import ReportPart
from inboxwatch.notify import gatekeeping_messages, outcome_messages, report_messages
from inboxwatch.notify.report_messages import Delay
from inboxwatch.words import ENGLISH, Wording, english
from inboxwatch.words.templates import teach

CAUSES = MappingProxyType(
    {
        "open, overdue": english("still open, overdue"),
        "open, not yet due": english("still open, not yet due"),
        "open, cannot be verified": english("still open, but a mailbox that could hold the answer is unread"),
        "acknowledged": english("still open, somebody said “I have it”"),
        "snoozed": english("still open, put off until later"),
        "dismissed": english("dismissed: no reply was owed"),
        "meeting_accepted": english("a meeting was accepted"),
        "opted_out": english("the buyer opted out"),
        "lead_closed": english("the lead was closed"),
        "activity": english("a call or meeting was logged"),
    }
)
_WEEK = tuple(date(2024, 1, day) for day in range(1, 8))
"""Days from Monday to Sunday, of which the names are asked."""
_TEMPLATES = Path(__file__).parent / "templates"


def in_words(story: Story, words: Wording = ENGLISH) -> str:
    """The figures of first and next replies in a few lines of plain text; no buyer is named in it."""
    text = templates().get_template("report.txt")
    return text.render(words=words, story=story, period=story.period, parts=figures.parts(story))


@cache
def templates() -> Environment:
    """The templates; each rendering is given `words` and `story`. Only those of plain text escape nothing.

    `base` in a rendering begins the links to waits, else the board's whole address does.
    """
    made = Environment(
        loader=PackageLoader("inboxwatch.engine.report", "templates"),
        autoescape=select_autoescape(["html"]),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    teach(made)
    made.filters.update(
        span=_spoken(lambda words, seconds: "–" if seconds is None else words.span(seconds)),
        hours=_spoken(lambda words, seconds: "–" if seconds is None else plots.hours(seconds, words)),
        percent=_spoken(lambda words, share, *digits: "–" if share is None else words.percent(share, *digits)),
        points=_spoken(lambda words, rise: report_messages.change(rise, words)),
        reasons=_spoken(_reasons),
        page_of=_page_of,
        waits_of=_waits_of,
        stamp=_stamp,
        dated=_dated,
        due=_due,
        counts=lambda numbers: ", ".join(f"{name} {number}" for name, number in numbers.items()),
    )
    return made


def render(story: Story, made_at: datetime, words: Wording = ENGLISH) -> str:
    """The page. Names, companies and subjects are untrusted text; the template escapes all of it."""
    whole = templates().get_template("report.html")
    inside = Markup(frame_style() + style())  # noqa: S704  (our own files)
    return whole.render(made_at=made_at, style=inside, **_values(story, words))


def content(story: Story, words: Wording = ENGLISH) -> Markup:
    """What the page shows, for a page of the board that has `style()`: escaped, without inline style or script."""
    shown = templates().get_template("content.html")
    return Markup(shown.render(base="", **_values(story, words)))  # noqa: S704  (the template escapes)


def style() -> str:
    """The style of the content; the page around it gives the colours that both have."""
    return (_TEMPLATES / "report.css").read_text(encoding="utf-8")


def frame_style() -> str:
    return (_TEMPLATES / "frame.css").read_text(encoding="utf-8")


def _values(story: Story, words: Wording) -> dict[str, Any]:
    everything = Group("all", story.cases)
    return {
        "words": words,
        "story": story,
        "period": story.period,
        "all": everything,
        "tiers": figures.by_tier(story),
        "teams": figures.by_team(story),
        "people": figures.by_person(story),
        "away": figures.AWAY,
        "heat": figures.heat(story.cases),
        "days": [report_messages.weekday_name(day, words) for day in _WEEK],
        "causes": figures.causes(story.cases),
        "cause_words": CAUSES,
        "bucket_words": outcome_messages.BUCKETS,
        "outcome_words": outcome_messages,
        "qualification_words": gatekeeping_messages,
        "slow": figures.slowest(story.cases, {Outcome.LATE}),
        "never": figures.slowest(story.cases, NEVER),
        "parts": figures.parts(story),
        "ahead": figures.days_ahead(story),
        "follow_ups": Group("follow-ups", story.follow_ups),
        "comparison": (compared := figures.comparison(story)),
        "plots": _plots(story, everything, compared, words),
        "verified": sum(story.verified.values()) / len(story.verified) if story.verified else None,
    }


def _plots(story: Story, everything: Group, compared: Comparison | None, words: Wording) -> dict[str, Markup]:
    lengths = [
        (words.say("business time"), everything.business.buckets),
        (words.say("elapsed time"), everything.wall.buckets),
    ]
    drawn = {
        "first": _curve(words.say("First replies within, business time"), everything.first.business, words),
        "next": _curve(words.say("Next replies within, business time"), everything.next.business, words),
        "slices": _slices(figures.slices(story), words),
        "distribution": plots.distribution(words.say("How long answers took"), lengths, words),
    }
    if compared is not None:
        drawn["comparison"] = _compared(compared, words)
    return {name: Markup(svg) for name, svg in drawn.items()}  # noqa: S704  (pygal escapes what it is given)


def _curve(title: str, times: Times, words: Wording) -> str:
    lines = [
        plots.line_of(words.say("with open waits"), times.curve),
        plots.naive_line(words.say("answered waits only"), times.answered),
    ]
    return plots.answered_by(title, lines, words, times.curve)


def _slices(parts: Iterable[Slice], words: Wording) -> str:
    parts = list(parts)
    groups = [one.group for one in parts]
    stacks = [
        (words.say("answered on time"), [group.in_time for group in groups]),
        (words.say("answered late"), [group.late for group in groups]),
        (words.say("overdue, never answered"), [group.never for group in groups]),
        (words.say("undecided"), [len(group) - group.decided for group in groups]),
    ]
    names = [report_messages.slice_name(one.start, words) for one in parts]
    return plots.per_slice(words.say("Waits by when they began"), names, stacks, words)


def _compared(compared: Comparison, words: Wording) -> str:
    sides = ((words.say("until then"), compared.before), (words.say("since then"), compared.after))
    lines = [plots.line_of(name, group.business.curve) for name, group in sides]
    return plots.answered_by(words.say("Before and after, business time"), lines, words)


def _spoken(said: Any) -> Any:
    """A filter whose first value is the language of the rendering."""

    @pass_context
    def spoken(context: Context, *values: Any) -> Any:
        return said(context["words"], *values)

    return spoken


def _reasons(words: Wording, reasons: Iterable[Delay]) -> str:
    return "; ".join(report_messages.delay(one, words) for one in reasons)


@pass_context
def _page_of(context: Context, clock: str) -> str:
    base = context.get("base", context["story"].board)
    return f"{base}/waits/{quote(clock, safe='')}"


@pass_context
def _waits_of(context: Context, kind: str, name: str) -> Callable[..., str]:
    """The address of the list of a group's waits, by outcome; empty where they cannot be asked for."""
    story: Story = context["story"]
    base = context.get("base", story.board)
    team = name if kind == "team" else story.team
    nameless = not name or (kind == "team" and name not in story.team_names)

    def address(outcome: str = "") -> str:
        chosen = {kind: name} if kind != "team" and name != figures.AWAY else {}
        part = ReportPart(team=team, away=name == figures.AWAY, outcome=outcome, **chosen)
        return "" if nameless else f"{base}/waits?{urlencode(part.query(story.period))}"

    return address


@pass_context
def _stamp(context: Context, at: datetime) -> str:
    return report_messages.moment(context["story"].period.local(at), context["words"])


@pass_context
def _dated(context: Context, at: datetime) -> str:
    return report_messages.date_and_time(context["story"].period.local(at), context["words"])


@pass_context
def _due(context: Context, day: date) -> str:
    period = context["story"].period
    return report_messages.due_day(day, period.local(period.end).date(), context["words"])
