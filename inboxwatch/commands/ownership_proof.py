"""Proves ownership of a config: for every minute of the coming year a present person owns what comes in."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from itertools import islice, product
from math import prod
from typing import TYPE_CHECKING

from inboxwatch.commands.channels_at_hand import channels_at_hand
from inboxwatch.core.model import PersonId
from inboxwatch.core.ownership.routing import Case, Roster, ToLeadOwner, ToMailboxOwner, Window, people_named
from inboxwatch.core.sla.policy import Duration, SLAPolicy, choose, matches
from inboxwatch.engine.assignment_reasons import in_words
from inboxwatch.engine.delivery.enqueue import ways_of
from inboxwatch.now import now

if TYPE_CHECKING:
    from inboxwatch.config import Config, MailboxConfig

HORIZON = timedelta(days=366)
EACH = 5
"""So many of a kind are told one by one."""
MOST_CASES = 10_000
"""So many combinations of values are looked at; `check` says where there are more."""


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
    combinations = prod(map(len, _values(config).values()))
    if combinations > MOST_CASES:
        text = f"only {MOST_CASES} of {combinations} combinations of what rules and policies name were proved"
        yield Gap("warning", text, "name fewer kinds of wait in `when`")
    for box in config.mailboxes.values():
        yield from _absences(config, box, begin)
    yield from _unseen(config)
    yield from _late(config)


def _owners(config: Config) -> set[PersonId]:
    """Everybody whom routing or an escalation policy can make the owner of a wait, or notify about one."""
    named: set[str] = {config.fallback}
    for rule in config.rules:
        named |= people_named(rule.assign, config.teams)
        if isinstance(rule.assign, ToLeadOwner):
            named |= set(config.people)
        elif isinstance(rule.assign, ToMailboxOwner):
            named |= {box.owner for box in config.mailboxes.values() if box.owner}
    for policy in config.policies:
        for step in policy.escalation.steps:
            named |= {*step.notify, *([str(step.reassign)] if step.reassign else [])}
    named |= {team.lead for team in config.teams.values() if team.lead}
    named |= {person.manager for one in named & set(config.people) if (person := config.people[PersonId(one)]).manager}
    return {PersonId(one) for one in named if one in config.people}


def _unreachable(config: Config) -> Iterator[Gap]:
    channels = channels_at_hand(config)
    unknown = config.channels.keys() - channels.keys()
    for person in sorted(_owners(config)):
        perhaps = not unknown.isdisjoint(config.people[person].notify_by or config.notify_by)
        if not perhaps and not list(ways_of(config, channels, person)):
            hint = "give a channel of notify_by what it needs, such as slack_id or an e-mail channel"
            yield Gap("failed", f"no channel reaches {person}, who can own a wait", hint)


def _absences(config: Config, box: MailboxConfig, begin: datetime) -> Iterator[Gap]:
    """Days of the coming year on which everybody whom routing names for a mailbox is absent at some minute."""
    roster = Roster(config.people, config.teams, config.rules, config.fallback)
    told: dict[tuple[date, ...], tuple[str, str]] = {}
    alone: set[date] = set()
    for policy, case in _cases(config, box):
        days: dict[date, str] = {}
        for at in _turning_points(config, policy, begin):
            found = roster.assign(case, Window(at, policy.first_response.after(at, policy.calendar)))
            if found.nobody_left:
                day = at.astimezone(policy.calendar.zone).date()
                days.setdefault(day, in_words(found.reasons))
                if roster.absence(config.fallback, at):
                    alone.add(day)
        if days:
            told.setdefault(tuple(sorted(days)), (_which(case), next(iter(days.values()))))
    for whole, (which, why) in list(told.items())[:EACH]:
        text = f"no owner for `{box.name}`{which} on {_spans(list(whole))}: only the fallback {config.fallback} is left"
        yield Gap("warning", f"{text} ({why})", "name another person or team in routing.rules for those days")
    if len(told) > EACH:
        rest = len(told) - EACH
        yield Gap("warning", f"no owner for `{box.name}` on further days, in {rest} other kinds of wait", "as above")
    if alone:
        text = (
            f"nobody at all for `{box.name}` on {_spans(sorted(alone))}: the fallback {config.fallback} is on leave too"
        )
        yield Gap("failed", text, "let somebody else stand in, or change the leave")


def _which(case: Case) -> str:
    """The values by which a wait differs from others of its mailbox, in words."""
    named = [f"{key} {value}" for key, value in case.facts.items() if value and key not in ("mailbox", "team")]
    return f" ({', '.join(named)})" if named else ""


def _values(config: Config) -> dict[str, list[str]]:
    """For each key that rules and policies look at beside mailbox and team, the values among which they, and the
    people's languages, tell a difference: one for each that is told apart, and the empty one for all others.
    """
    whens = [one.when for one in config.policies] + [one.when for one in config.rules]
    speakers: dict[str, set[str]] = {}
    for name, person in config.people.items():
        for language in person.languages:
            speakers.setdefault(language, set()).add(name)
    found: dict[str, list[str]] = {}
    keys = dict.fromkeys(key for when in whens for key in when if key not in ("mailbox", "team"))
    for key in keys:
        told: dict[tuple[frozenset[int], frozenset[str]], str] = {}
        for value in sorted({value for when in whens for value in when.get(key, ())}):
            rules = frozenset(number for number, when in enumerate(whens) if value in when.get(key, ()))
            told.setdefault((rules, frozenset(speakers.get(value, ()) if key == "language" else ())), value)
        found[key] = ["", *told.values()]
    return found


def _cases(config: Config, box: MailboxConfig) -> Iterator[tuple[SLAPolicy, Case]]:
    """What can come into a mailbox, as far as owners can differ: every combination of the values that rules and
    policies name, with the policy that is chosen for it. A policy of another mailbox or team never is, and neither is
    one that stands below a policy for all that comes in.
    """
    owner = PersonId(box.owner) if box.owner else None
    known = {"mailbox": box.name.lower(), "team": (box.team or "").lower()}
    seen = set()
    told = _values(config)
    for values in islice(product(*told.values()), MOST_CASES):
        facts = known | dict(zip(told, values, strict=True))
        if (policy := choose(config.policies, facts)) is None:
            continue
        rules = tuple(number for number, rule in enumerate(config.rules) if matches(rule.when, facts))
        kind = (policy.calendar.name, policy.first_response, rules, facts.get("language", ""))
        if kind not in seen:
            seen.add(kind)
            yield policy, Case(facts, None, owner, box.team)


def _turning_points(config: Config, policy: SLAPolicy, begin: datetime) -> list[datetime]:
    """The instants of the coming year at which an owner could first be missing.

    A person is passed over from the moment when their hours close or their leave begins, until their next opening is
    near enough. So if there is any minute at which everybody is passed over, the first such minute is one of these
    instants, or the next opening of the policy's calendar after it: to look there is to look at every minute.
    """
    end = begin + HORIZON
    ends = {stretch.start for stretch in policy.calendar.spans(begin, end) if stretch.open}
    for person in config.people.values():
        ends |= {datetime.combine(first, time(), person.zone).astimezone(UTC) for first, _ in person.leave}
        if person.calendar is not None:
            ends |= {stretch.end for stretch in person.calendar.spans(begin, end) if stretch.open}
    return sorted({policy.calendar.next_open(at) for at in ends | {begin} if begin <= at < end})


def _unseen(config: Config) -> Iterator[Gap]:
    """People who can own a wait but whose own Sent folder nobody watches."""
    watched = {box.owner for box in config.mailboxes.values() if box.owner}
    unseen = sorted(_owners(config) - {PersonId(one) for one in watched if one})
    if len(unseen) <= EACH:
        for person in unseen:
            text = (
                f"{person} can own a wait, but no mailbox of {person} is watched: answers sent from it cannot be seen"
            )
            yield Gap("warning", text, f"add a mailbox with `owner: {person}`")
        return
    named = ", ".join(some(unseen, "others"))
    text = (
        f"{len(unseen)} people can own a wait, but no mailbox of theirs is watched: answers sent from it cannot be seen"
    )
    yield Gap("warning", f"{text} ({named})", "add mailboxes with `owner:` for them")


def some(items: Sequence[str], rest: str) -> list[str]:
    """The first few of a list, and how many there are besides."""
    return [*items[:EACH], *([f"and {len(items) - EACH} {rest}"] if len(items) > EACH else [])]


def _late(config: Config) -> Iterator[Gap]:
    """Mailboxes that are read so seldom that an answer can be due before the question is seen."""
    shortest = min((policy.first_response for policy in config.policies), key=lambda target: target.length)
    for box in config.mailboxes.values():
        longest = max(box.poll_every, box.poll_idle)
        if longest > shortest.length:
            unread = f"`{box.name}` may go unread for {Duration(longest)}"
            hint = "set a shorter poll_every and poll_idle, unless its server tells of mail at once"
            yield Gap("warning", f"{unread}: an answer owed within {shortest} can be late unseen", hint)


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
