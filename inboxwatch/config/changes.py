"""What a new config changes of an old one: what was added, removed and changed, by kind and name."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any

from inboxwatch.config.config import Config

_NAMED = ("people", "teams", "mailboxes", "directories", "leads", "calendars", "escalations", "channels")
"""Attributes whose entries have names."""
_FOLLOWING = ("outline", "members", "unusable_members")
"""Attributes that follow from others, or from what directories list."""
_IN_THE_FILE = {
    "escalations": "escalation_policies",
    "policies": "sla_policies",
    "us": "organization",
    "rules": "routing",
    "fallback": "routing",
    "look_back": "history",
    "census_every": "history",
    "keep": "history",
    "drop_ins": "conf.d",
    "store_url": "store",
    "daily_digests": "digests",
    "own_rules": "meanings",
}
"""What the file calls an attribute, where that is something else."""


@dataclass(frozen=True, slots=True)
class Changes:
    """What is different in one section, by name."""

    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ConfigChanges:
    """What is different between two configs, as the file names it."""

    named: Mapping[str, Changes] = field(default_factory=dict)
    """By section; those without a difference are left out."""
    other: tuple[str, ...] = ()
    """Sections without names of their own that differ."""


def changes(old: Config, new: Config) -> ConfigChanges:
    """What the new config changes. A mailbox whose password has changed is changed, too."""
    named = {_IN_THE_FILE.get(name, name): _compared(_section(old, name), _section(new, name)) for name in _NAMED}
    named["sla_policies"] = _compared(*({one.name: one for one in config.policies} for config in (old, new)))
    different = {section: one for section, one in named.items() if one != Changes()}
    return ConfigChanges(different, tuple(dict.fromkeys(_others(old, new))))


def _compared(old: Mapping[Any, Any], new: Mapping[Any, Any]) -> Changes:
    return Changes(
        added=tuple(str(name) for name in new if name not in old),
        removed=tuple(str(name) for name in old if name not in new),
        changed=tuple(str(name) for name in new if name in old and new[name] != old[name]),
    )


def _section(config: Config, name: str) -> Mapping[Any, Any]:
    if name == "people":  # a calendar that has changed has not changed all who keep it
        people = config.people.items()
        return {one: (replace(who, calendar=None), who.calendar and who.calendar.name) for one, who in people}
    found: Mapping[Any, Any] = getattr(config, name)
    return found


def _others(old: Config, new: Config) -> Iterator[str]:
    for name in (one.name for one in fields(Config)):
        section = _IN_THE_FILE.get(name, name)
        if name == "us":  # which addresses are ours follows from people and mailboxes
            same = (old.us.domains, old.us.authserv_ids) == (new.us.domains, new.us.authserv_ids)
        elif name == "policies":  # the first that fits is taken: their order decides, too
            before, after = ([one.name for one in config.policies] for config in (old, new))
            same = before == after or set(before) != set(after)
        else:
            same = name in _NAMED or name in _FOLLOWING or getattr(old, name) == getattr(new, name)
        if not same:
            yield section
