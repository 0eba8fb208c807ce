"""What must be true in the simulated world at every instant and at its end, worked out the long way round."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, time, timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import Row, select

from inboxwatch.core.ownership.advance import assignment_at
from inboxwatch.core.sla.policy import Duration, SLAPolicy
from inboxwatch.core.sla.timeline import Action
from inboxwatch.core.statistics.figures import LATENCY_EDGES
from inboxwatch.core.wait_view import WaitView
from inboxwatch.notify import NoticeType
from inboxwatch.store import Transaction, tables
from inboxwatch.store.records import ClockRecord
from tests.support.simulation.mail import true_clocks

if TYPE_CHECKING:
    from tests.support.simulation.world import SentNotice, SimulatedWorld

SLACK = timedelta(seconds=60)
"""Servers' clocks differ from ours; a step may be that late."""
Clocked = ClockRecord | Row[Any]
"""A clock as the store gives it, or as its table has it."""
NEVER = datetime.min.replace(tzinfo=UTC)
BACK_OFF = timedelta(minutes=6)
"""The longest pause of a poller after a failure, and some."""
FRESH = timedelta(seconds=15)
"""What became readable a moment ago may have been missed."""
HOURS = ((time(8), time(12)), (time(13), time(18)))
"""The world's office, Monday to Friday, UTC."""


def spans(start: datetime, days: int = 12) -> Iterator[tuple[datetime, datetime]]:
    """The open spans from the day of an instant on."""
    midnight = start.replace(hour=0, minute=0, second=0, microsecond=0)
    for number in range(days):
        day = midnight + timedelta(days=number)
        if day.weekday() < 5:
            for opens, closes in HOURS:
                yield datetime.combine(day, opens, day.tzinfo), datetime.combine(day, closes, day.tzinfo)


def later(start: datetime, duration: Duration, share: float = 1.0) -> datetime:
    """`duration` after an instant, counted span by span."""
    left = duration.length * share
    if not duration.business:
        return start + left
    for opens, closes in spans(start):
        begin = max(opens, start)
        if closes > begin:
            if left <= closes - begin:
                return begin + left
            left -= closes - begin
    raise AssertionError("the world ends before that")


def in_hours(at: datetime) -> datetime:
    """When something due at an instant may be told: then, where the office is open or just closing."""
    return next(max(opens, at) for opens, closes in spans(at) if at <= closes)


class Invariants:
    def __init__(self, world: SimulatedWorld) -> None:
        self._world = world
        self._told: set[tuple[str, int, int, str]] = set()
        self._sent: dict[tuple[Any, ...], list[str]] = {}
        self._broken = ""

    # While it runs.

    def sending(self, sent: SentNotice) -> None:
        """A notice reaches a reader now."""
        if sent.notice.type not in (NoticeType.ESCALATION, NoticeType.RESOLVED):
            return
        for told in sent.notice.clocks:
            clock = told.wait
            if sent.notice.type is NoticeType.ESCALATION:
                self._no_answer_is_readable(sent, clock)
                self._not_held(sent, clock.id)
            what = (clock.id, told.step, told.round, sent.notice.type, clock.stopped_by or clock.stopped_at)
            keys = self._sent.setdefault((sent.channel, sent.destination, *what), [])
            self._hold(not keys or keys[0] == sent.key, f"told twice under two keys: {what} {keys} {sent.key}")
            keys.append(sent.key)

    def _no_answer_is_readable(self, sent: SentNotice, clock: WaitView) -> None:
        world = self._world
        letters = {letter.id: letter for letter in world.letters}
        question = letters[clock.started_by]
        bounced = {one.id.removeprefix("dsn.") for one in world.letters if one.id.startswith("dsn.")}
        for box in world.boxes.values():
            if not (box.readable(sent.at) and box.readable(sent.at - BACK_OFF)):
                continue  # one that was blind is tried again after a pause
            for copy in box.holds(sent.at - FRESH):
                answer = copy.letter
                ends = answer.answers_buyer and answer.subject == question.subject and answer.id not in bounced
                late = clock.follow_up or not ends or answer.at <= question.at
                self._hold(late, f"{clock.id} is told although <{answer.id}> was readable in {box.name}")

    def _not_held(self, sent: SentNotice, clock: str) -> None:
        for _, until in self._holds(clock):
            self._hold(not sent.at < until, f"{clock} is told although it is held until {until}")

    def _holds(self, clock: str, ids: Iterable[str] = ()) -> list[tuple[datetime, datetime]]:
        held = {clock, *ids}
        return [
            (action.at, action.until)
            for action in self._world.actions
            if action.clock in held and action.until is not None
        ]

    def instant(self) -> None:
        """The daemon has done all that it has to do at this instant."""
        assert not self._broken, self._broken
        with self._world.store.reading() as tx:
            rows = tx.clocks.running()
            seen = {str(row.id): row.seen_until for row in tx.mailboxes.all()}
            told = tx.connection.execute(select(tables.told)).all()
            threads = sorted({row.thread for row in rows})
            witnesses, actions = tx.mail.witnesses(threads), tx.clocks.actions(threads, [])
            for row in rows:
                times = [seen[box] or NEVER for box in witnesses.get(row.thread, ())]
                until = min(times, default=None)
                self._owned(row, actions.get(row.thread, []))
                self._told_in_time(row, told, until)
                self._claims_what_was_seen(row, until)
            self._told_once(tx, told)

    def _owned(self, row: Clocked, known: Iterable[Action]) -> None:
        actions = [action for action in known if action.clock in _ids(row)]
        first, last = assignment_at(actions, row.started_at), assignment_at(actions)
        self._hold(first is not None, f"nobody owned {row.id} at {row.started_at}")
        self._hold(last is not None and last.owner == row.owner, f"the history of {row.id} does not end with its owner")
        self._hold(row.owner in self._world.config.people, f"{row.id} has no owner: {row.owner}")

    def _told_in_time(self, row: Clocked, told: Iterable[Row[Any]], seen: datetime | None) -> None:
        now = self._world.now()
        policy = self._world.engine.rules.policies[row.policy_version]
        done = max(((one.round, one.step) for one in told if one.clock in _ids(row)), default=(0, 0))
        grace = policy.escalation.blind_grace.length if row.held else timedelta()
        holds = self._holds(row.id, row.aliases)
        if row.reopened:
            holds += [(row.started_at, one.at + SLACK) for one in self._world.letters if one.id.startswith("dsn.")]
        for key, due in steps(policy, row.metric, row.started_at):
            at = self._notify_at(policy, due, holds)
            late = key > done and at + grace + SLACK <= now and not any(start <= now < end for start, end in holds)
            self._hold(not late, f"{row.id}: step {key} was due at {at}, it is {now}")

    def _notify_at(self, policy: SLAPolicy, due: datetime, holds: list[tuple[datetime, datetime]]) -> datetime:
        while ends := [end for start, end in holds if start <= due < end]:
            due = max(ends)
        return in_hours(due) if policy.escalation.in_hours_only else due

    def _claims_what_was_seen(self, row: Clocked, seen: datetime | None) -> None:
        if row.breached_at is not None:
            self._hold(seen is None or seen >= row.due_at, f"{row.id} is called breached, seen until {seen}")
        elif row.due_at + SLACK <= self._world.now() and seen is not None and seen >= row.due_at:
            self._hold(bool(row.held), f"{row.id} is overdue since {row.due_at}, and not called so")

    def _told_once(self, tx: Transaction, told: Iterable[Row[Any]]) -> None:
        """What is newly told was not told before under any id of its wait, and not before its time."""
        fresh = [one for one in told if (one.clock, one.step, one.round, one.target) not in self._told]
        for one in fresh:
            row = tx.clocks.get(one.clock)
            self._hold(row is not None, f"{one.clock} was told and is gone")
            if row is None or not one.target:
                continue
            for clock, step, round_, target in self._told:
                again = clock in _ids(row) and (step, round_) == (one.step, one.round)
                self._hold(not again, f"step {step}.{round_} of {one.clock} is told twice ({clock}, {target})")
            policy = self._world.engine.rules.policies[row.policy_version]
            due = dict(steps(policy, row.metric, row.started_at)).get((one.round, one.step))
            early = due is not None and one.at < due - SLACK
            self._hold(not early, f"step {one.step}.{one.round} of {one.clock} is told before {due}")
        self._told |= {(one.clock, one.step, one.round, one.target) for one in fresh}

    # At the end.

    def end(self) -> None:
        world = self._world
        copies = [copy for box in world.boxes.values() for copy in box.copies]
        with world.store.reading() as tx:
            truth = true_clocks(world.config, tx.leads.all(), copies, world.actions)
            rows = {row.id: row for row in tx.connection.execute(select(tables.clock))}
            self._hold(rows.keys() == truth.keys(), f"other clocks than {truth.keys()}: {rows.keys()}")
            aliases = set(tx.connection.execute(select(tables.clock_alias.c.alias)).scalars())
            self._hold(not aliases & rows.keys(), f"names of other waits, and waits: {aliases & rows.keys()}")
            for id_, clock in truth.items():
                for name in ("lead", "metric", "started_by", "started_at", "due_at", "state", "stop_reason"):
                    self._same(rows[id_], name, getattr(clock, name))
                for name in ("stopped_by", "stopped_at", "answered_by", "nudges", "reopened"):
                    self._same(rows[id_], name, getattr(clock, name))
                if not clock.running:
                    self._same(rows[id_], "breached_at", clock.due_at if clock.breached(world.now()) else None)
            self._apart(tx)
            self._figures(tx, truth)
            self._resolved(tx, rows)
        kills = sum(len(keys) - 1 for keys in self._sent.values())
        self._hold(kills <= world.kills, f"{kills} notices came twice, the process died {world.kills} times")

    def _apart(self, tx: Transaction) -> None:
        """No header of this world joins buyers of two companies: no thread holds them."""
        message = tables.message
        columns = select(message.c.thread, message.c.side).where(message.c.side.is_not(None))
        companies: dict[str, set[str]] = {}
        for thread, side in tx.connection.execute(columns.where(message.c.thread.is_not(None))):
            companies.setdefault(thread, set()).add(side)
        joined = [sorted(one) for one in companies.values() if len(one) > 1]
        self._hold(not joined, f"threads with buyers of several companies: {joined}")

    def _same(self, row: Clocked, name: str, true: Any) -> None:
        self._hold(getattr(row, name) == true, f"{row.id}: {name} is {getattr(row, name)}, in truth {true}")

    def _figures(self, tx: Transaction, truth: dict[str, Any]) -> None:
        now = self._world.now()
        figures = tx.statistics.figures(now)
        waits = [clock for clock in truth.values() if clock.metric != "follow_up"]
        answered = [clock for clock in waits if clock.state == "answered"]
        replies: Counter[tuple[str, str]] = Counter()
        for reply, count in figures.replies.items():
            replies[reply.metric, reply.within_sla] += count
        true = Counter((str(one.metric), "false" if one.breached(now) else "true") for one in answered)
        self._hold(replies == true, f"replies {replies}, in truth {true}")
        for basis in ("wall", "business"):
            counted, meant = Counter[int](), Counter[int]()
            for latency, tally in figures.latency.items():
                if latency.basis == basis:
                    counted.update({at: n for at, n in enumerate(tally.counts) if n})
            for one in answered:
                length = one.waited(now) if basis == "wall" else one.waited_business(now)
                meant[sum(length.total_seconds() > edge for edge in LATENCY_EDGES)] += 1
            self._hold(counted == meant, f"{basis} latency {counted}, in truth {meant}")
        open_ = sum(figures.open.values())
        running = sum(one.running for one in waits)
        self._hold(open_ == running, f"{open_} open waits, in truth {running}")
        breaches: Counter[str] = Counter()
        for (_, _, metric), count in figures.breaches.items():
            breaches[metric] += count
        late = Counter(str(one.metric) for one in truth.values() if one.breached(now))
        self._hold(breaches == late, f"breaches {breaches}, in truth {late}")
        self._hold(figures.ownerless == 0, "waits without an owner")

    def _resolved(self, tx: Transaction, rows: dict[str, Row[Any]]) -> None:
        """Who was paged for a wait that is over was told so, once."""
        sent = tx.connection.execute(select(tables.delivery)).all()
        for one in sent:
            self._hold(one.state in ("sent", "dead", "cancelled"), f"{one.key} is still {one.state}")
            row = tx.clocks.get(one.clock) if one.clock else None
            if one.type == "escalation" and one.state == "sent" and row is not None and row.state != "running":
                ends = (other for other in sent if other.type == "resolved" and other.id > one.id)
                told = any((other.target, other.clock) == (one.target, one.clock) for other in ends)
                self._hold(told, f"{one.target} was paged by {one.key} and never told that it is over")

    def _hold(self, true: bool, otherwise: str) -> None:
        world = self._world
        if not true:
            # The outbox takes whatever a channel raises for the channel's own defect: it is raised again by `instant`.
            self._broken = self._broken or f"seed {world.seed} at {world.now():%a %H:%M:%S}: {otherwise}"
            raise AssertionError(self._broken)


def steps(policy: SLAPolicy, metric: str, start: datetime) -> list[tuple[tuple[int, int], datetime]]:
    """((round, step), due) of a ladder, from the words of the policy."""
    targets = {"first_response": policy.first_response, "next_response": policy.next_response}
    target = targets.get(metric, policy.follow_up)
    if target is None:
        return []
    if metric == "follow_up":
        return [((1, 1), later(start, target))]
    found = []
    for number, step in enumerate(policy.escalation.steps, 1):
        at = later(start, target, step.at.share)
        if step.at.offset is not None:
            at = later(at, step.at.offset)
        found.append(((1, number), at))
    repeat = policy.escalation.repeat
    for turn in range(repeat.times if repeat else 0):
        assert repeat is not None
        found.append(((turn + 2, len(policy.escalation.steps)), later(found[-1][1], repeat.every)))
    return found


def _ids(row: Clocked) -> set[str]:
    return {row.id, *row.aliases}
