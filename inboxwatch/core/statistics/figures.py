"""What is counted of waits, replies, escalations and mail: the figures between the store and whoever shows them.

An owner is a person's id, a tier the lead's free word; both may be empty, neither is ever an address.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

LATENCY_EDGES = (60, 300, 900, 1800, 3600, 7200, 14400, 28800, 86400, 259200, 604800)
"""Upper edges of the latency buckets in seconds, inclusive; what is longer falls behind the last."""


@dataclass(slots=True)
class Tally:
    """A histogram: how many values fell into each bucket (the last holds the rest), and their sum in seconds."""

    counts: list[int] = field(default_factory=lambda: [0] * (len(LATENCY_EDGES) + 1))
    total: float = 0.0

    def add(self, bucket: int, count: int, total: float) -> None:
        self.counts[bucket] += count
        self.total += total


class Holding(NamedTuple):
    """Whose waits of which tier in which mailbox; the mailbox is empty where it left the config."""

    mailbox: str
    owner: str
    tier: str


class Latency(NamedTuple):
    owner: str
    tier: str
    metric: str
    """first_response or next_response; follow-ups are never mixed in."""
    basis: str
    """wall or business."""


class Reply(NamedTuple):
    owner: str
    """Who owned the wait when it was answered, whoever answered."""
    tier: str
    metric: str
    within_sla: str
    """true or false."""
    by: str
    """owner or colleague."""


@dataclass(frozen=True, slots=True)
class Health:
    """A mailbox as it was last seen."""

    up: bool | None
    """None until it was tried."""
    last_success: datetime | None
    coverage: float | None
    quarantined: int


@dataclass(frozen=True, slots=True)
class SourceHealth:
    """How a source of leads fares."""

    up: bool | None
    """None until it was tried."""
    last_success: datetime | None
    leads: int
    refused: int
    unowned: int
    """Leads whose owner in the source is nobody of ours."""


@dataclass(slots=True)
class Figures:
    """All that a store tells at one instant. Counts are since the store began, so a restart changes none of them."""

    messages: dict[tuple[str, str, str], int] = field(default_factory=dict)
    """(mailbox, direction, kind) -> sightings."""
    matches: dict[str, int] = field(default_factory=dict)
    """Evidence -> messages placed by it."""
    open: dict[tuple[Holding, str], int] = field(default_factory=dict)
    """(holding, metric state) -> open waits."""
    oldest: dict[Holding, datetime] = field(default_factory=dict)
    """The start of the oldest open wait."""
    held_once: set[Holding] = field(default_factory=set)
    """Every holding that ever occurred, by assignments and waits that are over too."""
    follow_ups: dict[tuple[str, str], int] = field(default_factory=dict)
    """(owner, tier) -> open clocks in the buyer's court."""
    gone_quiet: dict[tuple[str, str], int] = field(default_factory=dict)
    """(owner then, tier) -> follow-ups that were closed since the buyer had gone quiet, taken up again or not."""
    latency: dict[Latency, Tally] = field(default_factory=dict)
    replies: dict[Reply, int] = field(default_factory=dict)
    breaches: dict[tuple[str, str, str], int] = field(default_factory=dict)
    """(owner at the due instant, tier, metric) -> breaches."""
    ownership: dict[tuple[str, str], Tally] = field(default_factory=dict)
    """(owner, tier) -> how long each ownership that has ended lasted."""
    first_contact_failures: dict[tuple[str, str], int] = field(default_factory=dict)
    escalations: dict[tuple[str, int, str], int] = field(default_factory=dict)
    """(escalation policy, step, reason) -> times told; once however many targets."""
    deliveries: dict[str, tuple[int, int, int, int, int]] = field(default_factory=dict)
    """Channel -> (sent, retried, dead, cancelled, pending)."""
    mailboxes: dict[str, Health] = field(default_factory=dict)
    backfills: dict[str, tuple[int, int | None]] = field(default_factory=dict)
    """Mailbox -> (read so far, still to be read where the server tells) of its last backfill."""
    lead_sources: dict[str, SourceHealth] = field(default_factory=dict)
    lead_owners: set[tuple[str, str]] = field(default_factory=set)
    """(owner or empty, tier) of the known leads."""
    inquiries: dict[tuple[str, str, str], int] = field(default_factory=dict)
    """(mailbox, class, by) -> inquiries as they came; by: rule, list, lead, status, reply, default, audit, person."""
    rule_inquiries: dict[str, int] = field(default_factory=dict)
    """Rule -> inquiries that it decided, that were left to people though it fitted, or that it was kept from."""
    verdicts: dict[tuple[str, str, str], int] = field(default_factory=dict)
    """(person, class before, class said) -> verdicts given; those that were taken back too."""
    verdict_open: dict[tuple[str, str], int] = field(default_factory=dict)
    """(owner, metric state) -> waits that are not judged yet."""
    verdict_latency: dict[tuple[str, str], Tally] = field(default_factory=dict)
    """(owner just before it, basis) -> time until the verdict."""
    verdict_breaches: dict[str, int] = field(default_factory=dict)
    """Owner at the due instant -> verdicts that fell due."""
    class_open: dict[tuple[str, str], int] = field(default_factory=dict)
    """(class, metric state) -> open waits."""
    class_replies: dict[tuple[str, str], int] = field(default_factory=dict)
    """(class when it was answered, within the SLA: true or false) -> replies."""
    false_escalations: dict[tuple[str, int], int] = field(default_factory=dict)
    """(escalation policy, step) -> times told of a wait of which it turned out that nobody had to be."""
    contradicted: dict[str, int] = field(default_factory=dict)
    """Rule -> waits that it filtered though they were answered, or their sender became an open lead."""
    ownerless: int = 0
    """Running clocks without an owner: a defect (rule 22)."""


def pairs_in_use(figures: Figures, people: Iterable[str]) -> set[tuple[str, str]]:
    """The (owner, tier) pairs that occur, or will when the next mail comes: `people` can own leads without an owner."""
    pairs = {(one.owner, one.tier) for one in figures.held_once} | set(figures.first_contact_failures)
    pairs |= {pair for pair in figures.lead_owners if pair[0]}
    unowned = {tier for owner, tier in figures.lead_owners if not owner} | {""}
    return pairs | {(person, tier) for person in people for tier in unowned}


def cumulative(counts: Iterable[int]) -> list[int]:
    """Bucket counts as running sums: the last one is the number of all values."""
    sums, running = [], 0
    for count in counts:
        running += count
        sums.append(running)
    return sums
