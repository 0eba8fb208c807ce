"""Commands of who judges what inquiries are: the list of those that nobody has judged, and a verdict."""

from __future__ import annotations

from typing import Annotated

import typer

from inboxwatch.cli.options import By, ConfigFile, Json, Reason, load, refuse
from inboxwatch.commands.exit_code import ExitCode

triage = typer.Typer(
    help="Inquiries that people have to judge: who decides what they are, by when.", no_args_is_help=True
)
EXAMPLES = (
    "Examples: inboxwatch qualify -c FILE 3f9c2ab4d5e60718 --as support --by tia --reason 'login trouble' | "
    "inboxwatch qualify -c FILE q1@buyer.example --as sales --tier hot --owner ana --by tia | "
    "inboxwatch qualify -c FILE q2@jobs.example --as recruiting --sender --by tia | "
    "inboxwatch qualify -c FILE q2@jobs.example --undo --by tia"
)


@triage.command("list", epilog="Example: inboxwatch triage list -c inboxwatch.yaml --owner tia")
def triage_list(
    config: ConfigFile,
    owner: Annotated[str | None, typer.Option(help="Only those of this person.")] = None,
    team: Annotated[str | None, typer.Option(help="Only those of people in this team.")] = None,
    json: Json = False,
) -> None:
    """Inquiries that are to be judged, in the order in which the verdict falls due; `qualify` takes their ids."""
    from inboxwatch.commands.triage import list_unjudged

    chosen = {"owner": owner, "team": team}
    raise typer.Exit(list_unjudged(load(config), {k: v for k, v in chosen.items() if v}, as_json=json))


def qualify(  # ten parameters: typer makes an option of each
    ref: Annotated[str, typer.Argument(metavar="REF", help="A clock's id as the lists show it, or a Message-ID.")],
    config: ConfigFile,
    by: By,
    as_: Annotated[str, typer.Option("--as", metavar="CLASS", help="What it is: a class of `qualification`.")] = "",
    tier: Annotated[str, typer.Option(help="What it is worth; before the list's and the score's.")] = "",
    sender: Annotated[bool, typer.Option("--sender", help="Also of whatever the sender writes from now on.")] = False,
    owner: Annotated[str, typer.Option(help="To whom the wait is given with it.")] = "",
    reason: Reason = "",
    undo: Annotated[bool, typer.Option("--undo", help="Takes the last verdict back.")] = False,
) -> None:
    """Says what an inquiry is: policy, due time, owner and ladder follow, from the buyer's first message on. Of a wait
    that is over it corrects the class; what was filtered runs again.
    """
    if undo == bool(as_) or (undo and (tier or sender or owner)):
        refuse("say what it is: --as CLASS; or take the last verdict back: --undo alone", ExitCode.BAD_CONFIG)
    from inboxwatch.commands.triage import judge, take_back

    if undo:
        raise typer.Exit(take_back(load(config), ref, {"by": by, "reason": reason}))
    body = {"by": by, "class": as_, "tier": tier, "owner": owner, "reason": reason, "scope": "sender" if sender else ""}
    raise typer.Exit(judge(load(config), ref, {key: value for key, value in body.items() if value}))


def add_to(app: typer.Typer) -> None:
    """Adds the commands to the program's."""
    app.add_typer(triage, name="triage")
    app.command(epilog=EXAMPLES)(qualify)
