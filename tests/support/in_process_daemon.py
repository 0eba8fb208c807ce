"""The daemon of a small sales team inside the test: a real config, store and engine, and mail written by hand."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Concatenate, ParamSpec, TypeVar

from inboxwatch import config as configuration
from inboxwatch.config import Config
from inboxwatch.connector import Batch, Cursor
from inboxwatch.core.model import FolderRole, Lead, LeadId, MailboxId, PersonId, RawMessage
from inboxwatch.core.sla.timeline import Action, ActionKind
from inboxwatch.engine.evaluate import Evaluated
from inboxwatch.engine.rules import Rules
from inboxwatch.metrics import Metrics
from inboxwatch.store import Transaction
from inboxwatch.store.records import ClockRecord
from tests.support.engine import Engine
from tests.support.new_stores import new_store

P = ParamSpec("P")
R = TypeVar("R")

MONDAY = datetime(2026, 5, 4, 9, 0, tzinfo=UTC)
"""A working morning; business hours are 08:00 to 18:00 UTC."""

CONFIG = """
organization: {domains: [acme.test]}
calendars:
  office: {timezone: UTC, hours: {mon-fri: ["08:00-18:00"]}}
people:
  ana: {name: Ana Diaz, email: ana@acme.test, manager: max}
  ben: {name: Ben Ito, email: ben@acme.test, manager: max}
  max: {name: Max Ode, email: max@acme.test}
teams:
  emea: {members: [ana, ben], lead: max}
mailboxes:
  ana: {connector: maildir, address: ana@acme.test, owner: ana, path: ana}
  sales: {connector: maildir, address: sales@acme.test, team: emea, path: sales}
leads: {}
routing:
  rules: [{assign: lead.owner}, {assign: mailbox.owner}]
  fallback: max
sla_policies:
  - {name: default, calendar: office, first_response: 2h, next_response: 4h, FOLLOW_UP escalation: standard}
escalation_policies:
  standard:
    steps:
      - {at: 50%, notify: [owner]}
      - {at: 100%, notify: [owner, manager]}
      - {at: 100% + 30m, notify: [manager], reassign: fallback}
    in_hours_only: false
stop_conditions: [answered, dismissed, activity, lead_closed, meeting_accepted, opted_out]
channels: {desk: {type: console}}
notify_by: [desk]
store: {url: "STORE"}
WEB
"""


class InProcessDaemon:
    """Ana, Ben and Max, their mailboxes, and a clock that the test turns. It is also the web's `DaemonPort`."""

    def __init__(
        self,
        folder: Path,
        *,
        token: str = "",
        follow_up: str = "",
        origin: str = "",
        store: str = "sqlite:///inboxwatch.db",
    ) -> None:
        for name in ("ana", "sales"):
            (folder / name / "new").mkdir(parents=True, exist_ok=True)
        parts = ['listen: "127.0.0.1:0"']
        parts += [f"token: {token}"] if token else []
        parts += [f'url: "{origin}"'] if origin else []
        text = CONFIG.replace("WEB", f"web: {{{', '.join(parts)}}}").replace("STORE", store)
        text = text.replace("FOLLOW_UP", f"follow_up: {follow_up}," if follow_up else "")
        self.path = folder / "inboxwatch.yaml"
        self.path.write_text(text, encoding="utf-8")
        config = configuration.load(self.path)
        self.store = new_store(config.store_url.reveal())
        self.engine = Engine(self.store, config)
        self.metrics = Metrics(self)
        self.at = MONDAY
        self.is_ready = True
        self.outage: str | None = None
        self.problems: list[str] = []
        self.reloads = 0
        self.quiet = False
        """Whether mail is read as at first sight."""
        self._number = 0
        self._one_at_a_time = asyncio.Lock()

    @property
    def config(self) -> Config:
        """The config in force; setting another one takes it over, as a reload does."""
        return self.engine.config

    @config.setter
    def config(self, config: Config) -> None:
        self.engine.reload(config)

    def close(self) -> None:
        self.store.close()

    # What the web asks of a daemon.

    def now(self) -> datetime:
        return self.at

    def ready(self) -> bool:
        return self.is_ready

    async def reload(self) -> list[str]:
        self.reloads += 1
        return self.problems

    @property
    def rules(self) -> Rules:
        return self.engine.rules

    @property
    def key(self) -> bytes:
        return self.store.key

    @property
    def former_key(self) -> tuple[bytes, datetime] | None:
        return self.store.former_key

    async def write(
        self, use_case: Callable[Concatenate[Transaction, P], R], /, *args: P.args, **kwargs: P.kwargs
    ) -> R:
        async with self._one_at_a_time:
            return await asyncio.to_thread(self.engine.write, use_case, *args, **kwargs)

    async def read(self, query: Callable[Concatenate[Transaction, P], R], /, *args: P.args, **kwargs: P.kwargs) -> R:
        return await asyncio.to_thread(self.engine.read, query, *args, **kwargs)

    # What happens in it.

    def knows(self, *leads: Lead, source: str = "known") -> None:
        """Takes over a list of leads."""
        self.engine.learn(source, leads, self.at)

    def lead(self, email: str, *, owner: str | None = None, tier: str = "", name: str = "", company: str = "") -> Lead:
        known = Lead(LeadId(email), name, company, owner=PersonId(owner) if owner else None, tier=tier, source="known")
        self.knows(*[one for one in self._listed() if one.id != email], known)
        return known

    def _listed(self) -> list[Lead]:
        with self.store.reading() as tx:
            return [one for one in tx.leads.all() if one.source == "known"]

    def mail(
        self,
        sender: str,
        to: str,
        *,
        mailbox: str = "ana",
        after: timedelta = timedelta(0),
        subject: str = "An offer",
        parent: str = "",
        extra: str = "",
        message_id: str = "",
    ) -> str:
        """Delivers one message to a mailbox `after` the present instant, which moves there. Returns its Message-ID."""
        self.at += after
        self._number += 1
        name = message_id or f"m{self._number}@{sender.rpartition('@')[2]}"
        lines = [f"Message-ID: <{name}>", f"From: {sender}", f"To: {to}", f"Date: {format_datetime(self.at)}"]
        lines += [f"Subject: {subject}", *([f"In-Reply-To: <{parent}>"] if parent else []), *([extra] if extra else [])]
        role = FolderRole.SENT if sender.endswith("@acme.test") else FolderRole.INBOX
        header = ("\r\n".join(lines) + "\r\n\r\n").encode()
        raw = RawMessage(ref=f"{role}/{self._number}", role=role, received_at=self.at, header=header)
        with self.store.reading() as tx:
            row = tx.mailboxes.get(mailbox)
        batch = Batch((raw,), Cursor(str(self._number)), seen_until=self.at)
        self.engine.ingest(MailboxId(mailbox), batch, row.cursor if row else None, self.at, quiet=self.quiet)
        return name

    def passes(self, time: timedelta) -> Evaluated:
        """Lets time pass; every mailbox that is well has been read by then, and what is due is told."""
        self.at += time
        with self.store.transaction() as tx:
            for name in self.config.mailboxes:
                tx.cursors.seen(name, self.at)
                if (box := tx.mailboxes.get(name)) is not None and box.error_reason is None:
                    tx.health.recovered(name, self.at)
        return self.engine.tick(self.at, looked=self.at)

    def only_wait(self, lead: str) -> str:
        """The id of a lead's one running wait."""
        with self.store.reading() as tx:
            rows = [row for row in tx.clocks.running() if row.lead == lead and row.metric != "follow_up"]
        (row,) = rows
        return str(row.id)

    def logged(self, lead: str) -> list[Action]:
        """Calls and meetings of a lead, as they are recorded."""
        with self.store.reading() as tx:
            actions = tx.clocks.actions([], [lead]).get(f"lead:{lead}", [])
        return [action for action in actions if action.kind is ActionKind.ACTIVITY]

    def only_follow_up(self, lead: str) -> ClockRecord:
        """A lead's one follow-up, running or over."""
        with self.store.reading() as tx:
            (row,) = (one for one in tx.clocks.listed({"lead": lead}, None, 9) if one.metric == "follow_up")
        return row
