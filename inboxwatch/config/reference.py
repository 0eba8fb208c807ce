"""The reference of every config key, as Markdown, made of the models: `python -m inboxwatch.config.reference`.

Types, defaults and meanings are those that the program itself uses; the meaning of a key is the docstring below its
field. `config/README.md` is this text, and a test fails where it differs.
"""

from __future__ import annotations

import ast
import inspect
import textwrap
from collections.abc import Iterator
from datetime import date, timedelta
from enum import Enum
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic.fields import FieldInfo

from inboxwatch import notify
from inboxwatch.config import fields
from inboxwatch.config.models import ConfigModel, PluggedModel
from inboxwatch.config.qualification_models import OwnClassRules, Points
from inboxwatch.config.schema import plugins
from inboxwatch.core.sla.policy import Duration
from inboxwatch.notify.http import HttpAddress
from inboxwatch.settings import ConfigPath, Secret, Settings

_INTRODUCTION = """\
# Config reference

Every key of the config: its type, its default and what it means. This file is generated from the models that read the
config; write it again with

```sh
python -m inboxwatch.config.reference > config/README.md
```

The files beside it: `inboxwatch.yaml` is an annotated example of most keys, `minimal.yaml` the least that is accepted,
`leads.csv` a list of leads. `inboxwatch check -c FILE` tells every mistake at once, each with its path and line;
`inboxwatch config schema` prints a JSON Schema for editors. SIGHUP and `POST /-/reload` take over a changed config, all
of it or nothing.

## Several files

Files `conf.d/*.yaml` beside the config file are read after it, in the order of their names, as if they were one: a
file a team, say, that a program writes. Nothing overrides anything. A section of names (`people`, `mailboxes`, ...)
may be spread over files by its entries, a section of keys (`web`, `routing`, ...) by its keys; an entry, a key or a
list that two files give is refused, with both named. Anchors hold within their file, and relative paths start at the
folder of the config file. Hidden files are left out, `*.yml` is refused. The folder and its files must belong to root,
to the owner of the config file or to who reads them, and others must not write them. `check`, `reload` and every other
command read them, too.

## How values are written

The file is YAML 1.2. Unknown keys, references to what does not exist and impossible values are refused.

| type | written as |
| --- | --- |
| wall time | a number and a unit: `30s`, `10m`, `4h`, `2d` |
| time | wall time, or business time in the calendar of the SLA policy: `30bm`, `4bh` |
| step time | a share of the target, plus or minus a time: `50%`, `100% + 30bm` |
| day | `2026-12-24` |
| hours | `08:30-12:30`; `24:00` ends a day |
| days of the week | `mon` to `sun`, or a range: `mon-thu` |
| rate | how many messages may leave in a second, minute or hour: `1/s`, `30/m`, `500/h` |
| secret | a text, or where to find it: see below |
| path | a relative one starts at the folder of the config file |
| value or list of values | `hot`, or `[hot, warm]`; compared in lower case |
| notify target | `owner`, `manager`, `fallback`, `team_lead`, a person, a channel, or `channel:destination` |

Keys marked **required** must be given. Where the default is none, nothing is assumed in their place.

A secret `x` is given by exactly one of these keys:

| key | the secret is |
| --- | --- |
| `x` | the text itself |
| `x_file` | what the file holds |
| `x_env` | the value of the environment variable |
| `x_credential` | a credential of systemd, by name; also of a folder: `LoadCredential=secret:FOLDER` |
| `x_command` | what a program prints within 30 s (no shell; `check --offline` runs none) |
"""

_WORDS: tuple[tuple[Any, str], ...] = (
    (fields.Name, "text"),
    (fields.Email, "e-mail address"),
    (fields.Domain, "mail domain"),
    (fields.Zone, "time zone, such as `Europe/London`"),
    (fields.Day, "day"),
    (fields.Hours, "hours"),
    (fields.Weekdays, "days of the week"),
    (fields.PositiveTime, "time"),
    (fields.Time, "time"),
    (fields.PositiveWallTime, "wall time"),
    (fields.WallTime, "wall time"),
    (fields.TimeOfDay, "time of day, such as `08:00`"),
    (fields.Share, "share, such as `20%`"),
    (fields.At, "step time"),
    (fields.WebAddress, "web address"),
    (fields.Issuer, "web address, exactly as the provider writes it"),
    (fields.Address, "`host:port`"),
    (fields.HeaderName, "header's name"),
    (fields.Peers, "address or network"),
    (fields.OwnRules, "path"),
    (OwnClassRules, "path"),
    (Points, "number"),
    (fields.CertificateFile, "path"),
    (fields.Values, "value or list of values"),
    (fields.Mailboxes, "mailbox or list of mailboxes"),
    (fields.Teams, "team or list of teams"),
    (fields.PersonRef, "person"),
    (fields.TeamRef, "team"),
    (fields.CalendarRef, "calendar"),
    (fields.ChannelRef, "channel"),
    (fields.EscalationRef, "escalation policy"),
    (fields.Assignee, "`lead.owner`, `mailbox.owner` or a person"),
    (fields.Reassignee, "`team_lead`, `fallback`, `next` or a person"),
    (fields.Target, "notify target"),
    (fields.AlertTarget, "notify target"),
    (notify.Seconds, "wall time"),
    (notify.PerTime, "rate"),
    (HttpAddress, "web address, as a secret"),
    (ConfigPath, "path"),
    (Secret, "secret"),
    (date, "day"),
    (bool, "`true` or `false`"),
    (int, "whole number"),
    (float, "wall time"),  # of connectors: seconds, written with a unit
    (str, "text"),
)
"""The words for types; the first that is equal is taken, so special ones stand above those they are made of."""

_TOLD = "Default:"
"""In a meaning: it tells the default itself, as one that depends on other keys."""

_KINDS = {"mailboxes": "connector", "leads": "source", "directories": "source", "channels": "type"}
"""Sections whose entries have further keys, by the key that says which."""


def reference() -> str:
    """The whole reference, as Markdown."""
    parts = [_INTRODUCTION]
    for name, field in ConfigModel.model_fields.items():
        parts += _section(name, field, _annotations(ConfigModel)[name])
    return "\n".join(parts)


def missing() -> list[str]:
    """Keys without a meaning, as MODEL.KEY."""
    return [
        f"{model.__name__}.{name}"
        for model in _all_models()
        for name in model.model_fields
        if not _meanings(model).get(name) and not any(map(_about, _models(_annotations(model)[name])))
    ]


def _section(name: str, field: FieldInfo, annotation: Any) -> Iterator[str]:
    yield f"## `{name}`\n"
    models = list(_models(annotation))
    meaning = _meanings(ConfigModel).get(name) or _about(models[0])
    needed = "Required. " if field.is_required() else "" if _TOLD in meaning else f"Default: {_default(field)}. "
    yield f"{meaning}\n"
    if not models:
        yield f"{needed}Type: {_words(annotation)}.\n"
        return
    model = models[0]
    if get_origin(annotation) is dict:
        yield f"{needed}A mapping of names to entries, each with these keys:\n"
    elif get_origin(annotation) is tuple:
        yield f"{needed}A list of entries, each with these keys:\n"
    yield from _tables(model, name, 3)
    if issubclass(model, PluggedModel):
        kind = _KINDS[name]
        for plugin, settings in plugins(name):
            yield f"### `{name}` with `{kind}: {plugin}`\n"
            yield f"{_about(settings)}\n"
            yield from _tables(settings, f"{name}: {plugin}", 4)


def _tables(model: type[Settings], place: str, level: int) -> Iterator[str]:
    """The keys of a model, and below those of the models within it."""
    meanings, inner = _meanings(model), []
    rows = ["| key | type | default | meaning |", "| --- | --- | --- | --- |"]
    for name, field in model.model_fields.items():
        annotation, key = _annotations(model)[name], field.alias or name
        within = list(_models(annotation))
        inner += [(f"{place}.{key}", one) for one in within]
        meaning = meanings.get(name) or " ".join(_about(one).split("\n\n")[0] for one in within).replace("\n", " ")
        default = "**required**" if field.is_required() else "see there" if _TOLD in meaning else _default(field)
        cells = (f"`{key}`", _words(annotation), default, meaning)
        rows.append(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |")
    yield "\n".join(rows) + "\n"
    for where, one in inner:
        yield f"{'#' * level} `{where}`\n"
        yield f"{_about(one)}\n"
        yield from _tables(one, where, level)


def _words(annotation: Any) -> str:
    """A type in words."""
    if found := next((words for known, words in _WORDS if known == annotation), None):
        return found
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return _words(arguments[0])
    if origin in (Union, UnionType):
        return _either(list(dict.fromkeys(_words(one) for one in arguments if one is not NoneType)))
    if origin is Literal:
        return _either([f"`{word}`" for word in arguments])
    if origin is tuple:
        return f"list of {_plural(arguments[0])}"
    if origin is dict:
        return f"mapping: {_words(arguments[0])} to {_words(arguments[1])}"
    if isinstance(annotation, type) and issubclass(annotation, Enum):
        return _either([f"`{one.value}`" for one in annotation])
    if isinstance(annotation, type) and issubclass(annotation, Settings):
        return "mapping, see below"
    raise TypeError(f"the reference has no words for {annotation!r}")


def _either(words: list[str]) -> str:
    return " or ".join(filter(None, (", ".join(words[:-1]), words[-1])))


def _plural(annotation: Any) -> str:
    if any(True for _ in _models(annotation)):
        return "mappings, see below"
    words = _words(annotation)
    irregular = {"day": "days", "hours": "hours", "e-mail address": "e-mail addresses", "person": "people"}
    return irregular.get(words) or (words if words.startswith(("`", "address")) else f"{words}s")


def _default(field: FieldInfo) -> str:
    """A default as a config would write it."""
    value = field.get_default(call_default_factory=True)
    text = _written(value)
    if isinstance(value, float):
        text = str(Duration(timedelta(seconds=value)))
    return f"`{text}`" if text else "none"


def _written(value: Any) -> str:
    if value is None or value in ((), {}, ""):
        return ""
    if isinstance(value, Settings):
        given = {name: _written(one) for name, one in value if name in value.model_fields_set}
        return f"{{{', '.join(f'{name}: {text}' for name, text in given.items())}}}" if given else ""
    if isinstance(value, tuple):
        return f"[{', '.join(map(_written, value))}]"
    if isinstance(value, bool):
        return str(value).lower()
    return str(value.value if isinstance(value, Enum) else value)


def _about(model: type[Settings]) -> str:
    """The docstring of a model, where it has one of its own."""
    return inspect.cleandoc(model.__dict__.get("__doc__") or "")


def _annotations(model: type[Settings]) -> dict[str, Any]:
    """The types of a model's fields as they are written, with what checks them."""
    found: dict[str, Any] = {}
    for one in reversed(model.__mro__):
        if issubclass(one, Settings) and one is not Settings:
            found |= inspect.get_annotations(one, eval_str=True)
    return found


def _meanings(model: type[Settings]) -> dict[str, str]:
    """The docstrings below a model's fields, each in one line."""
    found: dict[str, str] = {}
    for one in reversed(model.__mro__):
        if not issubclass(one, Settings) or one is Settings:
            continue
        (body,) = ast.parse(textwrap.dedent(inspect.getsource(one))).body
        assert isinstance(body, ast.ClassDef)  # noqa: S101  (the source of a class)
        for above, below in zip(body.body, body.body[1:], strict=False):
            if not isinstance(above, ast.AnnAssign) or not isinstance(above.target, ast.Name):
                continue
            if isinstance(below, ast.Expr) and isinstance(below.value, ast.Constant):
                found[above.target.id] = " ".join(str(below.value.value).split())
    return found


def _models(annotation: Any) -> Iterator[type[Settings]]:
    """The models within a type, in order."""
    if isinstance(annotation, type) and issubclass(annotation, Settings):
        yield annotation
    for part in get_args(annotation):
        yield from _models(part)


def _all_models() -> list[type[Settings]]:
    """Every model of the config, those of connectors, lead sources and channels included."""
    found: dict[type[Settings], None] = {}

    def add(model: type[Settings]) -> None:
        if model not in found:
            found[model] = None
            for annotation in _annotations(model).values():
                for one in _models(annotation):
                    add(one)

    add(ConfigModel)
    for section in _KINDS:
        for _, settings in plugins(section):
            add(settings)
    return list(found)


if __name__ == "__main__":
    print(reference(), end="")  # noqa: T201  (what it is run for)
