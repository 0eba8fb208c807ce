"""Reads a document section by section: each entry by itself, so that no mistake hides another."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple, TypeVar, get_args, get_origin

from pydantic import TypeAdapter, ValidationError
from pydantic_core import ErrorDetails

from inboxwatch import connector, notify
from inboxwatch.config.document import Document
from inboxwatch.config.fields import Names, meant
from inboxwatch.config.mailbox_template import MailboxTemplate
from inboxwatch.config.models import (
    ChannelModel,
    ConfigModel,
    DirectoryModel,
    LeadsModel,
    MailboxModel,
    MailboxReadingModel,
    PluggedModel,
)
from inboxwatch.config.problem import Path as Place
from inboxwatch.settings import FORMS, Settings

Model = TypeVar("Model", bound=Settings)

_NAME = re.compile(r"\w[\w.-]*")

_REQUIRED: dict[Place, str] = {
    ("routing",): "is required, for ownership is defined, not assumed: write at least `routing: {fallback: PERSON}`",
    ("routing", "fallback"): "is required: the person who owns what no rule gives to anybody present",
    ("sla_policies",): "is required: write at least `sla_policies: [{name: default, first_response: 4h, "
    "next_response: 4h, escalation: standard}]`",
    ("escalation_policies",): "is required: write at least `escalation_policies: {standard: {steps: "
    "[{at: 100%, notify: [owner]}]}}`",
    ("stop_conditions",): "is required: write what ends a wait, such as `stop_conditions: [answered, dismissed]`",
}
_MESSAGES = {
    "missing": "is required",
    "string_type": "must be a text; quote it if it is a number",
    "string_too_short": "must not be empty",
    "too_short": "must not be empty",
    "model_type": "must be a mapping of keys to values",
    "dict_type": "must be a mapping of keys to values",
    "tuple_type": "must be a list",
    "bool_type": "must be true or false",
    "bool_parsing": "must be true or false",
    "int_type": "must be a whole number",
    "int_parsing": "must be a whole number",
    "int_from_float": "must be a whole number",
}


class Plugin(NamedTuple):
    """What a mailbox, a lead source or a channel is made of: a class of the port, and its settings."""

    kind: Any
    settings: Settings


class ReadEntries:
    """The entries of a config that are right by themselves."""

    def __init__(self) -> None:
        self._entries: dict[type[Settings], dict[str | int, Any]] = {}
        self.values: dict[str, Any] = {}
        """Sections that are single values."""
        self.plugins: dict[Place, Plugin] = {}
        """By the path of their entry."""
        self.templates: dict[str, MailboxTemplate] = {}
        """How the mailboxes of a directory's members are read, by the directory's name."""

    def put(self, key: str | int, entry: Settings) -> None:
        self._entries.setdefault(type(entry), {})[key] = entry

    def named(self, model: type[Model]) -> dict[str, Model]:
        """The entries of a section that is a mapping."""
        return {str(key): entry for key, entry in self._entries.get(model, {}).items()}

    def listed(self, model: type[Model]) -> dict[int, Model]:
        """The entries of a section that is a list, by their position."""
        return {int(key): entry for key, entry in self._entries.get(model, {}).items()}

    def one(self, model: type[Model]) -> Model | None:
        """A section that is a single model."""
        return next(iter(self._entries.get(model, {}).values()), None)


class DocumentReader:
    """Reads a document once; what is wrong goes to the document's problems."""

    def __init__(self, document: Document, folder: Path, *, secrets: bool) -> None:
        self._document = document
        self._context = {"folder": folder, "secrets": secrets, "names": Names.declared(document.data)}
        self._found = ReadEntries()

    def read(self) -> ReadEntries:
        data = self._document.data
        for name in data.keys() - ConfigModel.model_fields.keys():
            self._document.problem((name,), f"is no section{meant(name, ConfigModel.model_fields)}")
        for name, section in ConfigModel.model_fields.items():
            if section.is_required() and data.get(name) in (None, [], {}):
                self._document.problem((name,), _REQUIRED[(name,)])
            elif name in data:
                self._section(name, section.annotation, data[name])
            else:
                default = section.get_default(call_default_factory=True)
                if isinstance(default, Settings):
                    self._found.put(name, default)
                else:
                    self._found.values[name] = default
        return self._found

    def _section(self, name: str, annotation: Any, value: Any) -> None:
        models = list(models_within(annotation))
        if not models:
            self._found.values[name] = self._checked(annotation, value, (name,), [])
        elif get_origin(annotation) is dict:
            for key, entry in self._mapping(value, (name,)):
                self._entry(models[0], key, entry, (name, key))
        elif get_origin(annotation) is tuple:
            if not isinstance(value, list):
                self._document.problem((name,), _MESSAGES["tuple_type"])
                return
            for position, entry in enumerate(value):
                self._entry(models[0], position, entry, (name, position))
        else:
            self._entry(models[0], name, value, (name,))

    def _mapping(self, value: Any, path: Place) -> Iterator[tuple[str, Any]]:
        if not isinstance(value, dict):
            self._document.problem(path, "must be a mapping of names to entries")
            return
        for name, entry in value.items():
            if _NAME.fullmatch(name):
                yield name, entry
            else:
                self._document.problem((*path, name), "is no name: use letters, digits, `_`, `-` and `.`")

    def _entry(self, model: type[Settings], key: str | int, value: Any, path: Place) -> None:
        if not issubclass(model, PluggedModel):
            entry = self._checked(model, value, path, [model])
        elif isinstance(value, dict):
            own = {name: value[name] for name in value.keys() & model.model_fields.keys()}
            entry = self._checked(model, own, path, [model])
            if model is DirectoryModel and isinstance(template := value.get("mailboxes"), dict):
                self._template(str(key), template, (*path, "mailboxes"))
                value = _with_login(value, template)
            self._plug(model, value, path)
        else:
            self._document.problem(path, _MESSAGES["model_type"])
            return
        if entry is not None:
            self._found.put(key, entry)

    def _plug(self, model: type[PluggedModel], value: dict[str, Any], path: Place) -> None:
        """Reads what an entry's `connector`, `source` or `type` names, with its further keys as settings."""
        key = next(iter(model.model_fields))
        name = value.get(key)
        if not isinstance(name, str):
            return  # reported as a mistake of the entry
        try:
            kind = _load(model, name)
        except LookupError as error:
            self._document.problem((*path, key), str(error.args[0]))
            return
        further = {name: given for name, given in value.items() if name not in model.model_fields}
        settings = self._checked(kind.settings, further, path, [kind.settings, model])
        if settings is not None:
            self._found.plugins[path] = Plugin(kind, settings)

    def _template(self, name: str, value: dict[str, Any], path: Place) -> None:
        """Reads how the mailboxes of a directory's members are read, as for a member of an example."""
        further = {key: given for key, given in value.items() if key not in MailboxReadingModel.model_fields}
        sample = MailboxTemplate.sample(further, self._context)
        own = {key: value[key] for key in value.keys() & MailboxReadingModel.model_fields.keys()}
        self._context, context = sample.context, self._context
        self._plug(MailboxReadingModel, own | sample.filled, path)
        self._context = context
        if (plugin := self._found.plugins.get(path)) is not None:
            self._found.templates[name] = MailboxTemplate(plugin.kind, plugin.settings, further, context)

    def _checked(self, annotation: Any, value: Any, path: Place, models: list[type[Settings]]) -> Any:
        """The value as its type wants it, or None where it is wrong. `models` know the keys that were perhaps meant."""
        try:
            return _adapter(annotation).validate_python(value, context=self._context)
        except ValidationError as refused:
            for error in refused.errors(include_url=False):
                if error["type"] == "too_short" and error["input"]:
                    continue  # pydantic counts the items that are right, and has reported those that are wrong
                place = tuple(step for step in error["loc"] if not _artificial(step))
                if key := error.get("ctx", {}).get("key"):
                    place = (*place[:-1], key)
                self._document.problem((*path, *place), _message(error, (*path, *place), models, place))
            return None


@cache
def _adapter(annotation: Any) -> TypeAdapter[Any]:
    return TypeAdapter(annotation)


@cache
def _load(model: type[PluggedModel], name: str) -> Any:
    """What an entry names; asked once for each name, for looking up entry points is slow."""
    if model is ChannelModel:
        return notify.load(name)
    group = _GROUPS[model]
    try:
        return connector.load(group, name)
    except (ImportError, AttributeError) as error:  # as of an entry point whose module or class is not there
        raise LookupError(f"{name!r} cannot be loaded: {error}") from error


_GROUPS: dict[type[PluggedModel], str] = {
    MailboxModel: "mail",
    MailboxReadingModel: "mail",
    LeadsModel: "leads",
    DirectoryModel: "directories",
}
"""Of entry points."""


def _with_login(directory: dict[str, Any], template: dict[str, Any]) -> dict[str, Any]:
    """A directory's entry; what its provider needs and it does not say, its mailboxes say, where they are of the same
    provider. One that logs in by a secret of its own takes none of theirs, and not the day on which theirs ends.
    """
    source = str(directory.get("source"))
    try:
        kind = _load(DirectoryModel, source)
    except LookupError:
        return directory
    if getattr(kind, "connector", source) != template.get("connector"):
        return directory
    settings = kind.settings
    secrets = set(settings.secret_fields())
    field = {f"{name}_{form}": name for name in secrets for form in FORMS}
    given = {field.get(key, key) for key in directory}
    if given & secrets:
        given |= {*secrets, "secret_expires"}
    known = _keys(settings, ())
    return directory | {
        key: value for key, value in template.items() if key in known and field.get(key, key) not in given
    }


def _artificial(step: str | int) -> bool:
    """True for what pydantic puts into a path and no file holds: the branch of a union, `[key]`."""
    return isinstance(step, str) and (step == "[key]" or (step.startswith("<") and step.endswith(">")))


def _message(error: ErrorDetails, path: Place, models: Iterable[type[Settings]], place: Place) -> str:
    kind, context = error["type"], error.get("ctx", {})
    if kind == "missing" and path in _REQUIRED:
        return _REQUIRED[path]
    if kind == "extra_forbidden":
        known = {key for model in models for key in _keys(model, place[:-1])}
        return f"is no known key{meant(place[-1], known)}"
    if kind in ("literal_error", "enum"):
        words = re.findall(r"'([^']*)'", context.get("expected", ""))
        return f"must be {context.get('expected')}{meant(error['input'], words)}"
    if kind == "value_error":
        return str(context.get("error", error["msg"]))
    return _MESSAGES.get(kind) or re.sub(r"^(Input|String) should ", "must ", error["msg"])


def models_within(annotation: Any) -> Iterator[type[Settings]]:
    """The settings models within a type."""
    if isinstance(annotation, type) and issubclass(annotation, Settings):
        yield annotation
    for part in get_args(annotation):
        yield from models_within(part)


def _keys(model: type[Settings], place: Place) -> set[str]:
    """The keys that a model allows at a place within it, as a config writes them."""
    here = [model]
    for step in place:
        below = [one for parent in here for one in models_within(_annotation(parent, step))]
        here = below or here
    names = {(field.alias or name) for one in here for name, field in one.model_fields.items()}
    return names | {f"{name}_{form}" for one in here for name in one.secret_fields() for form in FORMS}


def _annotation(model: type[Settings], step: str | int) -> Any:
    return next((field.annotation for name, field in model.model_fields.items() if (field.alias or name) == step), None)
