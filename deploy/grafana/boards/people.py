"""People and teams: load, latency, missed waits, answers by others. To balance the work, not to rank the people."""

from __future__ import annotations

from grafana_foundation_sdk.builders import dashboard

from boards.overview import BUDGET, SHARE
from boards.style import BOARD, CALM, LATE, NEAR, Column, Query, grid, link, number, ranking, sheet, trend
from boards.words import CHOSEN, ages, attainment, budget, by_people, gained_by_day, missed, quantile, waits, within

TO_OWNER = link("Waits on the board", BOARD + "/waits?owner=${__field.labels.owner:percentencode}")
BREACHES = f"team_owner_tier:inboxwatch_sla_breaches:sum{CHOSEN}"
COLLEAGUE = f"team_owner_tier:inboxwatch_replies_by_colleague:delta30d{CHOSEN}"


def build() -> dashboard.Dashboard:
    return sheet(
        "inboxwatch / People and teams",
        "inboxwatch-people",
        "Load, latency, missed waits and answers by others. Latency alone says nothing about a person: see the load.",
        [*_teams(), _people(), *_load(), *_latency(), *_rest()],
        since="now-30d",
    )


def _teams() -> list[object]:
    return [
        number("Answered in time, 30 days", f"sum({within('30d')})", "Waits.", width=4),
        number("Missed, 30 days", f"sum({missed('30d')})", "Waits that fell due unanswered.", width=4),
        number(
            "Median",
            quantile(0.5, "", "business"),
            "Business time to answer, 7 days, of answered waits.",
            unit="s",
            width=4,
        ),
        number(
            "90th percentile",
            quantile(0.9, "", "business"),
            "Business time to answer, 7 days, of answered waits.",
            unit="s",
            width=4,
        ),
        number("Answered by colleagues, 30 days", f"sum({COLLEAGUE})", "Waits that somebody else answered.", width=4),
        number(
            "Follow-ups due from buyers",
            f"sum({by_people('inboxwatch_follow_ups_open')})",
            "Ours was the last word: when they fall due, the follow-up is the owner's. Never part of a latency.",
            width=4,
        ),
    ]


def _people() -> object:
    each = "owner, team"
    columns = [
        Column("Waiting", f"sum by ({each}) ({waits()})"),
        Column("Oldest", f"max by ({each}) ({ages()})", unit="s"),
        Column("In time", f"sum by ({each}) ({within('30d')})"),
        Column("Missed", f"sum by ({each}) ({missed('30d')})"),
        Column("On time", attainment("30d", each), unit="percentunit", steps=SHARE),
        Column("Budget left", budget(each), unit="percentunit", steps=BUDGET),
        Column(
            "Median",
            quantile(0.5, each, "business"),
            unit="s",
        ),
        Column(
            "p90",
            quantile(0.9, each, "business"),
            unit="s",
        ),
        Column("By colleagues", f"sum by ({each}) ({COLLEAGUE})"),
        Column("Follow-ups", f"sum by ({each}) ({by_people('inboxwatch_follow_ups_open')})"),
    ]
    return grid(
        "People",
        {"owner": "Owner", "team": "Team"},
        columns,
        "Now, and over 30 days (median and p90: business time, 7 days, answered waits). A missed wait counts for whom "
        "it belonged to when it fell due; people away were passed over before that.",
        links=[link("Waits on the board", BOARD + "/waits?owner=${__data.fields.Owner:percentencode}")],
    )


def _load() -> list[object]:
    return [
        ranking(
            "Load", Query(f"sum by (owner) ({waits()})", "{{owner}}"), "Open waits of each owner.", links=[TO_OWNER]
        ),
        ranking(
            "On time by team, 30 days",
            Query(attainment("30d", "team"), "{{team}}"),
            "Open overdue waits count as missed.",
            unit="percentunit",
            steps=SHARE,
            highest=1,
        ),
        ranking(
            "On time by tier, 30 days",
            Query(attainment("30d", "tier"), "{{tier}}"),
            "Open overdue waits count as missed.",
            unit="percentunit",
            steps=SHARE,
            highest=1,
        ),
    ]


def _latency() -> list[object]:
    slowest = [Query(quantile(0.9, "owner", "business"), "{{owner}}")]
    about = "90th percentile of the business time to answer, of answered waits, over 7 days."
    teams = [Query(quantile(0.9, "team, tier", "business"), "{{team}} {{tier}}")]
    return [
        trend("Time to answer by owner, p90", slowest, about, unit="s", links=[TO_OWNER]),
        trend("Time to answer by team and tier, p90", teams, about, unit="s"),
    ]


def _rest() -> list[object]:
    held = by_people("inboxwatch_ownership_seconds_bucket")
    return [
        trend(
            "Missed by day",
            [Query(f"sum by (owner) ({gained_by_day(BREACHES)})", "{{owner}}")],
            "Waits that fell due unanswered, by their owner at that instant.",
            stacked=True,
            bars="1d",
            links=[TO_OWNER],
        ),
        trend(
            "Answered by colleagues, by owner",
            [Query(f"sum by (owner) ({COLLEAGUE})", "{{owner}}")],
            "Waits of this owner that somebody else answered: help, or a lead that belongs to somebody else.",
        ),
        ranking(
            "How long a wait is held, median",
            Query(f"histogram_quantile(0.5, sum by (owner, le) ({held})) >= 0", "{{owner}}"),
            "Elapsed time for which a person owned a wait until it ended or moved on, since the store began.",
            unit="s",
        ),
        ranking(
            "Waits that moved on or ended",
            Query(f"sum by (owner) ({by_people('inboxwatch_ownership_seconds_count')})", "{{owner}}"),
            "Ownerships that are over, since the store began.",
        ),
        ranking(
            "First contacts that bounced",
            Query(f"sum by (owner) ({by_people('inboxwatch_first_contact_failures_total')})", "{{owner}}"),
            "First messages to a lead that never arrived, since the store began.",
            steps=((None, CALM), (1, NEAR), (10, LATE)),
        ),
    ]
