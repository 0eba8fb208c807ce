"""Overview: who waits now, how long, and whether buyers are answered in time."""

from __future__ import annotations

from grafana_foundation_sdk.builders import dashboard

from boards import qualification
from boards.style import (
    BOARD,
    CALM,
    DIM,
    LATE,
    NEAR,
    REASON_NAMES,
    STATE_NAMES,
    STATES,
    Column,
    Query,
    grid,
    link,
    matrix,
    number,
    sheet,
    trend,
)
from boards.words import (
    ages,
    attainment,
    budget,
    gained_by_day,
    missed,
    number_of,
    on_time_by_metric,
    quantile,
    waits,
    within,
)

SHARE = ((None, LATE), (0.9, NEAR), (0.95, CALM))
BUDGET = ((None, LATE), (0, NEAR), (0.25, CALM))
WEEK = dict(zip("0123456", ("Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"), strict=True))
BREACHES = 'team_owner_tier:inboxwatch_sla_breaches:sum{team=~"$team",owner=~"$owner",tier=~"$tier"}'
IN_TIME = 'team_owner_tier:inboxwatch_replies_within_sla:sum{team=~"$team",owner=~"$owner",tier=~"$tier"}'


def build() -> dashboard.Dashboard:
    return sheet(
        "inboxwatch / Overview",
        "inboxwatch-overview",
        "Who waits now, how long, and whether buyers are answered in time.",
        [*_now(), *_who(), *_trends(), *_when()],
        since="now-7d",
        closed={qualification.TITLE: qualification.panels()},
    )


def _now() -> list[object]:
    alarm = ((None, CALM), (1, LATE))
    return [
        number(
            "Buyers waiting",
            f"sum({waits()})",
            "Open waits, of whatever state.",
            links=[link("On the board", f"{BOARD}/")],
        ),
        number(
            "Overdue",
            number_of("breached"),
            "Past due, neither acknowledged nor snoozed, and its mailboxes are read.",
            steps=alarm,
            links=[link("On the board", f"{BOARD}/waits?state=breached")],
        ),
        number(
            "Oldest wait",
            f"max({ages()})",
            "Elapsed time since the oldest unanswered message.",
            unit="s",
            steps=((None, CALM), (86400, NEAR), (259200, LATE)),
        ),
        number(
            "Can't tell",
            number_of("unverified"),
            "A mailbox that could hold the answer is unread: neither answered nor missed can be claimed.",
            steps=((None, CALM), (1, DIM)),
            links=[link("Mailboxes", f"{BOARD}/mailboxes")],
        ),
        number(
            "On time, 30 days",
            attainment("30d"),
            "Answered in time / (answered in time + fell due unanswered). Open overdue waits count as missed.",
            unit="percentunit",
            steps=SHARE,
        ),
        number(
            "Error budget left, 30 days",
            budget(),
            "100 %: nothing was missed. Below 0: more was missed than the objective allows.",
            unit="percentunit",
            steps=BUDGET,
        ),
    ]


def _who() -> list[object]:
    columns = [
        Column("Waiting", f"sum by (owner, team) ({waits()}) > 0"),
        Column("Overdue", f"({number_of('breached', 'owner, team')}) and sum by (owner, team) ({waits()}) > 0"),
        Column("Oldest", f"max by (owner, team) ({ages()}) > 0", unit="s"),
    ]
    return [
        trend(
            "Open waits by state",
            [Query(f"sum by (state) ({waits()})", "{{state}}")],
            "The first state that applies: can't tell, snoozed, acknowledged, overdue, due soon, running.",
            stacked=True,
            colours=STATES,
            names=STATE_NAMES,
        ),
        grid(
            "For whom buyers wait",
            {"owner": "Owner", "team": "Team"},
            columns,
            "Owners with open waits. The name leads to them on the board.",
            width=12,
            height=8,
            links=[link("Waits on the board", BOARD + "/waits?owner=${__data.fields.Owner:percentencode}")],
        ),
    ]


def _trends() -> list[object]:
    share = [
        Query(attainment("7d"), "over 7 days"),
        Query(attainment("30d"), "over 30 days"),
        Query("inboxwatch:sla_objective:ratio", "objective"),
    ]
    times = [Query(quantile(one, "basis"), f"p{one * 100:.0f}, {{{{basis}}}} time") for one in (0.5, 0.9)]
    return [
        trend(
            "On time against the objective",
            share,
            "The share of waits answered in time; open overdue waits count as missed.",
            unit="percentunit",
            highest=1,
            colours={"objective": NEAR},
        ),
        trend(
            "Time to answer, 7 days",
            times,
            "Median and 90th percentile of answered waits, in wall and in business time. Open waits are not in it: "
            "a histogram cannot know how long they will take. `inboxwatch report` has the honest curve.",
            unit="s",
        ),
    ]


def _when() -> list[object]:
    return [
        matrix(
            "When buyers wait",
            "avg_over_time(weekday_hour:inboxwatch_clocks_open:sum[28d])",
            "The mean number of open waits over four weeks, by weekday and hour in UTC. For all teams. "
            "`inboxwatch report` draws it in the zone of the policy.",
            row="weekday",
            column="hour",
            names=WEEK,
        ),
        trend(
            "First and next replies on time, 7 days",
            [Query(on_time_by_metric("7d"), "{{metric}}"), Query("inboxwatch:sla_objective:ratio", "objective")],
            "The share of waits answered in time, first replies and later ones apart: their targets differ.",
            unit="percentunit",
            highest=1,
            colours={"objective": NEAR},
        ),
        trend(
            "Answered in time and missed, by day",
            [Query(f"sum({gained_by_day(IN_TIME)})", "in time"), Query(f"sum({gained_by_day(BREACHES)})", "missed")],
            "Waits answered in time, and waits that fell due unanswered.",
            stacked=True,
            bars="1d",
            colours={"in time": CALM, "missed": LATE},
        ),
        trend(
            "Steps told, by day",
            [Query(f"sum by (reason) ({gained_by_day('inboxwatch_escalations_total')})", "{{reason}}")],
            "Escalation steps by reason, each counted once however many people were told. For all teams.",
            names=REASON_NAMES,
            stacked=True,
            bars="1d",
        ),
        trend(
            "In time and missed, 30 days",
            [Query(f"sum({within('30d')})", "in time"), Query(f"sum({missed('30d')})", "missed")],
            "The numbers behind the share on time: how many waits a percentage stands for.",
            colours={"in time": CALM, "missed": LATE},
        ),
    ]
