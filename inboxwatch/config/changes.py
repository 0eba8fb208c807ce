"""What a new config changes of an old one, key by key as the files say it, and what has changed behind their words."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from inboxwatch.config.outline import HIDDEN, Outline

if TYPE_CHECKING:
    from inboxwatch.config.config import Config

_AT_START = {("web", "listen"), ("store", "url")}
"""What only a restart changes."""
_WITH_SETTINGS = ("mailboxes", "directories", "leads", "channels")


@dataclass(frozen=True, slots=True)
class Change:
    """One entry that differs, or one key of an entry that both have."""

    section: str
    name: str
    """Empty where a section is no list of entries."""
    change: str
    """added, removed, changed."""
    key: str = ""
    before: Any = None
    after: Any = None

    def __str__(self) -> str:
        place = f"{self.section} {self.name}".rstrip()
        if self.change != "changed":
            return f"{place}: {self.change}"
        later = " (takes a restart)" if (self.section, self.key) in _AT_START else ""
        key = f" {self.key}:" if self.key else ""
        return f"{place}:{key} {_words(self.before)} -> {_words(self.after)}{later}"


def compared(old: Outline, new: Outline) -> Iterator[Change]:
    """What differs, section by section, in the order of the new config; values of secrets are not told apart."""
    for section in dict.fromkeys([*new, *old]):
        before, after = old.get(section, {}), new.get(section, {})
        for name in dict.fromkeys([*before, *after]):
            if name and name not in before:
                yield Change(section, name, "added")
            elif name and name not in after:
                yield Change(section, name, "removed")
            else:
                was, is_ = before.get(name, {}), after.get(name, {})
                for key in dict.fromkeys([*was, *is_]):
                    if was.get(key) != is_.get(key):
                        yield Change(section, name, "changed", key, was.get(key), is_.get(key))


def changes(old: Config, new: Config) -> list[Change]:
    """The same of two configs that were loaded: also secrets and files of rules that the same words lead to."""
    found = list(compared(old.outline, new.outline))
    known = {(one.section, one.name) for one in found}
    return found + [one for one in _behind(old, new) if (one.section, one.name) not in known]


def _behind(old: Config, new: Config) -> Iterator[Change]:
    for section in _WITH_SETTINGS:
        before, after = getattr(old, section), getattr(new, section)
        for name in after:
            if name in before and _settings(before[name]) != _settings(after[name]):
                yield Change(section, str(name), "changed", "", HIDDEN, HIDDEN)
    sections = {
        "web": (old.web.token, new.web.token),
        "store": (old.store_url, new.store_url),
        "meanings": (old.own_rules, new.own_rules),
    }
    yield from (Change(one, "", "changed", "", HIDDEN, HIDDEN) for one, (was, is_) in sections.items() if was != is_)


def _settings(entry: Any) -> tuple[Any, Any]:
    """Of an entry, and of the mailboxes that it makes where it is a directory."""
    template = getattr(entry, "template", None)
    return entry.settings, template and template.settings


def _words(value: Any) -> str:
    if value is None:
        return "not given"
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
