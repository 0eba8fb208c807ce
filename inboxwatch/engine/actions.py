"""What people do to waits: acknowledge, snooze, put off, assign, dismiss, take that back, log a call or meeting."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from inboxwatch.core.model import PersonId
from inboxwatch.core.sla.clock import State
from inboxwatch.core.sla.gone_quiet import GONE_QUIET
from inboxwatch.core.sla.policy import Metric
from inboxwatch.core.sla.running import clock_id
from inboxwatch.core.sla.timeline import Action, ActionKind
from inboxwatch.engine.deeds import TAKEN
from inboxwatch.engine.evaluate import Occasion, evaluate
from inboxwatch.engine.policies import policies_of
from inboxwatch.engine.refused import NoSuchWait, Refused, WaitOver
from inboxwatch.engine.rules import Rules
from inboxwatch.engine.verdict_waits import wait_of
from inboxwatch.notify import NoticeType, follow_up_messages, messages
from inboxwatch.store import Transaction
from inboxwatch.store.clocks import Telling
from inboxwatch.store.records import ClockRecord
from inboxwatch.words import english

UNDO = timedelta(minutes=10)
"""How long a dismissal can be undone without saying why."""
MOST_WAITS = 10_000
"""Waits of one lead that are looked at."""


@dataclass(frozen=True, slots=True)
class Acting:
    """Who acts on a wait, when (UTC), and the reason that they give."""

    by: str
    """A person's id in the config."""
    at: datetime
    reason: str = ""


def acknowledge(tx: Transaction, rules: Rules, clock: str, acting: Acting) -> str:
    """Takes a wait over and holds its ladder until the acknowledgement expires. Returns its id. Raises Refused."""
    row, now, by = running(tx, rules, clock, acting.by), acting.at, acting.by
    policy = policies_of(tx, rules, [row.policy_version]).get(row.policy_version) or rules.config.policies[-1]
    until = policy.escalation.acknowledge_for.after(now, policy.calendar)
    held = Action(now, ActionKind.ACKNOWLEDGED, by, row.id, row.lead, until, reason=acting.reason)
    tx.clocks.record(held, row.thread)
    tx.clocks.record(given(row, PersonId(by), Acting(by, now, TAKEN)), row.thread)
    both = (row.id, clock_id(row.started_by, Metric.VERDICT))
    tx.deliveries.cancel(both, now, NoticeType.ESCALATION, NoticeType.ASSIGNED)
    return _evaluated(tx, rules, row, now)


def snooze(tx: Transaction, rules: Rules, clock: str, acting: Acting, until: datetime) -> str:
    """Holds a wait's ladder until an instant. Returns its id. Raises Refused."""
    return _later(tx, rules, running(tx, rules, clock, acting.by), ActionKind.SNOOZED, acting, until)


def put_off(tx: Transaction, rules: Rules, clock: str, acting: Acting, until: datetime) -> str:
    """Moves the due time of a follow-up, back or forward. Returns its id. Raises Refused."""
    return _later(tx, rules, _follow_up(tx, rules, clock, acting.by), ActionKind.PUT_OFF, acting, until)


def _later(  # six parameters: the wait, and what is done to it until when
    tx: Transaction, rules: Rules, row: ClockRecord, kind: ActionKind, acting: Acting, until: datetime
) -> str:
    """Nobody is to be told before an instant."""
    now = acting.at
    if until <= now:
        raise Refused(422, english("until: must lie in the future"))
    tx.clocks.record(Action(now, kind, acting.by, row.id, row.lead, until, reason=acting.reason), row.thread)
    tx.deliveries.cancel([row.id], now)
    return _evaluated(tx, rules, row, now)


def assign(tx: Transaction, rules: Rules, clock: str, acting: Acting, owner: str) -> str:
    """Gives a wait to a person of the config. Returns its id. Raises Refused."""
    known_person(rules, acting.by)
    known_owner(rules, owner)
    row, now = running(tx, rules, clock, acting.by), acting.at
    tx.clocks.record(given(row, PersonId(owner), acting), row.thread)
    return _evaluated(tx, rules, row, now)


def given(row: ClockRecord, owner: PersonId, acting: Acting) -> Action:
    """A wait becomes somebody's by a person's hand."""
    return Action(
        acting.at,
        ActionKind.ASSIGNED,
        acting.by,
        row.id,
        row.lead,
        owner=owner,
        reason=acting.reason,
        rule="by hand",
        inquiry_class=row.inquiry_class,
        tier=row.tier if row.inquiry_class else "",
    )


def dismiss(tx: Transaction, rules: Rules, clock: str, acting: Acting) -> str:
    """Ends a wait to which no reply is owed, as the person knew it; they say why. Returns its id. Raises Refused."""
    if not acting.reason.strip():
        raise Refused(422, messages.SAY_WHY_DISMISSED)
    row, now = running(tx, rules, clock, acting.by), acting.at
    seen = frozenset({row.id, *row.aliases})
    ended = Action(now, ActionKind.DISMISSED, acting.by, row.id, row.lead, reason=acting.reason, seen=seen)
    tx.clocks.record(ended, row.thread)
    return _evaluated(tx, rules, row, now)


def reopen(tx: Transaction, rules: Rules, clock: str, acting: Acting) -> str:
    """Takes a dismissal back: the wait runs from its original start, unless mail since then has ended it. After ten
    minutes the person must say why, but of a follow-up that was closed as gone quiet. Returns its id. Raises Refused.
    """
    known_person(rules, acting.by)
    row, now = _meant(tx, clock), acting.at
    quiet = row.stop_reason == GONE_QUIET
    if not (row.state == State.DISMISSED or quiet) or row.stopped_at is None:
        raise Refused(409, english("the wait is not dismissed: it is %(state)s"), state=row.state)
    if not quiet and now - row.stopped_at > UNDO and not acting.reason.strip():
        raise Refused(422, messages.SAY_WHY_REOPENED)
    seen = frozenset({row.id, *row.aliases})
    back = Action(now, ActionKind.REOPENED, acting.by, row.id, row.lead, reason=acting.reason, seen=seen)
    tx.clocks.record(back, row.thread)
    return _evaluated(tx, rules, row, now)


def log_activity(  # six parameters: with whom, by whom, and by which system we know it
    tx: Transaction, rules: Rules, lead: str, acting: Acting, now: datetime, told: tuple[str, str] | None = None
) -> int:
    """A call or meeting with a lead (an address), at `acting.at`, which may be past; ends the lead's waits where
    `activity` is a stop condition.

    It counts from now on where it would otherwise end a wait before a breach that was true already: what is told
    afterwards undoes no breach. `told`: the system that tells of it, and its id there; told again it changes nothing.

    Returns how many threads it concerns. Raises Refused.
    """
    known_person(rules, acting.by)
    known = tx.leads.by_address(lead.lower())
    if known is None:
        raise Refused(404, english("no lead has the address %(address)s"), address=lead)
    threads = tx.mail.threads_of_lead(known.id)
    if told is not None and (before := tx.clocks.told(*told)) is not None:
        _same(before, Action(acting.at, ActionKind.ACTIVITY, acting.by, lead=known.id, reason=acting.reason), told[1])
        return len(threads)
    at = counts_from(tx, known.id, acting.at, now)
    done = Action(at, ActionKind.ACTIVITY, acting.by, lead=known.id, reason=acting.reason)
    if told is None:
        tx.clocks.record(done, None)
    else:
        tx.clocks.record_told(done, Telling(*told, acting.at))
    evaluate(tx, rules, sorted(threads), Occasion(now))
    return len(threads)


def _same(before: tuple[Action, datetime], again: Action, ref: str) -> None:
    """Raises Refused where an id that is told again stands for something else by now: what ended a wait stays."""
    action, at = before
    if (action.kind, action.lead, action.by, action.reason, at) != (
        again.kind,
        again.lead,
        again.by,
        again.reason,
        again.at,
    ):
        text = english("id: %(id)s was logged already with other contents, which stay; log a correction by a new id")
        raise Refused(409, text, id=repr(ref))


def called(tx: Transaction, rules: Rules, clock: str, acting: Acting) -> str:
    """Logs a call in the place of a mail; ends the wait where `activity` is a stop condition. Returns its id. Raises
    Refused.
    """
    row = running(tx, rules, clock, acting.by)
    reason = f"call: {acting.reason}" if acting.reason else "call"
    log_activity(tx, rules, row.lead, Acting(acting.by, acting.at, reason), acting.at)
    return str(row.id)


def stop_following_up(tx: Transaction, rules: Rules, clock: str, acting: Acting) -> str:
    """Ends a follow-up, without a word of the buyer; the person says why. Returns its id. Raises Refused."""
    if not acting.reason.strip():
        raise Refused(422, follow_up_messages.SAY_WHY_STOPPED)
    return dismiss(tx, rules, _follow_up(tx, rules, clock, acting.by).id, acting)


def _follow_up(tx: Transaction, rules: Rules, clock: str, by: str) -> ClockRecord:
    row = running(tx, rules, clock, by)
    if row.metric != Metric.FOLLOW_UP:
        raise Refused(409, english("this wait is no follow-up: the buyer waits for a reply"))
    return row


def counts_from(tx: Transaction, lead: str, at: datetime, now: datetime) -> datetime:
    """From when a deed for a lead counts that is told now: what is told afterwards undoes no breach."""
    waits = tx.clocks.listed({"lead": lead}, None, MOST_WAITS)
    return now if any(_undone(row, at, now) for row in waits) else at


def _undone(row: ClockRecord, at: datetime, now: datetime) -> bool:
    """Whether a deed at an instant would end a wait before the breach that is known now."""
    late = row.breached_at is not None or (row.state == "running" and row.due_at <= now)
    return late and row.started_at <= at <= row.due_at


def known_person(rules: Rules, by: str) -> None:
    """Raises Refused where the id is that of no person of the config."""
    if by not in rules.config.people:
        known = ", ".join(rules.config.people)
        text = english("by: %(by)s is no person of the config; known are %(known)s")
        raise Refused(422, text, by=repr(by), known=known)


def known_owner(rules: Rules, owner: str) -> None:
    """Raises Refused where nobody of the config is meant."""
    if owner not in rules.config.people:
        text = english("owner: %(owner)s is no person of the config; groups cannot own a wait")
        raise Refused(422, text, owner=repr(owner))


def running(tx: Transaction, rules: Rules, clock: str, by: str) -> ClockRecord:
    """The wait of a clock by any id it ever had, still open, for a person of ours. Raises Refused."""
    known_person(rules, by)
    row = _meant(tx, clock)
    if row.state != "running":
        raise WaitOver(row.stop_reason or row.state, row.stopped_at or row.due_at)
    return row


def _meant(tx: Transaction, clock: str) -> ClockRecord:
    """The wait of a clock by any id it ever had. Raises NoSuchWait."""
    row = tx.clocks.get(clock)
    if row is None:
        raise NoSuchWait(clock)
    return wait_of(tx, row)


def _evaluated(tx: Transaction, rules: Rules, row: ClockRecord, now: datetime) -> str:
    evaluate(tx, rules, [row.thread], Occasion(now))
    return str(row.id)
