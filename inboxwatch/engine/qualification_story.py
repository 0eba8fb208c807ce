"""What a wait is about and worth, with all that has decided it, for `explain` and whoever shows a wait."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from itertools import pairwise

from inboxwatch.core.explanation import ExplainedQualification, QualificationTurn
from inboxwatch.core.model import MessageId
from inboxwatch.core.qualification.decision import PERSON, Decision, Worth
from inboxwatch.core.sla.holds import FILTERED, Hold
from inboxwatch.core.sla.running import clock_id
from inboxwatch.core.sla.terms import Qualified, course
from inboxwatch.core.sla.timeline import Action, ActionKind
from inboxwatch.core.sla.verdicts import is_taking_back, is_verdict, tier_named
from inboxwatch.engine.policies import policies_of
from inboxwatch.engine.rules import Rules
from inboxwatch.engine.wait_views import person_name
from inboxwatch.store import Transaction
from inboxwatch.store.records import ClockRecord, MessageRecord


def qualification_of(tx: Transaction, rules: Rules, row: ClockRecord) -> ExplainedQualification | None:
    """What is known of a wait; None of one that has no class."""
    if not row.inquiry_class or not row.metric.is_reply:
        return None
    known = tx.clocks.actions([row.thread], []).get(row.thread, [])
    actions = sorted(known, key=lambda one: (one.at, one.serial))
    mails = [one for one in tx.mail.rows(row.thread) if _counts(one, row)]
    lead = tx.leads.get(row.lead)
    verdicts = [one for one in actions if is_verdict(one) and one.lead == row.lead]
    namer = next((one for one in reversed(verdicts) if one.tier), None) if tier_named(verdicts) else None
    listed = namer is None and lead is not None and bool(lead.tier) and lead.tier == row.tier
    terms = rules.qualification
    by_score = namer is None and not listed and terms is not None and terms.version == row.qualification
    return ExplainedQualification(
        inquiry_class=row.inquiry_class,
        class_by=row.class_by,
        class_name=person_name(rules, row.class_by.removeprefix(PERSON)),
        held_back=next((one.held_back for one in mails if one.held_back), ""),
        score=row.score,
        lines=row.score_lines,
        said_in=_said_in(row, mails),
        version=row.qualification,
        tier=row.tier,
        tier_by=(person_name(rules, namer.by) or namer.by) if namer is not None else "",
        tier_listed=listed,
        threshold=terms.tiers.get(row.tier) if by_score and terms is not None else None,
        turns=tuple(_turns(rules, [one for one in actions if one.clock in row.ids], _moves(tx, rules, row))),
    )


def _counts(message: MessageRecord, row: ClockRecord) -> bool:
    """Whether a message is one of the wait's: each of them has given it an id."""
    return clock_id(message.message_id, row.metric) in row.ids


def _said_in(row: ClockRecord, mails: Sequence[MessageRecord]) -> tuple[MessageId, ...]:
    names = {line.name for line in row.score_lines if not line.because}
    return tuple(one.message_id for one in mails if one.inquiry is not None and names & set(one.inquiry.words))


def _moves(tx: Transaction, rules: Rules, row: ClockRecord) -> dict[datetime, tuple[datetime, datetime]]:
    """By the instant of each change that moved the due time: when it was due from then on, and before. What nobody
    owes an answer to is due no more.
    """
    policies = policies_of(tx, rules, {term.policy_version for term in row.terms})
    under = [policies.get(term.policy_version) for term in row.terms]
    changes = [
        Qualified(datetime.fromisoformat(term.since), Decision(term.inquiry_class, ""), Worth(term.tier, 0, ()))
        for term in row.terms
    ]
    terms = rules.qualification
    filtered = [one.at for one in changes if terms is not None and not terms.clock(one.decision.gives)]
    holds = [Hold(one.at, later.at, FILTERED) for one, later in pairwise(changes) if one.at in filtered]
    at = {id(change): policy for change, policy in zip(changes, under, strict=True)}
    whole = course(row.started_at, row.metric, changes, lambda one: at.get(id(one)), holds) if changes else None
    moved = pairwise(whole.terms) if whole is not None else ()
    return {
        new.since: (new.due_at, old.due_at)
        for old, new in moved
        if new.due_at != old.due_at and new.since not in filtered
    }


def _turns(
    rules: Rules, actions: Sequence[Action], moves: Mapping[datetime, tuple[datetime, datetime]]
) -> Iterator[QualificationTurn]:
    """Every change in the order of time; the due time with it where that moved."""
    given = {(one.at, one.by): one.owner for one in actions if one.kind is ActionKind.ASSIGNED}
    for one in actions:
        if one.kind is not ActionKind.QUALIFIED:
            continue
        person = is_verdict(one)
        due_at, due_before = moves.get(one.at, (None, None))
        owner = given.get((one.at, one.by)) if person else None
        yield QualificationTurn(
            at=one.at,
            by=person_name(rules, one.by) or one.by,
            inquiry_class=one.inquiry_class,
            tier=one.tier,
            reason=one.reason,
            person=person,
            back=person and is_taking_back(one),
            owner=(person_name(rules, owner) or str(owner)) if owner else "",
            due_at=due_at,
            due_before=due_before,
        )
