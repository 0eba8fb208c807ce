"""The config as JSON Schema, for editors that complete and check while one types."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.metadata import entry_points
from typing import Any, Literal

from pydantic.json_schema import models_json_schema

from inboxwatch import connector, notify
from inboxwatch.config.models import ChannelModel, ConfigModel, DirectoryModel, LeadsModel, MailboxModel, PluggedModel
from inboxwatch.settings import Settings

_PLUGGED: dict[str, type[PluggedModel]] = {
    "mailboxes": MailboxModel,
    "directories": DirectoryModel,
    "leads": LeadsModel,
    "channels": ChannelModel,
}
_MODE: Literal["validation"] = "validation"


def schema() -> dict[str, Any]:
    """JSON Schema (2020-12) of a config, with the settings of every connector, lead source and channel there is."""
    settings_of = {section: dict(plugins(section)) for section in _PLUGGED}
    settings = {model for section in settings_of.values() for model in section.values()}
    by_module = sorted(settings, key=lambda model: model.__module__)
    wanted: list[type[Settings]] = [ConfigModel, *_PLUGGED.values(), *by_module]
    refs, shared = models_json_schema([(model, _MODE) for model in wanted], title="inboxwatch")
    definitions = shared["$defs"]

    def described(model: type[Settings]) -> dict[str, Any]:
        found: dict[str, Any] = definitions[refs[model, _MODE]["$ref"].removeprefix("#/$defs/")]
        return found

    whole = described(ConfigModel)
    for section, model in _PLUGGED.items():
        own = described(model)
        key = next(iter(model.model_fields))
        whole["properties"][section]["additionalProperties"] = {
            "oneOf": [_joined(own, described(kind), key, name) for name, kind in settings_of[section].items()]
        }
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **shared, **whole, "title": "inboxwatch"}


def plugins(section: str) -> Iterator[tuple[str, type[Settings]]]:
    """What may stand in a section, by the name that the config gives it, with the model of its settings."""
    if section == "channels":
        yield from ((name, notify.settings_of(name)) for name in notify.types())
        return
    group = {"mailboxes": "mail", "leads": "leads", "directories": "directories"}[section]
    for name in sorted(point.name for point in entry_points(group=f"inboxwatch.{group}")):
        yield name, connector.load(group, name).settings


def _joined(own: dict[str, Any], further: dict[str, Any], key: str, name: str) -> dict[str, Any]:
    """One object with the keys of an entry and those of what it names; neither alone would allow the other's."""
    properties = {**further.get("properties", {}), **own["properties"], key: {"const": name}}
    required = [*own.get("required", []), *further.get("required", [])]
    rest: dict[str, Any] = {word: further[word] for word in ("allOf", "description") if word in further}
    return {"type": "object", "properties": properties, "required": required, "additionalProperties": False, **rest}
