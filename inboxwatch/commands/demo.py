"""A self-contained run: a small sales team's Maildirs, simulated buyers and reps, policies of seconds."""

from __future__ import annotations

import asyncio
import contextlib
import random
import socket
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from email.message import EmailMessage
from email.utils import format_datetime
from pathlib import Path

from rich.console import Console

from inboxwatch import config as configuration
from inboxwatch.commands.exit_code import ExitCode
from inboxwatch.daemon.app import App
from inboxwatch.daemon.logs import configure
from inboxwatch.now import now

CONFIG = """\
organization: {{domains: [acme.test]}}
people:
  ana: {{name: Ana Diaz, email: ana@acme.test, manager: max}}
  ben: {{name: Ben Roth, email: ben@acme.test, manager: max}}
  max: {{name: Max Ode, email: max@acme.test}}
teams:
  sales: {{members: [ana, ben], lead: max}}
mailboxes:
  ana: {{connector: maildir, address: ana@acme.test, owner: ana, path: ana, poll_every: 1s}}
  ben: {{connector: maildir, address: ben@acme.test, owner: ben, path: ben, poll_every: 1s}}
  max: {{connector: maildir, address: max@acme.test, owner: max, path: max, poll_every: 1s}}
  team: {{connector: maildir, address: sales@acme.test, team: sales, path: sales, poll_every: 1s}}
unknown_senders: shared
leads:
  known: {{source: csv, path: leads.csv}}
routing:
  rules:
    - {{assign: lead.owner}}
    - {{when: {{mailbox: team}}, assign: {{team: sales, by: load}}}}
    - {{assign: mailbox.owner}}
  fallback: max
sla_policies:
  - {{name: hot, when: {{tier: hot}}, first_response: 8s, next_response: 12s, escalation: quick}}
  - {{name: default, first_response: 12s, next_response: 20s, escalation: quick}}
escalation_policies:
  quick:
    steps:
      - {{at: 50%, notify: [owner]}}
      - {{at: 100%, notify: [owner, manager]}}
      - {{at: 100% + 8s, notify: [manager], reassign: fallback}}
    repeat: {{every: 20s, times: 2}}
    acknowledge_for: 20s
    blind_grace: 5s
stop_conditions: [answered, dismissed, meeting_accepted, opted_out, lead_closed, activity, max_rounds]
channels:
  console: {{type: console}}
notify_by: [console]
store: {{url: "sqlite:///inboxwatch.db"}}
web: {{listen: "127.0.0.1:{port}", url: "http://127.0.0.1:{port}"}}
"""


@dataclass(frozen=True)
class Buyer:
    email: str
    name: str
    company: str
    owner: str
    tier: str


BUYERS = (
    Buyer("bo@northwind.test", "Bo Lindqvist", "Northwind", "ana", "hot"),
    Buyer("cy@initech.test", "Cy Obi", "Initech", "ben", "warm"),
    Buyer("di@globex.test", "Di Marsh", "Globex", "ana", "warm"),
    Buyer("ed@umbrella.test", "Ed Kovac", "Umbrella", "ben", "hot"),
    Buyer("flo@hooli.test", "Flo Tanaka", "Hooli", "ana", "cold"),
)
SUBJECTS = (
    "Your offer of last week",
    "Question about the second licence",
    "Can we talk about the start date?",
    "Security questionnaire",
    "Number of seats",
)


class Post:
    """Carries mail between the simulated people by renaming files into Maildirs, as a mail server does."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._count = 0
        for name in ("ana", "ben", "max", "sales"):
            for box in ("", ".Sent"):
                for part in ("cur", "new", "tmp"):
                    (folder / name / box / part).mkdir(parents=True)

    def send(
        self,
        sender: tuple[str, str],
        to: tuple[str, str],
        subject: str,
        *,
        answers: EmailMessage | None = None,
        automatic: bool = False,
    ) -> EmailMessage:
        """Writes a message into the boxes of those of us who sent or received it."""
        self._count += 1
        message = EmailMessage()
        stamp = format_datetime(now())
        message["Received"] = f"from relay.test by mx.acme.test; {stamp}"
        message["From"] = f"{sender[1]} <{sender[0]}>"
        message["To"] = f"{to[1]} <{to[0]}>"
        message["Subject"] = subject
        message["Date"] = stamp
        message["Message-ID"] = f"<demo-{self._count}@{sender[0].partition('@')[2]}>"
        if answers is not None:
            message["In-Reply-To"] = answers["Message-ID"]
            message["References"] = answers["Message-ID"]
        if automatic:
            message["Auto-Submitted"] = "auto-replied"
        message.set_content("This is a message of the demo.")
        for address, box in ((sender[0], ".Sent"), (to[0], "")):
            name, _, domain = address.partition("@")
            if domain == "acme.test":
                self._deliver(self._folder / name / box, message)
        return message

    def _deliver(self, box: Path, message: EmailMessage) -> None:
        name = f"{self._count}.demo"
        (box / "tmp" / name).write_bytes(bytes(message))
        (box / "tmp" / name).rename(box / "new" / name)


class Play:
    """What the buyers and reps of the demo do."""

    def __init__(self, post: Post, console: Console) -> None:
        self._post = post
        self._console = console
        self._chance = random.Random(7)  # noqa: S311  (a play, not secrecy)

    async def perform(self) -> None:
        """A prompt answer, a wait that nobody answers until it reaches the fallback, then everyday life."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._prompt(BUYERS[2]))
            group.create_task(self._neglected(BUYERS[1]))
            group.create_task(self._everyday())

    async def _prompt(self, buyer: Buyer) -> None:
        await asyncio.sleep(1)
        question = self._ask(buyer, "ana", SUBJECTS[0])
        await asyncio.sleep(4)
        self._answer(question, buyer, "ana")

    async def _neglected(self, buyer: Buyer) -> None:
        await asyncio.sleep(2)
        question = self._ask(buyer, "ben", SUBJECTS[1])
        await asyncio.sleep(34)
        self._answer(question, buyer, "max")

    async def _everyday(self) -> None:
        await asyncio.sleep(8)
        self._say("a buyer's vacation reply arrives: it starts no clock")
        self._post.send(
            (BUYERS[4].email, BUYERS[4].name), ("sales@acme.test", "Sales"), "Out of office", automatic=True
        )
        async with asyncio.TaskGroup() as group:
            for number in range(10_000):
                buyer = self._chance.choice(BUYERS)
                group.create_task(self._exchange(buyer, f"{self._chance.choice(SUBJECTS)} ({number + 1})"))
                await asyncio.sleep(self._chance.uniform(9, 16))

    async def _exchange(self, buyer: Buyer, subject: str) -> None:
        to = self._chance.choice([buyer.owner, "sales"])
        question = self._ask(buyer, to, subject)
        await asyncio.sleep(self._chance.choice([4, 5, 7, 14, 30]))
        self._answer(question, buyer, buyer.owner)

    def _ask(self, buyer: Buyer, to: str, subject: str) -> EmailMessage:
        self._say(f"{buyer.name} of {buyer.company} writes to {to}@acme.test: a clock starts")
        return self._post.send((buyer.email, buyer.name), (f"{to}@acme.test", to.title()), subject)

    def _answer(self, question: EmailMessage, buyer: Buyer, by: str) -> None:
        self._say(f"{by} answers {buyer.name}: the clock stops")
        sender = (f"{by}@acme.test", by.title())
        self._post.send(sender, (buyer.email, buyer.name), f"Re: {question['Subject']}", answers=question)

    def _say(self, text: str) -> None:
        self._console.print(f"[dim]{now():%H:%M:%S}[/dim] [cyan]mail[/cyan]  {text}", highlight=False)


def run_demo(port: int, seconds: float) -> ExitCode:
    """The command: runs until Ctrl-C (or for `seconds`) and leaves nothing behind. Returns the exit code."""
    configure("error")
    console = Console()
    with tempfile.TemporaryDirectory(prefix="inboxwatch-demo-") as folder:
        with _free(port) as chosen:
            path = _prepare(Path(folder), chosen)
        post = Post(Path(folder))
        asyncio.run(_play(path, Play(post, console), console, seconds))
    console.print("The demo is over; its mailboxes and its store are gone.")
    return ExitCode.OK


def _prepare(folder: Path, port: int) -> Path:
    path = folder / "inboxwatch.yaml"
    path.write_text(CONFIG.format(port=port), encoding="utf-8")
    rows = [f"{one.email},{one.name},{one.company},{one.owner},{one.tier}" for one in BUYERS]
    (folder / "leads.csv").write_text("\n".join(["email,name,company,owner,tier", *rows, ""]), encoding="utf-8")
    return path


@contextlib.contextmanager
def _free(port: int) -> Iterator[int]:
    """The port wished for where it is free, else one that is."""
    with socket.socket() as probe:
        try:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(("127.0.0.1", port))
        except OSError:
            probe.bind(("127.0.0.1", 0))
        found: int = probe.getsockname()[1]
    yield found


async def _play(path: Path, play: Play, console: Console, seconds: float) -> None:
    acting: list[asyncio.Task[None]] = []
    begun: datetime = now()

    def started(app: App) -> None:
        console.print(
            f"[bold]inboxwatch demo[/bold] ready: board http://127.0.0.1:{app.port}/ - "
            f"metrics http://127.0.0.1:{app.port}/metrics - Ctrl-C ends it",
            highlight=False,
            soft_wrap=True,
        )
        console.print("Policies of seconds: 50 % warns the owner, 100 % tells the manager, + 8 s moves the ownership.")
        acting.append(asyncio.create_task(play.perform()))
        if seconds:
            asyncio.get_running_loop().call_later(seconds, app.stop)

    app = App(path, configuration.load(path))
    try:
        await app.serve(started)
    finally:
        for task in acting:
            task.cancel()
        await asyncio.gather(*acting, return_exceptions=True)
        console.print(f"Ran for {(now() - begun).total_seconds():.0f} s.", highlight=False)
