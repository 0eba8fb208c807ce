"""The strict base of every settings model, and secrets given as `x`, `x_file` or `x_env`, exactly one."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, GetCoreSchemaHandler, ValidationInfo, model_validator
from pydantic_core import PydanticCustomError, core_schema


class Secret:
    """A secret that prints as a placeholder; `reveal()` gives its text."""

    __slots__ = ("_text", "origin")

    def __init__(self, text: str | None, origin: str) -> None:
        self._text = text
        self.origin = origin

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
            lambda value: value if isinstance(value, Secret) else cls(_text(value), "the config"),
            metadata={"pydantic_js_functions": [lambda _schema, _handler: {"type": "string", "writeOnly": True}]},
        )


def _text(value: Any) -> str:
    if not isinstance(value, str) or not value:
        raise PydanticCustomError("secret", "must be a text that is not empty; quote it if it is a number")
    return value


def _resolve(suffix: str, value: Any, info: ValidationInfo) -> Secret:
    context = info.context or {}
    text = _text(value)
    if suffix == "env":
        found = os.environ.get(text)
        if found is None and context.get("secrets", True):
            raise ValueError(f"the environment variable {text} is not set")
        return Secret(found, f"${text}")
    path = context.get("folder", Path()) / text
    if not context.get("secrets", True) and not path.exists():
        return Secret(None, str(text))
    try:
        found = path.read_text(encoding="utf-8").rstrip("\r\n")
    except OSError as error:
        raise ValueError(f"cannot read {text}: {error.strerror}") from None
    if not found:
        raise ValueError(f"{text} is empty")
    return Secret(found, str(text))


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
                raise ValueError(f"give exactly one of {', '.join(given)}")
            if given and given[0] != name:
                data[name] = _resolve(given[0].rpartition("_")[2], data.pop(given[0]), info)
        return data


def _is_secret(annotation: Any) -> bool:
    return annotation is Secret or Secret in getattr(annotation, "__args__", ())


def _inside(value: Any, info: ValidationInfo) -> Any:
    if not isinstance(value, str) or not value:
        raise PydanticCustomError("path", "must be a path")
    folder: Path = (info.context or {}).get("folder", Path())
    return folder / Path(value).expanduser()


ConfigPath = Annotated[Path, BeforeValidator(_inside)]
"""A path; a relative one starts at the config file's folder."""
