"""Commands about one person outside: erase what is held of them, or show it to them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from inboxwatch.cli.options import By, ConfigFile, Json, load, refuse
from inboxwatch.commands.exit_code import ExitCode

Address = Annotated[str, typer.Argument(metavar="ADDRESS", help="Any e-mail address of the person; a lead's, too.")]


def forget(  # seven parameters: typer makes an option of each
    address: Address,
    config: ConfigFile,
    by: By = "",
    reason: Annotated[str, typer.Option(help="Why, such as the number of the request; kept. Name nobody.")] = "",
    with_open_waits: Annotated[
        bool, typer.Option("--with-open-waits", help="Also where a reply is owed: the waits end, dismissed.")
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only show what would go.")] = False,
    json: Json = False,
) -> None:
    """Erases all that names a person outside; figures stay. Old mail and lists do not bring the person back."""
    if not by and not dry_run:
        refuse("say who acts: --by PERSON, or --dry-run", ExitCode.BAD_CONFIG)
    from inboxwatch.commands.people import run_forget
    from inboxwatch.engine.actions import Acting
    from inboxwatch.now import now

    acting = None if dry_run else Acting(by, now(), reason)
    raise typer.Exit(run_forget(load(config), address, acting, with_open_waits=with_open_waits, as_json=json))


def export(
    address: Address,
    config: ConfigFile,
    output: Annotated[Path | None, typer.Option("-o", "--output", help="The file to write; default: print.")] = None,
) -> None:
    """All that is known of a person outside, as JSON: the answer to who asks what is held of them."""
    from inboxwatch.commands.people import run_export

    raise typer.Exit(run_export(load(config), address, output))


def add_to(app: typer.Typer) -> None:
    """Adds the commands to the program's."""
    app.command(epilog="Example: inboxwatch forget bo@buyer.example -c FILE --by max --reason 'request 17'")(forget)
    app.command(epilog="Example: inboxwatch export bo@buyer.example -c FILE -o bo.json")(export)
