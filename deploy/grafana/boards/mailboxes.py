"""Mailboxes and health, for IT: what is read, how late, what failed, what waits to be sent."""

from __future__ import annotations

from grafana_foundation_sdk.builders import dashboard

from boards.style import BOARD, CALM, DIM, LATE, NEAR, Column, Query, grid, history, link, number, sheet, trend
from boards.words import gained, of_boxes

UP = of_boxes("inboxwatch_mailbox_up")
COVERAGE = of_boxes("inboxwatch_coverage_ratio")
ERRORS = of_boxes("inboxwatch_mailbox_errors_total")
MESSAGES = of_boxes("inboxwatch_messages_total")
GOOD = ((None, LATE), (1, CALM))
NONE_IS_GOOD = ((None, CALM), (1, LATE))
OPEN = of_boxes("inboxwatch_clocks_open")
UNVERIFIED = of_boxes("inboxwatch_clocks_open", ',state="unverified"')
LIMITED = of_boxes("inboxwatch_mailbox_errors_total", ',reason="rate_limited"')
LAST = of_boxes("inboxwatch_mailbox_last_success_timestamp_seconds")
PAUSE = of_boxes("inboxwatch_mailbox_poll_interval_seconds")
BACKLOG = of_boxes("inboxwatch_mailbox_backlog_messages")
BACKFILL = of_boxes("inboxwatch_backfill_messages", ',state="remaining"')


def build() -> dashboard.Dashboard:
    return sheet(
        "inboxwatch / Mailboxes and health",
        "inboxwatch-health",
        "What is read, how late, what failed, what waits to be sent.",
        [*_now(), _boxes(), *_reading(), *_mail(), *_process()],
        since="now-24h",
    )


def _now() -> list[object]:
    page = [link("Mailboxes", f"{BOARD}/mailboxes")]
    dead = 'inboxwatch_notifications_total{outcome="dead"}'
    return [
        number(
            "Mailboxes blind",
            f"count({UP}) - sum({UP})",
            "Mailboxes that cannot be read. Those that their provider holds back for a while can.",
            steps=NONE_IS_GOOD,
            links=page,
            width=3,
        ),
        number(
            "Least recently read",
            f"max(time() - {LAST})",
            "The longest time since a mailbox was read to its end.",
            unit="s",
            steps=((None, CALM), (600, NEAR), (1800, LATE)),
            links=page,
            width=3,
        ),
        number(
            "Lowest coverage",
            f"min({COVERAGE})",
            "Share of the server's Message-IDs that the store holds, in the worst mailbox.",
            unit="percentunit",
            steps=((None, LATE), (0.99, NEAR), (0.999, CALM)),
            links=page,
            width=3,
        ),
        number(
            "Dead letters",
            f"sum({dead})",
            "Notices that could not be delivered and were not sent again.",
            steps=NONE_IS_GOOD,
            links=page,
            width=3,
        ),
        number("Notices pending", "sum(inboxwatch_notifications_pending)", "Notices that wait to be sent.", width=3),
        number(
            "Waits without owner",
            "sum(inboxwatch_ownerless_clocks)",
            "Anything but 0 is a defect.",
            steps=NONE_IS_GOOD,
            width=3,
        ),
        number(
            "Last reload",
            "min(inboxwatch_config_last_reload_successful)",
            "1: the config was taken over; 0: it was refused, and the one before it stays in force.",
            steps=GOOD,
            width=3,
        ),
        number(
            "Version", "max by (version) (inboxwatch_build_info)", "The version that runs.", name="{{version}}", width=3
        ),
    ]


def _boxes() -> object:
    columns = [
        Column("Up", f"max by (mailbox) ({UP})", steps=GOOD, words={"1": "read", "0": "blind"}),
        Column("Last read", f"time() - max by (mailbox) ({LAST})", unit="s"),
        Column("Read every", f"max by (mailbox) ({PAUSE})", unit="s"),
        Column("To be read", f"max by (mailbox) ({BACKLOG})"),
        Column("Coverage", f"min by (mailbox) ({COVERAGE})", unit="percentunit"),
        Column("Set apart", f"sum by (mailbox) ({of_boxes('inboxwatch_quarantined_messages')})"),
        Column("Errors, 1 d", f"sum by (mailbox) ({gained(ERRORS, '1d')})"),
        Column("Held back, 1 d", f"sum by (mailbox) ({gained(LIMITED, '1d')})"),
        Column("Messages, 1 d", f"sum by (mailbox) ({gained(MESSAGES, '1d')})"),
        Column(
            "Waits of which nobody can tell",
            f"sum by (mailbox) ({UNVERIFIED}) or 0 * sum by (mailbox) ({OPEN})",
            steps=((None, CALM), (1, DIM)),
        ),
    ]
    return grid(
        "Mailboxes",
        {"mailbox": "Mailbox"},
        columns,
        "To be read: what is left of the reading under way. Set apart: messages that could not be read. "
        "Held back: the provider limits how often we may ask.",
        links=[link("On the board", f"{BOARD}/mailboxes")],
    )


def _reading() -> list[object]:
    lag = "sum by (connector, le) (rate(inboxwatch_detection_lag_seconds_bucket[$__rate_interval]))"
    poll = "sum by (connector, le) (rate(inboxwatch_mailbox_poll_duration_seconds_bucket[$__rate_interval]))"
    return [
        history(
            "Read or blind",
            Query(f"min by (mailbox) ({UP})", "{{mailbox}}"),
            "Whether each mailbox can be read; one that its provider holds back for a while can.",
        ),
        trend(
            "Time since last read",
            [Query(f"time() - {LAST}", "{{mailbox}}")],
            "Grows while a mailbox is not read to its end.",
            unit="s",
        ),
        trend(
            "Errors by reason, per hour",
            [Query(f"sum by (mailbox, reason) ({gained(ERRORS, '1h')}) > 0", "{{mailbox}} {{reason}}")],
            "Failed attempts: auth, rate_limited, unavailable, timeout, client, server, protocol.",
            stacked=True,
            bars="1h",
        ),
        trend(
            "Detection lag",
            [
                Query(f"histogram_quantile({one}, {lag}) >= 0", f"p{one * 100:.0f} {{{{connector}}}}")
                for one in (0.5, 0.9)
            ],
            "From the server's receive time to the start of the clock. Never part of a latency.",
            unit="s",
        ),
        trend(
            "Duration of a poll",
            [
                Query(f"histogram_quantile({one}, {poll}) >= 0", f"p{one * 100:.0f} {{{{connector}}}}")
                for one in (0.5, 0.9)
            ],
            "One complete poll of a mailbox.",
            unit="s",
        ),
        trend(
            "Pause between readings",
            [Query(f"max by (mailbox) ({PAUSE})", "{{mailbox}}")],
            "Shorter after news, longer without, and where the provider limits how often we may ask.",
            unit="s",
        ),
        trend(
            "Messages still to be read",
            [
                Query(f"max by (mailbox) ({BACKLOG})", "{{mailbox}}"),
                Query(f"max by (mailbox) ({BACKFILL})", "{{mailbox}}, backfill"),
            ],
            "What is left of the reading under way: how far a first sight is, and how far `inboxwatch backfill` is. "
            "0 where a mailbox was read to its end.",
        ),
        trend(
            "Coverage",
            [Query(f"min by (mailbox) ({COVERAGE})", "{{mailbox}}")],
            "Share of the server's Message-IDs that the store holds.",
            unit="percentunit",
            highest=1,
        ),
    ]


def _mail() -> list[object]:
    sent = "inboxwatch_notifications_total"
    return [
        trend(
            "Messages by kind, per hour",
            [Query(f"sum by (kind) ({gained(MESSAGES, '1h')})", "{{kind}}")],
            "What was read, by what sort of mail it is.",
            stacked=True,
            bars="1h",
        ),
        trend(
            "What placed messages in threads, per hour",
            [Query(f"sum by (evidence) ({gained('inboxwatch_thread_matches_total', '1h')})", "{{evidence}}")],
            "Strong evidence (headers) against weak (subject).",
            stacked=True,
            bars="1h",
        ),
        trend(
            "Notices, per hour",
            [Query(f"sum by (channel, outcome) ({gained(sent, '1h')})", "{{channel}} {{outcome}}")],
            "What became of notices: sent, retried, dead, cancelled by an answer.",
            stacked=True,
            bars="1h",
        ),
        trend(
            "Notices pending, by channel",
            [Query("sum by (channel) (inboxwatch_notifications_pending)", "{{channel}}")],
            "Notices that wait to be sent.",
        ),
    ]


def _process() -> list[object]:
    job = '{job="inboxwatch"}'
    return [
        trend(
            "Memory",
            [Query(f"process_resident_memory_bytes{job}", "resident")],
            "Of the daemon.",
            unit="bytes",
            width=8,
        ),
        trend(
            "CPU",
            [Query(f"rate(process_cpu_seconds_total{job}[$__rate_interval])", "cores")],
            "Of the daemon.",
            unit="percentunit",
            width=8,
        ),
        trend(
            "Scrape",
            [Query(f"scrape_duration_seconds{job}", "duration")],
            "How long Prometheus waits for the metrics.",
            unit="s",
            width=8,
        ),
    ]
