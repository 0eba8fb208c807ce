"""Every metric of inboxwatch in one place.

What is true of clocks, replies and mail is read from the store at each scrape, so a restart changes none of it; what
only this process knows (errors, durations) is counted here. Labels are bounded: ids of people, mailboxes and policies,
tiers, and words of this program; never an address, a subject or a Message-ID.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from itertools import chain, product
from typing import Protocol

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    disable_created_metrics,
    generate_latest,
)

from inboxwatch import __version__
from inboxwatch.core.model import Direction, Evidence, Kind
from inboxwatch.core.sla.escalation import StepReason
from inboxwatch.core.sla.policy import Metric
from inboxwatch.core.statistics.figures import Figures, Latency, Reply, Tally, pairs_in_use
from inboxwatch.metrics.class_families import ClassFamilies
from inboxwatch.metrics.exposition import CONTENT_TYPE, Family, Labels
from inboxwatch.metrics.own_process import OwnProcess
from inboxwatch.metrics.shown import MetricsConfig, Shown, team_labels

__all__ = ["CONTENT_TYPE", "ConfigHolder", "Metrics", "MetricsConfig", "team_labels"]

STATES = ("unverified", "snoozed", "acknowledged", "breached", "warned", "running")
"""Of an open wait, in their precedence."""
OUTCOMES = ("sent", "retried", "dead", "cancelled")
ERRORS = ("auth", "rate_limited", "unavailable", "timeout", "client", "server", "protocol")
"""Why a mailbox could not be read: the words of `inboxwatch.connector.Reason`."""
_RESPONSES = (Metric.FIRST_RESPONSE.value, Metric.NEXT_RESPONSE.value)
_POLL_EDGES = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300)
_LAG_EDGES = (0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 900, 3600)

# The age of every counter as a series of its own would nearly double the exposition.
disable_created_metrics()  # type: ignore[no-untyped-call]  # the library leaves it untyped


class ConfigHolder(Protocol):
    """An object with the config in force, which a reload replaces."""

    @property
    def config(self) -> MetricsConfig: ...


def _families(*families: Family) -> dict[str, Family]:
    return {family.name: family for family in families}


class Metrics:
    """The metrics of one daemon. Its methods are thread-safe, except that one scrape is rendered at a time."""

    def __init__(self, holder: ConfigHolder | None = None, version: str = __version__) -> None:
        """(Over 60 lines: a list of the metrics with their help and labels, one after the other, without a branch.)"""
        self.registry = CollectorRegistry()
        OwnProcess(registry=self.registry)
        build = Gauge("inboxwatch_build_info", "The version that runs.", ["version"], registry=self.registry)
        build.labels(version).set(1)
        self._errors = Counter(
            "inboxwatch_mailbox_errors",
            "Failed attempts to read a mailbox.",
            ["mailbox", "reason"],
            registry=self.registry,
        )
        self._polls = Histogram(
            "inboxwatch_mailbox_poll_duration_seconds",
            "How long one complete poll of a mailbox took.",
            ["connector"],
            buckets=_POLL_EDGES,
            registry=self.registry,
        )
        self._lag = Histogram(
            "inboxwatch_detection_lag_seconds",
            "Time from a message's receipt by its server to the start of its clock; never part of a latency.",
            ["connector"],
            buckets=_LAG_EDGES,
            registry=self.registry,
        )
        self._reloaded = Gauge(
            "inboxwatch_config_last_reload_successful",
            "Whether the config was taken over when it was read last.",
            registry=self.registry,
        )
        self._reloaded.set(1)
        self._store = Gauge("inboxwatch_store_up", "Whether the store can be read and written.", registry=self.registry)
        self._store.set(1)
        self._logins = Counter(
            "inboxwatch_web_login_failures",
            "Wrong tokens, refused sign-ins, and attempts put off.",
            ["outcome"],
            registry=self.registry,
        )
        for outcome in ("wrong", "slowed"):
            self._logins.labels(outcome)
        self._paces: dict[str, float] = {}
        self._backlogs: dict[str, float] = {}
        self._sharing: dict[str, float] = {}
        self._holder = holder
        self._config: MetricsConfig | None = None
        self._shown: Shown | None = None
        self._classes = ClassFamilies()
        self._families = _families(
            Family("inboxwatch_owner_info", "gauge", "People who can own a wait.", ("owner", "team", "manager")),
            Family(
                "inboxwatch_messages_total",
                "counter",
                "Messages by the mailbox that saw them.",
                ("mailbox", "direction", "kind"),
            ),
            Family(
                "inboxwatch_thread_matches_total",
                "counter",
                "Messages by the evidence that placed them in a thread.",
                ("evidence",),
            ),
            Family(
                "inboxwatch_clocks_open",
                "gauge",
                "Waits of buyers that are not answered yet.",
                ("mailbox", "owner", "tier", "state"),
            ),
            Family(
                "inboxwatch_clock_oldest_age_seconds",
                "gauge",
                "Age of the oldest open wait, 0 without one.",
                ("mailbox", "owner", "tier"),
            ),
            Family(
                "inboxwatch_follow_ups_open",
                "gauge",
                "Clocks in the buyer's court: ours was the last word.",
                ("owner", "tier"),
            ),
            Family(
                "inboxwatch_follow_ups_gone_quiet_total",
                "counter",
                "Follow-ups that were closed as gone quiet.",
                ("owner", "tier"),
            ),
            Family(
                "inboxwatch_ownerless_clocks",
                "gauge",
                "Running clocks without an owner; anything but 0 is a defect.",
            ),
            Family(
                "inboxwatch_reply_latency_seconds",
                "histogram",
                "Time from a buyer's oldest unanswered message to our answer, in wall and in business time.",
                ("owner", "tier", "metric", "basis"),
            ),
            Family(
                "inboxwatch_replies_total",
                "counter",
                "Answered waits by their owner, and whether the owner or a colleague answered.",
                ("owner", "tier", "metric", "within_sla", "by"),
            ),
            Family(
                "inboxwatch_sla_breaches_total",
                "counter",
                "Clocks that fell due unanswered, by their owner at that instant.",
                ("owner", "tier", "metric"),
            ),
            Family(
                "inboxwatch_ownership_seconds",
                "histogram",
                "How long a person owned a wait until it ended or moved on.",
                ("owner", "tier"),
            ),
            Family(
                "inboxwatch_first_contact_failures_total",
                "counter",
                "First messages to a lead that bounced.",
                ("owner", "tier"),
            ),
            Family(
                "inboxwatch_escalations_total",
                "counter",
                "Steps of a ladder that were told, once however many readers.",
                ("policy", "step", "reason"),
            ),
            Family(
                "inboxwatch_notifications_total", "counter", "Notices by what became of them.", ("channel", "outcome")
            ),
            Family("inboxwatch_notifications_pending", "gauge", "Notices that wait to be sent.", ("channel",)),
            Family(
                "inboxwatch_mailbox_up",
                "gauge",
                "Whether a mailbox can be read; one that its provider holds back for a while can.",
                ("mailbox", "connector"),
            ),
            Family(
                "inboxwatch_mailbox_last_success_timestamp_seconds",
                "gauge",
                "When a mailbox was last read to its end.",
                ("mailbox",),
            ),
            Family(
                "inboxwatch_mailbox_poll_interval_seconds",
                "gauge",
                "The pause between two readings of a mailbox as it is paced now.",
                ("mailbox",),
            ),
            Family("inboxwatch_workers", "gauge", "Workers that share the store, as this one sees it.", ()),
            Family("inboxwatch_worker_shards", "gauge", "Shards of mailboxes that this worker reads, of 256.", ()),
            Family("inboxwatch_shards_unread", "gauge", "Shards of mailboxes that no worker reads.", ()),
            Family(
                "inboxwatch_mailbox_backlog_messages",
                "gauge",
                "Messages that the reading under way has still to read, 0 once a mailbox was read to its end.",
                ("mailbox",),
            ),
            Family(
                "inboxwatch_backfill_messages",
                "gauge",
                "Messages of a mailbox's last backfill, read and still to be read.",
                ("mailbox", "state"),
            ),
            Family(
                "inboxwatch_coverage_ratio",
                "gauge",
                "Share of the server's Message-IDs that the store holds.",
                ("mailbox",),
            ),
            *(
                Family(f"inboxwatch_{name}", "gauge", told, ("source",))
                for name, told in (
                    ("lead_source_up", "Whether a source of leads can be read."),
                    ("lead_source_last_success_timestamp_seconds", "When a source of leads was last read to its end."),
                    ("leads", "Records of a source that can be used as leads."),
                    ("leads_refused", "Records of a source that cannot be used."),
                    ("leads_unowned", "Leads whose owner in the source is no person of the config."),
                )
            ),
            Family(
                "inboxwatch_quarantined_messages", "gauge", "Messages that could not be read, by mailbox.", ("mailbox",)
            ),
        )

    def watch(self, holder: ConfigHolder) -> None:
        """Names who holds the config; its series exist at zero from the next scrape on."""
        self._holder = holder

    def _present(self) -> tuple[MetricsConfig, Shown]:
        """The config in force, with the series that it gives to what this process counts, and what is shown of it."""
        if self._holder is None:
            raise RuntimeError("metrics are exposed before watch() was called")
        config = self._holder.config
        if config is not self._config or self._shown is None:
            before, shown = self._shown, Shown.of(config)
            if before is not None and (before.labels is None) != (shown.labels is None):
                self._errors.clear()  # names of the other kind
            self._config, self._shown = config, shown
            for mailbox, connector in shown.mailboxes.items():
                for reason in ERRORS:
                    self._errors.labels(mailbox, reason)
                self._polls.labels(connector)
                self._lag.labels(connector)
        return config, self._shown

    def poll_finished(self, connector: str, seconds: float) -> None:
        """Records a complete poll."""
        self._polls.labels(connector).observe(seconds)

    def mailbox_error(self, mailbox: str, reason: str) -> None:
        """Records a failed attempt to read a mailbox; `reason` is one of ERRORS."""
        name = mailbox if self._holder is None else self._present()[1].mailbox(mailbox)
        self._errors.labels(name, reason).inc()

    def detected(self, connector: str, lag_seconds: float) -> None:
        """Records how late a message was seen; a server's clock ahead of ours counts as no delay."""
        self._lag.labels(connector).observe(max(0.0, lag_seconds))

    def paced(self, mailbox: str, seconds: float) -> None:
        """Records the pause between two readings of a mailbox from now on."""
        self._paces[mailbox] = seconds

    def backlog(self, mailbox: str, messages: int) -> None:
        """Records how many messages a reading has still to read."""
        self._backlogs[mailbox] = messages

    def unwatched(self, mailbox: str) -> None:
        """Another worker reads the mailbox from now on, and knows its pace."""
        self._paces.pop(mailbox, None)
        self._backlogs.pop(mailbox, None)

    def shared_out(self, workers: int, shards: int, unread: int) -> None:
        """Records how several workers share the mailboxes; a daemon that is alone has no such figures."""
        self._sharing = {"workers": workers, "worker_shards": shards, "shards_unread": unread}

    def reloaded(self, ok: bool) -> None:
        """Records whether a reload of the config succeeded."""
        self._reloaded.set(1 if ok else 0)

    def store_up(self, ok: bool) -> None:
        """Records whether the store can be used."""
        self._store.set(1 if ok else 0)

    def login_failed(self, outcome: str) -> None:
        """Counts a wrong token (`wrong`), or an attempt that came too soon after several (`slowed`)."""
        self._logins.labels(outcome).inc()

    def process(self) -> bytes:
        """The exposition of what this process counts itself."""
        config, shown = self._present()
        parts = [
            text
            for name, values in (("poll_interval_seconds", self._paces), ("backlog_messages", self._backlogs))
            for text in self._lines(f"mailbox_{name}", shown.told(values, config.mailboxes))
        ]
        parts += [text for name, value in self._sharing.items() for text in self._lines(name, {(): value})]
        return generate_latest(self.registry) + "".join(parts).encode()

    def exposition(self, figures: Figures, now: datetime) -> bytes:
        """The exposition of the store's figures."""
        config, shown = self._present()
        figures = shown.figures(figures)
        parts = chain(
            self._of_mail(config, shown, figures),
            self._of_leads(figures),
            self._of_waits(config, shown, figures, now),
            self._of_people(shown, figures),
        )
        if (terms := config.qualification) is not None:
            parts = chain(parts, self._classes.of(terms, config.escalations, STATES, shown, figures))
        return "".join(parts).encode()

    def _lines(self, name: str, values: Mapping[Labels, float]) -> Iterable[str]:
        return self._families[f"inboxwatch_{name}"].lines(values)

    def _of_mail(self, config: MetricsConfig, shown: Shown, figures: Figures) -> Iterable[str]:
        health = figures.mailboxes
        messages: dict[tuple[str, ...], float] = dict.fromkeys(product(shown.works, Direction, Kind), 0)
        yield from self._lines("messages_total", messages | figures.messages)
        matches: dict[tuple[str, ...], float] = {(evidence,): figures.matches.get(evidence, 0) for evidence in Evidence}
        yield from self._lines("thread_matches_total", matches)
        known = {name: health[name] for name in shown.mailboxes if name in health}
        up = {(name, shown.mailboxes[name]): float(one.up) for name, one in known.items() if one.up is not None}
        yield from self._lines("mailbox_up", up)
        last = {(name,): one.last_success.timestamp() for name, one in known.items() if one.last_success}
        yield from self._lines("mailbox_last_success_timestamp_seconds", last)
        filled = {name: figures.backfills.get(name, (0, 0)) for name in shown.mailboxes}
        progress: dict[tuple[str, ...], float] = {(name, "read"): read for name, (read, _) in filled.items()}
        progress |= {(name, "remaining"): left for name, (_, left) in filled.items() if left is not None}
        yield from self._lines("backfill_messages", progress)
        covered = {(name,): one.coverage for name, one in known.items() if one.coverage is not None}
        yield from self._lines("coverage_ratio", covered)
        yield from self._lines("quarantined_messages", {(name,): one.quarantined for name, one in known.items()})
        channels = dict.fromkeys(config.channels, (0, 0, 0, 0, 0)) | figures.deliveries
        outcomes = {
            (channel, outcome): count
            for channel, counts in channels.items()
            for outcome, count in zip(OUTCOMES, counts[:4], strict=True)
        }
        yield from self._lines("notifications_total", outcomes)
        yield from self._lines("notifications_pending", {(name,): counts[4] for name, counts in channels.items()})

    def _of_leads(self, figures: Figures) -> Iterable[str]:
        known = figures.lead_sources
        up = {(name,): float(one.up) for name, one in known.items() if one.up is not None}
        yield from self._lines("lead_source_up", up)
        last = {(name,): one.last_success.timestamp() for name, one in known.items() if one.last_success}
        yield from self._lines("lead_source_last_success_timestamp_seconds", last)
        yield from self._lines("leads", {(name,): one.leads for name, one in known.items()})
        yield from self._lines("leads_refused", {(name,): one.refused for name, one in known.items()})
        yield from self._lines("leads_unowned", {(name,): one.unowned for name, one in known.items()})

    def _of_waits(self, config: MetricsConfig, shown: Shown, figures: Figures, now: datetime) -> Iterable[str]:
        boxes = shown.holdings
        held = sorted(figures.held_once)
        waits: dict[tuple[str, ...], float] = {(*holding, "running"): 0 for holding in boxes}
        for holding in held:
            for state in STATES:
                waits[*holding, state] = figures.open.get((holding, state), 0)
        yield from self._lines("clocks_open", waits)
        ages: dict[tuple[str, ...], float] = dict.fromkeys((*boxes, *held), 0)
        for holding, oldest in figures.oldest.items():
            ages[holding] = max(0.0, (now - oldest).total_seconds())
        yield from self._lines("clock_oldest_age_seconds", ages)
        yield from self._lines("ownerless_clocks", {(): figures.ownerless})
        steps: dict[tuple[str, ...], float] = {
            (policy, str(step), reason): 0
            for policy, ladder in config.escalations.items()
            for step, reason in product(range(1, len(ladder.steps) + 1), StepReason)
        }
        told = {(policy, str(step), reason): count for (policy, step, reason), count in figures.escalations.items()}
        yield from self._lines("escalations_total", steps | told)

    def _of_people(self, shown: Shown, figures: Figures) -> Iterable[str]:
        families = self._families
        yield from self._lines("owner_info", dict.fromkeys(shown.owners, 1.0))
        pairs = sorted(pairs_in_use(figures, shown.reps))
        zero = Tally()
        latencies: dict[tuple[str, ...], Tally] = {}
        replies: dict[tuple[str, ...], float] = {}
        breaches: dict[tuple[str, ...], float] = {}
        for owner, tier in pairs:
            for metric in _RESPONSES:
                for basis in ("wall", "business"):
                    latency = Latency(owner, tier, metric, basis)
                    latencies[latency] = figures.latency.get(latency, zero)
                for within, by in product(("true", "false"), ("owner", "colleague")):
                    reply = Reply(owner, tier, metric, within, by)
                    replies[reply] = figures.replies.get(reply, 0)
            for clock in (one for one in Metric if one is not Metric.VERDICT):
                breaches[owner, tier, clock.value] = figures.breaches.get((owner, tier, clock.value), 0)
        yield from families["inboxwatch_reply_latency_seconds"].buckets(latencies)
        yield from self._lines("replies_total", replies)
        yield from self._lines("sla_breaches_total", breaches)
        held = {pair: figures.ownership.get(pair, zero) for pair in pairs}
        yield from families["inboxwatch_ownership_seconds"].buckets(held)
        failures = {pair: figures.first_contact_failures.get(pair, 0) for pair in pairs}
        yield from self._lines("first_contact_failures_total", failures)
        yield from self._lines("follow_ups_open", {pair: figures.follow_ups.get(pair, 0) for pair in pairs})
        quiet = {pair: figures.gone_quiet.get(pair, 0) for pair in {*pairs, *figures.gone_quiet}}
        yield from self._lines("follow_ups_gone_quiet_total", quiet)
