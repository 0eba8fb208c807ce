"""The strict base of every settings model, and secrets given in one of five ways (`FORMS`)."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
from pathlib import Path
from typing import Annotated, Any

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    ValidationInfo,
    model_validator,
)
from pydantic_core import PydanticCustomError, core_schema

from inboxwatch.hidden import hide

_UNREPLACED = re.compile(r"\$\{(\w+)(?::?-[^}]*)?\}")
"""What shells and compose files replace by a variable."""
FORMS = ("file", "env", "credential", "command")
"""A secret `x` is given as `x`, `x_file` (a file that holds it), `x_env` (an environment variable), `x_credential` (a
credential of systemd) or `x_command` (a program that prints it), exactly one."""
LOADED_AS = "secret_"
"""Before the names of the credentials that a unit loads as a folder: `LoadCredential=secret:FOLDER`."""
COMMAND_LIMIT = 30.0
"""Seconds that a program may take to print a secret."""
_LONGEST = 1024 * 1024
"""Characters of a secret."""


class Secret:
    """A secret that prints as a placeholder; `reveal()` gives its text."""

    __slots__ = ("_text", "origin")

    def __init__(self, text: str | None, origin: str) -> None:
        self._text = text
        self.origin = origin
        if text:
            hide(text)

    @property
    def resolved(self) -> bool:
        return self._text is not None

    @property
    def in_file(self) -> bool:
        """Whether its origin is the path of a file."""
        return not self.origin.startswith(("$", "the "))

    def reveal(self) -> str:
        """The secret's text. Raises RuntimeError where it was left unresolved (`check --offline`)."""
        if self._text is None:
            raise RuntimeError(f"the secret from {self.origin} was not resolved")
        return self._text

    def __repr__(self) -> str:
        return f"<secret from {self.origin}>"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and (self._text, self.origin) == (other._text, other.origin)

    __hash__ = None  # type: ignore[assignment]  # a secret is no key

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> core_schema.CoreSchema:
        return core_schema.no_info_plain_validator_function(
            _secret,
            metadata={"pydantic_js_functions": [lambda _schema, _handler: {"type": "string", "writeOnly": True}]},
        )


class _Refused:
    """A secret that cannot be had: the key it was given by, and why."""

    def __init__(self, key: str, why: str) -> None:
        self.key = key
        self.why = why


def _secret(value: Any) -> Secret:
    if isinstance(value, Secret):
        return value
    if isinstance(value, _Refused):
        raise PydanticCustomError("secret", "{why}", {"key": value.key, "why": value.why})
    if not isinstance(value, str) or not value:
        raise PydanticCustomError("secret", "must be a text that is not empty; quote it if it is a number")
    if (name := _UNREPLACED.fullmatch(value)) is not None:
        why = f"is used as it stands: nothing is replaced here; name the variable instead, `..._env: {name[1]}`"
        raise PydanticCustomError("secret", "{why}", {"why": why})
    return Secret(value, "the config")


def _resolve(key: str, value: Any, info: ValidationInfo) -> Secret | _Refused:
    """The secret that a key such as `password_env` leads to. Without the need for secrets no program is run."""
    context = info.context or {}
    form = key.rpartition("_")[2]
    if not isinstance(value, str) or not value:
        return _Refused(key, f"must name a {_NOUNS[form]}")
    if form == "command" and not context.get("secrets", True):
        return Secret(None, "the command")
    try:
        found, origin = _found(form, value, context.get("folder", Path()))
    except _UnfoundError as missing:
        return _Refused(key, str(missing)) if context.get("secrets", True) else Secret(None, missing.origin)
    return Secret(found, origin) if found else _Refused(key, f"{_QUOTED[form].format(value)} is empty")


_NOUNS = {"file": "file", "env": "variable", "credential": "credential", "command": "command"}
_QUOTED = {"file": "{}", "credential": "the credential {}", "command": "what the command printed"}
_NOT_ITSELF = "{} belongs here, never the secret itself"
"""Of a value that leads nowhere: it is not quoted, for it may be the secret, put under the wrong key."""


class _UnfoundError(Exception):
    """A secret is not where the config says; `origin` says what was looked for."""

    def __init__(self, why: str, origin: str) -> None:
        super().__init__(why)
        self.origin = origin


def _found(form: str, value: str, folder: Path) -> tuple[str, str]:
    """(the secret, where it was found). Raises _UnfoundError."""
    if form == "env":
        if not (text := os.environ.get(value)):
            raise _UnfoundError(
                f"the environment variable that it names is {'not set' if text is None else 'empty'}; "
                + _NOT_ITSELF.format("the name of a variable"),
                "the environment variable",
            )
        return text, f"${value}"
    if form == "command":
        return _printed(value, folder), "the command"
    path = _credential(value) if form == "credential" else under(folder, value)
    origin = str(path) if form == "credential" else value
    try:
        return path.read_text(encoding="utf-8").rstrip("\r\n"), origin
    except (OSError, UnicodeDecodeError, ValueError) as error:
        why = getattr(error, "strerror", None) or "it is not UTF-8"
        raise _UnfoundError(_unreadable(form, path, why), f"the {form}") from None


def _unreadable(form: str, path: Path, why: str) -> str:
    """Why a file gives no secret; its name is quoted where there is such a file, else only the folder looked into."""
    if os.path.lexists(path):
        return f"cannot read {path}: {why}"
    known = form == "credential" or os.path.isdir(path.parent)  # noqa: PTH112  (Path's own raises for a long name)
    place = f", looked for in {path.parent}" if known else ""
    right = "the path of a file" if form == "file" else "the name of a credential"
    return f"cannot read the {form} that it names{place}: {why}; {_NOT_ITSELF.format(right)}"


def _credential(name: str) -> Path:
    """The file by which systemd hands over a credential. Raises _UnfoundError."""
    if "/" in name or name.startswith("."):
        raise _UnfoundError(f"is no name of a credential; {_NOT_ITSELF.format('such a name')}", "the credential")
    folder = os.environ.get("CREDENTIALS_DIRECTORY")
    if not folder:
        raise _UnfoundError(
            "the credential that it names cannot be had: $CREDENTIALS_DIRECTORY is not set, for systemd did not start "
            "this; set it to the folder of your secrets",
            "the credential",
        )
    loaded = Path(folder, LOADED_AS + name)
    return loaded if os.path.lexists(loaded) else Path(folder, name)


def _printed(command: str, folder: Path) -> str:
    """What a program prints, without a shell. Raises _UnfoundError, which quotes nothing of what it printed."""
    try:
        words = shlex.split(command)
        done = subprocess.run(  # noqa: S603  (the operator's own program, from a config that only they can write)
            words, cwd=folder, stdin=subprocess.DEVNULL, capture_output=True, timeout=COMMAND_LIMIT, check=True
        )
        return done.stdout[:_LONGEST].decode("utf-8").rstrip("\r\n")
    except subprocess.CalledProcessError as error:
        why = f"ended with {error.returncode}"
    except subprocess.TimeoutExpired:
        why = f"printed nothing within {COMMAND_LIMIT:.0f} s"
    except OSError as error:
        why = f"cannot be run: {error.strerror}"
    except UnicodeDecodeError:
        why = "printed no UTF-8"
    except (ValueError, IndexError):
        why = "cannot be read as words: a quotation mark is missing, or all of them"
    raise _UnfoundError(f"the command {why}", "the command")


class Settings(BaseModel):
    """Unknown keys are refused; a field of type Secret may be given in each of the `FORMS`.

    The validation context holds `folder` (Path: where relative paths start) and `secrets` (bool: False leaves those
    that cannot be had unresolved).
    """

    model_config = ConfigDict(extra="forbid", frozen=True, arbitrary_types_allowed=True)

    @classmethod
    def secret_fields(cls) -> tuple[str, ...]:
        return tuple(name for name, field in cls.model_fields.items() if _is_secret(field.annotation))

    @property
    def unresolved(self) -> bool:
        """Whether a secret could not be had, as in `check --offline`: nothing can be made of these settings."""
        return any(isinstance(value, Secret) and not value.resolved for _, value in self)

    @model_validator(mode="before")
    @classmethod
    def _fold_secrets(cls, data: Any, info: ValidationInfo) -> Any:
        if not isinstance(data, dict):
            return data
        data = dict(data)
        for name in cls.secret_fields():
            given = [key for key in (name, *(f"{name}_{form}" for form in FORMS)) if key in data]
            if len(given) > 1:
                refused = _Refused(given[1], f"give exactly one of {', '.join(given)}")
                data = {key: value for key, value in data.items() if key not in given} | {name: refused}
            elif given and given[0] != name:
                data[name] = _resolve(given[0], data.pop(given[0]), info)
        return data

    @classmethod
    def __get_pydantic_json_schema__(
        cls, schema: core_schema.CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        """The forms of each secret, of which exactly one is given."""
        described = handler.resolve_ref_schema(handler(schema))
        properties, required = described.get("properties", {}), described.get("required", [])
        for name in cls.secret_fields():
            forms = [name, *(f"{name}_{form}" for form in FORMS)]
            for form in forms[1:]:
                properties[form] = {"type": "string", "title": form}
            one: list[dict[str, Any]] = [{"required": [form]} for form in forms]
            if name in required:
                required.remove(name)
            else:
                one.append({"not": {"anyOf": list(one)}})
            described.setdefault("allOf", []).append({"oneOf": one})
        return described


def _is_secret(annotation: Any) -> bool:
    return annotation is Secret or Secret in getattr(annotation, "__args__", ())


def under(folder: Path, name: str) -> Path:
    """The path that a config names: `~` is somebody's home where there is such a person."""
    return folder / os.path.expanduser(name)  # noqa: PTH111  (Path's own raises where nobody is called so)


def inside(value: Any, info: ValidationInfo) -> Path:
    """The path that a config names; a relative one starts at the config file's folder."""
    if not isinstance(value, str) or not value:
        raise PydanticCustomError("path", "must be a path")
    folder: Path = (info.context or {}).get("folder", Path())
    return under(folder, value)


ConfigPath = Annotated[Path, BeforeValidator(inside)]
"""A path; a relative one starts at the config file's folder."""
