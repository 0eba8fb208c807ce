"""Which files of an installation others on this machine can read, though they hold secrets or buyers' names."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from pydantic import BaseModel

from inboxwatch.config import Config
from inboxwatch.config.certificate import readable_by_others
from inboxwatch.config.fields import is_loopback
from inboxwatch.settings import Secret, under

_BESIDE_STORE = ("", "-wal", "-shm", ".key")


def exposed(config: Config) -> Iterator[tuple[Path, str]]:
    """(file, what it holds) of each file that others than its owner and group can read."""
    sections = [config.web, config.channels, config.mailboxes, config.directories, config.leads, config.store_url]
    found = list(_secrets(sections))
    inline = any(one.origin == "the config" and not _is_plain_store(one) for one in found)
    files = dict.fromkeys((config.path, *config.drop_ins), "secrets") if inline else {}
    folder = config.path.parent
    files |= {under(folder, one.origin): "a secret" for one in found if one.in_file}
    url = config.store_url.reveal() if config.store_url.resolved else ""
    if url.startswith("sqlite:///"):
        database = url.removeprefix("sqlite:///").partition("?")[0]
        files |= {Path(database + suffix): "the store" for suffix in _BESIDE_STORE}
    for path, what in files.items():
        if readable_by_others(path):
            yield path, what


def clear_text(settings: Any) -> bool:
    """Whether a channel's address is plain http of another machine."""
    url = getattr(settings, "url", None) or getattr(settings, "api_url", None)
    text = url.reveal() if isinstance(url, Secret) and url.resolved else url
    return isinstance(text, str) and text.startswith("http://") and not is_loopback(urlsplit(text).hostname or "")


def _is_plain_store(secret: Secret) -> bool:
    return secret.resolved and secret.reveal().startswith("sqlite:")


def _secrets(value: Any) -> Iterator[Secret]:
    """Every secret in a config, however deep."""
    if isinstance(value, Secret):
        yield value
    elif isinstance(value, BaseModel):
        for name in type(value).model_fields:
            yield from _secrets(getattr(value, name))
    elif is_dataclass(value) and not isinstance(value, type):
        for field in fields(value):
            yield from _secrets(getattr(value, field.name))
    elif isinstance(value, Mapping):
        yield from _secrets(list(value.values()))
    elif isinstance(value, list | tuple):
        for one in value:
            yield from _secrets(one)
