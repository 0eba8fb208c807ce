"""Kinds of values in the settings of connectors."""

from __future__ import annotations

import re
from typing import Annotated, Any
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, WithJsonSchema

_UNITS = {"s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_PATTERN = r"^\d+(\.\d+)?[smhd]$"


def _seconds(value: Any) -> float:
    if isinstance(value, float):
        return value
    if not isinstance(value, str) or not re.match(_PATTERN, value) or not float(value[:-1]):
        raise ValueError("must be a time with its unit, such as 30s, 10m or 1h")
    return float(value[:-1]) * _UNITS[value[-1]]


Seconds = Annotated[float, BeforeValidator(_seconds), WithJsonSchema({"type": "string", "pattern": _PATTERN})]
"""Seconds, written with a unit."""


def _listed(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


Names = Annotated[tuple[str, ...], BeforeValidator(_listed)]
"""One name or a list of names."""


def _https_host(value: str) -> str:
    if not re.fullmatch(r"https://[^/\s]+", value):
        raise ValueError("must be https:// and a host, with nothing behind it")
    return value


def _https_url(value: str) -> str:
    if value and not re.fullmatch(r"https://[^\s]+[^\s/]", value):
        raise ValueError("must begin with https:// and end without a slash")
    return value


def _api_url(value: str) -> str:
    parts = urlsplit(value)
    loopback = parts.hostname in ("localhost", "127.0.0.1", "::1")
    if (
        not re.fullmatch(r"https?://[^/\s?#@]+", value)
        or not parts.hostname
        or (parts.scheme == "http" and not loopback)
    ):
        raise ValueError("must be https:// and a host, with nothing behind it; http:// is for loopback only")
    return value


ApiUrl = Annotated[str, AfterValidator(_api_url)]
"""`https://` and a host, with or without a port; on loopback `http://` as well."""
HttpsUrlOrEmpty = Annotated[str, AfterValidator(_https_url)]
"""An address behind `https://`, without a slash at its end, or empty for the default."""
HttpsHost = Annotated[str, AfterValidator(_https_host)]
"""`https://` and a host, with or without a port."""
HttpsHostOrEmpty = Annotated[str, AfterValidator(lambda value: value and _https_host(value))]
"""The same, or empty for the default."""
