"""Writes the dashboards under `dashboards/`: `python deploy/grafana/generate.py`. Edit here, never the JSON.

Needs grafana-foundation-sdk (in the development lock). A test compares the committed JSON with what this writes.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from grafana_foundation_sdk.builders import bargauge, heatmap, stat, table, timeseries
from grafana_foundation_sdk.builders.common import ReduceDataOptions
from grafana_foundation_sdk.builders.dashboard import (
    Dashboard,
    DashboardLink,
    DatasourceVariable,
    QueryVariable,
    Row,
    TextBoxVariable,
    ThresholdsConfig,
)
from grafana_foundation_sdk.builders.prometheus import Dataquery
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models.common import DataSourceRef
from grafana_foundation_sdk.models.dashboard import (
    DashboardLinkType,
    DataTransformerConfig,
    DynamicConfigValue,
    Threshold,
    ThresholdsMode,
    VariableOption,
    VariableRefresh,
)
from grafana_foundation_sdk.models.prometheus import PromQueryFormat

SOURCE = DataSourceRef(type_val="prometheus", uid="${datasource}")
FOLDER = Path(__file__).parent / "dashboards"
WHO = 'owner=~"$owner", tier=~"$tier"'
"""Filters of what is labelled by owner; a team narrows the owners."""
WHERE = f'mailbox=~"$mailbox", {WHO}'
GREEN, AMBER, RED = "green", "#e0a43a", "red"


def query(expr: str, legend: str = "", ref: str = "A", *, instant: bool = False, as_table: bool = False) -> Dataquery:
    found = Dataquery().expr(expr).legend_format(legend or "__auto").ref_id(ref).datasource(SOURCE)
    found = found.instant() if instant else found.range()
    return found.format(PromQueryFormat.TABLE) if as_table else found


def steps(*edges: tuple[float | None, str]) -> ThresholdsConfig:
    """Colours from edges upwards; the first edge is None."""
    found = [Threshold(value=edge, color=color) for edge, color in edges]
    return ThresholdsConfig().mode(ThresholdsMode.ABSOLUTE).steps(found)


def number(
    title: str, expr: str, unit: str = "short", *, colors: ThresholdsConfig | None = None, help_: str = ""
) -> Any:
    panel = stat.Panel().title(title).description(help_).datasource(SOURCE).unit(unit).span(4).height(4)
    panel = panel.with_target(query(expr, instant=True)).reduce_options(ReduceDataOptions().calcs(["lastNotNull"]))
    return panel.thresholds(colors or steps((None, "text"))).no_value("–")


def lines(
    title: str, targets: Iterable[tuple[str, str]], unit: str = "short", *, help_: str = "", span: int = 12
) -> Any:
    panel = timeseries.Panel().title(title).description(help_).datasource(SOURCE).unit(unit).span(span).height(8)
    panel = panel.min(0).fill_opacity(8).line_width(1.5)
    for position, (expr, legend) in enumerate(targets):
        panel = panel.with_target(query(expr, legend, chr(ord("A") + position)))
    return panel


def grid(
    title: str,
    columns: Iterable[tuple[str, str, str]],
    by: str,
    *,
    link: str = "",
    help_: str = "",
    height: int = 10,
) -> Any:
    """A table with a row for each value of the label `by`; columns are (name, expression, unit)."""
    panel = table.Panel().title(title).description(help_).datasource(SOURCE).span(24).height(height)
    names, hidden = {by: by.capitalize()}, {"Time": True}
    for position, (name, expr, unit) in enumerate(columns):
        ref = chr(ord("A") + position)
        panel = panel.with_target(query(expr, ref=ref, instant=True, as_table=True))
        names[f"Value #{ref}"] = name
        panel = panel.override_by_name(name, [DynamicConfigValue(id_val="unit", value=unit)])
    if link:
        target = [{"title": "On the board", "url": link, "targetBlank": True}]
        panel = panel.override_by_name(by.capitalize(), [DynamicConfigValue(id_val="links", value=target)])
    joined = DataTransformerConfig(id_val="joinByField", options={"byField": by, "mode": "outer"})
    named = DataTransformerConfig(id_val="organize", options={"renameByName": names, "excludeByName": hidden})
    return panel.with_transformation(joined).with_transformation(named)


def labels(name: str, expr: str, *, everything: bool) -> QueryVariable:
    """A choice among the values of a label; `everything` takes in series where it is empty."""
    label = name.capitalize()
    variable = QueryVariable(name).label(label).datasource(SOURCE).query({"query": expr, "refId": name})
    variable = variable.definition(expr).refresh(VariableRefresh.ON_TIME_RANGE_CHANGED)
    variable = variable.multi(True).include_all(True)
    if everything:
        variable = variable.all_value(".*")
    return variable.current(VariableOption(selected=True, text=["All"], value=["$__all"]))


def dashboard(title: str, uid: str, help_: str) -> Dashboard:
    board = "http://127.0.0.1:9842"
    found = Dashboard(f"inboxwatch: {title}").uid(uid).description(help_).tags(["inboxwatch"]).timezone("browser")
    found = found.readonly().refresh("1m").time("now-7d", "now")
    found = found.with_variable(DatasourceVariable("datasource").label("Source").type("prometheus"))
    for name, expr in (
        ("team", "label_values(inboxwatch_owner_info, team)"),
        ("owner", 'label_values(inboxwatch_owner_info{team=~"$team"}, owner)'),
        ("tier", "label_values(inboxwatch_sla_breaches_total, tier)"),
        ("mailbox", "label_values(inboxwatch_messages_total, mailbox)"),
    ):
        found = found.with_variable(labels(name, expr, everything=name != "owner"))
    found = found.with_variable(TextBoxVariable("board").label("Board").default_value(board))
    link = DashboardLink("The board").type(DashboardLinkType.LINK).url("${board}/").target_blank(True)
    others = DashboardLink("Dashboards").type(DashboardLinkType.DASHBOARDS).tags(["inboxwatch"]).as_dropdown(True)
    return found.link(link).link(others)


def quantiles(share: float, basis: str) -> str:
    selected = f'inboxwatch_reply_latency_seconds_bucket{{{WHO}, basis="{basis}"}}'
    return f"histogram_quantile({share}, sum by (le) (increase({selected}[$__range])))"


def late() -> ThresholdsConfig:
    return steps((None, "text"), (1, RED))


def attained() -> ThresholdsConfig:
    return steps((None, RED), (0.8, AMBER), (0.9, GREEN))


def overview() -> Dashboard:
    waits = f"inboxwatch_clocks_open{{{WHERE}}}"
    attainment = (
        f'sum(increase(inboxwatch_replies_total{{within_sla="true", {WHO}}}[$__range]))'
        f' / (sum(increase(inboxwatch_replies_total{{within_sla="true", {WHO}}}[$__range]))'
        f' + sum(increase(inboxwatch_sla_breaches_total{{metric!="follow_up", {WHO}}}[$__range])))'
    )
    found = dashboard(
        "Overview", "inboxwatch-overview", "Who waits now, for how long, and what was kept of what was promised."
    )
    for panel in (
        number("Waiting now", f"sum({waits})"),
        number("Overdue", f'sum(inboxwatch_clocks_open{{state="breached", {WHERE}}}) or vector(0)', colors=late()),
        number(
            "Not verified", f'sum(inboxwatch_clocks_open{{state="unverified", {WHERE}}}) or vector(0)', colors=late()
        ),
        number("Oldest wait", f"max(inboxwatch_clock_oldest_age_seconds{{{WHERE}}})", "s"),
        number(
            "Answered in time",
            attainment,
            "percentunit",
            colors=attained(),
            help_="Of the waits whose fate was decided in this range: answered in time, or fallen due unanswered.",
        ),
        number(
            "Error budget left",
            "inboxwatch:sla_error_budget:remaining30d",
            "percentunit",
            colors=steps((None, RED), (0, GREEN)),
        ),
    ):
        found = found.with_panel(panel)
    found = found.with_panel(lines("Open waits by state", [(f"sum by (state) ({waits})", "{{state}}")], span=12))
    found = found.with_panel(
        lines(
            "Answered in time, last 7 days, against what is promised",
            [("inboxwatch:sla_attainment:ratio7d", "answered in time"), ("inboxwatch:sla_objective:ratio", "promised")],
            "percentunit",
        )
    )
    trend = [(f"{basis} p{share * 100:g}", share, basis) for basis in ("wall", "business") for share in (0.5, 0.9)]
    found = found.with_panel(
        lines(
            "Time to the answer, last day",
            [(quantiles(share, basis).replace("$__range", "1d"), name) for name, share, basis in trend],
            "s",
            help_="Answers only; who still waits is above. Wall time is what buyers felt, business time what reps had.",
        )
    )
    buckets = f'sum by (le) (increase(inboxwatch_reply_latency_seconds_bucket{{basis="wall", {WHO}}}[$__interval]))'
    spread = heatmap.Panel().title("Answers by how long the buyer waited").datasource(SOURCE).span(12).height(8)
    found = found.with_panel(spread.with_target(query(buckets, "{{le}}")))
    days = ("Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday")
    asked = 'sum(increase(inboxwatch_messages_total{mailbox=~"$mailbox", direction="inbound", kind="human"}[1h]))'
    week = (
        bargauge.Panel().title("Buyers' messages by weekday, last 7 days (UTC)").datasource(SOURCE).span(12).height(8)
    )
    for day, name in enumerate(days):
        hours = f"(({asked} and on () (day_of_week() == {day})))[7d:1h]"
        week = week.with_target(query(f"sum_over_time({hours}) or vector(0)", name, chr(ord("A") + day), instant=True))
    found = found.with_panel(week)
    hour = bargauge.Panel().title("Buyers' messages by hour, last 7 days (UTC)").datasource(SOURCE).span(12).height(8)
    for start in range(0, 24, 3):
        hours = f"(({asked} and on () (hour() >= {start}) and on () (hour() < {start + 3})))[7d:1h]"
        ref = chr(ord("A") + start // 3)
        hour = hour.with_target(
            query(f"sum_over_time({hours}) or vector(0)", f"{start:02}-{start + 3:02}", ref, instant=True)
        )
    return found.with_panel(hour)


def people() -> Dashboard:
    found = dashboard("People and teams", "inboxwatch-people", "Load, latency and breaches by who had the wait.")
    owners = 'owner=~"$owner"'
    found = found.with_panel(
        grid(
            "People",
            [
                ("Waiting", f"sum by (owner) (inboxwatch_clocks_open{{{owners}}})", "short"),
                ("Overdue", f'sum by (owner) (inboxwatch_clocks_open{{state="breached", {owners}}})', "short"),
                ("Oldest", f"max by (owner) (inboxwatch_clock_oldest_age_seconds{{{owners}}})", "s"),
                ("In time, 7 d", f"owner:inboxwatch_sla_attainment:ratio7d{{{owners}}}", "percentunit"),
                ("p50, 7 d", f'owner_basis:inboxwatch_reply_latency_seconds:p50_7d{{basis="business", {owners}}}', "s"),
                ("p90, 7 d", f'owner_basis:inboxwatch_reply_latency_seconds:p90_7d{{basis="business", {owners}}}', "s"),
                ("p90 felt", f'owner_basis:inboxwatch_reply_latency_seconds:p90_7d{{basis="wall", {owners}}}', "s"),
                (
                    "Answered by others",
                    f'sum by (owner) (increase(inboxwatch_replies_total{{by="colleague", {owners}}}[7d]))',
                    "short",
                ),
                ("Follow-ups", f"sum by (owner) (inboxwatch_follow_ups_open{{{owners}}})", "short"),
            ],
            "owner",
            link="${board}/?owner=${__value.text}",
            help_="p50 and p90 in business time; `felt` is wall time. A wait counts for who owned it when it fell due.",
        )
    )
    found = found.with_panel(
        grid(
            "Teams",
            [
                ("In time, 7 d", "team:inboxwatch_sla_attainment:ratio7d", "percentunit"),
                ("p50, 7 d", 'team_basis:inboxwatch_reply_latency_seconds:p50_7d{basis="business"}', "s"),
                ("p90, 7 d", 'team_basis:inboxwatch_reply_latency_seconds:p90_7d{basis="business"}', "s"),
            ],
            "team",
            link="${board}/?team=${__value.text}",
            height=6,
        )
    )
    found = found.with_panel(
        grid(
            "Tiers",
            [
                ("In time, 7 d", "tier:inboxwatch_sla_attainment:ratio7d", "percentunit"),
                ("p50, 7 d", 'tier_basis:inboxwatch_reply_latency_seconds:p50_7d{basis="business"}', "s"),
                ("p90, 7 d", 'tier_basis:inboxwatch_reply_latency_seconds:p90_7d{basis="business"}', "s"),
            ],
            "tier",
            link="${board}/?tier=${__value.text}",
            height=6,
        )
    )
    found = found.with_row(Row("Over time"))
    owned = f"histogram_quantile(0.9, sum by (owner, le) (increase(inboxwatch_ownership_seconds_bucket{{{WHO}}}[1d])))"
    for panel in (
        lines("Waiting, by owner", [(f"sum by (owner) (inboxwatch_clocks_open{{{WHERE}}})", "{{owner}}")]),
        lines(
            "Breaches a day, by owner",
            [(f"sum by (owner) (increase(inboxwatch_sla_breaches_total{{{WHO}}}[1d]))", "{{owner}}")],
        ),
        lines("How long a wait stays with its owner, p90", [(owned, "{{owner}}")], "s"),
        lines(
            "First messages that bounced, a day",
            [(f"sum by (owner) (increase(inboxwatch_first_contact_failures_total{{{WHO}}}[1d]))", "{{owner}}")],
        ),
        lines(
            "Steps told, a day",
            [
                (
                    "sum by (policy, step, reason) (increase(inboxwatch_escalations_total[1d])) > 0",
                    "{{policy}} {{step}} {{reason}}",
                )
            ],
            span=24,
        ),
    ):
        found = found.with_panel(panel)
    return found


def health() -> Dashboard:
    found = dashboard(
        "Mailboxes and health", "inboxwatch-health", "For IT: what is read, how late, and what could not be sent."
    )
    boxes = 'mailbox=~"$mailbox"'
    by_connector = (
        "histogram_quantile({}, sum by (connector, le) (rate(inboxwatch_{}_seconds_bucket[$__rate_interval])))"
    )
    seen_late = [
        (by_connector.format(share, "detection_lag"), f"{{{{connector}}}} p{share * 100:g}") for share in (0.5, 0.99)
    ]
    poll = by_connector.format(0.9, "mailbox_poll_duration")
    for panel in (
        number("Mailboxes read", f"sum(inboxwatch_mailbox_up{{{boxes}}})"),
        number("Blind", f"count(inboxwatch_mailbox_up{{{boxes}}} == 0) or vector(0)", colors=late()),
        number("Messages set aside", f"sum(inboxwatch_quarantined_messages{{{boxes}}})", colors=late()),
        number("Dead letters", 'sum(inboxwatch_notifications_total{outcome="dead"})', colors=late()),
        number("Waits without owner", "sum(inboxwatch_ownerless_clocks)", colors=late()),
        number(
            "Config in force", "min(inboxwatch_config_last_reload_successful)", colors=steps((None, RED), (1, GREEN))
        ),
        grid(
            "Mailboxes",
            [
                ("Up", f"max by (mailbox) (inboxwatch_mailbox_up{{{boxes}}})", "short"),
                (
                    "Read",
                    f"time() - max by (mailbox) (inboxwatch_mailbox_last_success_timestamp_seconds{{{boxes}}})",
                    "s",
                ),
                ("Coverage", f"max by (mailbox) (inboxwatch_coverage_ratio{{{boxes}}})", "percentunit"),
                (
                    "Errors, 1 d",
                    f"sum by (mailbox) (increase(inboxwatch_mailbox_errors_total{{{boxes}}}[1d]))",
                    "short",
                ),
                ("Set aside", f"max by (mailbox) (inboxwatch_quarantined_messages{{{boxes}}})", "short"),
                ("Messages, 1 d", f"sum by (mailbox) (increase(inboxwatch_messages_total{{{boxes}}}[1d]))", "short"),
            ],
            "mailbox",
            link="${board}/mailboxes",
        ),
        lines(
            "Errors by reason",
            [
                (
                    f"sum by (reason) (increase(inboxwatch_mailbox_errors_total{{{boxes}}}[$__rate_interval]))",
                    "{{reason}}",
                )
            ],
        ),
        lines("Messages seen late by", seen_late, "s"),
        lines("One poll takes, p90", [(poll, "{{connector}}")], "s"),
        lines(
            "Messages by kind",
            [
                (
                    f"sum by (direction, kind) (increase(inboxwatch_messages_total{{{boxes}}}[$__rate_interval]))",
                    "{{direction}} {{kind}}",
                )
            ],
        ),
        lines(
            "What placed messages in threads",
            [("sum by (evidence) (increase(inboxwatch_thread_matches_total[$__rate_interval]))", "{{evidence}}")],
        ),
        lines(
            "Notices",
            [
                (
                    "sum by (channel, outcome) (increase(inboxwatch_notifications_total[$__rate_interval]))",
                    "{{channel}} {{outcome}}",
                ),
                ("sum by (channel) (inboxwatch_notifications_pending)", "{{channel}} waiting"),
            ],
        ),
        lines("Memory", [('process_resident_memory_bytes{job="inboxwatch"}', "{{instance}}")], "bytes"),
        lines(
            "CPU",
            [('rate(process_cpu_seconds_total{job="inboxwatch"}[$__rate_interval])', "{{instance}}")],
            "percentunit",
        ),
        number("Version", "max by (version) (inboxwatch_build_info)"),
    ):
        found = found.with_panel(panel)
    return found


def rendered() -> dict[str, str]:
    """File name -> JSON of each dashboard."""
    made = {"overview.json": overview(), "people.json": people(), "health.json": health()}
    return {name: JSONEncoder(sort_keys=True, indent=1).encode(one.build()) + "\n" for name, one in made.items()}


def main() -> None:
    FOLDER.mkdir(exist_ok=True)
    for name, text in rendered().items():
        (FOLDER / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
