"""Letters in a folder, and what `replay` makes of them under a small sales team's config."""

from __future__ import annotations

import io
import json
from datetime import datetime
from email.utils import format_datetime
from pathlib import Path
from typing import Any

from inboxwatch import config as configuration
from inboxwatch.commands.backtest import run_replay

CONFIG = """
organization: {domains: [acme.test]}
calendars:
  office: {timezone: UTC, hours: {mon-fri: ["09:00-12:00", "13:00-17:00"]}}
people:
  ana: {name: Ana Diaz, email: ana@acme.test, manager: max}
  ben: {name: Ben Ito, email: ben@acme.test, manager: max}
  max: {name: Max Ode, email: max@acme.test}
teams:
  emea: {members: [ana, ben], lead: max}
mailboxes:
  ana: {connector: maildir, address: ana@acme.test, owner: ana, path: .}
  sales: {connector: maildir, address: sales@acme.test, team: emea, path: .}
unknown_senders: always
leads: {known: {source: csv, path: leads.csv}}
routing:
  rules: [{when: {mailbox: sales}, assign: {team: emea, by: BY}}, {assign: mailbox.owner}, {assign: {team: emea}}]
  fallback: max
sla_policies:
  - {name: default, calendar: office, first_response: FIRST, next_response: 4h, escalation: standard}
escalation_policies:
  standard:
    steps:
      - {at: 50%, notify: [owner]}
      - {at: 100%, notify: [owner, manager, "desk:floor"]}
      - {at: 100% + 30m, notify: [owner], reassign: fallback}
    repeat: {every: 1h, times: 2}
    in_hours_only: IN_HOURS
stop_conditions: [answered, dismissed, meeting_accepted]
channels: {desk: {type: console}}
notify_by: [desk]
"""


class Archive:
    """A folder of letters, and what a policy makes of them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "mail"
        self.folder.mkdir()
        self.leads = ""
        """Rows below `columns`."""
        self.columns = "email,company,domain"
        self._number = 0

    def letter(
        self, id_: str, when: datetime, sender: str, to: str, *, answers: str = "", subject: str = "", extra: str = ""
    ) -> str:
        """One .eml, received at an instant; the files' names tell nothing of their order."""
        self._number += 1
        lines = [f"Received: from mx by mx.acme.test; {format_datetime(when)}", f"Message-ID: <{id_}>"]
        lines += [f"From: {sender}", f"To: {to}", f"Subject: {subject or id_}", f"Date: {format_datetime(when)}"]
        lines += [*([f"In-Reply-To: <{answers}>"] if answers else []), *([extra] if extra else []), "", "Hello.", ""]
        (self.folder / f"{99 - self._number:02}.eml").write_text("\r\n".join(lines), encoding="utf-8")
        return id_

    def replayed(self, as_of: datetime | None = None, **words: str) -> list[dict[str, Any]]:
        text = CONFIG
        for key, value in ({"BY": "load", "FIRST": "2h", "IN_HOURS": "false"} | words).items():
            text = text.replace(key, value)
        path = self.folder.parent / "inboxwatch.yaml"
        path.write_text(text, encoding="utf-8")
        path.with_name("leads.csv").write_text(f"{self.columns}\n{self.leads}", encoding="utf-8")
        out = io.StringIO()
        run_replay([self.folder], configuration.load(path), [], as_of, out)
        return [json.loads(line) for line in out.getvalue().splitlines()]


def only(lines: list[dict[str, Any]], kind: str) -> list[dict[str, Any]]:
    return [line for line in lines if line["type"] == kind]
