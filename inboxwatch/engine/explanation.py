"""Who owns it, what is the SLA, what happens next; then every decision, with what it was made of.

Nothing is recomputed for show: messages, matches, assignments and notifications are shown as they were recorded.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from inboxwatch.core.explanation import (
    ExplainedDelivery,
    ExplainedMessage,
    ExplainedStep,
    ExplainedWait,
    Explanation,
    FollowUpAhead,
    Happened,
    LeadBetween,
    MessageDoubt,
    OwnerThen,
    WaitPart,
)
from inboxwatch.core.leads import plain_address
from inboxwatch.core.model import ClockId, Direction, Lead, MailboxId
from inboxwatch.core.ownership.advance import assignment_at
from inboxwatch.core.proof import LATE, NOTHING_KNOWN, Proof
from inboxwatch.core.sla.clock import State
from inboxwatch.core.sla.meetings import ANSWERED, BOOKED
from inboxwatch.core.sla.policy import Metric, choose
from inboxwatch.core.sla.running import clock_id
from inboxwatch.core.sla.timeline import REVIEWS, Action, ActionKind
from inboxwatch.core.wait_view import WaitView
from inboxwatch.engine.follow_ups import next_follow_up
from inboxwatch.engine.ladder import ladder_of, policy_steps
from inboxwatch.engine.lead_view import view_of
from inboxwatch.engine.qualification_story import qualification_of
from inboxwatch.engine.roster import owner_between_waits
from inboxwatch.engine.rules import Rules
from inboxwatch.engine.verdict_waits import done_to
from inboxwatch.engine.wait_views import Detail, person_name, wait_views
from inboxwatch.store import Transaction
from inboxwatch.store.records import ClockRecord, MessageRecord


def explain(tx: Transaction, rules: Rules, ref: str, at: datetime, then: datetime | None = None) -> Explanation | None:
    """What is known of a clock, a message or a lead as of `at`; None where the reference is unknown.

    `then`: also who owned each wait at that instant.
    """
    ref = ref.strip().strip("<>")
    clock = tx.clocks.get(ref)
    if clock is not None:
        return Explanation(_waits(tx, rules, [clock], at, then))
    thread = tx.mail.thread_of(ref)
    if thread is not None:
        rows = sorted(tx.clocks.of_threads([thread]).values(), key=lambda row: row.started_at)
        message = tx.mail.row(ref)
        told = _message(message, tx.proofs.of_messages([message.key])) if message is not None else None
        reviews = _reviews(tx, message) if message is not None else ()
        return Explanation(_waits(tx, rules, rows, at, then), message=told, reviews=reviews)
    lead = tx.leads.meant(ref)
    if lead is None:
        found, count = tx.leads.find(ref, 2) if ref else ([], 0)
        lead = found[0].lead if count == 1 else None
    return None if lead is None else _lead(tx, rules, lead, at, then)


def _lead(tx: Transaction, rules: Rules, lead: Lead, at: datetime, then: datetime | None) -> Explanation:
    rows = list(tx.clocks.listed({"lead": lead.id}, None, 1000))
    rows.sort(key=lambda row: (row.state is not State.RUNNING, row.started_at))
    viewed = view_of(tx, rules, lead)
    several = viewed is not None and len({row.id.source for row in viewed.rows}) > 1
    origins = tuple(viewed.provenance().items()) if viewed is not None and several else ()
    waits = _waits(tx, rules, rows, at, then)
    follow_up, told = next_follow_up(rules, [one.wait for one in waits], at), None
    if follow_up is not None:
        wait, day = follow_up
        told = FollowUpAhead(person_name(rules, wait.owner) or str(wait.owner), day, wait.due_at)
    said = tx.sender_verdicts.of([lead.id, *lead.aliases])
    standing = tuple((address, words[-1]) for address, words in sorted(said.items()) if words[-1].gives)
    known = Explanation(waits, lead=lead, provenance=origins, follow_up=told, sender_words=standing)
    if any(row.state is State.RUNNING and row.metric.is_reply for row in rows):
        return known
    last = tx.mail.last_mailbox(lead.id)
    policy = choose(rules.config.policies, rules.context.facts(lead.id, lead, MailboxId(last) if last else None))
    steps = tuple(policy_steps(rules, policy.escalation)) if policy else ()
    owner = owner_between_waits(tx, rules, lead.id, at)
    return replace(known, owner_between=owner, between=LeadBetween(policy, steps))


def _waits(
    tx: Transaction, rules: Rules, rows: Sequence[ClockRecord], at: datetime, then: datetime | None
) -> tuple[ExplainedWait, ...]:
    views = wait_views(tx, rules, rows, at, Detail.CLOCK)
    return tuple(
        replace(
            _wait(tx, wait, then),
            ladder=tuple(ladder_of(tx, rules, row, at)),
            qualification=qualification_of(tx, rules, row),
        )
        for wait, row in zip(views, rows, strict=True)
    )


def _wait(tx: Transaction, wait: WaitView, then: datetime | None) -> ExplainedWait:
    actions = _actions(tx, wait)
    assigned = max(
        (action for action in actions if action.kind is ActionKind.ASSIGNED),
        key=lambda action: action.serial,
        default=None,
    )
    happened: list[Happened] = [*_messages(tx, wait), *actions, *_steps(tx, wait), *_deliveries(tx, wait)]
    happened.sort(key=lambda one: one.at)
    return ExplainedWait(wait, assigned, None if then is None else _owner_at(wait, actions, then), tuple(happened))


def _owner_at(wait: WaitView, actions: Sequence[Action], then: datetime) -> OwnerThen:
    was_open = wait.started_at <= then and (wait.stopped_at is None or then <= wait.stopped_at)
    return OwnerThen(then, was_open, assignment_at(actions, then) if was_open else None)


def _messages(tx: Transaction, wait: WaitView) -> Iterator[ExplainedMessage]:
    clocks = tx.clocks.of_threads([wait.thread]).values()
    others = [row for row in clocks if row.id != wait.id and row.metric is not Metric.VERDICT]
    proofs = tx.proofs.of_threads([wait.thread])
    for row in tx.mail.rows(wait.thread):
        yield _message(row, proofs, *_part(row, wait, others))


def _message(
    row: MessageRecord, proofs: Mapping[str, Proof], part: WaitPart | None = None, other: ClockId | None = None
) -> ExplainedMessage:
    proof = proofs.get(row.key, NOTHING_KNOWN)
    return ExplainedMessage(
        at=row.at,
        id=row.message_id,
        direction=row.direction,
        kind=row.kind,
        who=row.author if row.direction is Direction.OUTBOUND else row.sender,
        lead=row.lead,
        signal=row.signal,
        evidence=row.evidence,
        confidence=row.confidence,
        parent=row.parent,
        time_from=row.time_from,
        part=part,
        other=other,
        signs=row.signs,
        effect=row.effect,
        proof=proof,
        doubt=_doubt(row, proof),
    )


def _doubt(row: MessageRecord, proof: Proof) -> MessageDoubt | None:
    if row.direction is Direction.OUTBOUND:
        if proof.doubtful:
            return MessageDoubt.NOT_VERIFIED
        late = proof.held_since is not None and proof.held_since > row.at + LATE
        return MessageDoubt.DATED_BACK if late else None
    if row.direction is not Direction.INBOUND or row.effect in (None, ANSWERED):
        return None
    if proof.failed:
        return MessageDoubt.FORGED
    # A service speaks in a booking notice: the lead is who it names.
    return MessageDoubt.NOT_THEIRS if row.own_address is False and row.effect != BOOKED else None


def _part(
    message: MessageRecord, wait: WaitView, others: Sequence[ClockRecord]
) -> tuple[WaitPart | None, ClockId | None]:
    """What a message is to a wait, beside the thread's other ones."""
    if message.message_id == wait.started_by:
        return WaitPart.STARTS, None
    if message.message_id == wait.stopped_by:
        return WaitPart.ENDS, None
    within = wait.started_at <= message.at and (wait.stopped_at is None or message.at <= wait.stopped_at)
    if message.direction is not Direction.INBOUND or not message.owes_reply or not within or wait.follow_up:
        return None, None
    if _counts(message, wait):
        return WaitPart.NUDGE, None
    other = next((one for one in others if _counts(message, one)), None)
    if other is None:
        return None, None
    unseen = wait.state is State.DISMISSED and other.lead == wait.lead
    return (WaitPart.OWED if unseen else WaitPart.OTHER), other.id


def _counts(message: MessageRecord, wait: WaitView | ClockRecord) -> bool:
    """Whether a message is one of those whose answer the wait is for: each of them has given it an id."""
    return clock_id(message.message_id, wait.metric) in wait.ids


def _reviews(tx: Transaction, row: MessageRecord) -> tuple[Action, ...]:
    """What people said of a message's place and kind, or of its sender's."""
    known = tx.clocks.actions([row.thread], []).get(row.thread, ())
    of = (row.message_id, plain_address(row.sender))
    return tuple(action for action in known if action.kind in REVIEWS and action.rule in of)


def _actions(tx: Transaction, wait: WaitView) -> list[Action]:
    known = tx.clocks.actions([wait.thread], [wait.lead])
    end = wait.stopped_at
    return done_to(tx, wait, known.get(wait.thread, ())) + [
        action
        for action in known.get(f"lead:{wait.lead}", [])
        if action.at >= wait.started_at and (end is None or action.at <= end)
    ]


def _steps(tx: Transaction, wait: WaitView) -> Iterator[ExplainedStep]:
    for one in tx.clocks.notifications(wait.ids):
        yield ExplainedStep(one.at, one.step, one.round, one.target, one.reason)


def _deliveries(tx: Transaction, wait: WaitView) -> Iterator[ExplainedDelivery]:
    for one in tx.deliveries.for_clocks(wait.ids):
        if one.settled_at is not None:
            yield ExplainedDelivery(one.settled_at, one.type, one.target, one.channel, one.state, one.error)
