"""`check`: the config, then logins, folders and channels, then the proof that every route ends at a person."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from inboxwatch import config as configuration
from inboxwatch.commands import mail_stamps
from inboxwatch.commands.check_certificate import check_certificate
from inboxwatch.commands.check_leads import check_leads
from inboxwatch.commands.check_privacy import check_privacy
from inboxwatch.commands.check_qualification import check_qualification
from inboxwatch.commands.check_reports import check_reports
from inboxwatch.commands.check_store import check_port, check_store
from inboxwatch.commands.exit_code import ExitCode
from inboxwatch.commands.finding import Finding, timed
from inboxwatch.commands.members import look_ahead
from inboxwatch.commands.ownership_proof import gaps
from inboxwatch.commands.private_files import clear_text, exposed
from inboxwatch.commands.terminal import fail_config, printable, result
from inboxwatch.config.public_holidays import PublicHolidays
from inboxwatch.config.reply_rules import built_in
from inboxwatch.connector import MailboxError, Reading
from inboxwatch.core.model import Privacy
from inboxwatch.hidden import hidden
from inboxwatch.notify import ChannelError
from inboxwatch.now import now

if TYPE_CHECKING:
    from inboxwatch.config import Config, MailboxConfig

SAMPLE_DAYS = 3
"""How far back mail is looked at for the stamps of our servers."""
SLOW = 0.1
"""Seconds from which on the table shows how long something took."""
PROBE_LIMIT = 45.0
"""Seconds that a mailbox or channel may take to be probed."""


def run_check(path: Path, *, offline: bool, as_json: bool) -> ExitCode:
    """The command; returns the exit code."""
    try:
        written = configuration.load(path, secrets=not offline)
    except configuration.ConfigError as error:
        if not as_json:
            return fail_config(path, error.problems)
        problems = [hidden(str(problem)) for problem in error.problems]
        result(json.dumps({"ok": False, "problems": problems, "findings": []}))
        return ExitCode.BAD_CONFIG
    outlook = look_ahead(written, offline=offline)
    config, begun = outlook.config, time.monotonic()
    findings = [*outlook.findings, *outlook.moves(), *timed(begun, check_store(config, offline=offline))]
    findings += [
        *_files(config),
        *check_certificate(config),
        *_holidays(config),
        *_ownership(config),
        *check_privacy(config),
        *check_reports(config),
        *_meanings(config),
        *check_qualification(config),
    ]
    if not offline:
        begun = time.monotonic()
        findings = [*timed(begun, check_port(config)), *findings]
        findings = asyncio.run(probe(config, whole=as_json)) + findings
    failed = any(one.verdict == "failed" for one in findings)
    if as_json:
        result(json.dumps({"ok": not failed, "problems": [], "findings": [one.as_json() for one in findings]}))
    else:
        _table(findings, offline)
    return ExitCode.FAILED if failed else ExitCode.OK


async def probe(config: Config, *, whole: bool, done: Callable[[], None] = lambda: None) -> list[Finding]:
    """What was found by asking servers; `whole`: each refused row of a list, not the first few.

    `done` is called after each mailbox.
    """
    limit = asyncio.Semaphore(20)

    async def bounded(probe: Any, done: Callable[[], None] = lambda: None) -> list[Finding]:
        async with limit:
            begun = time.monotonic()
            found = [*timed(begun, await probe)]
        done()
        return found

    probes = [bounded(_mailbox(config, box), done) for box in config.mailboxes.values()]
    probes += [bounded(_channel(config, name)) for name in config.channels]
    probes += [bounded(check_leads(config, name, whole=whole)) for name in config.leads]
    return [finding for found in await asyncio.gather(*probes) for finding in found]


async def _mailbox(config: Config, box: MailboxConfig) -> list[Finding]:
    subject = f"mailbox {box.name}"
    connector = box.connect(Reading(privacy=config.privacy))
    begun = time.monotonic()
    try:
        async with asyncio.timeout(PROBE_LIMIT):
            probe = await connector.probe()
    except MailboxError as error:
        return [Finding(subject, "failed", f"{error.reason}: {error}", error.hint)]
    except TimeoutError:
        return [Finding(subject, "failed", f"no answer within {PROBE_LIMIT:.0f} s", "check host, port and firewall")]
    finally:
        await connector.aclose()
    folders = ", ".join(f"{role}: {name}" for role, name in probe.folders.items())
    facts = "; ".join(f"{label} {value}" for label, value in probe.facts)
    found = [Finding(subject, "ok", f"read; {folders}" + (f"; {facts}" if facts else ""))]
    found += [Finding(subject, "warning", warning) for warning in probe.warnings]
    found = [*timed(begun, found)]
    begun = time.monotonic()
    return [*found, *timed(begun, await _stamps(config, box))]


async def _stamps(config: Config, box: MailboxConfig) -> list[Finding]:
    """By whose word senders are checked; what cannot be read here, the mailbox's own finding tells."""
    since = now() - timedelta(days=SAMPLE_DAYS)
    connector = box.connect(Reading(Privacy.HEADERS, since, mail_stamps.SAMPLE))
    try:
        async with asyncio.timeout(PROBE_LIMIT):
            seen = await mail_stamps.seen_stamps(connector, config.us)
    except (MailboxError, TimeoutError) as error:
        text = f"its newest mail cannot be read: {str(error) or 'no answer in time'}"
        return [Finding(f"mailbox {box.name}", "warning", text)]
    finally:
        await connector.aclose()
    return [Finding(f"mailbox {box.name}", "ok", seen.text, seen.hint)] if seen.messages else []


async def _channel(config: Config, name: str) -> list[Finding]:
    channel = config.channels[name].connect()
    try:
        async with asyncio.timeout(PROBE_LIMIT):
            return [Finding(f"channel {name}", "ok", await channel.probe())]
    except ChannelError as error:
        return [Finding(f"channel {name}", "failed", str(error))]
    except TimeoutError:
        return [Finding(f"channel {name}", "failed", f"no answer within {PROBE_LIMIT:.0f} s")]
    finally:
        await channel.aclose()


def _files(config: Config) -> Iterator[Finding]:
    """What others on this machine can read, and clear passwords on the wire."""
    for path, what in exposed(config):
        hint = f"chmod o-rwx {path}"
        yield Finding(f"file {path.name}", "failed", f"holds {what}, and everybody on this machine can read it", hint)
    for name, channel in config.channels.items():
        if clear_text(channel.settings):
            text = "its secrets and buyers' names go over plain http, where others can read them"
            yield Finding(f"channel {name}", "warning", text, "take https, or a host of this machine")


def _holidays(config: Config) -> Iterator[Finding]:
    """On which holidays each calendar closes, and what it leaves open."""
    for name, calendar in config.calendars.items():
        days = calendar.holidays
        if isinstance(days, PublicHolidays):
            place = f"{days.country}-{days.subdivision}" if days.subdivision else days.country
            open_on = f"; open on {', '.join(days.others)}: see `categories`" if days.others else ""
            yield Finding(
                f"calendar {name}", "ok", f"{place}: closed on {', '.join(days.categories)} holidays{open_on}"
            )


def _ownership(config: Config) -> Iterator[Finding]:
    """Every route ends at a named person whom a channel reaches; what cannot be seen is said."""
    found = list(gaps(config))
    for gap in found:
        yield Finding("ownership", gap.verdict, gap.text, gap.hint)
    if not any(gap.verdict == "failed" for gap in found):
        routes = f"{len(config.rules)} rules, fallback {config.fallback}"
        yield Finding("ownership", "ok", f"every route ends at a named person whom a channel reaches ({routes})")


def _meanings(config: Config) -> Iterator[Finding]:
    """Whether the rules of what an answer means do what their examples say."""
    files = (*config.own_rules, built_in())
    failures = [failure for file in files for failure in file.failures()]
    yield from (Finding("meanings", "failed", failure, "mend the rule's words or its example") for failure in failures)
    if not failures:
        own = sum(len(file.rules) for file in config.own_rules)
        yield Finding("meanings", "ok", f"{own} own and {len(built_in().rules)} built-in rules fit their examples")


def _table(findings: list[Finding], offline: bool) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False)
    for column in ("", "what", "finding"):
        table.add_column(column, overflow="fold")
    signs = {"ok": ("ok", "green"), "warning": ("warning", "yellow"), "failed": ("FAILED", "bold red")}
    for one in findings:
        word, style = signs[one.verdict]
        text = Text(printable(hidden(one.text)))
        if one.seconds is not None and one.seconds >= SLOW:
            text.append(f" ({one.seconds:.1f} s)", style="dim")
        if one.hint:
            text.append(f"\n-> {one.hint}", style="dim")
        table.add_row(Text(word, style=style), Text(one.subject), text)
    console = Console()
    failed = sum(one.verdict == "failed" for one in findings)
    well = (
        f"The config can be read, but {failed} of {len(findings)} findings FAILED." if failed else "The config is fine."
    )
    console.print(well + (" Nothing was contacted (--offline)." if offline else ""))
    console.print(table)
