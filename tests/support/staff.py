"""A company whose people a directory lists: a CSV file or a group of the double of Microsoft Graph."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import select

from connectors.directories.google import MEMBERS, PEOPLE
from inboxwatch import config as configuration
from inboxwatch.daemon.app import App
from inboxwatch.now import Now
from inboxwatch.now import now as utc_now
from inboxwatch.store import tables
from tests.doubles.dovecot import MASTER, PASSWORD, Dovecot
from tests.doubles.entra import CLIENT_ID, SECRET, TENANT
from tests.doubles.gmail import METADATA, GmailServer
from tests.doubles.google_directory import ADMIN, GoogleDirectoryServer
from tests.doubles.google_directory import person as google_person
from tests.doubles.graph import EntraGroup, GraphServer
from tests.doubles.https_server import ca_file
from tests.support.waiting import wait_in_loop

RULES = """
organization: {domains: [acme.test]}
people:
  max: {name: Max Ode, email: max@acme.test}
routing: {rules: [{assign: mailbox.owner}], fallback: max}
sla_policies: [{name: default, first_response: 4h, next_response: 4h, escalation: standard}]
escalation_policies: {standard: {steps: [{at: 100%, notify: [owner]}]}}
stop_conditions: [answered, dismissed]
unknown_senders: always
channels: {desk: {type: console}}
web: {listen: "127.0.0.1:0"}
"""
GROUP = "11111111-2222-3333-4444-555555555555"


def csv_directory(path: str = "staff.csv", **keys: str) -> str:
    """The lines of a config that watch everybody of a CSV file, their mailboxes in Maildirs below `mail/`."""
    further = "".join(f", {name}: {value}" for name, value in keys.items())
    return f"""
directories:
  staff: {{source: csv, path: {path}, mailboxes: {{connector: maildir, path: "mail/{{user}}"}}{further}}}
"""


def graph_directory(server: GraphServer, group: str) -> str:
    """Three lines that watch everybody of a group; what follows in them leads to the double in place of Microsoft."""
    double = f"graph_url: {server.server.url}, login_url: {server.entra.server.url}, ca_file: {ca_file()}"
    return f"""
directories:
  sales: {{source: graph, group: {group}, mailboxes:
    {{connector: graph, tenant: {TENANT}, client_id: {CLIENT_ID}, client_secret: {SECRET}, {double}}}}}
"""


def dovecot_directory(server: Dovecot) -> str:
    """The lines of a config that watch every account of a real server by its master user."""
    reading = f"connector: imap, host: 127.0.0.1, port: {server.port}, security: none, master_user: {MASTER}"
    return f"""
directories:
  staff: {{source: dovecot, path: {server.base / "users"}, mailboxes: {{{reading}, password: {PASSWORD}}}}}
"""


@contextmanager
def google_staff(count: int) -> Iterator[tuple[GoogleDirectoryServer, GmailServer]]:
    """Doubles of a domain with so many people in the unit /Sales, each with a mailbox."""
    directory = GoogleDirectoryServer(people=[google_person(number) for number in range(count)])
    directory.tokens.delegated = {PEOPLE, MEMBERS, METADATA}
    directory.groups["sales@acme.test"] = [one["primaryEmail"] for one in directory.people]
    gmail = GmailServer(directory.tokens)
    for one in directory.people:
        gmail.user(one["primaryEmail"])
    yield directory, gmail
    gmail.close()
    directory.server.close()


def google_directory(directory: GoogleDirectoryServer, gmail: GmailServer) -> str:
    """The lines of a config that watch everybody of the unit /Sales."""
    login = f"service_account: {json.dumps(directory.tokens.key())}, ca_file: {ca_file()}"
    return f"""
directories:
  sales: {{source: google, unit: /Sales, admin: {ADMIN}, directory_url: {directory.server.url}, mailboxes:
    {{connector: gmail, gmail_url: {gmail.server.url}, {login}}}}}
"""


def user(number: int, **words: Any) -> dict[str, Any]:
    """A person as Graph shows them."""
    address = f"p{number}@acme.test"
    return {
        "@odata.type": "#microsoft.graph.user",
        "id": f"id-{number}",
        "displayName": f"Person {number}",
        "mail": address,
        "proxyAddresses": [f"SMTP:{address}", f"smtp:person.{number}@acme.test", f"x500:/o=acme/{number}"],
        "accountEnabled": True,
        "userType": "Member",
        "department": "emea" if number % 2 else "apac",
        **words,
    }


@contextmanager
def graph_staff(count: int) -> Iterator[GraphServer]:
    """A double with a group of so many people, each with a mailbox."""
    server = GraphServer()
    server.groups[GROUP] = EntraGroup("sales@acme.test", [user(number) for number in range(count)])
    for number in range(count):
        server.user(f"p{number}@acme.test", "basic")
    yield server
    server.close()


class CsvStaff:
    """A folder with a config, a list of people and their Maildirs."""

    def __init__(self, folder: Path, **keys: str) -> None:
        self.folder = folder
        self.list = folder / "staff.csv"
        self.path = folder / "inboxwatch.yaml"
        self.configure(**keys)

    def configure(self, **keys: str) -> None:
        self.path.write_text(RULES + csv_directory(**keys), encoding="utf-8")

    def lists(self, *people: str, header: str = "email,team") -> None:
        """Writes the list: `ana`, or `ana,emea` with a team."""
        rows = []
        for person in people:
            user, _, further = person.partition(",")
            for part in ("cur", "new", "tmp"):
                (self.folder / "mail" / user / part).mkdir(parents=True, exist_ok=True)
            rows.append(f"{user}@acme.test,{further}")
        self.list.write_text("\n".join([header, *rows, ""]), encoding="utf-8")

    def app(self, now: Now = utc_now) -> App:
        return app_of(self.path, now)


def app_of(path: Path, now: Now = utc_now) -> App:
    """The daemon of a config file. It tunes no process: looking through all that those of tests hold takes seconds."""
    return App(path, configuration.load(path), now, settled=lambda: None)


class RunningApp:
    """A daemon in the test's own event loop."""

    def __init__(self, app: App) -> None:
        self.app = app
        self._serving: asyncio.Task[None] | None = None

    async def __aenter__(self) -> RunningApp:
        started = asyncio.Event()
        self._serving = asyncio.create_task(self.app.serve(lambda _: started.set()))
        ended = asyncio.create_task(started.wait())
        await asyncio.wait([self._serving, ended], return_when=asyncio.FIRST_COMPLETED)
        return self

    async def __aexit__(self, *_: object) -> None:
        self.app.stop()
        assert self._serving is not None
        await self._serving

    async def watches(self, *mailboxes: str) -> None:
        """Waits until just these are in force and each was read without a mistake."""
        wanted = set(mailboxes)
        await wait_in_loop(lambda: set(self.app.config.mailboxes) == wanted, f"{wanted} were not taken over")
        await wait_in_loop(lambda: self.app.supervisor.tried >= wanted, "not every mailbox was read")

    @property
    def told(self) -> list[str]:
        """The titles of the notices to IT, oldest first."""
        with self.app.store.reading() as tx:
            rows = tx.connection.execute(select(tables.delivery.c.body).order_by(tables.delivery.c.id))
            return [row.body["title"] for row in rows if row.body]
