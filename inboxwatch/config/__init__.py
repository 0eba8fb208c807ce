"""The configuration: YAML 1.2 read strictly, every problem told at once, and core objects made of it.

`document` reads a file, `drop_ins` adds those of `conf.d/`, `models` and `fields` say what each value is, `reading`
goes through it entry by entry, `cross_checks` compares the entries, `build` makes the `Config`,
and `members` adds those whom directories list.
"""

from __future__ import annotations

from dataclasses import replace
from importlib.resources import files
from pathlib import Path

from inboxwatch.config import cross_checks, drop_ins
from inboxwatch.config.build import build
from inboxwatch.config.config import (
    ChannelConfig,
    Config,
    DirectoryConfig,
    LeadsConfig,
    MailboxConfig,
    OidcConfig,
    ProxyConfig,
    ReportMailConfig,
    WebConfig,
)
from inboxwatch.config.outline import outline_of
from inboxwatch.config.problem import ConfigError, ConfigProblem
from inboxwatch.config.reading import DocumentReader
from inboxwatch.config.schema import schema

__all__ = [
    "ChannelConfig",
    "Config",
    "ConfigError",
    "ConfigProblem",
    "DirectoryConfig",
    "LeadsConfig",
    "MailboxConfig",
    "OidcConfig",
    "ProxyConfig",
    "ReportMailConfig",
    "WebConfig",
    "example",
    "load",
    "profiles",
    "schema",
]


def load(path: Path, *, secrets: bool = True) -> Config:
    """The config of a file and its drop-ins. Raises ConfigError with all their problems.

    Without `secrets` those that cannot be had stay unresolved, for `replay` and `check --offline`.
    """
    read, files = drop_ins.read(path)
    found = DocumentReader(read, path.absolute().parent, secrets=secrets).read()
    cross_checks.check(found, read)
    if read.problems:
        raise ConfigError(read.problems)
    return replace(build(found, read.data, path), drop_ins=files, outline=outline_of(read.data, found))


def example(profile: str = "") -> str:
    """The annotated reference config, or the one of a profile. Raises LookupError that names the profiles."""
    if profile and profile not in profiles():
        raise LookupError(f"{profile!r} is no profile; there are {', '.join(profiles())}")
    name = f"profiles/{profile}.yaml" if profile else "example.yaml"
    return files(__name__).joinpath(name).read_text(encoding="utf-8")


def profiles() -> list[str]:
    """The names of example configs, each for a kind of house; the smallest is first."""
    found = (one.name.removesuffix(".yaml") for one in files(__name__).joinpath("profiles").iterdir())
    return sorted(found, key=lambda name: (name not in ("small", "team"), name))
