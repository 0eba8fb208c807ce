"""A header block for messages of APIs that give fields instead of one."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import datetime
from email.utils import format_datetime

_NAME = re.compile(r"[!-9;-~]+")
_BREAK = re.compile(r"(?<![ \t])[ \t]*+[\r\n\x00][\s\x00]*+")
_MAX_BLOCK = 128 * 1024

Field = tuple[str, str]
"""A header's name and its value."""


def header_block(fields: Iterable[Field]) -> bytes:
    """The fields as RFC 5322 lines in UTF-8, at most 128 KiB of them; no value can break out of its line."""
    lines: list[bytes] = []
    left = _MAX_BLOCK
    for name, value in fields:
        if not _NAME.fullmatch(name):
            continue
        line = f"{name}: {_BREAK.sub(' ', value).strip()}\r\n".encode("utf-8", "replace")
        left -= len(line)
        if left >= 0:
            lines.append(line)
    return b"".join(lines) + b"\r\n"


def completed(headers: Iterable[Field], fields: Iterable[Field]) -> list[Field]:
    """The message's own headers, with those of the API's fields that they lack put first."""
    own = [(name, value) for name, value in headers if name]
    present = {name.lower() for name, _ in own}
    return [(name, value) for name, value in fields if value and name.lower() not in present] + own


def mailbox(name: str | None, address: str | None) -> str:
    """`"Name" <address>`, as a From or To header has it; empty where there is neither."""
    name = (name or "").strip()
    if not address:
        return f'"{_quoted(name)}"' if name else ""
    return f"<{address}>" if not name or name == address else f'"{_quoted(name)}" <{address}>'


def _quoted(name: str) -> str:
    return name.replace("\\", "\\\\").replace('"', '\\"')


def date(at: datetime | None) -> str:
    """A Date header's value."""
    return format_datetime(at) if at else ""
