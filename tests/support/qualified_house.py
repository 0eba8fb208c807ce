"""A house whose config asks what inquiries are about: its letters, what people did, its leads, replayed."""

from __future__ import annotations

import io
import json
from datetime import datetime
from email.utils import format_datetime
from pathlib import Path
from typing import Any

from inboxwatch import config as configuration
from inboxwatch.commands.backtest import run_replay
from inboxwatch.config import Config
from tests.support.facts import at

CONFIG = """
organization: {domains: [acme.test]}
calendars:
  office: {timezone: UTC, hours: {mon-fri: ["09:00-17:00"]}}
people:
  ana: {name: Ana Diaz, email: ana@acme.test, manager: max}
  tia: {name: Tia Dorn, email: tia@acme.test, manager: max}
  cas: {name: Cas Roy, email: cas@acme.test, manager: max}
  max: {name: Max Ode, email: max@acme.test}
teams:
  sales: {members: [ana], lead: max}
  triage: {members: [tia]}
  care: {members: [cas]}
mailboxes:
  info: {connector: maildir, address: info@acme.test, team: sales, path: .}
  ana: {connector: maildir, address: ana@acme.test, owner: ana, path: .}
unknown_senders: always
privacy: text
leads: {known: {source: csv, path: leads.csv}}
qualification:
  classes: {sales: {}, unknown: {}, support: {}, customer: {}, vendor: {clock: none}, recruiting: {clock: none}}
  rules: [rules.yaml]
  customers: [won]
  tiers: {hot: 60, warm: 30}
  audit: AUDIT
routing:
  rules:
    - {when: {class: unknown}, assign: {team: triage}}
    - {when: {class: [support, customer]}, assign: {team: care}}
    - {assign: {team: sales}}
  fallback: max
sla_policies:
  - {name: triage, when: {class: unknown}, calendar: office, verdict: 15bm, first_response: 2bh, next_response: 4bh,
     escalation: triage}
  - {name: care, when: {class: [support, customer]}, calendar: office, first_response: 8bh, next_response: 8bh,
     escalation: care}
  - {name: hot, when: {tier: hot}, calendar: office, first_response: 15bm, next_response: 30bm, escalation: sales}
  - {name: default, calendar: office, first_response: 2bh, next_response: 4bh, escalation: sales}
escalation_policies:
  triage: {steps: [{at: 100%, notify: [owner]}]}
  care: {steps: [{at: 100%, notify: [owner]}]}
  sales: {steps: [{at: 50%, notify: [owner]}, {at: 100%, notify: [owner]}, {at: 100% + 30bm, notify: [manager]}]}
stop_conditions: [answered, dismissed, meeting_accepted, opted_out, activity]
channels: {desk: {type: console}}
"""
RULES = r"""
classes:
  - name: help desk
    class: support
    to: [support@acme.test, "help@"]
    examples: {fits: [{to: support@acme.test}, {to: help@acme.test}], not: [{to: info@acme.test}]}
  - name: job board
    class: recruiting
    from: ["@jobs.test"]
    examples: {fits: [{from: x@mail.jobs.test}], not: [{from: x@notjobs.test}]}
  - name: cannot log in
    class: support
    words: ["\\b(?:cannot|can't) log in\\b"]
    examples: {fits: ["I cannot log in since Monday."], not: ["Hello"]}
  - name: link building
    class: vendor
    words: ["\\bbacklinks\\b"]
    examples: {fits: [{subject: "Backlinks for you"}], not: ["Hello"]}
score:
  - name: company of 200 and more
    points: 30
    where: {employees: {at_least: 200}}
    examples: {fits: [{employees: "250"}], not: [{employees: "20"}, {}]}
  - name: asks for a price
    points: 25
    words: ["\\bpricing\\b"]
    examples: {fits: ["Your pricing please"], not: ["Hello"]}
  - name: wrote again
    points: 10
    where: {nudges: {at_least: 1}}
    examples: {fits: [{nudges: 1}], not: [{nudges: 0}]}
"""
END = at("17:00", 4)
"""Of the replay: a Friday evening."""
BO, ANA, INFO = "bo@buyer.test", "ana@acme.test", "info@acme.test"


class House:
    """Letters, deeds, lead list and rules of one timeline."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.mail = folder / "mail"
        self.mail.mkdir()
        self.deeds: list[dict[str, Any]] = []
        self.leads = ""
        self.audit = "0%"
        self.config = CONFIG
        self._number = 0

    def letter(  # seven parameters: a letter
        self, id_: str, when: str, text: str = "Hello", *, sender: str = BO, to: str = INFO, answers: str = "",
        subject: str = "", day: int = 0,
    ) -> None:  # fmt: skip
        self._number += 1
        moment = format_datetime(at(when, day))
        lines = [f"Received: from mx by mx.acme.test; {moment}", f"Message-ID: <{id_}>", f"From: {sender}", f"To: {to}"]
        lines += [f"Subject: {subject or 'Question'}", f"Date: {moment}"]
        lines += [*([f"In-Reply-To: <{answers}>"] if answers else []), "", text, ""]
        (self.mail / f"{90 - self._number:02}.eml").write_text("\r\n".join(lines), encoding="utf-8")

    def deed(self, deed: str, when: str, message: str, by: str = "tia", day: int = 0, **more: Any) -> None:
        self.deeds.append({"at": at(when, day).isoformat(), "deed": deed, "message": message, "by": by, **more})

    def verdict(self, gives: str, when: str, message: str = "q@x", by: str = "tia", **more: Any) -> None:
        self.deed("verdict", when, message, by, **{"class": gives, **more})

    def loaded(self) -> Config:
        """The config, with the files that it names."""
        self.folder.joinpath("inboxwatch.yaml").write_text(self.config.replace("AUDIT", self.audit), encoding="utf-8")
        self.folder.joinpath("rules.yaml").write_text(RULES, encoding="utf-8")
        columns = "email,status,tier,class,employees"
        self.folder.joinpath("leads.csv").write_text(f"{columns}\n{self.leads}", encoding="utf-8")
        return configuration.load(self.folder / "inboxwatch.yaml")

    def written_deeds(self) -> Path:
        """The file of deeds."""
        deeds = self.folder / "deeds.jsonl"
        deeds.write_text("".join(json.dumps(one) + "\n" for one in self.deeds), encoding="utf-8")
        return deeds

    def lines(self, as_of: datetime | None = None) -> list[dict[str, Any]]:
        out = io.StringIO()
        run_replay([self.mail], self.loaded(), [], as_of or END, out, deeds=self.written_deeds())
        return [json.loads(line) for line in out.getvalue().splitlines()]

    def clocks(self, as_of: datetime | None = None, metric: str = "") -> list[dict[str, Any]]:
        """Clocks of replies, or of one metric."""
        found = [one for one in self.lines(as_of) if one["type"] == "clock"]
        return [one for one in found if (one["metric"] == metric if metric else one["metric"] != "verdict")]

    def clock(self, as_of: datetime | None = None, metric: str = "") -> dict[str, Any]:
        (clock,) = self.clocks(as_of, metric)
        return clock

    def told(self, as_of: datetime | None = None) -> list[tuple[str, str, int, list[str]]]:
        """(time, ladder, step, targets)."""
        steps = [one for one in self.lines(as_of) if one["type"] == "escalation"]
        return [(one["at"][11:16], one["policy"], one["step"], one["targets"]) for one in steps]

    def message(self, id_: str) -> dict[str, Any]:
        return next(one for one in self.lines() if one["type"] == "message" and one["message_id"] == id_)

    def problems(self) -> list[str]:
        return [one["reason"] for one in self.lines() if one["type"] == "problem"]
