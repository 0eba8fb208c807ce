"""Options and refusals that the commands share."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer

from inboxwatch.commands.exit_code import ExitCode
from inboxwatch.commands.terminal import fail, fail_config

ConfigFile = Annotated[Path, typer.Option("--config", "-c", metavar="FILE", help="The config file (YAML).")]
By = Annotated[str, typer.Option(help="Who acts: a person's id in the config.")]
Reason = Annotated[str, typer.Option(help="Why; kept in the wait's history.")]
Json = Annotated[bool, typer.Option("--json", help="JSON for scripts.")]


def refuse(message: str, code: ExitCode = ExitCode.FAILED) -> NoReturn:
    raise typer.Exit(fail(message, code))


def load_written(path: Path, *, secrets: bool = True) -> Any:
    """The config as it is written, or every problem with it and exit code 2."""
    from inboxwatch import config

    try:
        return config.load(path, secrets=secrets)
    except config.ConfigError as error:
        raise typer.Exit(fail_config(path, error.problems)) from None


def load(path: Path, *, secrets: bool = True) -> Any:
    """The config with the members of its directories as the store has them; problems as of `load_written`."""
    found = load_written(path, secrets=secrets)
    if found.directories:
        from inboxwatch.commands.members import with_stored

        return with_stored(found)
    return found


def instant_of(option: str, text: str | None) -> datetime | None:
    """The instant that an option names, or what to write instead and exit code 2."""
    if text is None:
        return None
    try:
        instant = datetime.fromisoformat(text)
    except ValueError:
        refuse(f"{option}: {text!r} is no time; write 2026-05-04T12:00:00Z", ExitCode.BAD_CONFIG)
    if instant.tzinfo is None:
        refuse(f"{option}: {text!r} has no zone; write it as {text}Z for UTC", ExitCode.BAD_CONFIG)
    return instant
