"""What people do to waits, the same by API, board and signed link."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from inboxwatch.core.sla.timeline import Deed
from inboxwatch.engine import Refused
from inboxwatch.engine.views import clock_view
from inboxwatch.store import Transaction
from inboxwatch.web.bodies import Acknowledge, Assign, Body, Dismiss, Snooze
from inboxwatch.web.daemon_port import Gate

BODIES: dict[str, type[Body]] = {
    "acknowledge": Acknowledge,
    "snooze": Snooze,
    "assign": Assign,
    "dismiss": Dismiss,
}
_DEEDS = {
    "acknowledge": Deed.ACKNOWLEDGED,
    "snooze": Deed.SNOOZED,
    "assign": Deed.ASSIGNED,
    "dismiss": Deed.DISMISSED,
}


async def do(gate: Gate, clock: str, action: str, body: Any) -> dict[str, Any]:
    """Acts on a running wait; returns it as it is then. Raises Refused (404, 409, 422)."""
    now = gate.now()
    details: dict[str, Any] = {"reason": body.reason}
    if isinstance(body, Snooze):
        details["until"] = await _until(gate, clock, body, now)
    if isinstance(body, Assign):
        details["owner"] = body.owner
    await gate.run(gate.engine.act, clock, _DEEDS[action], body.by, now, **details)
    return await shown(gate, clock)


async def shown(gate: Gate, clock: str) -> dict[str, Any]:
    """A clock, by any id it ever had. Raises Refused where there is none."""

    def find(tx: Transaction) -> dict[str, Any]:
        row = tx.clocks.get(clock)
        if row is None:
            raise Refused(404, f"no wait has the id {clock}")
        return clock_view(row, gate.engine.policies, gate.now())

    return await gate.read(find)


async def _until(gate: Gate, clock: str, body: Snooze, now: datetime) -> datetime:
    if body.until is not None:
        return body.until
    length = body.length
    assert length is not None  # noqa: S101  (the body has exactly one of both)

    def end(tx: Transaction) -> datetime:
        row = tx.clocks.get(clock)
        policy = gate.engine.policies.get(row.policy_version) if row is not None else None
        return length.after(now, (policy or gate.config.policies[-1]).calendar)

    return await gate.read(end)
