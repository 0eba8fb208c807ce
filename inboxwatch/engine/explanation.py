"""Who owns it, what is the SLA, what happens next; then every decision, with what it was made of.

Nothing is recomputed for show: messages, matches, assignments and notifications are shown as they were recorded.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from inboxwatch.core.model import Lead
from inboxwatch.core.ownership.advance import assignment_at
from inboxwatch.core.sla.clock import clock_id
from inboxwatch.core.sla.policy import SLAPolicy
from inboxwatch.core.sla.timeline import REVIEWS, Action, ActionKind
from inboxwatch.core.wait_view import WaitView
from inboxwatch.engine.roster import owner_between_waits
from inboxwatch.engine.rules import Rules
from inboxwatch.engine.wait_views import Detail, wait_views
from inboxwatch.store import Transaction
from inboxwatch.store.records import ClockRecord, MessageRecord

_When = Callable[[datetime | None], str]
"""Writes an instant in the zone of a wait's calendar."""


def explain(tx: Transaction, rules: Rules, ref: str, at: datetime, then: datetime | None = None) -> Iterator[str]:
    """The lines about a clock, a message or a lead; none where the reference is unknown."""
    ref = ref.strip().strip("<>")
    clock = tx.clocks.get(ref)
    if clock is not None:
        (wait,) = _views(tx, rules, [clock], at)
        yield from _wait(tx, wait, then)
        return
    thread = tx.mail.thread_of(ref)
    if thread is not None:
        yield from _message(tx, thread, ref)
        rows = sorted(tx.clocks.of_threads([thread]).values(), key=lambda row: row.started_at)
        for wait in _views(tx, rules, rows, at):
            yield ""
            yield from _wait(tx, wait, then)
        return
    lead = tx.leads.by_address(ref.lower())
    if lead is not None:
        yield from _lead(tx, rules, lead, at, then)


def _lead(tx: Transaction, rules: Rules, known: Lead, at: datetime, then: datetime | None) -> Iterator[str]:
    yield f"Lead {known.id}: {known.name or '(no name)'}, {known.company or '(no company)'}, from {known.source}"
    rows = list(tx.clocks.listed({"lead": known.id}, None, 1000))
    running = [row for row in rows if row.state == "running"]
    if not running:
        owner = owner_between_waits(tx, rules, known.id, at)
        yield f"  Owner now: {owner} (whom routing names between waits). No wait is open; nothing happens next."
    rows.sort(key=lambda row: (row.state != "running", row.started_at))
    for wait in _views(tx, rules, rows, at):
        yield ""
        yield from _wait(tx, wait, then)


def _views(tx: Transaction, rules: Rules, rows: Sequence[ClockRecord], at: datetime) -> list[WaitView]:
    return wait_views(tx, rules, rows, at, Detail.CLOCK)


def _wait(tx: Transaction, wait: WaitView, then: datetime | None) -> Iterator[str]:
    zone = wait.sla.calendar.zone if wait.sla else ZoneInfo("UTC")

    def when(instant: datetime | None) -> str:
        return "-" if instant is None else f"{instant.astimezone(zone):%a %Y-%m-%d %H:%M:%S %Z}"

    yield f"Wait {wait.id} of {wait.lead} ({wait.metric}), mailbox {wait.mailbox or '-'}, tier {wait.tier or '-'}"
    actions = _actions(tx, wait)
    last = max(
        (action for action in actions if action.kind is ActionKind.ASSIGNED),
        key=lambda action: action.serial,
        default=None,
    )
    why = f" by {last.by}: {last.rule}; {last.reason}" if last else ""
    yield f"  Owner: {wait.owner}{why}"
    if then is not None:
        yield f"  Owner at {when(then)}: {_owner_at(wait, actions, then)}"
    yield from _target(wait, when)
    yield from _next(wait, when)
    yield ""
    yield "  What happened:"
    events = [
        *_messages(tx, wait.thread, wait),
        *((action.at, _action(action, when)) for action in actions),
        *_notifications(tx, wait),
    ]
    for instant, text in sorted(events, key=lambda event: event[0]):
        yield f"    {when(instant)}  {text}"
    if wait.sla is not None:
        yield ""
        yield from _arithmetic(wait, wait.sla, when)


def _owner_at(wait: WaitView, actions: list[Action], then: datetime) -> str:
    """Who owned a wait at an instant, since when and why (rule 26)."""
    if then < wait.started_at or (wait.stopped_at is not None and then > wait.stopped_at):
        return "nobody: the wait was not open then"
    held = assignment_at(actions, then)
    return f"{held.owner}, given by {held.by} ({held.rule}): {held.reason}" if held else str(wait.owner)


def _target(wait: WaitView, when: _When) -> Iterator[str]:
    target = wait.sla.target(wait.metric) if wait.sla else None
    calendar = wait.sla.calendar.name if wait.sla else "?"
    yield (
        f"  SLA: policy {wait.policy} (version {wait.policy_version}): {wait.metric} within {target} "
        f"in calendar {calendar}; started {when(wait.started_at)}, due {when(wait.due_at)}"
    )


def _next(wait: WaitView, when: _When) -> Iterator[str]:
    if not wait.running:
        by = wait.answered_by or wait.stopped_by or "-"
        verdict = "a breach" if wait.breached_at else "in time"
        why = "" if wait.stop_reason in (None, wait.state) else f" ({wait.stop_reason})"
        ended = f"{wait.state}{why} {when(wait.stopped_at)} by {by}"
        yield f"  Over: {ended}; {verdict}. Nothing happens next."
        return
    yield f"  State: {wait.metric_state}, waiting for {_length(wait.wall_seconds or 0.0)}"
    if wait.held:
        yield "  Unverified: a mailbox that could hold the answer is unread; its step waits for blind_grace at most"
    if wait.next_step is None:
        yield "  Next: the ladder has ended; the wait stays open and visible"
        return
    step = wait.next_step
    targets = ", ".join(step.targets)
    due = when(step.at)
    yield f"  Next: step {step.step} (round {step.round}) at {due} to {targets}, unless somebody answers"


def _messages(tx: Transaction, thread: str, wait: WaitView | None = None) -> Iterator[tuple[datetime, str]]:
    others = () if wait is None else [row for row in tx.clocks.of_threads([thread]).values() if row.id != wait.id]
    for row in tx.mail.rows(thread):
        answers = f", answers {row.parent}" if row.parent else ""
        who = row.author if row.direction == "outbound" else row.sender
        lead = f", lead {row.lead}" if row.lead else ""
        clock = "" if row.time_from in ("server", "received") else f"; time from the {row.time_from} header"
        yield (
            row.at,
            f"{row.direction} {row.kind} from {who} <{row.message_id}>{lead}: {row.signal}; "
            f"thread by {row.evidence} ({row.confidence:.2f}){answers}{clock}{_part(row, wait, others)}",
        )


def _part(message: MessageRecord, wait: WaitView | None, others: Sequence[ClockRecord]) -> str:
    """What a message is to a wait, beside the thread's other ones."""
    if wait is None:
        return ""
    if message.message_id == wait.started_by:
        return "; it starts this wait"
    if message.message_id == wait.stopped_by:
        return "; it ends this wait"
    within = wait.started_at <= message.at and (wait.stopped_at is None or message.at <= wait.stopped_at)
    if message.direction != "inbound" or not message.owes_reply or not within or wait.follow_up:
        return ""
    if _counts(message, wait):
        return "; a nudge: start and due time stay"
    other = next((one for one in others if _counts(message, one)), None)
    if other is None:
        return ""
    unseen = wait.state == "dismissed" and other.lead == wait.lead
    return f"; read after the dismissal, so it stays owed: wait {other.id}" if unseen else f"; of wait {other.id}"


def _counts(message: MessageRecord, wait: WaitView | ClockRecord) -> bool:
    """Whether a message is one of those whose answer the wait is for: each of them has given it an id."""
    return clock_id(message.message_id, wait.metric) in wait.ids


def _message(tx: Transaction, thread: str, message_id: str) -> Iterator[str]:
    for at, text in _messages(tx, thread):
        if f"<{message_id}>" in text:
            yield f"Message {at:%Y-%m-%d %H:%M:%S} UTC: {text}"
    for action in tx.clocks.actions([thread], []).get(thread, ()):
        if action.kind in REVIEWS and action.rule == message_id:
            yield f"  {action.at:%Y-%m-%d %H:%M:%S} UTC: {_action(action, str)}"


def _actions(tx: Transaction, wait: WaitView) -> list[Action]:
    known = tx.clocks.actions([wait.thread], [wait.lead])
    mine = wait.ids
    actions = [action for action in known.get(wait.thread, []) if action.clock in mine or action.kind in REVIEWS]
    end = wait.stopped_at
    return actions + [
        action
        for action in known.get(f"lead:{wait.lead}", [])
        if action.at >= wait.started_at and (end is None or action.at <= end)
    ]


def _action(action: Action, when: _When) -> str:
    reason = f": {action.reason}" if action.reason else ""
    if action.kind is ActionKind.ASSIGNED:
        return f"owner {action.owner}, given by {action.by} ({action.rule}){reason}"
    if action.kind in REVIEWS:
        return f"the thread of <{action.rule}> {action.kind.value} by {action.by}{reason}"
    until = f" until {when(action.until)}" if action.until else ""
    return f"{action.kind.value} by {action.by}{until}{reason}"


def _notifications(tx: Transaction, wait: WaitView) -> Iterator[tuple[datetime, str]]:
    ids = wait.ids
    for one in tx.clocks.notifications(ids):
        if one.target:
            yield one.at, f"step {one.step} round {one.round} owed to {one.target}: {one.reason}"
        else:
            yield one.at, f"step {one.step} round {one.round} withheld: {one.reason}"
    for sent in tx.deliveries.for_clocks(ids):
        if sent.settled_at is not None:
            detail = f" ({sent.error})" if sent.error else ""
            yield sent.settled_at, f"{sent.type} to {sent.target} by {sent.channel}: {sent.state}{detail}"


def _arithmetic(wait: WaitView, policy: SLAPolicy, when: _When) -> Iterator[str]:
    """From the start to the due time, span by span, with the names of holidays."""
    target = policy.target(wait.metric)
    if target is None or not target.business:
        yield f"  The clock runs on wall time: {when(wait.started_at)} + {target} = {when(wait.due_at)}"
        return
    yield f"  How {target} are counted in calendar {policy.calendar.name} ({policy.calendar.zone.key}):"
    total, zone = timedelta(), policy.calendar.zone
    for stretch in policy.calendar.spans(wait.started_at, wait.due_at):
        if not stretch.open:
            yield f"    {stretch.day:%a %Y-%m-%d} closed: {stretch.reason or 'no hours'}"
            continue
        length = stretch.end - stretch.start
        total += length
        note = f" ({stretch.reason})" if stretch.reason else ""
        span = f"{stretch.start.astimezone(zone):%H:%M}-{stretch.end.astimezone(zone):%H:%M}"
        sums = f"+{_length(length.total_seconds())}, in all {_length(total.total_seconds())}"
        yield f"    {stretch.day:%a %Y-%m-%d} {span}{note}: {sums}"


def _length(seconds: float) -> str:
    """`2 h 5 min`, `45 s`."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    parts = [f"{hours} h" if hours else "", f"{minutes} min" if minutes else "", f"{rest} s" if rest else ""]
    return " ".join(part for part in parts if part) or "0 s"
