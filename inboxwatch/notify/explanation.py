"""The words of `explain`: lines of plain text, indented; what a buyer wrote in them is for its reader to clean."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from inboxwatch.core.explanation import (
    ExplainedMessage,
    ExplainedStep,
    ExplainedWait,
    Explanation,
    Happened,
    MessageDoubt,
    OwnerThen,
    WaitPart,
)
from inboxwatch.core.model import Lead
from inboxwatch.core.sla.policy import SLAPolicy
from inboxwatch.core.sla.timeline import REVIEWS, Action, ActionKind
from inboxwatch.core.sla.verdicts import is_taking_back, is_verdict
from inboxwatch.core.wait_view import WaitView
from inboxwatch.notify import follow_up_messages, messages, qualification_messages
from inboxwatch.notify.ladder_words import ladder_sentence, length_in_words
from inboxwatch.notify.qualification_words import qualification_lines
from inboxwatch.notify.state_words import state

_When = Callable[[datetime | None], str]
"""Writes an instant in the zone of a wait's calendar."""

_KINDS = {
    ActionKind.SAID_HUMAN: "a person writes",
    ActionKind.UNSAID_HUMAN: "the mail decides again whether a person writes",
}
_STEPS = {"warning": "due soon", "breach": "due", "escalated": "overdue", "unverified": "can't tell"}
_PARTS = {
    WaitPart.STARTS: "it starts this wait",
    WaitPart.ENDS: "it ends this wait",
    WaitPart.NUDGE: "a nudge: start and due time stay",
    WaitPart.OTHER: "of wait {other}",
    WaitPart.OWED: "read after the dismissal, so it stays owed: wait {other}",
}
_DOUBTS = {
    MessageDoubt.NOT_VERIFIED: "answer not verified: it ends nothing",
    MessageDoubt.DATED_BACK: "its first copy came long after its Date",
    MessageDoubt.FORGED: "{effect} in a forged name: shown only",
    MessageDoubt.NOT_THEIRS: "{effect}, not from the lead: shown only",
}


def explanation_lines(told: Explanation) -> Iterator[str]:
    """The lines of an explanation, in their order."""
    if told.lead is not None:
        yield from _lead(told.lead, told)
        yield from _provenance(told.provenance)
    if told.message is not None:
        yield f"Message {_utc(told.message.at)}: {_message(told.message)}"
        for action in told.reviews:
            yield f"  {_utc(action.at)}: {_action(action, _utc)}"
    for number, one in enumerate(told.waits):
        if number or told.lead is not None or told.message is not None:
            yield ""
        yield from _wait(one)


def _lead(lead: Lead, told: Explanation) -> Iterator[str]:
    yield f"Lead {lead.id}: {lead.name or '(no name)'}, {lead.company or '(no company)'}, from {lead.source}"
    if told.owner_between is not None:
        owner = f"{told.owner_between} (whom routing names between waits)"
        yield f"  Owner now: {owner}. No wait is open; nothing happens next."
    if (between := told.between) is not None and between.sla is not None:
        first, later = map(length_in_words, (between.sla.first_response, between.sla.next_response))
        yield f"  SLA: policy {between.sla.name}: first reply within {first}, then {later}"
        yield "  If nobody answers the next wait:"
        yield from (f"    {step}" for step in between.steps)
    if (ahead := told.follow_up) is not None:
        yield f"  {follow_up_messages.of_lead(day=ahead.day, person=ahead.owner, at=_utc(ahead.at))}"
    else:
        yield f"  {follow_up_messages.NOBODY}"
    for address, word in told.sender_words:
        what = qualification_messages.what(word.gives, word.tier)
        yield f"  Whatever {address} writes since {_utc(word.at)} is {what}, says {word.by}"


def _provenance(fields: Sequence[tuple[str, str]]) -> Iterator[str]:
    for source in dict.fromkeys(source for _, source in fields):
        yield f"  From {source}: {', '.join(sorted(name for name, its in fields if its == source))}"


def _wait(told: ExplainedWait) -> Iterator[str]:
    wait, assigned = told.wait, told.assigned
    zone = wait.sla.calendar.zone if wait.sla else ZoneInfo("UTC")

    def when(instant: datetime | None) -> str:
        return "-" if instant is None else f"{instant.astimezone(zone):%a %Y-%m-%d %H:%M:%S %Z}"

    what = f", class {wait.inquiry_class}" if wait.inquiry_class else ""
    head = f"Wait {wait.id} of {wait.lead} ({wait.metric}), mailbox {wait.mailbox or '-'}"
    yield f"{head}{what}, tier {wait.tier or '-'}"
    why = f" by {assigned.by}: {assigned.rule}; {assigned.reason}" if assigned else ""
    yield f"  Owner: {wait.owner}{why}"
    if told.then is not None:
        yield f"  Owner at {when(told.then.at)}: {_owner_then(wait, told.then)}"
    yield from _target(wait, when)
    yield from _next(wait, when)
    if told.qualification is not None:
        for line in qualification_lines(told.qualification, when):
            yield f"  {line}"
    if ahead := [step for step in told.ladder if step.ahead]:
        yield "  If nobody judges it:" if wait.is_verdict else "  If nobody answers:"
        for step in ahead:
            yield f"    {ladder_sentence(step, when(step.at))}"
    yield ""
    yield "  What happened:"
    for one in told.happened:
        yield f"    {when(one.at)}  {_happened(one, when)}"
    if wait.sla is not None:
        yield ""
        yield from _arithmetic(wait, wait.sla, when)


def _owner_then(wait: WaitView, then: OwnerThen) -> str:
    if not then.open:
        return "nobody: the wait was not open then"
    held = then.assigned
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
        late = "late" if wait.breached_at else "in time"
        why = "" if wait.stop_reason in (None, wait.state) else f" ({wait.stop_reason})"
        ended = f"{state(wait.state, verdict=wait.is_verdict)}{why} {when(wait.stopped_at)} by {by}"
        yield f"  Done: {ended}; {late}. Nothing happens next."
        yield from _flags(wait)
        return
    standing = state(wait.metric_state or "", verdict=wait.is_verdict)
    yield f"  State: {standing}, waiting for {_length(wait.wall_seconds or 0.0)}"
    yield from _flags(wait)
    if wait.held:
        yield "  Can't tell: a mailbox that could hold the answer is unread; its step waits for blind_grace at most"
    if wait.next_step is None:
        yield f"  Next: {messages.no_further_step(wait.is_verdict)} The wait stays open and visible."
        return
    step = wait.next_step
    told = messages.ladder_step(targets=wait.next_names, moves_to=wait.next_owner_name, at=when(step.at))
    unless = "judges it" if wait.is_verdict else "answers"
    yield f"  Next: step {step.step} (round {step.round}), unless somebody {unless}: {told}"


def _flags(wait: WaitView) -> Iterator[str]:
    for one in wait.flags:
        yield f"  Note: {messages.flag(one)}"


def _happened(one: Happened, when: _When) -> str:
    if isinstance(one, ExplainedMessage):
        return _message(one)
    if isinstance(one, Action):
        return _action(one, when)
    if isinstance(one, ExplainedStep):
        owed = f"owed to {one.target}" if one.target else "withheld"
        return f"step {one.step} round {one.round} {owed}: {_STEPS.get(one.reason, one.reason)}"
    detail = f" ({one.error})" if one.error else ""
    return f"{one.type} to {one.target} by {one.channel}: {one.state}{detail}"


def _message(one: ExplainedMessage) -> str:
    answers = f", answers {one.parent}" if one.parent else ""
    lead = f", lead {one.lead}" if one.lead else ""
    clock = "" if one.time_from in ("server", "received") else f"; time from the {one.time_from} header"
    part = f"; {_PARTS[one.part].format(other=one.other)}" if one.part else ""
    sender = f"; sender {one.proof.standing}: {one.proof.why}" if one.proof.why else ""
    if one.doubt is not None and one.part is not WaitPart.ENDS:
        sender += f"; {_DOUBTS[one.doubt].format(effect=one.effect)}"
    return (
        f"{one.direction} {one.kind} from {one.who} <{one.id}>{lead}: {one.signal}{_signs(one)}; "
        f"thread by {one.evidence} ({one.confidence:.2f}){answers}{clock}{sender}{part}"
    )


def _signs(message: ExplainedMessage) -> str:
    """What spoke for and against the kind, where anything was weighed."""
    machine, person, weight = message.signs
    if machine in ((), (message.signal,)) and not person:
        return ""
    more = "" if weight is None else f", heavier by {weight}"
    return f" (for a machine: {', '.join(machine) or 'nothing'}; for a person: {', '.join(person) or 'nothing'}{more})"


def _action(action: Action, when: _When) -> str:
    reason = f": {action.reason}" if action.reason else ""
    if action.kind is ActionKind.ASSIGNED:
        return f"owner {action.owner}, given by {action.by} ({action.rule}){reason}"
    if is_verdict(action):
        what = qualification_messages.what(action.inquiry_class, action.tier)
        return f"{'verdict taken back' if is_taking_back(action) else 'verdict'} by {action.by}: {what}{reason}"
    if action.kind in _KINDS:
        return f"{_KINDS[action.kind]} <{action.rule}>, said {action.by}{reason}"
    if action.kind is ActionKind.QUALIFIED:
        about = qualification_messages.what(action.inquiry_class, action.tier)
        score = f", score {action.score:g}" if action.score is not None else ""
        return f"qualified {about}{score} by {action.by}{reason}"
    if action.kind in REVIEWS:
        return f"the thread of <{action.rule}> {action.kind.value} by {action.by}{reason}"
    until = f" until {when(action.until)}" if action.until else ""
    return f"{action.kind.value} by {action.by}{until}{reason}"


def _arithmetic(wait: WaitView, policy: SLAPolicy, when: _When) -> Iterator[str]:
    """From the start to the due time, span by span, with the names of holidays."""
    target = policy.target(wait.metric)
    first = target.after(wait.started_at, policy.calendar) if target is not None and wait.follow_up else wait.due_at
    if first != wait.due_at:
        yield f"  Due {when(first)} by the policy; put off since, as told above, to {when(wait.due_at)}"
        return
    if target is None or not target.business:
        yield f"  The clock runs on elapsed time: {when(wait.started_at)} + {target} = {when(wait.due_at)}"
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


def _utc(instant: datetime | None) -> str:
    return "-" if instant is None else f"{instant:%Y-%m-%d %H:%M:%S} UTC"
