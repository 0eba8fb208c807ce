"""Plots as inline SVG, drawn by pygal. They bear no colour of their own: the page's style gives it, for light, dark and
print alike."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import pygal  # type: ignore[import-untyped]  # pygal has no type hints
from pygal.etree import etree  # type: ignore[import-untyped]  # the same
from pygal.style import Style  # type: ignore[import-untyped]  # the same

from inboxwatch.core.statistics.figures import LATENCY_EDGES
from inboxwatch.core.statistics.survival import Survival
from inboxwatch.words import Wording

_SHORTEST = 60.0
"""The left edge of the time axis in seconds; what was quicker is drawn there."""
_HOUR = 3600
_MARKS = (60, 300, 900, _HOUR, 4 * _HOUR, 10 * _HOUR, 40 * _HOUR, 160 * _HOUR, 480 * _HOUR, 2000 * _HOUR)
"""A business day has no fixed length: business time is told in hours."""
_STYLE = Style(
    font_family="inherit", label_font_size=12, major_label_font_size=12, background="none", plot_background="none"
)
_COMMON: dict[str, Any] = {
    "css": [],
    "js": [],
    "style": _STYLE,
    "disable_xml_declaration": True,
    "show_legend": False,
    "margin": 6,
    "margin_right": 18,
    "width": 560,
    "height": 270,
    "truncate_label": -1,
}


Stack = tuple[str, Sequence[int]]
"""A name and a count for each bar."""


@dataclass(frozen=True, slots=True)
class Curve:
    """A curve of answered shares over time; `band` draws its confidence interval as well."""

    name: str
    points: Sequence[tuple[float, float]]
    """(seconds, share answered by then), ascending: steps."""
    until: float
    """Where what is known ends, in seconds."""


def line_of(name: str, curve: Survival) -> Curve:
    answered = [(time, 1 - left) for time, left in zip(curve.times, curve.waiting, strict=True)]
    return Curve(name, answered, curve.longest)


def naive_line(name: str, answered: Sequence[float]) -> Curve:
    """The curve that leaves open waits out."""
    ordered = sorted(answered)
    points = [(time, (rank + 1) / len(ordered)) for rank, time in enumerate(ordered)]
    return Curve(name, points, ordered[-1] if ordered else 0.0)


def answered_by(title: str, lines: Sequence[Curve], words: Wording, band: Survival | None = None) -> str:
    """Shares answered over a logarithmic axis of business time, one line each; `band` shades the bounds of a curve."""
    end = max([line.until for line in lines] + [3600.0])
    chart = pygal.XY(
        **_COMMON,
        no_data_text=words.say("nothing to draw"),
        title=None,
        range=(0, 1),
        xrange=(_place(_SHORTEST), _place(end * 1.05)),
        show_dots=False,
        include_x_axis=True,
        show_x_guides=True,
    )
    chart.y_labels = [{"label": words.percent(share), "value": share} for share in (0, 0.25, 0.5, 0.75, 1)]
    marks = [mark for mark in _MARKS if mark <= end * 1.05]
    chart.x_labels = [{"label": hours(mark, words), "value": _place(mark)} for mark in marks]
    if band is not None and band.times:
        upper = _steps([(time, 1 - low) for time, low in zip(band.times, band.low, strict=True)], band.longest)
        lower = _steps([(time, 1 - high) for time, high in zip(band.times, band.high, strict=True)], band.longest)
        chart.add("", upper + lower[::-1], fill=True)
    else:
        chart.add("", [])
    for line in lines:
        chart.add(line.name, _steps(line.points, line.until))
    return _svg(chart, title)


def per_slice(title: str, names: Sequence[str], stacks: Sequence[Stack], words: Wording) -> str:
    """Counts by day or week, one upon the other."""
    chart = pygal.StackedBar(**_COMMON, no_data_text=words.say("nothing to draw"), spacing=12, min_scale=2, max_scale=6)
    chart.value_formatter = _whole
    every = math.ceil(len(names) / 9)
    chart.x_labels = [name if place % every == 0 else "" for place, name in enumerate(names)]
    for name, counts in stacks:
        chart.add(name, [{"value": count, "label": f"{name}, {names[place]}"} for place, count in enumerate(counts)])
    return _svg(chart, title)


def distribution(title: str, sides: Sequence[Stack], words: Wording) -> str:
    """How many answers took how long, in the buckets of the metrics."""
    chart = pygal.Bar(**_COMMON, no_data_text=words.say("nothing to draw"), spacing=10, min_scale=2, max_scale=6)
    chart.value_formatter = _whole
    edges = [hours(edge, words) for edge in LATENCY_EDGES]
    names = [*(words.say("up to %(span)s", span=one) for one in edges), words.say("over %(span)s", span=edges[-1])]
    chart.x_labels = [*edges, words.say("more")]
    for name, counts in sides:
        chart.add(name, [{"value": count, "label": f"{name}, {names[place]}"} for place, count in enumerate(counts)])
    return _svg(chart, title)


def hours(seconds: float, words: Wording) -> str:
    """A length of business time, from ten hours on in whole ones: `45 s`, `12 min`, `2 h 05 min`, `176 h`."""
    return words.hours(seconds if seconds < 10 * _HOUR else round(seconds / _HOUR) * _HOUR)


def _place(seconds: float) -> float:
    return math.log10(max(seconds, _SHORTEST))


def _steps(points: Sequence[tuple[float, float]], until: float) -> list[tuple[float, float]]:
    """A share holds until the next step. Steps that fall on the same hundredth of the axis are drawn as one."""
    seen = {round(_place(seconds), 2): share for seconds, share in points}
    drawn = [(_place(_SHORTEST), 0.0)]
    for at, share in seen.items():
        drawn += [(at, drawn[-1][1]), (at, share)]
    drawn.append((max(_place(until), drawn[-1][0]), drawn[-1][1]))
    return drawn


def _whole(value: float) -> str:
    return f"{value:.0f}" if value == int(value) else ""


def _svg(chart: Any, title: str) -> str:
    chart.add_xml_filter(_bare(title))
    return str(chart.render(is_unicode=True))


def _bare(title: str) -> Callable[[Any], Any]:
    """Leaves what is drawn: no script, no style, no comment; values become native tool tips."""

    def filtered(root: Any) -> Any:
        for parent in list(root.iter()):
            told = {child.get("class"): child.text for child in parent if _kind(child) == "desc"}
            for child in list(parent):
                noise = _kind(child) in {"comment", "defs", "desc"} or "overlay" in child.get("class", "")
                if noise or (_kind(child) == "title" and parent.get("class") == "guides"):
                    parent.remove(child)
            if told.get("value"):
                label = told.get("label") or told.get("x_label")
                tip = etree.SubElement(parent, "title")
                tip.text = f"{label}: {told['value']}" if label else told["value"]
        root.attrib.pop("id", None)
        root.set("role", "img")
        root.set("aria-label", title)
        for child in root:
            if _kind(child) == "title":
                child.text = title
        return root

    return filtered


def _kind(element: Any) -> str:
    """The name of an element without its namespace; comments have a function for a tag."""
    return element.tag.rpartition("}")[2] if isinstance(element.tag, str) else "comment"
