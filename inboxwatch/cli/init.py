"""`init` and its options: each answers a question."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from inboxwatch.cli.options import refuse
from inboxwatch.commands.exit_code import ExitCode

EXAMPLES = (
    "Examples: inboxwatch init | inboxwatch init --domain acme.test --system imap --mailbox ana@acme.test "
    "--set host=imap.acme.test --set password_env=ANA_PASSWORD --owner 'Ana Diaz' --tell console | inboxwatch init "
    "--domain acme.test --system maildir --mailbox sales@acme.test --set path=/var/mail/sales "
    "--owner 'Ana Diaz <ana@acme.test>' --tell console -o sales.yaml | inboxwatch init --from imap-master "
    "--domain acme.test --list path=/etc/dovecot/users --except 'info@*' --set host=imap.acme.test "
    "--set master_user=reader --set password_file=master --owner 'Max Ode <max@acme.test>' --tell console"
)
_Pairs = Annotated[
    list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="A setting of the mail system; may be repeated.")
]
_TellPairs = Annotated[
    list[str] | None, typer.Option("--tell-set", metavar="KEY=VALUE", help="A setting of the channel; may be repeated.")
]
_ListPairs = Annotated[
    list[str] | None, typer.Option("--list", metavar="KEY=VALUE", help="A setting of the list; may be repeated.")
]
_Except = Annotated[
    list[str] | None,
    typer.Option("--except", metavar="ADDRESS", help="Whom to leave out, or a pattern (info@*); may be repeated."),
]


def init(  # many parameters: typer makes an option of each
    output: Annotated[Path, typer.Option("-o", "--output", metavar="FILE", help="The file to write.")] = Path(
        "inboxwatch.yaml"
    ),
    from_: Annotated[
        str,
        typer.Option("--from", help="Watch everybody on a list: of graph, google, ews, imap-master or csv."),
    ] = "",
    list_: _ListPairs = None,
    except_: _Except = None,
    rule: Annotated[
        bool | None,
        typer.Option("--rule/--by-name", help="Write people as one rule, or by name; default: by name up to 20."),
    ] = None,
    domain: Annotated[str, typer.Option(help="Your mail domain.")] = "",
    system: Annotated[str, typer.Option(help="imap, gmail, graph, ews or maildir.")] = "",
    mailbox: Annotated[str, typer.Option(metavar="ADDRESS", help="The first mailbox to watch.")] = "",
    set_: _Pairs = None,
    owner: Annotated[
        str, typer.Option(help="Who owns it; of a shared mailbox, and with --from: 'Name <own address>'.")
    ] = "",
    tell: Annotated[str, typer.Option(help="How people are told: console, email, slack or webhook.")] = "",
    tell_set: _TellPairs = None,
    force: Annotated[bool, typer.Option("--force", help="Write over a file that exists.")] = False,
    no_login: Annotated[bool, typer.Option("--no-login", help="Do not try the mailbox and the channel.")] = False,
) -> None:
    """A first config by a few questions: of one mailbox, or with --from of everybody on a list; tries the logins before
    it writes. Options answer, so that nobody is asked.
    """
    from inboxwatch.commands.first_answers import Given
    from inboxwatch.commands.init import run_init

    if from_ and mailbox:
        refuse("--mailbox is for one mailbox: leave it out with --from", ExitCode.BAD_CONFIG)
    of_a_list = {"--list": list_, "--except": except_, "--rule and --by-name": rule is not None}
    if not from_ and (alone := next((option for option, value in of_a_list.items() if value), None)):
        refuse(f"{alone} needs --from", ExitCode.BAD_CONFIG)
    given = Given(
        domain,
        system,
        mailbox,
        owner,
        tell,
        _pairs("--set", set_),
        _pairs("--tell-set", tell_set),
        from_,
        _pairs("--list", list_),
        tuple(one.lower() for one in except_ or ()),
        rule,
    )
    raise typer.Exit(run_init(output, given, force=force, login=not no_login))


def _pairs(option: str, given: list[str] | None) -> dict[str, str]:
    pairs = [one.partition("=") for one in given or ()]
    if wrong := next((key for key, equals, value in pairs if not (key and equals and value)), None):
        refuse(f"{option}: write KEY=VALUE, not {wrong!r}", ExitCode.BAD_CONFIG)
    return {key: value for key, _, value in pairs}
