"""Commands that show who did what."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from inboxwatch.cli.options import ConfigFile, Json, instant_of, load

audit = typer.Typer(help="Who did or tried what, when, by which door, with what outcome.", no_args_is_help=True)
Since = Annotated[str | None, typer.Option(metavar="TIME", help="RFC 3339; earlier rows are left out.")]
Until = Annotated[str | None, typer.Option(metavar="TIME", help="RFC 3339; rows from then on are left out.")]
ByWhom = Annotated[str, typer.Option(help="Only this person's rows.")]
AboutLead = Annotated[str, typer.Option(help="Only rows about this lead's address.")]


class Format(StrEnum):
    """Of an export."""

    jsonl = "jsonl"
    csv = "csv"


def _wanted(since: str | None, until: str | None, by: str, lead: str) -> Any:
    from inboxwatch.engine.audit import Wanted

    return Wanted(instant_of("--since", since), instant_of("--until", until), by, lead)


@audit.command("list", epilog="Example: inboxwatch audit list -c FILE --since 2026-05-01T00:00:00Z --by ana")
def audit_list(  # eight parameters: typer makes an option of each
    config: ConfigFile,
    since: Since = None,
    until: Until = None,
    by: ByWhom = "",
    lead: AboutLead = "",
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="Rows of a page.")] = 100,
    before: Annotated[int | None, typer.Option(metavar="ID", help="Only rows before this one: the next page.")] = None,
    json: Json = False,
) -> None:
    """The newest rows of the audit log."""
    from inboxwatch.commands.audit import list_audit

    wanted = _wanted(since, until, by, lead)
    raise typer.Exit(list_audit(load(config), wanted, limit, before=before, as_json=json))


@audit.command(epilog="Example: inboxwatch audit verify -c FILE --expect 1742:9f86d081...")
def verify(
    config: ConfigFile,
    expect: Annotated[
        str, typer.Option(metavar="ROW:HASH", help="What an earlier run has said is the last row, kept elsewhere.")
    ] = "",
) -> None:
    """Whether every row follows the one before it; names the first that does not."""
    from inboxwatch.commands.audit import verify_audit

    number, _, known = expect.partition(":")
    if expect and not (number.isascii() and number.isdigit() and known):
        raise typer.BadParameter("must be a row's number, a colon and its hash", param_hint="--expect")
    raise typer.Exit(verify_audit(load(config), (int(number), known.lower()) if expect else None))


@audit.command(epilog="Example: inboxwatch audit export -c FILE --format csv -o audit.csv")
def export(  # seven parameters: typer makes an option of each
    config: ConfigFile,
    since: Since = None,
    until: Until = None,
    by: ByWhom = "",
    lead: AboutLead = "",
    format_: Annotated[Format, typer.Option("--format", help="jsonl (JSON lines) or csv.")] = Format.jsonl,
    output: Annotated[Path | None, typer.Option("-o", "--output", help="The file to write; default: print.")] = None,
) -> None:
    """Every row of the audit log, the oldest first."""
    from inboxwatch.commands.audit import export_audit

    wanted = _wanted(since, until, by, lead)
    raise typer.Exit(export_audit(load(config), wanted, output, as_csv=format_ is Format.csv))
