"""The mail of a sales company over months, drawn from a seed: eight reps, three teams, four time zones, and deeds.

Each story tells what truly happened in it, so that figures can be counted without the program (`recount.py`).
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from email.utils import format_datetime
from typing import Literal
from zoneinfo import ZoneInfo

from inboxwatch.core.model import FolderRole, Lead, LeadId, Part, PersonId, RawMessage

BEGIN = datetime(2026, 1, 12, tzinfo=UTC)
"""A Monday; the changes to summer time of America (8 March) and Europe (29 March) come in the half year after it."""
MINUTE = timedelta(minutes=1)
Span = tuple[time, time]
MORNING, AFTERNOON = (time(8, 30), time(12)), (time(13), time(17, 30))


@dataclass(frozen=True, slots=True)
class Office:
    """Where people work: a zone, its spans on Monday to Friday, and a day on which it is closed."""

    zone: str
    spans: tuple[Span, ...]
    closed: date


OFFICES: Mapping[str, Office] = {
    "london": Office("Europe/London", ((time(9), time(17, 30)),), date(2026, 4, 6)),
    "berlin": Office("Europe/Berlin", (MORNING, AFTERNOON), date(2026, 5, 1)),
    "newyork": Office("America/New_York", ((time(9), time(18)),), date(2026, 1, 19)),
    "losangeles": Office("America/Los_Angeles", ((time(8), time(17)),), date(2026, 5, 25)),
}
REPS = {
    "r0": "london", "r1": "london", "r2": "berlin", "r3": "berlin", "r4": "berlin", "r5": "newyork", "r6": "newyork",
    "r7": "losangeles",
}  # fmt: skip
TEAMS = {"uk": (("r0", "r1"), "lu"), "dach": (("r2", "r3", "r4"), "ld"), "us": (("r5", "r6", "r7"), "la")}
LEAVE = {"r3": (date(2026, 1, 20), date(2026, 1, 29)), "r5": (date(2026, 3, 3), date(2026, 3, 11))}
SHARED = "sales"
"""The mailbox of all; what comes there has its target in elapsed time."""

Deed = Literal["acknowledged", "assigned", "dismissed", "called"]
What = Literal["asks", "answers", "other"] | Deed


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened in a story; `other` is what neither starts nor ends anything."""

    at: datetime
    what: What
    who: str = ""
    """A rep's id: who answers or acts."""
    mailbox: str = ""
    """Where a buyer's message came first."""
    owner: str = ""
    """To whom a wait is assigned."""
    lost_at: datetime | None = None
    """When it was known that an answer never arrived."""


@dataclass(frozen=True, slots=True)
class Letter:
    """A message as it lies in a mailbox."""

    at: datetime
    mailbox: str
    raw: RawMessage


@dataclass(slots=True)
class Story:
    """One conversation with a buyer: one thread."""

    number: int
    lead: str
    owner: str
    events: list[Event] = field(default_factory=list)


@dataclass(slots=True)
class SalesCompany:
    """Its leads, its stories and their mail, about `mails` of it in `days`."""

    seed: int
    mails: int
    days: int
    leads: list[Lead] = field(default_factory=list)
    stories: list[Story] = field(default_factory=list)
    letters: list[Letter] = field(default_factory=list)

    def __post_init__(self) -> None:
        chance = random.Random(self.seed)
        while len(self.letters) < self.mails:
            owner = chance.choice(list(REPS))
            lead = f"b{len(self.leads)}@buyer{len(self.leads)}.test"
            tier = chance.choice(["hot", "warm", "warm", "cold"])
            self.leads.append(
                Lead(LeadId(lead), f"Buyer {len(self.leads)}", owner=PersonId(owner), tier=tier, source="known")
            )
            for _ in range(1 if chance.random() < 0.7 else 2):
                story = Story(len(self.stories), lead, owner)
                _Author(self, chance, story).write(min(int(chance.expovariate(0.6)) + 1, 7))
                self.stories.append(story)
        self.letters.sort(key=lambda one: (one.at, one.mailbox))

    @property
    def end(self) -> datetime:
        return BEGIN + timedelta(days=self.days)

    @property
    def config(self) -> str:
        return "\n".join(_config())


class _Author:
    """Writes the mail of one story, minute by minute."""

    def __init__(self, company: SalesCompany, chance: random.Random, story: Story) -> None:
        self._company, self._chance, self._story = company, chance, story
        self._office = OFFICES[REPS[story.owner]]
        self._chain: list[str] = []
        self._box = SHARED if chance.random() < 0.15 else story.owner
        self._at = BEGIN

    def write(self, exchanges: int) -> None:
        story, chance = self._story, self._chance
        day = BEGIN + timedelta(days=chance.randrange(self._company.days))
        local = datetime.combine(day.date(), time(), ZoneInfo(self._office.zone))
        self._at = (local + timedelta(minutes=int(min(max(chance.gauss(780, 200), 0), 1439)))).astimezone(UTC)
        if chance.random() < 0.1:  # we write first
            self._answer(story.owner)
            self._passes(600)
        for _ in range(exchanges):
            self._ask()
            if self._at >= self._company.end or not self._answered():
                return
            self._passes(900)

    def _answered(self) -> bool:
        """What comes of a question; False where nothing more does."""
        story, chance = self._story, self._chance
        for _ in range(chance.choice([0, 0, 0, 1, 1, 2])):
            self._between()
        if chance.random() < 0.05:
            self._does("dismissed", story.owner)
            return True
        if chance.random() < 0.04:
            self._does("called", story.owner)
            return True
        if chance.random() < 0.07:
            return False
        self._passes(90, work=chance.random() < 0.85)
        writer = story.owner if chance.random() < 0.8 else chance.choice(list(REPS))
        if chance.random() < 0.04:
            self._lose(writer)
            if chance.random() < 0.2:
                return False
            self._passes(60, work=True)
        self._answer(writer)
        return True

    def _between(self) -> None:
        """What happens while a buyer waits, and changes neither start nor end."""
        story, chance = self._story, self._chance
        self._passes(45, work=chance.random() < 0.6)
        kind = chance.randrange(7)
        if kind == 0:
            self._ask()
        elif kind == 1:
            self._put("other", story.lead, f"{story.owner}@acme.test", story.owner, "Auto-Submitted: auto-replied")
        elif kind == 2:
            self._put("other", f"{story.owner}@acme.test", "r0@acme.test, r1@acme.test", story.owner)
        elif kind == 3:
            self._put("other", f"{SHARED}@acme.test", story.lead, SHARED, "Auto-Submitted: auto-generated")
        elif kind == 4:
            self._does("assigned", story.owner, chance.choice(list(REPS)))
        else:
            self._does("acknowledged", story.owner if chance.random() < 0.6 else chance.choice(list(REPS)))

    def _ask(self) -> None:
        story, chance = self._story, self._chance
        sender = story.lead
        if self._chain and chance.random() < 0.1:
            sender = f"colleague{story.number}@{story.lead.partition('@')[2]}"
        to = f"{self._box}@acme.test"
        name = self._put("asks", sender, to, self._box, "" if sender == story.lead else f"Cc: {story.lead}")
        if self._box != SHARED and chance.random() < 0.1:  # the same in the mailbox of all, a little later
            first = self._company.letters[-1]
            later, ref = first.at + timedelta(seconds=5), f"{SHARED}/{name}"
            raw = RawMessage(ref, FolderRole.INBOX, later, first.raw.header)
            self._company.letters.append(Letter(later, SHARED, raw))

    def _answer(self, writer: str, lost_at: datetime | None = None) -> str:
        return self._put("answers", f"{writer}@acme.test", self._story.lead, writer, who=writer, lost_at=lost_at)

    def _lose(self, writer: str) -> None:
        """An answer that bounces some minutes later."""
        lost_at = self._at + MINUTE * self._chance.randrange(1, 40)
        failed, name = self._story.lead, self._answer(writer, lost_at)
        self._at = lost_at
        lines = ["Return-Path: <>", "Content-Type: multipart/report; report-type=delivery-status"]
        status = f"Reporting-MTA: dns; mx.test\n\nFinal-Recipient: rfc822; {failed}\nAction: failed\nStatus: 5.1.1\n"
        parts = (
            Part("text/plain", 10),
            Part("message/delivery-status", 90, status.encode()),
            Part("text/rfc822-headers", 60, f"Message-ID: <{name}>\n".encode()),
        )
        self._put("other", "mailer-daemon@mx.test", f"{writer}@acme.test", writer, *lines, parts=parts)

    def _put(  # one letter has so many parts
        self, what: What, sender: str, to: str, box: str, *lines: str, who: str = "", lost_at: datetime | None = None,
        parts: tuple[Part, ...] | None = None,
    ) -> str:  # fmt: skip
        ours = sender.endswith("@acme.test")
        name = f"{self._story.number}.{len(self._company.letters)}@{sender.partition('@')[2]}"
        head = [f"Message-ID: <{name}>", f"From: {sender}", f"To: {to}", f"Date: {format_datetime(self._at)}"]
        head.append(f"Subject: {'Re: ' if self._chain else ''}Seats for course {self._story.number}")
        if self._chain:
            head += [f"In-Reply-To: <{self._chain[-1]}>", "References: " + " ".join(f"<{one}>" for one in self._chain)]
        header = "\r\n".join([*head, *(one for one in lines if one)]) + "\r\n\r\n"
        role = FolderRole.SENT if ours else FolderRole.INBOX
        raw = RawMessage(f"{box}/{name}", role, self._at, header.encode(), parts)
        self._company.letters.append(Letter(self._at, box, raw))
        self._story.events.append(Event(self._at, what, who, box, lost_at=lost_at))
        if what in ("asks", "answers"):
            self._chain.append(name)
        self._at += MINUTE
        return name

    def _does(self, what: Deed, who: str, owner: str = "") -> None:
        self._story.events.append(Event(self._at, what, who, owner=owner))
        self._at += MINUTE

    def _passes(self, median: float, *, work: bool = False) -> None:
        """Some minutes; with `work` until somebody is in the office."""
        self._at += MINUTE * (1 + int(min(self._chance.lognormvariate(0, 1.2) * median, 20_000)))
        zone = ZoneInfo(self._office.zone)
        while work and not _open(self._office, self._at.astimezone(zone)):
            self._at += MINUTE * self._chance.randrange(1, 180)


def _open(office: Office, local: datetime) -> bool:
    return local.weekday() < 5 and any(start <= local.time() < end for start, end in office.spans)


def _config() -> Iterator[str]:
    yield "organization: {domains: [acme.test]}"
    yield "calendars:"
    for name, office in OFFICES.items():
        hours = ", ".join(f'"{start:%H:%M}-{end:%H:%M}"' for start, end in office.spans)
        yield f"  {name}: {{timezone: {office.zone}, hours: {{mon-fri: [{hours}]}}, closed: [{office.closed}]}}"
    yield "people:"
    for rep, at in REPS.items():
        lead = next(lead for members, lead in TEAMS.values() if rep in members)
        leave = f", leave: [{{from: {LEAVE[rep][0]}, to: {LEAVE[rep][1]}}}]" if rep in LEAVE else ""
        yield f"  {rep}: {{name: Rep {rep}, email: {rep}@acme.test, calendar: {at}, manager: {lead}{leave}}}"
    for lead in (*(lead for _, lead in TEAMS.values()), "boss"):
        yield f"  {lead}: {{name: Lead {lead}, email: {lead}@acme.test}}"
    yield "teams:"
    for team, (members, lead) in TEAMS.items():
        yield f"  {team}: {{members: [{', '.join(members)}], lead: {lead}}}"
    yield "mailboxes:"
    for rep in REPS:
        yield f"  {rep}: {{connector: maildir, address: {rep}@acme.test, owner: {rep}, path: {rep}}}"
    yield f"  {SHARED}: {{connector: maildir, address: {SHARED}@acme.test, team: uk, path: {SHARED}}}"
    yield "leads: {}"
    yield "routing: {rules: [{assign: lead.owner}, {assign: mailbox.owner}], fallback: boss}"
    yield "sla_policies:"
    for at in OFFICES:
        boxes = ", ".join(rep for rep, where in REPS.items() if where == at)
        yield f"  - {{name: {at}, when: {{mailbox: [{boxes}]}}, calendar: {at}, first_response: 2bh,"
        yield "     next_response: 4bh, follow_up: 16bh, escalation: standard}"
    yield "  - {name: all, calendar: london, first_response: 3h, next_response: 6h, escalation: standard}"
    yield "escalation_policies:"
    yield "  standard:"
    yield "    steps:"
    yield "      - {at: 50%, notify: [owner]}"
    yield "      - {at: 100%, notify: [owner, manager]}"
    yield "      - {at: 100% + 2bh, notify: [manager], reassign: team_lead}"
    yield "    repeat: {every: 4bh, times: 2}"
    yield "    acknowledge_for: 90m"
    yield "stop_conditions: [answered, dismissed, meeting_accepted, opted_out, lead_closed, activity, max_rounds]"
    yield "channels: {desk: {type: console}}"
    yield "notify_by: [desk]"
    yield 'store: {url: "sqlite:///inboxwatch.db"}'
    yield 'web: {listen: "127.0.0.1:0"}'
