"""A config as its file says it, without its secrets: what is kept of the one in force, so that two can be compared."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any, get_origin

from inboxwatch.config.models import ConfigModel
from inboxwatch.config.reading import ReadEntries, models_within
from inboxwatch.settings import FORMS, Settings

Outline = Mapping[str, Mapping[str, Mapping[str, Any]]]
"""Section, name of the entry (empty where the section is no list of entries), key with dots: a value of JSON."""

HIDDEN = "(secret)"
_PASSWORD = re.compile(r"(?<=://)[^/@\s]+(?=@)")
"""Of a web address that is no secret to the models."""


def outline_of(data: Mapping[str, Any], found: ReadEntries) -> Outline:
    """The outline of a config that has no problems; `data` is its document."""
    whole: dict[str, dict[str, dict[str, Any]]] = {}
    for section, value in data.items():
        annotation = ConfigModel.model_fields[section].annotation
        secrets = frozenset(name for model in models_within(annotation) for name in _secrets(model))
        entries = whole[section] = {}
        if get_origin(annotation) is dict:
            for name, entry in value.items():
                plugins = filter(None, map(found.plugins.get, [(section, name), (section, name, "mailboxes")]))
                more = frozenset[str]().union(*(_secrets(type(plugin.settings)) for plugin in plugins))
                entries[name] = dict(_leaves(entry, secrets | more))
        elif section == "sla_policies":
            entries[""] = {"order": [entry["name"] for entry in value]}
            entries |= {entry["name"]: dict(_leaves(entry, secrets)) for entry in value}
        else:
            entries[""] = dict(_leaves(value, secrets))
    return whole


@cache
def _secrets(model: type[Settings]) -> frozenset[str]:
    """The keys of a model, and of those within it, whose values nobody may see: what should lead to a secret may be the
    secret itself, by mistake.
    """
    own = model.secret_fields()
    inner = (one for field in model.model_fields.values() for one in models_within(field.annotation))
    return frozenset([*own, *(f"{name}_{form}" for name in own for form in FORMS)]).union(*map(_secrets, inner))


def _leaves(value: Any, secrets: frozenset[str], at: str = "") -> Iterator[tuple[str, Any]]:
    if not isinstance(value, dict):
        yield at, _shown(value, secrets)
        return
    for key, one in value.items():
        place = f"{at}.{key}" if at else key
        if key in secrets:
            yield place, HIDDEN
        else:
            yield from _leaves(one, secrets, place)


def _shown(value: Any, secrets: frozenset[str]) -> Any:
    if isinstance(value, dict):
        return {key: HIDDEN if key in secrets else _shown(one, secrets) for key, one in value.items()}
    if isinstance(value, list):
        return [_shown(one, secrets) for one in value]
    return _PASSWORD.sub("***", value) if isinstance(value, str) else value
