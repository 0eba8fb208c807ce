"""Commands about the store as a whole: backups, and the way from one database to another."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from inboxwatch.cli.options import ConfigFile, Json, load

store = typer.Typer(help="The store as a whole: back it up, restore it, move it.", no_args_is_help=True)

Replace = Annotated[bool, typer.Option("--replace", help="Put it in the place of what is there already.")]


@store.command(epilog="Example: inboxwatch store backup /var/backups/inboxwatch.db -c FILE --replace")
def backup(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The file to write; the key of links goes to FILE.key.")],
    config: ConfigFile,
    replace: Replace = False,
) -> None:
    """Writes the whole store into one file while the daemon works on; the same file for SQLite and PostgreSQL."""
    from inboxwatch.commands.store import run_backup

    raise typer.Exit(run_backup(load(config, secrets=False), file, replace=replace))


@store.command(epilog="Example: inboxwatch store restore /var/backups/inboxwatch.db -c FILE (with the daemon stopped)")
def restore(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="What `store backup` wrote, of either database.")],
    config: ConfigFile,
    replace: Replace = False,
) -> None:
    """Makes the config's store what a backup holds, once the backup has proved whole. Stop the daemon first."""
    from inboxwatch.commands.store import run_restore

    raise typer.Exit(run_restore(load(config, secrets=False), file, replace=replace))


@store.command(
    epilog="Examples: inboxwatch store copy postgresql://inboxwatch@db.example.org/inboxwatch -c FILE | "
    "INBOXWATCH_COPY_TO=URL inboxwatch store copy -c FILE"
)
def copy(
    config: ConfigFile,
    url: Annotated[
        str,
        typer.Argument(
            metavar="URL",
            envvar="INBOXWATCH_COPY_TO",
            help="The new store, as store.url would name it. With a password in it, give it by the variable: "
            "what is on a command line others can read.",
        ),
    ],
    replace: Replace = False,
) -> None:
    """Copies the config's store to another database, SQLite or PostgreSQL. Stop the daemon first, then change
    store.url.
    """
    from inboxwatch.commands.store import run_copy

    raise typer.Exit(run_copy(load(config, secrets=False), url, replace=replace))


@store.command("trust-clock", epilog="Example: inboxwatch store trust-clock -c FILE (after a look at timedatectl)")
def trust_clock(config: ConfigFile) -> None:
    """Says that this machine's clock is right though it went far ahead: history.keep counts by it again."""
    from inboxwatch.commands.store import run_trust_clock

    raise typer.Exit(run_trust_clock(load(config, secrets=False)))


def workers(config: ConfigFile, json: Json = False) -> None:
    """Who reads which mailboxes of a store that several daemons share, since when, and what nobody reads."""
    from inboxwatch.commands.workers import list_workers

    raise typer.Exit(list_workers(load(config, secrets=False), as_json=json))
