"""Evaluates threads: folds their facts, saves their clocks, names owners, notifies of what is owed.

The only place where clocks meet the store.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from inboxwatch.core.model import ClockId, Lead, LeadId, ThreadId
from inboxwatch.core.sla.clock import Clock, Wait
from inboxwatch.core.sla.fold import Replay
from inboxwatch.core.sla.policy import SLAPolicy
from inboxwatch.core.sla.timeline import Action, Fact, Mail
from inboxwatch.engine.policies import policies_of
from inboxwatch.engine.progress import After, Before, Progress
from inboxwatch.engine.qualifiers import Findings, policy_then, qualifier_of
from inboxwatch.engine.rules import Rules
from inboxwatch.engine.visibility import Unread, Visibility
from inboxwatch.store import Transaction
from inboxwatch.store.records import ClockRecord

__all__ = ["Evaluated", "Unread", "evaluate", "evaluate_due", "folded"]


@dataclass(slots=True)
class Evaluated:
    """What an evaluation did, and what it has left to do."""

    look: dict[str, Unread] = field(default_factory=dict)
    """Clocks whose next step waits until these mailboxes have been read."""
    opened: int = 0
    stopped: int = 0
    notified: int = 0

    def count(self, clock: Clock, before: Before, after: After) -> None:
        """Adds what has become of one wait."""
        self.opened += not before.rows
        self.stopped += before.running and not clock.running
        self.notified += after.notified
        if after.unread is not None:
            self.look[clock.id] = after.unread

    def add(self, other: Evaluated) -> None:
        self.look |= other.look
        self.opened += other.opened
        self.stopped += other.stopped
        self.notified += other.notified


@dataclass(frozen=True, slots=True)
class Occasion:
    """When threads are evaluated, and whom that may notify."""

    now: datetime
    notify: frozenset[str] | None = frozenset()
    """The clocks whose steps may notify now; None: all."""
    looked: datetime | None = None
    """When mailboxes were asked for on behalf of these steps: one that has not been read since is blind."""
    quiet: bool = False
    """Steps that are overdue are recorded and notify nobody: the first sight of a mailbox pages nobody."""
    quiet_until: datetime | None = None
    """Only those that were overdue then; None: now."""


def evaluate_due(
    tx: Transaction,
    rules: Rules,
    now: datetime,
    *,
    only: frozenset[str] | None = None,
    skip: frozenset[str] = frozenset(),
    looked: datetime | None = None,
    limit: int = 500,
) -> Evaluated:
    """Brings the clocks whose time has come up to `now`; `only` those, once their mailboxes were read.

    `skip` are clocks whose mailboxes are being read; `looked` is that of `Occasion`. (Seven parameters: which clocks
    is one question, but `only` and `skip` come from two different callers.)
    """
    if only is not None:
        rows = [tx.clocks.get(clock) for clock in sorted(only)]
        due = [(row.id, row.thread) for row in rows if row is not None and row.state == "running"]
    else:
        due = tx.clocks.due(now, limit, skip)
    if not due:
        return Evaluated()
    threads = sorted({thread for _, thread in due})
    return evaluate(tx, rules, threads, Occasion(now, frozenset(clock for clock, _ in due), looked))


def evaluate(
    tx: Transaction,
    rules: Rules,
    threads: Sequence[str],
    occasion: Occasion,
    at_hand: Mapping[LeadId, Lead] | None = None,
    begun: Mapping[str, Sequence[Mail]] | None = None,
) -> Evaluated:
    """Folds threads and saves their clocks.

    `at_hand` are leads that this transaction has looked up already, `begun` the whole mail of threads that it has
    begun: no waits are stored of them, and nothing was done there.
    """
    if not threads:
        return Evaluated()
    now, notify = occasion.now, occasion.notify
    begun = begun or {}
    stored = [one for one in threads if one not in begun]
    mail = {**begun, **tx.mail.timeline(stored)}
    timelines = {one: mail[one] for one in threads}
    leads = dict(at_hand or {})
    wanted = {lead for mails in timelines.values() for mail in mails for lead in _leads(mail)}
    leads |= tx.leads.get_many(wanted - leads.keys())
    old = tx.clocks.of_threads(stored)
    folded = _fold(tx, rules, timelines, leads, old)
    notified = tx.clocks.notified([one for thread in stored for clock in folded[thread] for one in clock.ids])
    # What another engine took for nobody's while this one found its lead is a sighting from here on.
    tx.unfiled.file([mail.id for mails in timelines.values() for mail in mails])
    witnesses = tx.mail.witnesses(threads)
    history = (occasion.quiet_until or now) if occasion.quiet else None
    progress = Progress(tx, rules, leads, Visibility(tx, rules, now, occasion.looked), now, history=history)
    done, saved = Evaluated(), list[ClockRecord]()
    for thread, clocks in folded.items():
        known = [
            Before(
                [old[one] for one in clock.ids if one in old],
                set().union(*(notified.get(one, set()) for one in clock.ids)),
                witnesses.get(thread, set()),
                may_notify=notify is None or bool(clock.ids & notify),
            )
            for clock in clocks
        ]
        for clock, before, after in progress.of_thread(clocks, known):
            saved.append(after.clock)
            done.count(clock, before, after)
    progress.record_assignments()
    for one in _save(tx, saved, old):
        progress.withdraw(one)
        done.stopped += one.state == "running"
    return done


def folded(tx: Transaction, rules: Rules, thread: str, *, without: Action) -> tuple[Clock, ...]:
    """The clocks of a thread as they would be had something not been done; nothing is kept of that."""
    timelines = tx.mail.timeline([thread])
    leads = tx.leads.get_many({lead for mails in timelines.values() for mail in mails for lead in _leads(mail)})
    return _fold(tx, rules, timelines, leads, tx.clocks.of_threads([thread]), without)[thread]


def _fold(
    tx: Transaction,
    rules: Rules,
    timelines: Mapping[str, Sequence[Mail]],
    leads: Mapping[LeadId, Lead],
    old: Mapping[ClockId, ClockRecord],
    without: Action | None = None,
) -> dict[str, tuple[Clock, ...]]:
    """The clocks of threads. A wait that was known keeps the policy that it began with (rule 21).

    `without` is something that people did, left out to see what would be: then nothing is kept. (Six parameters: what
    was looked up for the threads.)
    """
    parties = {thread: {lead for mail in mails for lead in _leads(mail)} for thread, mails in timelines.items()}
    actions = tx.clocks.actions(list(timelines), set().union(*parties.values()))
    terms = (term for row in old.values() for term in row.terms)
    versions = {row.policy_version for row in old.values()} | {term.policy_version for term in terms}
    pinned = policies_of(tx, rules, versions)

    def policy_of(wait: Wait) -> SLAPolicy | None:
        for one in sorted(wait.aliases | {wait.id}):
            if (known := old.get(one)) is not None and (version := policy_then(known, wait)) in pinned:
                return pinned[version]
        return rules.context.policy(wait, leads)

    qualifier, findings = qualifier_of(tx, rules, timelines, leads, old), Findings()
    folded = {}
    for thread, mails in timelines.items():
        facts: list[Fact] = [*mails, *actions.get(thread, ())]
        for lead in parties[thread]:
            facts += actions.get(f"lead:{lead}", ())
        if without is not None:
            facts = [one for one in facts if one != without]
        strangers = {one for one in parties[thread] if one in leads and leads[one].provisional}
        fold = Replay(ThreadId(thread), policy_of, rules.config.stop_conditions, strangers, qualifier)
        folded[thread] = fold.clocks(facts)
        findings.add(thread, fold.qualifying)
    if without is None:
        findings.keep(tx)
    return folded


def _save(tx: Transaction, clocks: Sequence[ClockRecord], old: Mapping[ClockId, ClockRecord]) -> list[ClockRecord]:
    """Writes the clocks; a wait that has another id now takes with it what was recorded under the old one.

    Returns the clocks of waits that there are no more.
    """
    kept: set[ClockId] = set()
    for clock in clocks:
        for one in clock.ids & old.keys():
            kept.add(one)
            if one != clock.id:
                tx.clocks.drop({one: clock.id})
                tx.deliveries.rename(one, clock.id)
    tx.clocks.save(clocks)
    tx.clocks.own([clock.id for clock in clocks])
    gone = sorted(old.keys() - kept - {clock.id for clock in clocks})
    tx.clocks.drop(dict.fromkeys(gone))
    return [old[one] for one in gone]


def _leads(mail: Mail) -> Iterator[LeadId]:
    """The leads who wrote or receive a message."""
    return (one.lead for one in (mail.sender, *mail.recipients) if one.lead)
