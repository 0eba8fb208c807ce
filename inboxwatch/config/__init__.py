"""The configuration: YAML 1.2 read strictly, every problem told at once, and core objects made of it.

`document` reads the file, `models` and `fields` say what each value is, `reading` goes through it entry by entry,
`cross_checks` compares the entries, `build` makes the `Config`.
"""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

from inboxwatch.config import cross_checks, document
from inboxwatch.config.build import build
from inboxwatch.config.config import ChannelConfig, Config, LeadsConfig, MailboxConfig, ProxyConfig, WebConfig
from inboxwatch.config.problem import ConfigError, ConfigProblem
from inboxwatch.config.reading import DocumentReader
from inboxwatch.config.schema import schema

__all__ = [
    "ChannelConfig",
    "Config",
    "ConfigError",
    "ConfigProblem",
    "LeadsConfig",
    "MailboxConfig",
    "ProxyConfig",
    "WebConfig",
    "example",
    "load",
    "schema",
]


def load(path: Path, *, secrets: bool = True) -> Config:
    """The config of a file. Raises ConfigError with all its problems.

    Without `secrets` those that cannot be had stay unresolved, for `replay` and `check --offline`.
    """
    read = document.read(path)
    found = DocumentReader(read, path.absolute().parent, secrets=secrets).read()
    cross_checks.check(found, read)
    if read.problems:
        raise ConfigError(read.problems)
    return build(found, read.data, path)


def example() -> str:
    """The annotated reference config."""
    return files(__name__).joinpath("example.yaml").read_text(encoding="utf-8")
