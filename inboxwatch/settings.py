"""The strict base of every settings model, and secrets given as `x`, `x_file` or `x_env`, exactly one."""

from __future__ import annotations

import os
import re
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
    context = info.context or {}
    needed = context.get("secrets", True)
    if not isinstance(value, str) or not value:
        return _Refused(key, "must name " + ("a variable" if key.endswith("_env") else "a file"))
    if key.endswith("_env"):
        found = os.environ.get(value)
        if not found and needed:
            return _Refused(key, f"the environment variable {value} is {'not set' if found is None else 'empty'}")
        return Secret(found, f"${value}")
    try:
        found = (context.get("folder", Path()) / Path(value).expanduser()).read_text(encoding="utf-8").rstrip("\r\n")
    except (OSError, UnicodeDecodeError) as error:
        why = getattr(error, "strerror", None) or "it is not UTF-8"
        return _Refused(key, f"cannot read {value}: {why}") if needed else Secret(None, value)
    return Secret(found, value) if found else _Refused(key, f"{value} is empty")


class Settings(BaseModel):
    """Unknown keys are refused; a field of type Secret may be given as `x`, `x_file` or `x_env`.

    The validation context holds `folder` (Path: where relative paths start) and `secrets` (bool: False leaves those
    that cannot be had unresolved).
    """

    model_config = ConfigDict(extra="forbid", frozen=True, arbitrary_types_allowed=True)

    @classmethod
    def secret_fields(cls) -> tuple[str, ...]:
        return tuple(name for name, field in cls.model_fields.items() if _is_secret(field.annotation))

    @model_validator(mode="before")
    @classmethod
    def _fold_secrets(cls, data: Any, info: ValidationInfo) -> Any:
        if not isinstance(data, dict):
            return data
        data = dict(data)
        for name in cls.secret_fields():
            given = [key for key in (name, f"{name}_file", f"{name}_env") if key in data]
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
        """The three forms of each secret, of which exactly one is given."""
        described = handler.resolve_ref_schema(handler(schema))
        properties, required = described.get("properties", {}), described.get("required", [])
        for name in cls.secret_fields():
            forms = [name, f"{name}_file", f"{name}_env"]
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


def inside(value: Any, info: ValidationInfo) -> Path:
    """The path that a config names; a relative one starts at the config file's folder."""
    if not isinstance(value, str) or not value:
        raise PydanticCustomError("path", "must be a path")
    folder: Path = (info.context or {}).get("folder", Path())
    return folder / Path(value).expanduser()


ConfigPath = Annotated[Path, BeforeValidator(inside)]
"""A path; a relative one starts at the config file's folder."""
