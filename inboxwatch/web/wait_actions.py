"""What people do to waits, the same by API, board and signed link."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from inboxwatch.core.ownership.people import Person
from inboxwatch.core.wait_view import WaitView
from inboxwatch.engine import actions, qualify
from inboxwatch.engine.audit import under_way
from inboxwatch.engine.authority import concerned
from inboxwatch.engine.daemon_port import DaemonPort
from inboxwatch.engine.policies import policies_of
from inboxwatch.engine.refused import NoSuchWait, Refused
from inboxwatch.engine.rules import Rules
from inboxwatch.engine.wait_views import Detail, wait_views
from inboxwatch.notify import messages
from inboxwatch.store import Transaction
from inboxwatch.store.records import ClockRecord
from inboxwatch.web.bodies import (
    Acknowledge,
    Assign,
    Called,
    Dismiss,
    PutOff,
    Qualify,
    Reopen,
    Snooze,
    Stop,
    UndoVerdict,
)

ActionBody = Acknowledge | Snooze | Assign | Dismiss | Reopen | Called | Stop | Qualify | UndoVerdict
BODIES: dict[str, type[ActionBody]] = {
    "acknowledge": Acknowledge,
    "snooze": Snooze,
    "put-off": PutOff,
    "assign": Assign,
    "dismiss": Dismiss,
    "reopen": Reopen,
    "activity": Called,
    "stop": Stop,
    "qualify": Qualify,
    "undo-verdict": UndoVerdict,
}
"""`put-off` and `stop` are for follow-ups alone, `qualify` and `undo-verdict` for all others."""


async def do(daemon: DaemonPort, clock: str, body: ActionBody, person: Person | None = None) -> WaitView:
    """Acts on a wait; returns it as it is then. `person` has signed in themselves, and may act on what concerns
    them; None is somebody with the token. Raises Refused (403, 404, 409, 422).
    """
    return await daemon.write(_do, daemon.rules, clock, body, daemon.now(), person)


def _do(tx: Transaction, rules: Rules, clock: str, body: ActionBody, now: datetime, person: Person | None) -> WaitView:
    if isinstance(body, Qualify | UndoVerdict):
        return _judge(tx, rules, qualify.inquiry_of(tx, clock), clock, body, now, person)
    if person is not None and (row := tx.clocks.get(clock)) is not None:
        may_act(tx, rules, [row], person)
    acting = actions.Acting(body.by, now, body.reason)
    match body:
        case Called():
            actions.called(tx, rules, clock, acting)
        case Stop():
            actions.stop_following_up(tx, rules, clock, acting)
        case Acknowledge():
            actions.acknowledge(tx, rules, clock, acting)
        case PutOff():
            until = _until(tx, rules, clock, body, now)
            actions.put_off(tx, rules, clock, acting, until)
        case Snooze():
            until = _until(tx, rules, clock, body, now)
            actions.snooze(tx, rules, clock, acting, until)
        case Assign():
            actions.assign(tx, rules, clock, acting, body.owner)
        case Dismiss():
            actions.dismiss(tx, rules, clock, acting)
        case Reopen():
            actions.reopen(tx, rules, clock, acting)
    return _shown(tx, rules, clock, now)


def _judge(  # seven parameters: the wait, by which name it was asked for, who judges it, and when
    tx: Transaction,
    rules: Rules,
    row: ClockRecord,
    ref: str,
    body: Qualify | UndoVerdict,
    now: datetime,
    person: Person | None,
) -> WaitView:
    if (attempt := under_way()) is not None:
        attempt.clock = row.id  # what the audit log names, by whatever the wait was asked for
    if person is not None:
        may_act(tx, rules, [row], person)
    if isinstance(body, UndoVerdict):
        done = qualify.take_back(tx, rules, now, ref, actions.Acting(body.by, now, body.reason))
    else:
        given = qualify.GivenVerdict(ref, body.by, body.inquiry_class, body.tier, body.scope, body.owner, body.reason)
        done = qualify.judge(tx, rules, now, given)
    return wait_views(tx, rules, [done.clock], now, Detail.CLOCK)[0]


def may_act(tx: Transaction, rules: Rules, rows: Sequence[ClockRecord], person: Person) -> None:
    """Raises Refused (403) where none of some waits concerns a person."""
    if any(person.id in concerned(rules.config, tx, row) for row in rows):
        return
    owner = rows[0].owner if rows else None
    name = rules.config.people[owner].name if owner and owner in rules.config.people else "nobody"
    raise Refused(403, messages.not_concerned(owner=name))


async def shown(daemon: DaemonPort, clock: str) -> WaitView:
    """A clock, by any id it ever had. Raises Refused where there is none."""
    return await daemon.read(_shown, daemon.rules, clock, daemon.now())


def _shown(tx: Transaction, rules: Rules, clock: str, now: datetime) -> WaitView:
    row = tx.clocks.get(clock)
    if row is None:
        raise NoSuchWait(clock)
    return wait_views(tx, rules, [row], now, Detail.CLOCK)[0]


def _until(tx: Transaction, rules: Rules, clock: str, body: Snooze, now: datetime) -> datetime:
    if body.until is not None:
        return body.until
    length = body.length
    assert length is not None  # noqa: S101  (the body has exactly one of both)
    row = tx.clocks.get(clock)
    policy = policies_of(tx, rules, [row.policy_version]).get(row.policy_version) if row is not None else None
    return length.after(now, (policy or rules.config.policies[-1]).calendar)
