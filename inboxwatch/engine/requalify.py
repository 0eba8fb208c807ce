"""Running waits once the data of their leads has changed, or the rules: a new tier reaches them, dated (rule 45)."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import chain

from inboxwatch.core.model import Lead, LeadId, ThreadId
from inboxwatch.core.qualification.decision import LIST, REPLY, UNKNOWN, Decision, Qualifier, Worth
from inboxwatch.core.sla.running import clock_id
from inboxwatch.core.sla.timeline import Action, ActionKind, Mail
from inboxwatch.core.sla.verdicts import REPOLICY, SOURCE, is_verdict, tier_named
from inboxwatch.engine.qualifiers import qualifier_of
from inboxwatch.engine.rules import Rules
from inboxwatch.store import Transaction
from inboxwatch.store.records import ClockRecord


@dataclass(frozen=True, slots=True)
class LeadChange:
    """What a source has made of a lead."""

    before: Lead | None
    after: Lead | None
    """None: no source names the lead any more."""
    source: str

    @property
    def newly_open(self) -> bool:
        """Whether a source names somebody as an open lead who was none before."""
        was_open = self.before is not None and not self.before.provisional and self.before.status == "open"
        return self.after is not None and self.after.status == "open" and not was_open


def reach_waits(tx: Transaction, rules: Rules, changes: Mapping[LeadId, LeadChange], now: datetime) -> set[str]:
    """Has changed leads reach their running waits, and filtered ones say that they were contradicted (rule 51); for
    configs that ask for classes.

    Records what each is from now on where that changes; returns the threads, which must be evaluated then.
    """
    if not changes:
        return set()
    tx.clocks.contradict([id_ for id_, change in changes.items() if change.newly_open])
    waits = tx.clocks.running_replies(changes)
    before = {id_: change.before for id_, change in changes.items()}
    found = _found(tx, rules, waits, {row.id: f"{SOURCE}{changes[row.lead].source}" for row in waits}, now, before)
    tx.clocks.record_all(found)
    return {thread for _, thread in found}


def requalify(tx: Transaction, rules: Rules, waits: Sequence[ClockRecord], now: datetime) -> set[str]:
    """Has the rules of the config as it is now decide again what running waits are. Returns the threads of those that
    changed, which must be evaluated then.

    What words have decided stays as their rule was named then: the text is not seen any more.
    """
    if rules.qualification is None:
        return set()
    found = _found(tx, rules, waits, {row.id: REPOLICY for row in waits}, now)
    tx.clocks.record_all(found)
    return {thread for _, thread in found}


def _found(  # six parameters: waits, and by whom and when they are looked at
    tx: Transaction,
    rules: Rules,
    waits: Sequence[ClockRecord],
    by: Mapping[str, str],
    now: datetime,
    before: Mapping[LeadId, Lead | None] | None = None,
) -> list[tuple[Action, str]]:
    """What is to be recorded of waits, each with its thread.

    `before`: leads as they were; what is the same with those is not theirs to change, but that of changed rules.
    """
    judged = [row for row in waits if row.inquiry_class]
    threads = sorted({row.thread for row in judged})
    timelines = tx.mail.timeline(threads)
    leads = tx.leads.get_many({row.lead for row in judged} | {lead for one in timelines.values() for lead in _of(one)})
    qualifier = qualifier_of(tx, rules, timelines, leads, {})
    named = _tiers_named(tx, threads)
    if qualifier is None:
        return []
    told_then: dict[LeadId, Lead | None] = {**leads, **(before or {})}
    stood = {id_: lead for id_, lead in told_then.items() if lead is not None}
    earlier = replace(qualifier, leads=stood) if before is not None else None
    found = list[tuple[Action, str]]()
    for row in judged:
        mails = sorted((one for one in timelines[row.thread] if clock_id(one.id, row.metric) in row.ids), key=_order)
        told = named.get((row.thread, row.lead), "")
        if not mails:
            continue
        worth, decision = qualifier.worth(row.lead, mails), _decision(qualifier, row, mails[0], by[row.id])
        tier = told or qualifier.tier_said(mails[0]) or worth.tier
        if earlier is not None and earlier.worth(row.lead, mails).tier == worth.tier:
            tier, worth = row.tier, Worth(row.tier, worth.points, worth.lines)
        if tier != row.tier or decision is not None:
            found.append((_action(row, worth, decision, by[row.id], now, qualifier.qualification.version), row.thread))
    return found


def _tiers_named(tx: Transaction, threads: Sequence[ThreadId]) -> dict[tuple[ThreadId, LeadId], str]:
    """The tiers that people's verdicts name, by thread and lead: each side of a thread has one lead, and its own."""
    clocks = tx.clocks.of_threads(threads).values()
    whose = {id_: (row.thread, row.lead) for row in clocks for id_ in row.ids}
    verdicts: dict[tuple[ThreadId, LeadId], list[Action]] = {}
    for one in filter(is_verdict, chain.from_iterable(tx.clocks.actions(threads, []).values())):
        if one.clock in whose:
            verdicts.setdefault(whose[one.clock], []).append(one)
    return {key: tier_named(sorted(its, key=lambda one: (one.at, one.serial))) for key, its in verdicts.items()}


def _decision(qualifier: Qualifier, row: ClockRecord, mail: Mail, by: str) -> Decision | None:
    """Another class of a wait; None where it keeps its own. Data ends no wait (rule 53), so it must have a clock.

    A source decides what is unknown and not left to people, and what it has decided; rules what no person has.
    """
    known = Decision(row.inquiry_class, row.class_by)
    if known.by_person or known.audited or known.by == REPLY:
        return None
    decision = qualifier.decide_now(mail)
    if by != REPOLICY and (decision.by != LIST or not (known.gives == UNKNOWN or known.by == LIST)):
        return None
    same = (decision.gives, decision.by) == (known.gives, known.by)
    return None if same or decision.audited or not qualifier.qualification.clock(decision.gives) else decision


def _action(  # six parameters: a wait, and what it is from now on, by what
    row: ClockRecord, worth: Worth, decision: Decision | None, by: str, now: datetime, version: str
) -> Action:
    return Action(
        at=now,
        kind=ActionKind.QUALIFIED,
        by=by,
        clock=row.id,
        lead=row.lead,
        rule=decision.by if decision is not None else "",
        inquiry_class=decision.gives if decision is not None else row.inquiry_class,
        tier=worth.tier,
        score=worth.points,
        lines=worth.lines,
        version=version,
    )


def _order(mail: Mail) -> tuple[datetime, str]:
    return mail.at, mail.id


def _of(mails: Collection[Mail]) -> Iterator[LeadId]:
    return (mail.sender.lead for mail in mails if mail.sender.lead is not None)
