"""Commands that correct what was decided of mail: weak matches, and kinds."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated, NoReturn

import typer

from inboxwatch.cli.options import By, ConfigFile, Json, Reason, load, refuse
from inboxwatch.commands.exit_code import ExitCode

matches = typer.Typer(help="Weak matches of messages to threads: list, confirm, split them.", no_args_is_help=True)
kinds = typer.Typer(help="Mail of leads not taken for a person's: list it, say otherwise.", no_args_is_help=True)


@matches.command("list", epilog="Example: inboxwatch matches list -c inboxwatch.yaml")
def matches_list(config: ConfigFile, json: Json = False) -> None:
    """Messages placed in a thread by a guess that nobody has reviewed, oldest first."""
    from inboxwatch.commands.clocks import list_matches

    raise typer.Exit(list_matches(load(config), as_json=json))


Matched = Annotated[str, typer.Argument(metavar="MESSAGE_ID", help="As `matches list` shows it.")]


def _review(config: Path, message_id: str, verdict: str, by: str, reason: str) -> NoReturn:
    from inboxwatch.commands.clocks import review

    raise typer.Exit(review(load(config), message_id, verdict, {"by": by, "reason": reason}))


@matches.command()
def confirm(message_id: Matched, config: ConfigFile, by: By, reason: Reason = "") -> None:
    """The guess is right: the message belongs to its thread."""
    _review(config, message_id, "confirm", by, reason)


@matches.command()
def split(message_id: Matched, config: ConfigFile, by: By, reason: Reason = "") -> None:
    """The guess is wrong: the message and what hangs on it get a thread of their own, and the waits follow."""
    _review(config, message_id, "split", by, reason)


@matches.command("undo")
def matches_undo(message_id: Matched, config: ConfigFile, by: By, reason: Reason = "") -> None:
    """Takes back that a match was confirmed or split: all stands where it stood, and it is to be reviewed again."""
    _review(config, message_id, "undo", by, reason)


class Machine(StrEnum):
    """What mail may be taken for that no person wrote."""

    auto_reply = "auto_reply"
    bounce = "bounce"
    receipt = "receipt"
    calendar = "calendar"
    bulk = "bulk"


class Human(StrEnum):
    """What people may say of it."""

    human = "human"


@kinds.command("list", epilog="Example: inboxwatch kinds list -c inboxwatch.yaml --since 30d --kind bulk")
def kinds_list(
    config: ConfigFile,
    since: Annotated[str, typer.Option(help="How far back, such as 30d, or a date.")] = "",
    kind: Annotated[Machine | None, typer.Option(help="Only mail of this kind.")] = None,
    mailbox: Annotated[str, typer.Option(help="Only mail of this mailbox.")] = "",
    json: Json = False,
) -> None:
    """Mail of known leads and answers to ours that was not taken for a person's, newest first, with the evidence."""
    from inboxwatch.commands.clocks import list_kinds
    from inboxwatch.engine.report.period import start_of
    from inboxwatch.now import now

    try:
        begin = start_of(since, now()).isoformat() if since else ""
    except ValueError as error:
        refuse(str(error), ExitCode.BAD_CONFIG)
    where = {"since": begin, "kind": kind.value if kind else "", "mailbox": mailbox}
    raise typer.Exit(list_kinds(load(config), {name: one for name, one in where.items() if one}, as_json=json))


@kinds.command("said")
def kinds_said(config: ConfigFile, json: Json = False) -> None:
    """What people have said of kinds: of which message or sender, who and when."""
    from inboxwatch.commands.clocks import list_said

    raise typer.Exit(list_said(load(config), as_json=json))


Doubted = Annotated[str, typer.Argument(metavar="MESSAGE_ID", help="As `kinds list` shows it.")]
OfSender = Annotated[bool, typer.Option("--sender", help="Of whatever its sender writes, filed and to come.")]


def _say(config: Path, message_id: str, action: str, by: str, reason: str, sender: bool) -> NoReturn:
    from inboxwatch.commands.clocks import say_kind

    raise typer.Exit(say_kind(load(config), message_id, action, {"by": by, "reason": reason, "sender": sender}))


@kinds.command("confirm", epilog="Example: inboxwatch kinds confirm m7@example.org human -c inboxwatch.yaml --by ana")
def kinds_confirm(
    message_id: Doubted,
    kind: Annotated[Human, typer.Argument(help="What it is: a person's.")],
    config: ConfigFile,
    by: By,
    sender: OfSender = False,
    reason: Reason = "",
) -> None:
    """A person wrote it: its wait starts at its own time."""
    _say(config, message_id, "confirm", by, reason, sender)


@kinds.command("undo")
def kinds_undo(message_id: Doubted, config: ConfigFile, by: By, sender: OfSender = False, reason: Reason = "") -> None:
    """Takes back what was said: the mail itself decides again."""
    _say(config, message_id, "undo", by, reason, sender)
