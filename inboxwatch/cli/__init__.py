"""The command line. Imports are lazy: `inboxwatch --help` answers at once and loads no SDK."""

from __future__ import annotations

import os
import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated, NoReturn

import typer

from inboxwatch import __version__
from inboxwatch.cli import people, triage
from inboxwatch.cli.audit import audit
from inboxwatch.cli.corrections import kinds, matches
from inboxwatch.cli.init import EXAMPLES, init
from inboxwatch.cli.options import By, ConfigFile, Json, Reason, instant_of, load, load_written, refuse
from inboxwatch.cli.store import store, workers
from inboxwatch.commands.exit_code import ExitCode
from inboxwatch.core.follow_up_days import Day

app = typer.Typer(
    name="inboxwatch",
    help="Makes inbox latency visible and the ownership of every buyer's reply certain.",
    epilog="Try it: inboxwatch demo. Start: inboxwatch init; inboxwatch check -c "
    "inboxwatch.yaml; inboxwatch run -c inboxwatch.yaml",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
clocks = typer.Typer(help="Open waits of the running daemon: list them, act on them.", no_args_is_help=True)
outbox = typer.Typer(help="Messages that could not be delivered (dead letters).", no_args_is_help=True)
leads = typer.Typer(help="Known leads.", no_args_is_help=True)
config_app = typer.Typer(
    help="The configuration: its schema, an annotated example, what a reload would change.", no_args_is_help=True
)
app.command(name="init", epilog=EXAMPLES)(init)
app.add_typer(clocks, name="clocks")
app.add_typer(leads, name="leads")
app.add_typer(outbox, name="outbox")
app.add_typer(matches, name="matches")
app.add_typer(kinds, name="kinds")
app.add_typer(store, name="store")
app.command(epilog="Example: inboxwatch workers -c FILE")(workers)
app.add_typer(audit, name="audit")
app.add_typer(config_app, name="config")


class OpenOrClosed(StrEnum):
    """Which waits are listed."""

    open = "open"
    closed = "closed"


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"inboxwatch {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    """Holds the options of the program itself. What it writes is its user's alone: stores, reports, logs hold names."""
    os.umask(0o077)


@app.command(epilog="Example: inboxwatch run -c /etc/inboxwatch/inboxwatch.yaml")
def run(
    config: ConfigFile, log_level: Annotated[str, typer.Option(help="debug, info, warning or error.")] = "info"
) -> None:
    """The daemon: watch, match, time, export, escalate. SIGHUP reloads the config, SIGTERM ends it cleanly."""
    from inboxwatch.daemon.logs import LEVELS, configure

    if log_level not in LEVELS:
        refuse(f"--log-level: {log_level!r} is no log level; known are {', '.join(LEVELS)}", ExitCode.BAD_CONFIG)
    configure(log_level)
    loaded = load_written(config)
    from inboxwatch.commands.run import run_daemon

    raise typer.Exit(run_daemon(config, loaded))


@app.command(epilog="Example: inboxwatch check -c inboxwatch.yaml --offline")
def check(
    config: ConfigFile,
    offline: Annotated[bool, typer.Option("--offline", help="Only the config: no logins, no secrets needed.")] = False,
    json: Json = False,
) -> None:
    """Every config problem at once; then mailboxes, channels, and the proof that every route ends at a person."""
    from inboxwatch.commands.check import run_check

    raise typer.Exit(run_check(config, offline=offline, as_json=json))


@app.command(epilog="Example: inboxwatch doctor -c inboxwatch.yaml doctor.tar.gz")
def doctor(
    config: ConfigFile,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The .tar.gz to write; - for standard output.")],
) -> None:
    """Collects what a maintainer needs into one file: versions, config, health, errors; without names and secrets."""
    from inboxwatch.commands.doctor import run_doctor

    raise typer.Exit(run_doctor(config, load(config, secrets=False), file))


@app.command(name="reload", epilog="Example: inboxwatch reload -c /etc/inboxwatch/inboxwatch.yaml")
def reload_config(config: ConfigFile) -> None:
    """Has the running daemon take over the config, all or nothing; says first which open waits that moves."""
    from inboxwatch.commands.reload import run_reload

    raise typer.Exit(run_reload(load(config)))


@app.command()
def demo(
    port: Annotated[int, typer.Option(help="Port of the board and the metrics; 0 takes a free one.")] = 9842,
    seconds: Annotated[float, typer.Option(help="End by itself after this many seconds; 0: only at Ctrl-C.")] = 0,
) -> None:
    """A self-contained run: sample mailboxes, simulated buyers and reps, short SLAs, the board. Ctrl-C ends it."""
    from inboxwatch.commands.demo import run_demo

    raise typer.Exit(run_demo(port, seconds))


@app.command(
    epilog="Examples: inboxwatch replay --us acme.test archive.mbox | "
    "inboxwatch replay -c inboxwatch.yaml --as-of 2026-05-04T12:00:00Z ~/Maildir sent.mbox"
)
def replay(
    paths: Annotated[list[Path], typer.Argument(help="mbox files, Maildirs, folders of .eml, single .eml files.")],
    config: Annotated[Path | None, typer.Option("--config", "-c", metavar="FILE", help="Policies and people.")] = None,
    us: Annotated[list[str] | None, typer.Option(help="Our address or domain; may be repeated.")] = None,
    as_of: Annotated[str | None, typer.Option(metavar="TIME", help="RFC 3339; later messages are left out.")] = None,
    headers_only: Annotated[bool, typer.Option("--headers-only", help="Read no text, as `privacy: headers`.")] = False,
    deeds: Annotated[Path | None, typer.Option(metavar="FILE", help="What people did, as JSON Lines.")] = None,
) -> None:
    """Back-test: what would have happened with this mail. No network, no daemon; prints JSON Lines."""
    from inboxwatch.commands.backtest import run_replay

    until = instant_of("--as-of", as_of)
    if config is None and not us:
        refuse("say who we are: --us DOMAIN (or ADDRESS), or a config with -c", ExitCode.BAD_CONFIG)
    loaded = load(config, secrets=False) if config else None
    try:
        run_replay(paths, loaded, us or [], until, sys.stdout, text=not headers_only, deeds=deeds)
    except BrokenPipeError:
        sys.stderr.close()
    except OSError as error:
        refuse(f"{error.filename}: {error.strerror}")


@app.command(epilog="Example: inboxwatch backfill -c inboxwatch.yaml --since 90d ana")
def backfill(
    config: ConfigFile,
    mailboxes: Annotated[list[str] | None, typer.Argument(help="Mailboxes of the config; default: all.")] = None,
    since: Annotated[str, typer.Option(help="How far back, such as 90d.")] = "90d",
) -> None:
    """Reads history into the store for reports; pages nobody."""
    from inboxwatch.commands.backfill import run_backfill

    loaded = load(config)
    raise typer.Exit(run_backfill(loaded, mailboxes or [], since))


@app.command(epilog="Example: inboxwatch explain -c inboxwatch.yaml buyer@example.org --at 2026-05-04T14:03:00Z")
def explain(
    config: ConfigFile,
    ref: Annotated[str, typer.Argument(help="A clock id, a Message-ID, or a lead's address, name or company.")],
    at: Annotated[str | None, typer.Option(metavar="TIME", help="RFC 3339; also says who owned it then.")] = None,
) -> None:
    """Who owns it, what is the SLA, what happens next and when; then every decision behind it."""
    from inboxwatch.commands.explain import run_explain

    then = instant_of("--at", at)
    raise typer.Exit(run_explain(load(config), ref, then))


@clocks.command("list", epilog="Example: inboxwatch clocks list -c inboxwatch.yaml --owner ana")
def clocks_list(  # eight parameters: typer makes an option of each
    config: ConfigFile,
    state: Annotated[OpenOrClosed, typer.Option(help="open or closed.")] = OpenOrClosed.open,
    owner: Annotated[str | None, typer.Option(help="Only waits of this person.")] = None,
    team: Annotated[str | None, typer.Option(help="Only waits whose owner is in this team.")] = None,
    tier: Annotated[str | None, typer.Option(help="Only waits of this tier.")] = None,
    lead: Annotated[str | None, typer.Option(help="Only waits of this lead's address.")] = None,
    class_: Annotated[str | None, typer.Option("--class", help="Only inquiries of this class.")] = None,
    json: Json = False,
) -> None:
    """Waits in the order in which they fall due; with `--state closed --class vendor` what was filtered, say."""
    from inboxwatch.commands.clocks import list_clocks

    chosen = {"state": state.value, "owner": owner, "team": team, "tier": tier, "lead": lead, "class": class_}
    raise typer.Exit(list_clocks(load(config), {k: v for k, v in chosen.items() if v}, as_json=json))


Wait = Annotated[str, typer.Argument(metavar="CLOCK", help="The wait's id, as `clocks list` shows it.")]
For = Annotated[str, typer.Option("--for", help="How long, such as 2h or 3d.")]
Until = Annotated[str, typer.Option(help="Until when (RFC 3339).")]


@clocks.command(epilog="Example: inboxwatch clocks show -c inboxwatch.yaml 3f9c2ab4d5e60718")
def show(clock: Wait, config: ConfigFile) -> None:
    """One wait: how it stands, who was told of it, who will be if nobody answers, and whose it is then."""
    from inboxwatch.commands.clock_show import show_clock

    raise typer.Exit(show_clock(load(config), clock))


def _do(config: Path, clock: str, action: str, body: dict[str, str]) -> NoReturn:
    from inboxwatch.commands.clocks import act

    raise typer.Exit(act(load(config), clock, action, {key: value for key, value in body.items() if value}))


@clocks.command()
def acknowledge(clock: Wait, config: ConfigFile, by: By, reason: Reason = "") -> None:
    """I have it: takes the wait over and holds its ladder for a while."""
    _do(config, clock, "acknowledge", {"by": by, "reason": reason})


@clocks.command()
def snooze(clock: Wait, config: ConfigFile, by: By, for_: For = "", until: Until = "", reason: Reason = "") -> None:
    """Holds the ladder until a time; the clock runs on."""
    _do(config, clock, "snooze", {"by": by, "for": for_, "until": until, "reason": reason})


@clocks.command("put-off", epilog="Example: inboxwatch clocks put-off -c FILE 3f9c2ab4d5e60718 --by ana --for 3d")
def put_off(clock: Wait, config: ConfigFile, by: By, for_: For = "", until: Until = "", reason: Reason = "") -> None:
    """Moves the due time of a follow-up: it is listed under its new day, and its owner is told then."""
    _do(config, clock, "put-off", {"by": by, "for": for_, "until": until, "reason": reason})


@clocks.command()
def assign(
    clock: Wait,
    config: ConfigFile,
    by: By,
    owner: Annotated[str, typer.Option(help="The new owner.")],
    reason: Reason = "",
) -> None:
    """Gives the wait to another person."""
    _do(config, clock, "assign", {"by": by, "owner": owner, "reason": reason})


@clocks.command()
def dismiss(
    clock: Wait, config: ConfigFile, by: By, reason: Annotated[str, typer.Option(help="Why no reply is owed.")]
) -> None:
    """No reply is owed for this wait; the buyer's next message starts a fresh one."""
    _do(config, clock, "dismiss", {"by": by, "reason": reason})


@clocks.command(epilog="Example: inboxwatch clocks called -c FILE 3f9c2ab4d5e60718 --by ana --reason voicemail")
def called(clock: Wait, config: ConfigFile, by: By, reason: Reason = "") -> None:
    """Logs a call in the place of a mail; ends the wait or follow-up where `activity` is a stop condition."""
    _do(config, clock, "activity", {"by": by, "reason": reason})


@clocks.command()
def stop(
    clock: Wait, config: ConfigFile, by: By, reason: Annotated[str, typer.Option(help="Why nobody follows up.")]
) -> None:
    """Stops following up, without a word of the buyer."""
    _do(config, clock, "stop", {"by": by, "reason": reason})


@clocks.command()
def reopen(clock: Wait, config: ConfigFile, by: By, reason: Reason = "") -> None:
    """A reply is owed after all: takes a dismissal back; the wait runs from its original start. Ten minutes after the
    dismissal a reason is needed.
    """
    _do(config, clock, "reopen", {"by": by, "reason": reason})


@clocks.command(epilog="Example: inboxwatch clocks repolicy -c inboxwatch.yaml --dry-run")
def repolicy(
    config: ConfigFile, dry_run: Annotated[bool, typer.Option("--dry-run", help="Only show what would move.")] = False
) -> None:
    """Puts open waits under the policies of the config as it is now, and shows what moves."""
    from inboxwatch.commands.repolicy import run_repolicy

    raise typer.Exit(run_repolicy(load(config), dry_run=dry_run))


@leads.command("list", epilog="Example: inboxwatch leads list -c inboxwatch.yaml")
def leads_list(config: ConfigFile, json: Json = False) -> None:
    """Known leads with source and owner."""
    from inboxwatch.commands.leads import list_leads

    raise typer.Exit(list_leads(load(config), as_json=json))


@leads.command("search", epilog="Example: inboxwatch leads search -c inboxwatch.yaml muller gmbh")
def leads_search(
    config: ConfigFile,
    text: Annotated[list[str], typer.Argument(help="Parts of name, company or address.")],
    limit: Annotated[int, typer.Option(min=1, max=1000, help="Leads that are shown at most.")] = 20,
    json: Json = False,
) -> None:
    """Leads found by a few letters, accents and case aside: those who wait first, with the owner and the due time."""
    from inboxwatch.commands.leads import search_leads

    raise typer.Exit(search_leads(load(config), " ".join(text), limit, as_json=json))


@app.command("follow-ups", epilog="Example: inboxwatch follow-ups tomorrow -c inboxwatch.yaml --team emea")
def follow_ups(
    config: ConfigFile,
    days: Annotated[
        list[Day] | None, typer.Argument(metavar="DAY...", help="overdue, today, tomorrow, week, later; default: all.")
    ] = None,
    owner: Annotated[str | None, typer.Option(help="Only those of this person.")] = None,
    team: Annotated[str | None, typer.Option(help="Only those of people in this team.")] = None,
    json: Json = False,
) -> None:
    """Who follows up when, by day in each owner's time zone: ours was the last word, the buyer has not answered."""
    from inboxwatch.commands.follow_ups import list_follow_ups

    chosen = {"owner": owner or "", "team": team or ""}
    where = {name: value for name, value in chosen.items() if value}
    raise typer.Exit(list_follow_ups(load(config), days or [], where, as_json=json))


@outbox.command("list", epilog="Example: inboxwatch outbox list -c inboxwatch.yaml")
def outbox_list(config: ConfigFile, json: Json = False) -> None:
    """Dead letters: to whom, by which channel, and why they could not be delivered."""
    from inboxwatch.commands.clocks import list_dead_letters

    raise typer.Exit(list_dead_letters(load(config), as_json=json))


@outbox.command(epilog="Examples: inboxwatch outbox resend 17 18 -c FILE | inboxwatch outbox resend --all -c FILE")
def resend(
    config: ConfigFile,
    numbers: Annotated[list[int] | None, typer.Argument(metavar="ID...", help="As `outbox list` shows them.")] = None,
    all_: Annotated[bool, typer.Option("--all", help="Every dead letter.")] = False,
) -> None:
    """Sends dead letters again, by the channels of the config in force; pages for waits that are over are dropped."""
    from inboxwatch.commands.clocks import resend as send_again

    if bool(numbers) == all_:
        refuse("give the numbers of dead letters, or --all", ExitCode.BAD_CONFIG)
    raise typer.Exit(send_again(load(config), numbers or []))


@app.command(
    epilog="Examples: inboxwatch report -c inboxwatch.yaml --since 30d -o report.html --csv waits.csv | "
    "inboxwatch report -c inboxwatch.yaml --period last-week --team emea | "
    "inboxwatch report -c inboxwatch.yaml --period 2026-05 --language de"
)
def report(  # ten parameters: typer makes an option of each
    config: ConfigFile,
    since: Annotated[str, typer.Option(help="How far back, such as 30d, or a date.")] = "30d",
    output: Annotated[Path, typer.Option("-o", "--output", help="The HTML file to write.")] = Path("report.html"),
    until: Annotated[str, typer.Option(metavar="TIME", help="A date or RFC 3339; default: now.")] = "",
    period: Annotated[
        str,
        typer.Option(
            metavar="PERIOD",
            help="In the place of --since and --until: this-week, last-week, this-month, last-month, a week such as "
            "2026-W19, or a month: 2026-05.",
        ),
    ] = "",
    team: Annotated[str, typer.Option(help="Only the waits of people in this team.")] = "",
    compare: Annotated[str, typer.Option(metavar="DATE", help="Divides the period into before and after.")] = "",
    language: Annotated[str, typer.Option(help="Of the page and the figures printed: en, de or es.")] = "en",
    csv: Annotated[Path | None, typer.Option(help="Writes the waits as CSV, too.")] = None,
    json: Annotated[Path | None, typer.Option(help="Writes the figures as JSON, too.")] = None,
) -> None:
    """One self-contained page with plots for managers; prints its main figures."""
    from inboxwatch.commands.report import ReportChoice, run_report

    chosen = ReportChoice(since, until, compare, period, team, language)
    raise typer.Exit(run_report(load(config), chosen, output, csv=csv, json=json))


people.add_to(app)
triage.add_to(app)


@config_app.command()
def schema() -> None:
    """JSON Schema of the config, for editors."""
    import json

    from inboxwatch import config

    typer.echo(json.dumps(config.schema(), indent=2))


@config_app.command(
    epilog="Examples: inboxwatch config example > inboxwatch.yaml | inboxwatch config example --profile microsoft-365"
)
def example(
    profile: Annotated[
        str,
        typer.Option(help="For a kind of house: small, team, google-workspace, microsoft-365, on-premises."),
    ] = "",
) -> None:
    """An annotated example of most keys to start from, or with --profile a whole config for a kind of house."""
    from inboxwatch import config

    try:
        text = config.example(profile)
    except LookupError as error:
        refuse(str(error.args[0]), ExitCode.BAD_CONFIG)
    typer.echo(text, nl=False)


@config_app.command(
    epilog="Examples: inboxwatch config diff -c inboxwatch.yaml | inboxwatch config diff -c inboxwatch.yaml new.yaml"
)
def diff(
    config: ConfigFile,
    new: Annotated[Path | None, typer.Argument(metavar="NEW", help="Default: the config file as it is now.")] = None,
    json: Json = False,
) -> None:
    """What a reload would change against the config in force, and which open waits it would move. Changes nothing."""
    from inboxwatch.commands.config_diff import run_diff

    known = load(config, secrets=False)
    if not known.store_url.resolved:
        refuse(f"the store's address from {known.store_url.origin} is not there", ExitCode.BAD_CONFIG)
    raise typer.Exit(run_diff(known, load(new, secrets=False) if new else known, as_json=json))


def main() -> None:
    """The console script."""
    app()
