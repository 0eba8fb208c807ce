"""What people do to waits, the same by API, board and signed link."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from inboxwatch.engine import actions
from inboxwatch.engine.daemon_port import DaemonPort
from inboxwatch.engine.policies import policies_of
from inboxwatch.engine.refused import Refused
from inboxwatch.engine.rules import Rules
from inboxwatch.engine.views import clock_view
from inboxwatch.store import Transaction
from inboxwatch.web.bodies import Acknowledge, Assign, Body, Dismiss, Snooze

BODIES: dict[str, type[Body]] = {
    "acknowledge": Acknowledge,
    "snooze": Snooze,
    "assign": Assign,
    "dismiss": Dismiss,
}


async def do(daemon: DaemonPort, clock: str, action: str, body: Any) -> dict[str, Any]:
    """Acts on a running wait; returns it as it is then. Raises Refused (404, 409, 422)."""
    return await daemon.write(_do, daemon.rules, clock, action, body, daemon.now())


def _do(tx: Transaction, rules: Rules, clock: str, action: str, body: Any, now: datetime) -> dict[str, Any]:
    match action:
        case "acknowledge":
            actions.acknowledge(tx, rules, clock, body.by, now, body.reason)
        case "snooze":
            actions.snooze(
                tx, rules, clock, body.by, now, until=_until(tx, rules, clock, body, now), reason=body.reason
            )
        case "assign":
            actions.assign(tx, rules, clock, body.by, now, owner=body.owner, reason=body.reason)
        case "dismiss":
            actions.dismiss(tx, rules, clock, body.by, now, body.reason)
    return _view(tx, rules, clock, now)


async def shown(daemon: DaemonPort, clock: str) -> dict[str, Any]:
    """A clock, by any id it ever had. Raises Refused where there is none."""
    return await daemon.read(_view, daemon.rules, clock, daemon.now())


def _view(tx: Transaction, rules: Rules, clock: str, now: datetime) -> dict[str, Any]:
    row = tx.clocks.get(clock)
    if row is None:
        raise Refused(404, f"no wait has the id {clock}")
    return clock_view(row, policies_of(tx, rules, [row.policy_version]), now)


def _until(tx: Transaction, rules: Rules, clock: str, body: Snooze, now: datetime) -> datetime:
    if body.until is not None:
        return body.until
    length = body.length
    assert length is not None  # noqa: S101  (the body has exactly one of both)
    row = tx.clocks.get(clock)
    policy = policies_of(tx, rules, [row.policy_version]).get(row.policy_version) if row is not None else None
    return length.after(now, (policy or rules.config.policies[-1]).calendar)
