"""Proves ownership of a config: for every minute of the coming year a present person owns what comes in."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING

from inboxwatch.core.model import PersonId
from inboxwatch.core.routing import Case, Roster, ToLeadOwner, ToMailboxOwner, ToPerson, ToTeam, Window
from inboxwatch.engine.notices import ways_of
from inboxwatch.instant import now

if TYPE_CHECKING:
    from inboxwatch.config import Config, MailboxConfig

HORIZON = timedelta(days=366)
STEP = timedelta(minutes=30)


@dataclass(frozen=True, slots=True)
class Gap:
    """A hole in the ownership that the config defines."""

    verdict: str
    """failed: nobody is reached; warning: the fallback must step in, or something cannot be seen."""
    text: str
    hint: str = ""


def gaps(config: Config, start: datetime | None = None) -> Iterator[Gap]:
    """Every gap: people whom no channel reaches, absences that leave the fallback, answers that nobody could see."""
    begin = start or now()
    yield from _unreachable(config)
    for box in config.mailboxes.values():
        yield from _absences(config, box, begin)
    yield from _unseen(config)


def _owners(config: Config) -> set[PersonId]:
    """Everybody whom routing or a ladder can name."""
    named = {config.fallback}
    for rule in config.rules:
        if isinstance(rule.assign, ToPerson):
            named.add(rule.assign.person)
        elif isinstance(rule.assign, ToTeam):
            named |= set(config.teams[rule.assign.team].members)
        elif isinstance(rule.assign, ToLeadOwner):
            named |= set(config.people)
        elif isinstance(rule.assign, ToMailboxOwner):
            named |= {box.owner for box in config.mailboxes.values() if box.owner}
    return named


def _unreachable(config: Config) -> Iterator[Gap]:
    channels = {name: one.connect() for name, one in config.channels.items()}
    for person in sorted(_owners(config)):
        if not list(ways_of(config, channels, person)):
            hint = "give a channel of notify_by what it needs, such as slack_id or an e-mail channel"
            yield Gap("failed", f"no channel reaches {person}, who can own a wait", hint)


def _absences(config: Config, box: MailboxConfig, begin: datetime) -> Iterator[Gap]:
    """Days of the coming year on which everybody whom routing names for a mailbox is absent."""
    roster = Roster(config.people, config.teams, config.rules, config.fallback)
    team = box.team
    case = Case({"mailbox": box.name, "team": team or ""}, None, PersonId(box.owner) if box.owner else None, team)
    days: dict[date, str] = {}
    calendar = config.policies[-1].calendar
    at, end = calendar.next_open(begin), begin + HORIZON
    while at < end:
        due = config.policies[-1].first_response.after(at, calendar)
        found = roster.assign(case, Window(at, due))
        if found.nobody_left:
            days.setdefault(at.astimezone(calendar.zone).date(), found.reason)
        at = calendar.next_open(at + STEP)
    if days:
        when, hint = _spans(sorted(days)), "name another person or team in routing.rules for those days"
        why = next(iter(days.values()))
        yield Gap(
            "warning", f"no owner for {box.name} on {when}: only the fallback {config.fallback} is left ({why})", hint
        )
    fallback = config.people[config.fallback]
    away = [day for day in days if roster.absence(fallback.id, datetime.combine(day, begin.timetz()))]
    if away:
        yield Gap("failed", f"nobody at all for {box.name} on {_spans(sorted(away))}: the fallback is on leave too")


def _unseen(config: Config) -> Iterator[Gap]:
    """People who can own a wait but whose own Sent folder nobody watches."""
    watched = {box.owner for box in config.mailboxes.values() if box.owner}
    for person in sorted(_owners(config) - {PersonId(one) for one in watched if one}):
        text = f"{person} can own a wait, but no mailbox of {person} is watched: answers sent from it cannot be seen"
        yield Gap("warning", text, f"add a mailbox with `owner: {person}`")


def _spans(days: list[date]) -> str:
    """`25 and 26 December 2026`, or `3 to 14 August 2026` for longer runs."""
    runs: list[list[date]] = []
    for day in days:
        if runs and day - runs[-1][-1] <= timedelta(days=1):
            runs[-1].append(day)
        else:
            runs.append([day])
    told = []
    for run in runs:
        if len(run) == 1:
            told.append(f"{run[0]:%-d %B %Y}")
        elif len(run) == 2:
            told.append(f"{run[0]:%-d} and {run[1]:%-d %B %Y}" if run[0].month == run[1].month else _from_to(run))
        else:
            told.append(_from_to(run))
    return ", ".join(told)


def _from_to(run: list[date]) -> str:
    first = f"{run[0]:%-d}" if (run[0].month, run[0].year) == (run[-1].month, run[-1].year) else f"{run[0]:%-d %B %Y}"
    return f"{first} to {run[-1]:%-d %B %Y}"
