"""What inquiries are about, who says so and how soon, and whether the rules that filter can be trusted."""

from __future__ import annotations

from boards.style import BOARD, CALM, LATE, NEAR, Column, Query, grid, link, number, trend
from boards.words import gained, gained_by_day, of_boxes, to_judge, verdict_quantile

TITLE = "Qualification (empty where the config has no such section)"
CONTRADICTED = "inboxwatch_contradicted_total"
FALSE = "inboxwatch_false_escalations_total"
NOW_AND_THEN = ((None, CALM), (1, NEAR))


def panels() -> list[object]:
    return [*_now(), *_decided(), *_told(), _rules()]


def _now() -> list[object]:
    page = [link("On the board", f"{BOARD}/waits?state=judge")]
    overdue = f"sum({to_judge('breached')}) or 0 * sum({to_judge()})"
    return [
        number(
            "To be judged",
            f"sum({to_judge()})",
            "Inquiries of which neither lists nor rules can tell what they are about, and nobody has said it yet.",
            links=page,
            width=6,
        ),
        number(
            "Verdicts overdue",
            overdue,
            "Of those to be judged: somebody should have said by now what they are.",
            steps=((None, CALM), (1, LATE)),
            links=page,
            width=6,
        ),
        number(
            "Filters contradicted, 30 days",
            f"sum({gained(CONTRADICTED, '30d')})",
            "Inquiries that a rule filtered though one of ours answered them, or their sender became an open lead.",
            steps=NOW_AND_THEN,
            links=[link("What was filtered", f"{BOARD}/waits?state=filtered")],
            width=6,
        ),
        number(
            "False escalations, 30 days",
            f"sum({gained(FALSE, '30d')})",
            "Steps told of inquiries that people later said are none of sales', or dismissed, or that were answered "
            "already.",
            steps=NOW_AND_THEN,
            width=6,
        ),
    ]


def _decided() -> list[object]:
    inquiries = gained_by_day(of_boxes("inboxwatch_inquiries_total"))
    return [
        trend(
            "Inquiries by class and what decided it, by day",
            [Query(f"sum by (class, by) ({inquiries})", "{{class}}, {{by}}")],
            "As they came: a rule, a list, an open lead, the lead's status, a reply to us, the default for strangers, "
            "an earlier verdict, or the audit, which hands a share of what rules would filter to people.",
            stacked=True,
            bars="1d",
        ),
        trend(
            "Verdicts by class, by day",
            [Query(f"sum by (class) ({gained_by_day('inboxwatch_verdicts_total')})", "{{class}}")],
            "What people said that inquiries are; a second verdict on the same inquiry counts again. For all teams.",
            stacked=True,
            bars="1d",
        ),
    ]


def _told() -> list[object]:
    times = [Query(verdict_quantile(one), f"p{one * 100:.0f}, {{{{basis}}}} time") for one in (0.5, 0.9)]
    return [
        trend(
            "Time to verdict, 7 days",
            times,
            "Median and 90th percentile from the inquiry to a person's verdict, in wall and in business time. What is "
            "not judged yet is not in it.",
            unit="s",
        ),
        trend(
            "False escalations by policy, by day",
            [Query(f"sum by (policy) ({gained_by_day(FALSE)})", "{{policy}}")],
            "Steps told in vain, by the escalation policy that told them, on the day on which that became known. "
            "For all teams.",
            stacked=True,
            bars="1d",
        ),
    ]


def _rules() -> object:
    fits = f"sum by (rule) ({gained('inboxwatch_rule_inquiries_total', '30d')})"
    columns = [
        Column("Fits", f"{fits} and on (rule) {CONTRADICTED}"),
        Column("Contradicted", f"sum by (rule) ({gained(CONTRADICTED, '30d')})", steps=NOW_AND_THEN),
    ]
    return grid(
        "Rules that filter, 30 days",
        {"rule": "Rule"},
        columns,
        "Fits: inquiries that the rule filtered, that the audit handed to people instead, or that it was kept from. "
        "Contradicted: filtered, and one of ours answered, or the sender became an open lead. "
        "`GET /api/v1/qualification` has the precision of each rule by the audit.",
        links=[link("What was filtered", f"{BOARD}/waits?state=filtered")],
    )
