"""A house that judges its inquiries, inside the test: Tia for the triage, Ana sells, Cas cares for customers."""

from __future__ import annotations

import re
from datetime import timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

from inboxwatch import config as configuration
from tests.support.in_process_daemon import InProcessDaemon

INFO = "sales@acme.test"
BO = "bo@buyer.test"
PEOPLE = """
  tia: {name: Tia Dorn, email: tia@acme.test, manager: max}
  cas: {name: Cas Roy, email: cas@acme.test, manager: max}
"""
SECTIONS = """
unknown_senders: always
qualification:
  classes: {support: {}, vendor: {clock: none}, recruiting: {clock: none}}
  rules: [rules.yaml]
  tiers: {hot: 60}
  audit: 0%
"""
RULES = r"""
classes:
  - name: link building
    class: vendor
    words: ["\\bbacklinks\\b"]
    examples: {fits: [{subject: "Backlinks for you"}], not: ["Hello"]}
score:
  - name: asks for a price
    points: 25
    words: ["\\bpricing\\b"]
    examples: {fits: ["Your pricing please"], not: ["Hello"]}
"""
ROUTING = """[
    {when: {class: unknown}, assign: {team: triage}},
    {when: {class: support}, assign: {team: care}},
    {assign: {team: sellers}}]"""
POLICIES = """sla_policies:
  - {name: triage, when: {class: unknown}, calendar: office, verdict: 15bm, first_response: 2bh, next_response: 4bh,
     follow_up: 16bh, escalation: standard}
  - {name: care, when: {class: support}, calendar: office, first_response: 8bh, next_response: 8bh,
     escalation: standard}
  - {name: hot, when: {tier: hot}, calendar: office, first_response: 15bm, next_response: 30bm, escalation: standard}
  - {name: default, calendar: office, first_response: 2bh, next_response: 4bh, follow_up: 16bh, escalation: standard}
"""


class TriageDaemon(InProcessDaemon):
    """Its mail is kept as files as well, for `replay`."""

    def __init__(self, folder: Path, **more: Any) -> None:
        super().__init__(folder, **more)
        self.letters = folder / "letters"
        self.letters.mkdir()
        text = self.path.read_text(encoding="utf-8").replace("\nteams:\n", f"{PEOPLE}teams:\n")
        text = text.replace("teams:\n", "teams:\n  triage: {members: [tia]}\n  care: {members: [cas]}\n"
                            "  sellers: {members: [ana]}\n")  # fmt: skip
        text = text.replace("rules: [{assign: lead.owner}, {assign: mailbox.owner}]", f"rules: {ROUTING}")
        text = re.sub(r"sla_policies:\n  - .*\n", lambda _: POLICIES, text) + SECTIONS
        (folder / "rules.yaml").write_text(RULES, encoding="utf-8")
        self.path.write_text(text, encoding="utf-8")
        self.config = configuration.load(self.path)

    def letter(self, name: str, *, minutes: int = 0, sender: str = BO, to: str = INFO, **more: Any) -> str:
        """Delivers one message so many minutes later, of which a file is kept; returns its Message-ID."""
        mailbox = "sales" if INFO in (sender, to) else "ana"
        self.mail(sender, to, mailbox=mailbox, after=timedelta(minutes=minutes), message_id=name, **more)
        lines = [f"Received: from mx by mx.acme.test; {format_datetime(self.at)}", f"Message-ID: <{name}>"]
        lines += [f"From: {sender}", f"To: {to}", f"Date: {format_datetime(self.at)}"]
        lines += [f"Subject: {more.get('subject', 'An offer')}"]
        lines += [f"In-Reply-To: <{more['parent']}>"] if "parent" in more else []
        (self.letters / f"{name}.eml").write_text("\n".join([*lines, "", ""]), encoding="utf-8")
        return name
