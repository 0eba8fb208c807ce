"""What people do to waits, and what lead lists say of buyers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from inboxwatch.core.model import Lead, LeadId, PersonId
from inboxwatch.core.sla.timeline import Act, Deed
from inboxwatch.store import Transaction

if TYPE_CHECKING:
    from inboxwatch.engine import Engine


class Refused(Exception):  # noqa: N818  (the contract's word: exit code 1 "refused")
    """A deed that cannot be done; `status` is the HTTP status that says why: 404 unknown, 409 over, 422 unusable."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


class Deeds:
    """The engine's way in for people and lead lists."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def learn(self, source: str, leads: Sequence[Lead], now: datetime) -> None:
        """Takes over the whole list of a source: new, changed and gone leads; a closed lead ends its waits."""
        with self._engine.changing() as tx:
            before = {lead.id: lead for lead in tx.leads.all()}
            listed = {lead.id for lead in leads}
            gone = [lead.id for lead in before.values() if lead.source == source and lead.id not in listed]
            tx.leads.drop(gone)
            tx.leads.put(leads, now)
            self._engine.read_leads(tx)
            self._close(tx, source, before, leads, now)

    def learn_one(self, lead: Lead, now: datetime) -> None:
        """Takes over one lead, at the cost of one however many there are."""
        with self._engine.changing() as tx:
            before = tx.leads.get(lead.id)
            tx.leads.put([lead], now)
            self._engine.around.directory.add(lead)
            self._close(tx, lead.source, {lead.id: before} if before else {}, [lead], now)

    def forget(self, lead: LeadId) -> None:
        """Drops one lead; his mail and waits stay."""
        with self._engine.changing() as tx:
            tx.leads.drop([lead])
            self._engine.around.directory.drop(lead)

    def _close(
        self, tx: Transaction, source: str, before: Mapping[LeadId, Lead], leads: Iterable[Lead], now: datetime
    ) -> None:
        """Ends the waits of leads that were open before and are not any more."""
        threads: set[str] = set()
        for lead in leads:
            if lead.status != "open" and (old := before.get(lead.id)) is not None and old.status == "open":
                tx.clocks.record(Act(now, Deed.LEAD_CLOSED, source, lead=lead.id, reason=f"status in {source}"), None)
                threads.update(tx.mail.threads_of_lead(lead.id))
        self._engine.desk(tx, now).settle(sorted(threads))

    def act(self, clock: str, deed: Deed, by: str, now: datetime, **details: object) -> str:
        """A person's deed on one running wait; returns the wait's id. Raises Refused."""
        if by not in self._engine.config.people:
            raise Refused(
                422, f"by: {by!r} is no person of the config; known are {', '.join(self._engine.config.people)}"
            )
        owner = details.get("owner")
        if deed is Deed.ASSIGNED and owner not in self._engine.config.people:
            raise Refused(422, f"owner: {owner!r} is no person of the config; groups cannot own a wait")
        with self._engine.store.transaction() as tx:
            row = tx.clocks.get(clock)
            if row is None:
                raise Refused(404, f"no wait has the id {clock}")
            if row.state != "running":
                raise Refused(409, f"the wait is over: {row.stop_reason} at {row.stopped_at:%Y-%m-%d %H:%M:%S} UTC")
            reason = str(details.get("reason") or "")
            until = details.get("until")
            if deed is Deed.ACKNOWLEDGED:
                until = self._engine.policies[row.policy_version].escalation.acknowledge_for.after(
                    now, self._engine.policies[row.policy_version].calendar
                )
            if deed is Deed.SNOOZED and (not isinstance(until, datetime) or until <= now):
                raise Refused(422, "until: must lie in the future")
            seen = frozenset({row.id, *row.aliases}) if deed is Deed.DISMISSED else frozenset()
            until = until if isinstance(until, datetime) else None
            act = Act(now, deed, by, row.id, row.lead, until, reason=reason, seen=seen)
            if deed is Deed.ASSIGNED:
                act = Act(now, deed, by, row.id, row.lead, owner=PersonId(str(owner)), reason=reason, rule="by hand")
            tx.clocks.record(act, row.thread)
            if deed is Deed.ACKNOWLEDGED:
                taken = Act(
                    now, Deed.ASSIGNED, by, row.id, row.lead, owner=PersonId(by), reason="acknowledged", rule="by hand"
                )
                tx.clocks.record(taken, row.thread)
                tx.deliveries.cancel([row.id], now)
            if deed is Deed.SNOOZED:
                tx.deliveries.cancel([row.id], now)
            self._engine.desk(tx, now).settle([row.thread])
            return str(row.id)

    def log_activity(self, lead: str, by: str, at: datetime, reason: str, now: datetime) -> int:
        """A call or meeting with a lead; ends his waits where `activity` is a stop condition. Returns his threads."""
        if by not in self._engine.config.people:
            raise Refused(422, f"by: {by!r} is no person of the config")
        known = self._engine.around.directory.by_address(lead.lower())
        if known is None:
            raise Refused(404, f"no lead has the address {lead}")
        with self._engine.store.transaction() as tx:
            tx.clocks.record(Act(at, Deed.ACTIVITY, by, lead=known.id, reason=reason), None)
            threads = tx.mail.threads_of_lead(known.id)
            self._engine.desk(tx, now).settle(sorted(threads))
            return len(threads)
