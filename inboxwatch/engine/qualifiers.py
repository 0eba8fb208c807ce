"""What decides what waits are about, looked up in the transaction at hand: only where the config asks for it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from inboxwatch.config.free_mail import free_mail
from inboxwatch.core.model import ClockId, Lead, LeadId, MessageId
from inboxwatch.core.qualification.decision import SALES, Decision, Qualifier, Worth, WorthBefore
from inboxwatch.core.sla.clock import Clock, Wait
from inboxwatch.core.sla.qualifying import Qualifying
from inboxwatch.core.sla.terms import Qualified
from inboxwatch.core.sla.timeline import Action, Mail
from inboxwatch.engine.rules import Rules
from inboxwatch.store import Transaction
from inboxwatch.store.records import ClockRecord
from inboxwatch.store.term_record import TermRecord

FROM_BEFORE = Decision(SALES, "default")
"""What a wait is that was known before the config asked for classes: its policy and ladder stay (rule 21)."""


def qualifier_of(
    tx: Transaction,
    rules: Rules,
    timelines: Mapping[str, Sequence[Mail]],
    leads: Mapping[LeadId, Lead],
    old: Mapping[ClockId, ClockRecord],
) -> Qualifier | None:
    """What decides in some threads; `old` are their clocks as they were folded last. Two queries."""
    if rules.qualification is None:
        return None
    pinned = tx.first_classes.of_threads(list(timelines))
    unjudged = {row.started_by: FROM_BEFORE for row in old.values() if row.metric.is_reply and not row.inquiry_class}
    unjudged = {id_: decision for id_, decision in unjudged.items() if id_ not in pinned}
    tx.first_classes.pin(unjudged)
    senders = {mail.sender.email for mails in timelines.values() for mail in mails if mail.owes_reply}
    return Qualifier(
        rules.qualification,
        leads,
        tx.sender_verdicts.of(senders),
        is_free_mail,
        pinned | unjudged,
        dict(_before(old.values())),
    )


def is_free_mail(email: str) -> bool:
    """Whether anybody can open an address at its domain."""
    return email.rpartition("@")[2] in free_mail()


def policy_then(known: ClockRecord, wait: Wait) -> str:
    """The version of the policy that a known wait was under while it was what it is; empty where it never was that."""
    qualified = wait.qualified
    if qualified is None or not known.inquiry_class:
        return known.policy_version
    terms = [one for one in known.terms if (one.inquiry_class, one.tier) == class_and_tier(qualified)]
    since = instant(qualified.at)
    if exact := next((one for one in terms if one.since == since), None):
        return exact.policy_version
    begins = qualified.at == wait.started.at and terms[:1] == list(known.terms[:1])
    return terms[0].policy_version if terms and begins else ""


def qualified_of(row: ClockRecord) -> Qualified | None:
    """What a wait is about and worth, as its row has it; None without qualification."""
    if not row.inquiry_class:
        return None
    worth = Worth(row.tier, row.score or 0, row.score_lines)
    return Qualified(row.started_at, Decision(row.inquiry_class, row.class_by), worth)


def class_and_tier(qualified: Qualified) -> tuple[str, str]:
    return qualified.decision.gives, qualified.worth.tier


def qualified_at(clock: Clock, at: datetime) -> Qualified:
    """What a wait was just before an instant: a verdict at the due instant comes too late for it (rule 47)."""
    assert clock.qualified is not None  # noqa: S101  (asked for with qualification only)
    then = [term.qualified for term in clock.terms if term.since < at] or [term.qualified for term in clock.terms[:1]]
    return then[-1] if then and then[-1] is not None else clock.qualified


def terms_of(clock: Clock) -> tuple[TermRecord, ...]:
    """The terms of a wait as its row keeps them."""
    return tuple(
        TermRecord(instant(term.since), *class_and_tier(term.qualified), term.policy.version)
        for term in clock.terms
        if term.qualified is not None
    )


def instant(at: datetime) -> str:
    """As `TermRecord.since` has it."""
    return at.astimezone(UTC).isoformat()


def _before(rows: Iterable[ClockRecord]) -> Iterable[tuple[ClockId, WorthBefore]]:
    for row in rows:
        if row.inquiry_class:
            yield row.id, WorthBefore(row.ids, Worth(row.tier, row.score or 0, row.score_lines))


@dataclass(slots=True)
class Findings:
    """What folding threads has found out of their waits, to be kept: the same whenever they are folded again."""

    decided: dict[MessageId, Decision] = field(default_factory=dict)
    found: list[tuple[Action, str | None]] = field(default_factory=list)
    stale: set[int] = field(default_factory=set)

    def add(self, thread: str, qualifying: Qualifying | None) -> None:
        if qualifying is not None:
            self.decided |= qualifying.decided
            self.found += [(one, thread) for one in qualifying.found]
            self.stale |= qualifying.stale

    def keep(self, tx: Transaction) -> None:
        tx.first_classes.pin(self.decided)
        tx.clocks.take_back(self.stale)
        tx.clocks.record_all(self.found)
