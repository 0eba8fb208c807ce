"""A house of 5,000 open waits: seconds until one search, one command in Slack and one on the command line answer.

Who owns a lead, what the SLA is, what happens when it slips, who follows up: of leads drawn by chance, asked by name.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from datetime import timedelta
from email.utils import format_datetime
from functools import partial
from pathlib import Path

from playwright.async_api import async_playwright

from inboxwatch import config as configuration
from inboxwatch.connector import Batch, Cursor
from inboxwatch.core.model import FolderRole, Lead, LeadId, MailboxId, PersonId, RawMessage
from inboxwatch.engine.notice_actions import NoticeActions
from inboxwatch.notify.slack.channel import Slack
from inboxwatch.notify.slack.settings import SlackSettings
from tests.doubles.slack import APP, BOT, SlackDouble, slack_double
from tests.support.chromium import ARGUMENTS, serving
from tests.support.in_process_daemon import InProcessDaemon

SLACK = {"bot_token": BOT, "app_token": APP, "timeout": "30s"}
QUESTIONS = ("Who owns it", "What is the SLA", "What happens next", "Who follows up")


def house(folder: Path, waits: int) -> InProcessDaemon:
    """As many buyers wait, one in ten of them has answered us before and is followed up in another matter."""
    daemon = InProcessDaemon(folder, follow_up="16bh")
    text = daemon.path.read_text(encoding="utf-8").replace("ana@acme.test, m", "ana@acme.test, slack_id: U012AB3CD, m")
    daemon.path.write_text(text, encoding="utf-8")
    daemon.config = configuration.load(daemon.path)
    leads = [LeadId(f"b{number}@company{number}.test") for number in range(waits)]
    owners = ("ana", "ben", "max")
    daemon.knows(
        *(
            Lead(one, f"Buyer {number}", f"Company {number}", owner=PersonId(owners[number % 3]), source="known")
            for number, one in enumerate(leads)
        )
    )
    raws = [_letter(daemon, f"q{number}", one, "ana@acme.test", number) for number, one in enumerate(leads)]
    raws += [_letter(daemon, f"f{number}", "ana@acme.test", leads[number], number) for number in range(0, waits, 10)]
    cursor = None
    for at in range(0, len(raws), 500):
        batch = Batch(tuple(raws[at : at + 500]), Cursor(str(at)), seen_until=daemon.at)
        daemon.engine.ingest(MailboxId("ana"), batch, cursor, daemon.at, quiet=True)
        cursor = str(at)
    return daemon


def _letter(daemon: InProcessDaemon, name: str, sender: str, to: str, number: int) -> RawMessage:
    at = daemon.at - timedelta(minutes=number % 600)
    lines = [f"Message-ID: <{name}@{sender.partition('@')[2]}>", f"From: {sender}", f"To: {to}"]
    lines += [f"Date: {format_datetime(at)}", f"Subject: Matter {name}"]
    role = FolderRole.SENT if sender.endswith("@acme.test") else FolderRole.INBOX
    return RawMessage(name, role, at, ("\r\n".join(lines) + "\r\n\r\n").encode())


async def by_page(daemon: InProcessDaemon, names: list[str]) -> list[float]:
    """From the start page as it stands: the key, the name, Enter, until the answers are read."""
    found = []
    async with serving(daemon) as served, async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path="/usr/bin/chromium", args=ARGUMENTS)
        page = await browser.new_page(base_url=served.url)
        for name in names:
            await page.goto("/")
            begun = time.monotonic()
            await page.keyboard.press("/")
            await page.keyboard.type(name)
            await page.keyboard.press("Enter")
            await page.wait_for_url("**/leads/*@*")
            said = await page.locator(".answers").inner_text()
            found.append(time.monotonic() - begun)
            assert all(question in said for question in QUESTIONS), said
            assert (await page.locator("h1").inner_text()).startswith(name)
        await browser.close()
    return found


async def by_slack(daemon: InProcessDaemon, names: list[str]) -> list[float]:
    """Over Slack's own client library, from the command to the answer."""
    found = []
    async with slack_double() as double:
        slack = Slack(SlackSettings.model_validate({**SLACK, "api_url": f"{double.url}/api/"}), "slack")
        await slack.start(NoticeActions(daemon), None)
        for number, name in enumerate(names, 1):
            begun = time.monotonic()
            await double.deliver(double.command(name))
            await double.until(partial(_answered, double, number))
            found.append(time.monotonic() - begun)
            said = " ".join(block["text"]["text"] for block in double.responses[-1]["blocks"] if "text" in block)
            assert f"owns {name} right now" in said, said
            assert "SLA default" in said, said
            assert "follow" in said, said
        await slack.aclose()
    return found


def _answered(double: SlackDouble, number: int) -> bool:
    return len(double.responses) == number


def by_command(daemon: InProcessDaemon, names: list[str]) -> list[float]:
    found = []
    for name in names:
        begun = time.monotonic()
        command = [str(Path(sys.executable).parent / "inboxwatch"), "explain", "-c", str(daemon.path), name]
        said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        found.append(time.monotonic() - begun)
        assert all(part in said for part in ("Owner: ", "SLA: ", "Next: ", "follow")), said
    return found


async def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--waits", type=int, default=5_000)
    parser.add_argument("--leads", type=int, default=20)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        daemon = house(Path(folder), given.waits)
        chosen = random.Random(1).sample(range(given.waits), given.leads)
        names = [f"Buyer {number}" for number in chosen]
        _tell("/inboxwatch NAME in Slack", await by_slack(daemon, names), given.waits)
        _tell("inboxwatch explain NAME", by_command(daemon, names), given.waits)
        used = resource.getrusage(resource.RUSAGE_CHILDREN)
        cpu = (used.ru_utime + used.ru_stime) / len(names)
        sys.stdout.write(f"inboxwatch explain NAME, CPU: {cpu:.2f} s\n")
        _tell("search from the start page", await by_page(daemon, names), given.waits)


def _tell(how: str, seconds: list[float], waits: int) -> None:
    middle, longest = statistics.median(seconds), max(seconds)
    sys.stdout.write(f"{how}, {waits} open waits, {len(seconds)} leads: {middle:.2f} s, at most {longest:.2f} s\n")


if __name__ == "__main__":
    asyncio.run(main())
