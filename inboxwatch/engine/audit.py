"""Who did or tried what, by which door: noted in the transaction of the deed itself, or alone where it was refused."""

from __future__ import annotations

import getpass
import os
from collections.abc import Callable
from contextvars import ContextVar, Token
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Concatenate, ParamSpec, TypeVar

from inboxwatch.core.model import PersonId
from inboxwatch.core.timestamp import rfc3339
from inboxwatch.engine.daemon_port import DaemonPort
from inboxwatch.engine.rules import Rules
from inboxwatch.metrics import Metrics
from inboxwatch.store import Transaction
from inboxwatch.store.audit import AuditFilter
from inboxwatch.store.audit_record import AuditRecord

P = ParamSpec("P")
R = TypeVar("R")

RELOAD = "config.reload"
"""A config is taken over: by a reload, or by the start."""


class Door(StrEnum):
    """By what somebody came in."""

    TOKEN = "token"  # noqa: S105  (a door, no secret)
    CLI = "cli"
    """A command of this program: by the daemon's API, or on the store itself."""
    BOARD = "board"
    """The board's cookie, got by the token."""
    PROXY = "proxy"
    OIDC = "oidc"
    """Signed in at the OpenID provider."""
    LINK = "link"
    SLACK = "slack"
    LOCAL = "local"
    """A program on this machine, where the config has neither token nor proxy."""
    SIGNAL = "signal"
    START = "start"
    """The start of the daemon itself."""
    AGE = "age"
    """What the daemon does by itself to rows that are too old."""


class AuditOutcome(StrEnum):
    DONE = "done"
    REFUSED = "refused"
    FAILED = "failed"
    """By a defect of ours, or because the time was over."""


@dataclass(slots=True)
class Attempt:
    """What somebody is about to do; filled in as it becomes known."""

    door: Door
    deed: str
    by: str = ""
    guest: str = ""
    """An address that is none of `people`; what is kept is its keyed hash."""
    account: str = ""
    """Of the operating system, where somebody acts at the machine itself."""
    clock: str = ""
    message: str = ""
    """A Message-ID; what is kept is its keyed hash."""
    lead: str = ""
    """An address; what is kept is the keyed hash of the lead's id."""
    number: str = ""
    owner: str = ""
    times: int = 1
    noted: bool = False


def at_the_machine(deed: str, *, by: str = "", lead: str = "", times: int = 1) -> Attempt:
    """What a command does on the store itself; without a person's id the account that ran it stands for them."""
    try:
        account = getpass.getuser()
    except (KeyError, OSError):  # no such user in the container
        account = str(os.getuid())
    return Attempt(Door.CLI, deed, by=by, lead=lead, account=account, times=times)


_under_way: ContextVar[Attempt | None] = ContextVar("attempt", default=None)


def under_way() -> Attempt | None:
    """What is being attempted in the present task."""
    return _under_way.get()


def begin(attempt: Attempt | None) -> Token[Attempt | None]:
    """From now on the writes of this task are those of an attempt, until `end`."""
    return _under_way.set(attempt)


def end(token: Token[Attempt | None]) -> None:
    _under_way.reset(token)


def note(
    tx: Transaction,
    rules: Rules,
    attempt: Attempt,
    at: datetime,
    *,
    outcome: AuditOutcome = AuditOutcome.DONE,
    status: int | None = None,
) -> None:
    """Appends one row. Names that are none of the config are not kept: they may be anything."""
    people, by = rules.config.people, attempt.by
    account = (
        f"oidc:{tx.mail.key(attempt.guest)[:16]}" if attempt.guest else attempt.account and f"os:{attempt.account}"
    )
    lead, thing = attempt.lead.strip().lower(), attempt.number
    if attempt.clock:
        row = tx.clocks.get(attempt.clock)
        thing, lead = (row.id, row.lead) if row is not None else ("", "")
    elif attempt.message:
        thing = tx.mail.key(attempt.message.strip().strip("<>"))
        found = tx.mail.row(attempt.message.strip().strip("<>"))
        lead = str(found.lead) if found is not None and found.lead else ""
    elif lead:
        known = tx.leads.by_address(lead)
        lead = known.id if known is not None else lead
        thing = tx.mail.key(lead)
    row_of = AuditRecord(
        id=0,
        at=at,
        door=attempt.door,
        by=by if by in people else account,
        deed=attempt.deed,
        object=thing,
        lead=tx.mail.key(lead) if lead else None,
        owner=attempt.owner if PersonId(attempt.owner) in people else None,
        outcome=outcome,
        status=status,
        times=attempt.times,
    )
    tx.audit.add(row_of)


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which rows are asked for; an empty value asks for all."""

    since: datetime | None = None
    until: datetime | None = None
    """Rows of this instant are not among them."""
    by: str = ""
    lead: str = ""
    """An address of a lead."""

    def found_by(self, tx: Transaction) -> AuditFilter:
        """The same as the store takes it: a lead by the id that it has now."""
        email = self.lead.strip().lower()
        known = tx.leads.by_address(email) if email else None
        return AuditFilter(self.since, self.until, self.by, known.id if known is not None else email)


def audit_view(row: AuditRecord) -> dict[str, object]:
    """A row as the API and the command show it."""
    return {
        "id": row.id,
        "at": rfc3339(row.at),
        "door": row.door,
        "by": row.by or None,
        "deed": row.deed,
        "object": row.object or None,
        "lead": row.known_lead,
        "lead_hash": row.lead,
        "owner": row.owner,
        "outcome": row.outcome,
        "status": row.status,
        "times": row.times,
        "hash": row.hash,
    }


class AuditedDaemon:
    """A daemon whose writes note the attempt that they belong to, in their own transaction; a DaemonPort."""

    def __init__(self, daemon: DaemonPort) -> None:
        self._daemon = daemon
        self.metrics: Metrics = daemon.metrics

    @property
    def rules(self) -> Rules:
        return self._daemon.rules

    @property
    def key(self) -> bytes:
        return self._daemon.key

    @property
    def former_key(self) -> tuple[bytes, datetime] | None:
        return self._daemon.former_key

    @property
    def outage(self) -> str | None:
        return self._daemon.outage

    def now(self) -> datetime:
        return self._daemon.now()

    def ready(self) -> bool:
        return self._daemon.ready()

    async def reload(self) -> list[str]:
        return await self._daemon.reload()

    async def write(
        self, use_case: Callable[Concatenate[Transaction, P], R], /, *args: P.args, **kwargs: P.kwargs
    ) -> R:
        """Does one use case, and notes the attempt under way together with it, once."""
        attempt = under_way()
        if attempt is None or attempt.noted:
            return await self._daemon.write(use_case, *args, **kwargs)
        rules, at = self.rules, self.now()

        def noted(tx: Transaction) -> R:
            done = use_case(tx, *args, **kwargs)
            note(tx, rules, attempt, at)
            return done

        result = await self._daemon.write(noted)
        attempt.noted = True
        return result

    async def read(self, query: Callable[Concatenate[Transaction, P], R], /, *args: P.args, **kwargs: P.kwargs) -> R:
        return await self._daemon.read(query, *args, **kwargs)

    async def conclude(self, attempt: Attempt, outcome: AuditOutcome, status: int | None = None) -> None:
        """Notes what an attempt came to, unless its deed has noted it. Raises Outage."""
        if not attempt.noted:
            attempt.noted = True
            await self._daemon.write(note, self.rules, attempt, self.now(), outcome=outcome, status=status)
