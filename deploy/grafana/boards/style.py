"""One look for all panels: what a stat, a trend, a table is here; the variables and links that every dashboard has."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count
from typing import Any, Protocol, TypeVar

from grafana_foundation_sdk.builders import (
    bargauge,
    common,
    dashboard,
    prometheus,
    stat,
    statetimeline,
    table,
    timeseries,
)
from grafana_foundation_sdk.models import common as kinds
from grafana_foundation_sdk.models import dashboard as model
from grafana_foundation_sdk.models.prometheus import PromQueryFormat

SOURCE = kinds.DataSourceRef(type_val="prometheus", uid="${datasource}")
BOARD = "${board}"
"""The address of the board, as the viewer's variable has it."""
HERE = "http://127.0.0.1:9842"
CALM, NEAR, LATE, HOLD, DIM = "#3f8f78", "#d99a2b", "#d0453b", "#5b7fc7", "#8a7fa8"
STATES = {
    "running": CALM,
    "warned": NEAR,
    "breached": LATE,
    "acknowledged": HOLD,
    "snoozed": "#9bb1e0",
    "unverified": DIM,
}
"""The colours that the board has for the states of a wait."""
STATE_NAMES = {"warned": "due soon", "breached": "overdue", "unverified": "can't tell"}
"""What the board calls those states of the metrics that have words of their own there."""
REASON_NAMES = {
    "warning": "due soon",
    "breach": "due",
    "escalated": "overdue",
    "repeated": "again",
    "unverified": STATE_NAMES["unverified"],
}
"""The same of the reasons for which a step is told."""
NARROW = 36
"""Pixels of a heat map's column: 25 of them fit into 900, and a value such as 12.5 into each."""
Steps = Sequence[tuple[float | None, str]]
Made = TypeVar("Made", bound="Panel")


class Panel(Protocol):
    """What the builders of all kinds of panels have in common."""

    def title(self: Made, title: str) -> Made: ...
    def description(self: Made, description: str) -> Made: ...
    def datasource(self: Made, datasource: kinds.DataSourceRef) -> Made: ...
    def unit(self: Made, unit: str) -> Made: ...
    def span(self: Made, w: int) -> Made: ...
    def height(self: Made, h: int) -> Made: ...
    def with_target(self: Made, target: Any) -> Made: ...
    def build(self) -> model.Panel: ...


@dataclass(frozen=True, slots=True)
class Query:
    """A PromQL expression and the name of what it draws (`{{label}}` stands for a label's value)."""

    expr: str
    name: str = ""


def link(title: str, url: str) -> dashboard.DashboardLink:
    made = dashboard.DashboardLink(title).url(url).type(model.DashboardLinkType.LINK).placement("")
    return made.target_blank(True)


def thresholds(steps: Steps) -> dashboard.ThresholdsConfig:
    """Colours from a value on; the first step's value is None: everything below."""
    made = [model.Threshold(value=value, color=colour) for value, colour in steps]
    return dashboard.ThresholdsConfig().mode(model.ThresholdsMode.ABSOLUTE).steps(made)


def _dressed(panel: Made, title: str, about: str, size: tuple[int, int], unit: str) -> Made:
    wide, high = size
    return panel.title(title).description(about).datasource(SOURCE).span(wide).height(high).unit(unit)


def _asked(panel: Made, queries: Iterable[Query], *, instant: bool, as_table: bool = False) -> Made:
    for ref, query in zip("ABCDEFGHIJKLMNOPQ", queries, strict=False):
        target = prometheus.Dataquery().ref_id(ref).expr(query.expr).legend_format(query.name or "__auto")
        target = target.instant() if instant else target.range()
        panel = panel.with_target(target.format(PromQueryFormat.TABLE) if as_table else target)
    return panel


def number(
    title: str,
    query: str,
    about: str,
    *,
    unit: str = "short",
    steps: Steps = ((None, "text"),),
    links: Sequence[dashboard.DashboardLink] = (),
    width: int = 4,
    name: str = "",
) -> stat.Panel:
    """One big number; `name` shows a label's value in its place."""
    panel = _dressed(stat.Panel(), title, about, (width, 4), unit)
    panel = panel.thresholds(thresholds(steps)).data_links(list(links)).color_mode(kinds.BigValueColorMode.VALUE)
    panel = panel.graph_mode(kinds.BigValueGraphMode.NONE).reduce_options(
        common.ReduceDataOptions().calcs(["lastNotNull"])
    )
    if name:
        panel = panel.text_mode(kinds.BigValueTextMode.NAME)
    return _asked(panel, [Query(query, name)], instant=True)


def trend(
    title: str,
    queries: Sequence[Query],
    about: str,
    *,
    unit: str = "short",
    width: int = 12,
    highest: float | None = None,
    stacked: bool = False,
    bars: str = "",
    colours: Mapping[str, str] | None = None,
    names: Mapping[str, str] | None = None,
    links: Sequence[dashboard.DashboardLink] = (),
) -> timeseries.Panel:
    """Lines over time; `bars` (an interval such as `1d`) makes them bars of that width. `colours` are by series, and so
    are `names`, for those whose label is no word for readers."""
    panel = _dressed(timeseries.Panel(), title, about, (width, 8), unit).min(0).data_links(list(links))
    panel = panel.line_width(2).fill_opacity(60 if stacked or bars else 6).show_points(kinds.VisibilityMode.NEVER)
    panel = panel.legend(common.VizLegendOptions().placement(kinds.LegendPlacement.BOTTOM).show_legend(True))
    panel = panel.tooltip(common.VizTooltipOptions().mode(kinds.TooltipDisplayMode.MULTI))
    if highest is not None:
        panel = panel.max(highest)
    if bars:
        panel = panel.draw_style(kinds.GraphDrawStyle.BARS).interval(bars)
    if stacked:
        panel = panel.stacking(common.StackingConfig().mode(kinds.StackingMode.NORMAL))
    for name, colour in (colours or {}).items():
        fixed = {"mode": "fixed", "fixedColor": colour}
        panel = panel.override_by_name(name, [model.DynamicConfigValue(id_val="color", value=fixed)])
    for name, shown in (names or {}).items():
        panel = panel.override_by_name(name, [model.DynamicConfigValue(id_val="displayName", value=shown)])
    return _asked(panel, queries, instant=False)


def ranking(
    title: str,
    query: Query,
    about: str,
    *,
    unit: str = "short",
    steps: Steps = ((None, CALM),),
    width: int = 8,
    highest: float | None = None,
    links: Sequence[dashboard.DashboardLink] = (),
) -> bargauge.Panel:
    """A bar for each series, now."""
    panel = _dressed(bargauge.Panel(), title, about, (width, 8), unit).min(0).thresholds(thresholds(steps))
    panel = panel.orientation(kinds.VizOrientation.HORIZONTAL).display_mode(kinds.BarGaugeDisplayMode.BASIC)
    panel = panel.data_links(list(links)).reduce_options(common.ReduceDataOptions().calcs(["lastNotNull"]))
    if highest is not None:
        panel = panel.max(highest)
    return _asked(panel, [query], instant=True)


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table: its name, the expression behind it, its unit and colours, and words for its values."""

    name: str
    expr: str
    unit: str = "short"
    steps: Steps = ()
    words: Mapping[str, str] = field(default_factory=dict)


def grid(
    title: str,
    keys: Mapping[str, str],
    columns: Sequence[Column],
    about: str,
    *,
    width: int = 24,
    height: int = 9,
    links: Sequence[dashboard.DashboardLink] = (),
) -> table.Panel:
    """A row for each value of the key labels (label to heading; `links` hang on the first), a column for each query."""
    panel = _dressed(table.Panel(), title, about, (width, height), "short").no_value("–")
    for ref, column in zip("ABCDEFGHIJKLMNOPQ", columns, strict=False):
        values: dict[str, Any] = {"unit": column.unit}
        if column.steps:
            values["thresholds"] = {
                "mode": "absolute",
                "steps": [{"value": value, "color": colour} for value, colour in column.steps],
            }
            values["custom.cellOptions"] = {"type": "color-text"}
        if column.words:
            words = {key: {"text": word, "index": place} for place, (key, word) in enumerate(column.words.items())}
            values["mappings"] = [{"type": "value", "options": words}]
        named = f"Value #{ref}" if len(columns) > 1 else "Value"
        panel = panel.override_by_name(named, [model.DynamicConfigValue(id_val="displayName", value=column.name)])
        properties = [model.DynamicConfigValue(id_val=name, value=value) for name, value in values.items()]
        panel = panel.override_by_name(named, properties)
    first = next(iter(keys))
    hung = [{"title": one.build().title, "url": one.build().url, "targetBlank": True} for one in links]
    panel = panel.override_by_name(keys[first], [model.DynamicConfigValue(id_val="links", value=hung)])
    panel = _asked(panel, [Query(column.expr) for column in columns], instant=True, as_table=True)
    panel = panel.with_transformation(model.DataTransformerConfig(id_val="merge", options={}))
    arranged = {"excludeByName": {"Time": True}, "renameByName": dict(keys)}
    return panel.with_transformation(model.DataTransformerConfig(id_val="organize", options=arranged))


def matrix(
    title: str, query: str, about: str, *, row: str, column: str, names: Mapping[str, str], width: int = 24
) -> table.Panel:
    """A heat map: one label down (`names` are its values in words), another across, the values coloured.

    A table's columns are 150 px wide at least unless it is told otherwise, and most hours would be out of sight.
    """
    panel = _dressed(table.Panel(), title, about, (width, 8), "short").decimals(1).no_value("·")
    panel = panel.min_width(NARROW).color_scheme(
        dashboard.FieldColor().mode(model.FieldColorModeId.CONTINUOUS_GR_YL_RD)
    )
    panel = panel.cell_options(kinds.TableColoredBackgroundCellOptions(mode=kinds.TableCellBackgroundDisplayMode.BASIC))
    panel = _asked(panel, [Query(query)], instant=True, as_table=True)
    for key in (column, row):  # stable: rows in the order of their label, and columns within them
        panel = panel.with_transformation(
            model.DataTransformerConfig(id_val="sortBy", options={"fields": {}, "sort": [{"field": key}]})
        )
    named = {key: {"text": name, "index": place} for place, (key, name) in enumerate(names.items())}
    mapping = model.DynamicConfigValue(id_val="mappings", value=[{"type": "value", "options": named}])
    panel = panel.override_by_name(f"{row}\\{column}", [mapping])
    turned = {"columnField": column, "rowField": row, "valueField": "Value", "emptyValue": "null"}
    return panel.with_transformation(model.DataTransformerConfig(id_val="groupingToMatrix", options=turned))


def history(title: str, query: Query, about: str, *, width: int = 12) -> statetimeline.Panel:
    """Good and bad stretches of each series: 1 is good, 0 is bad."""
    panel = _dressed(statetimeline.Panel(), title, about, (width, 8), "short")
    said = {
        "1": model.ValueMappingResult(text="read", color=CALM, index=0),
        "0": model.ValueMappingResult(text="blind", color=LATE, index=1),
    }
    panel = panel.mappings([model.ValueMap(options=said)]).show_value(kinds.VisibilityMode.NEVER)
    panel = panel.thresholds(thresholds([(None, LATE), (1, CALM)]))
    return _asked(panel, [query], instant=False)


def _choice(name: str, label: str, query: str) -> dashboard.QueryVariable:
    """A variable over the values of a label; All matches whatever has none, too."""
    made = dashboard.QueryVariable(name).label(label).query(query).definition(query).datasource(SOURCE)
    made = made.refresh(model.VariableRefresh.ON_TIME_RANGE_CHANGED).sort(model.VariableSort.ALPHABETICAL_ASC)
    made = made.multi(True).include_all(True).all_value(".*")
    return made.current(model.VariableOption(selected=True, text="All", value="$__all"))


def sheet(
    title: str,
    uid: str,
    about: str,
    panels: Sequence[Any],
    *,
    since: str,
    closed: Mapping[str, Sequence[Any]] | None = None,
) -> dashboard.Dashboard:
    """A dashboard with the variables and links that all of them share.

    `closed`: rows below the others by title, for what not every house has. Grafana asks for them when they are opened.
    """
    made = dashboard.Dashboard(title).uid(uid).description(about).tags(["inboxwatch"]).timezone("browser")
    made = made.time(since, "now").refresh("1m").readonly().tooltip(model.DashboardCursorSync.CROSSHAIR)
    made = made.with_variable(dashboard.DatasourceVariable("datasource").label("Prometheus").type("prometheus"))
    for variable in (
        _choice("team", "Team", "label_values(owner:inboxwatch_owner:info, team)"),
        _choice("owner", "Owner", 'label_values(owner:inboxwatch_owner:info{team=~"$team"}, owner)'),
        _choice("tier", "Tier", "label_values(inboxwatch_clocks_open, tier)"),
        _choice("mailbox", "Mailbox", "label_values(inboxwatch_clocks_open, mailbox)"),
    ):
        made = made.with_variable(variable)
    board = dashboard.TextBoxVariable("board").label("Board").default_value(HERE)
    board = board.current(model.VariableOption(selected=True, text=HERE, value=HERE))
    made = made.with_variable(board).link(
        link("The live board", f"{BOARD}/").tooltip("Who waits now, and what is next")
    )
    others = dashboard.DashboardLink("Dashboards").type(model.DashboardLinkType.DASHBOARDS).tags(["inboxwatch"])
    made = made.link(others.placement("").include_vars(True).keep_time(True).as_dropdown(True))
    ids = count(1)
    for panel in panels:
        made = made.with_panel(panel.id(next(ids)))
    for name, hidden in (closed or {}).items():
        row = dashboard.Row(name).id(next(ids))
        for panel in hidden:
            row = row.with_panel(panel.id(next(ids)))
        made = made.with_row(row)
    return made
