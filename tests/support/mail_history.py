"""Five weeks of mail of a small sales team in Maildirs, drawn from a seed: `backfill` and `report` are tried on it.

`write_history` returns what truly happened, so that a report can be held to it.
"""

from __future__ import annotations

import csv
import json
import random
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from tests.support.message_bytes import message_bytes
from tests.support.team_mail import MaildirTeamMail

ZONE = ZoneInfo("Europe/London")
HOURS = (time(9), time(17, 30))
TARGET = timedelta(hours=4)
"""Business time, for all."""
CONFIG = """\
organization: {{domains: [acme.test]}}
calendars:
  office: {{timezone: Europe/London, hours: {{mon-fri: ["09:00-17:30"]}}}}
people:
  ana: {{name: Ana Diaz, email: ana@acme.test, calendar: office, manager: max}}
  ben: {{name: Ben Roth, email: ben@acme.test, calendar: office, manager: max}}
  cleo: {{name: {cleo}, email: cleo@acme.test, calendar: office, manager: max}}
  max: {{name: Max Ode, email: max@acme.test, calendar: office}}
teams:
  emea: {{members: [ana, ben], lead: max}}
  apac: {{members: [cleo], lead: max}}
mailboxes:
  ana: {{connector: maildir, address: ana@acme.test, owner: ana, path: ana}}
  ben: {{connector: maildir, address: ben@acme.test, owner: ben, path: ben}}
  cleo: {{connector: maildir, address: cleo@acme.test, owner: cleo, path: cleo}}
leads:
  known: {{source: csv, path: leads.csv}}
routing:
  rules: [{{assign: lead.owner}}, {{assign: mailbox.owner}}]
  fallback: max
sla_policies:
  - {{name: default, calendar: office, first_response: 4bh, next_response: 4bh, escalation: standard}}
escalation_policies:
  standard: {{steps: [{{at: 50%, notify: [owner]}}, {{at: 100%, notify: [owner, manager]}}]}}
stop_conditions: [answered, dismissed, meeting_accepted, opted_out, lead_closed, activity, max_rounds]
channels: {{desk: {{type: console}}}}
notify_by: [desk]
store: {{url: "sqlite:///inboxwatch.db"}}
web: {{listen: "127.0.0.1:0"}}
"""
REPS = {"ana": 1.0, "ben": 2.4, "cleo": 1.5}
"""How slow each rep is."""
SUBJECTS = (
    "Your offer of last week", "Seats for the spring term", "Security questionnaire", "Can we move the start date?",
    "Invoice in pounds", "A second licence", "Question before we sign",
)  # fmt: skip
COMPANIES = ("Northwind", "Initech", "Globex", "Umbrella", "Hooli", "Vandelay", "Wonka", "Stark", "Cyberdyne", "Tyrell")


@dataclass(frozen=True, slots=True)
class Exchange:
    """A buyer's message and the first answer to it, if any."""

    owner: str
    tier: str
    asked: datetime
    answered: datetime | None


@dataclass(frozen=True, slots=True)
class MailHistory:
    config: Path
    begun: datetime
    exchanges: tuple[Exchange, ...]


def write_history(
    folder: Path, last: datetime, *, days: int = 35, seed: int = 5, cleo: str = "Cleo Park", company: str = "",
    busy: float = 4.0,
) -> MailHistory:  # fmt: skip
    """Writes the config, the leads and the mail of the days before `last`; nobody answers after it."""
    chance = random.Random(seed)
    first = (last - timedelta(days=days)).astimezone(ZONE).date()
    mail = MaildirTeamMail(folder, list(REPS))
    exchanges: list[Exchange] = []
    leads = [["email", "name", "company", "owner", "tier"]]
    for day in (first + timedelta(days=number) for number in range(days + 1)):
        for rep, slowness in REPS.items():
            weekend = day.weekday() >= 5
            for _ in range(round(chance.expovariate(1 / (busy * (0.15 if weekend else 1.0))))):
                number = len(exchanges)
                name = f"b{number}@{COMPANIES[number % 10].lower()}{number}.test"
                tier = chance.choice(["hot", "warm", "warm", "cold"])
                firm = company or COMPANIES[number % 10]
                asked = _asked(chance, day)
                if asked >= last:
                    continue
                leads.append([name, f"Buyer {number}", firm, rep, tier])
                quicker = 0.55 if day > first + timedelta(days=days // 2) else 1.0
                answered = _answered(chance, asked, slowness * quicker)
                answered = answered if answered is not None and answered < last else None
                question = _ask(mail, name, rep, chance.choice(SUBJECTS), asked)
                if answered is not None:
                    _answer(mail, rep if chance.random() < 0.9 else "ana", name, question, answered)
                exchanges.append(Exchange(rep, tier, asked, answered))
    with (folder / "leads.csv").open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows(leads)
    path = folder / "inboxwatch.yaml"
    path.write_text(CONFIG.format(cleo=json.dumps(cleo)), encoding="utf-8")
    return MailHistory(path, datetime.combine(first, time(), ZONE), tuple(exchanges))


def _ask(mail: MaildirTeamMail, buyer: str, rep: str, subject: str, at: datetime) -> str:
    """A buyer's question comes in; returns its Message-ID."""
    name = f"q{mail.count}@{buyer.partition('@')[2]}"
    mail.deliver(
        rep, message_bytes(buyer, f"{rep}@acme.test", id=name, subject=f"{subject} ({mail.count})", at=at), at=at
    )
    return name


def _answer(mail: MaildirTeamMail, rep: str, buyer: str, question: str, at: datetime) -> None:
    raw = message_bytes(f"{rep}@acme.test", buyer, answers=question, at=at, subject="Answer")
    mail.deliver(rep, raw, "Sent", at)


def _asked(chance: random.Random, day: date) -> datetime:
    minute = min(max(chance.gauss(13 * 60, 200), 0), 24 * 60 - 1)
    return (datetime.combine(day, time(), ZONE) + timedelta(minutes=int(minute))).astimezone(UTC)


def _answered(chance: random.Random, asked: datetime, slowness: float) -> datetime | None:
    """Within working hours, log-normal; one in twenty-five never."""
    if chance.random() < 0.04:
        return None
    left = timedelta(minutes=int(min(chance.lognormvariate(4.1, 1.1) * slowness, 6000)) + 1)
    at = asked
    while left > timedelta(0):
        at += timedelta(minutes=1)
        left -= timedelta(minutes=1) if working(at) else timedelta(0)
    return at


def working(at: datetime) -> bool:
    local = at.astimezone(ZONE)
    return local.weekday() < 5 and HOURS[0] <= local.time() < HOURS[1]


def business(start: datetime, end: datetime) -> timedelta:
    """Counted minute by minute; both instants are whole minutes."""
    minutes = int((end - start).total_seconds() // 60)
    return timedelta(minutes=sum(working(start + timedelta(minutes=number)) for number in range(minutes)))
