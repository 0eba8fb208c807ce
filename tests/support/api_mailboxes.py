"""Mailboxes on doubles of mail APIs, as the contract suite and the fault tests play with them."""

from __future__ import annotations

import itertools
from datetime import datetime, timedelta
from typing import Any

from connectors.mail.ews import Ews, EwsSettings
from connectors.mail.gmail import Gmail, GmailSettings
from connectors.mail.graph import Graph, GraphSettings
from inboxwatch import now as instant
from inboxwatch.connector import Context, Reading
from tests.doubles.entra import CLIENT_ID, SECRET, TENANT
from tests.doubles.ews import ACCOUNT, DOMAIN, PASSWORD, EwsServer
from tests.doubles.gmail import METADATA, READONLY, GmailServer
from tests.doubles.google_tokens import pem
from tests.doubles.graph import INBOX, SENT, GraphServer
from tests.doubles.https_server import ca_file
from tests.doubles.mailstore import MailStore, Stored

_users = itertools.count(1)


def user() -> str:
    """An address that no other test has."""
    return f"user{next(_users)}@acme.test"


class ApiMailbox:
    """What the mailboxes have in common: their mail is in a store, behind a server."""

    inbox: str
    sent: str
    server: GraphServer | GmailServer | EwsServer
    store: MailStore
    damaged: Stored

    def deliver(self, raw: bytes, *, sent: bool = False, when: datetime | None = None) -> None:
        self.store.deliver(raw, self.sent if sent else self.inbox, when)

    def deliver_unreadable(self) -> None:
        self.damaged = self.store.deliver(b"Subject: damaged\r\n\r\n", self.inbox, readable=False)

    def mend_unreadable(self) -> None:
        self.damaged.readable = True

    def handle(self) -> None:
        self.store.handle()

    def void_cursors(self) -> None:
        self.store.forget()

    def break_connection(self) -> None:
        self.server.server.kill()

    def mend_connection(self) -> None:
        self.server.server.up()

    def snapshot(self) -> Any:
        return self.store.snapshot()


class GraphMailbox(ApiMailbox):
    """A mailbox of its own in a double of Exchange Online that tests share."""

    inbox, sent = INBOX, SENT
    secrets: tuple[str, ...] = (SECRET,)

    def __init__(self, server: GraphServer, permission: str = "basic", **settings: Any) -> None:
        self.server = server
        self.address = user()
        self.store = server.user(self.address, permission).store
        self.settings: dict[str, Any] = {
            "tenant": TENANT,
            "client_id": CLIENT_ID,
            "client_secret": SECRET,
            "secret_expires": f"{instant.now() + timedelta(days=400):%Y-%m-%d}",
            "permission": permission,
            "graph_url": server.server.url,
            "login_url": server.entra.server.url,
            "ca_file": str(ca_file()),
            "retry_for": "1s",
        } | settings

    def connector(self, reading: Reading) -> Graph:
        return Graph(GraphSettings.model_validate(self.settings), Context("ana", self.address, reading))


class GmailMailbox(ApiMailbox):
    """A mailbox of its own in a double of Gmail that tests share."""

    inbox, sent = "INBOX", "SENT"

    def __init__(self, server: GmailServer, scope: str = "metadata", **settings: Any) -> None:
        self.server = server
        self.address = user()
        self.store = server.user(self.address)
        server.tokens.delegated = {METADATA, READONLY}
        self.secrets: tuple[str, ...] = (pem().splitlines()[1],)
        self.settings: dict[str, Any] = {
            "service_account": server.tokens.key(),
            "scope": scope,
            "gmail_url": server.server.url,
            "ca_file": str(ca_file()),
            "retry_for": "1s",
            "units_per_minute": 6_000_000,
            "project_units_per_minute": 6_000_000,
        } | settings

    def connector(self, reading: Reading) -> Gmail:
        return Gmail(GmailSettings.model_validate(self.settings), Context("ana", self.address, reading))


class EwsMailbox(ApiMailbox):
    """A mailbox of its own in a double of Exchange Server that tests share."""

    inbox, sent = "inbox", "sentitems"
    secrets: tuple[str, ...] = (PASSWORD,)

    def __init__(self, server: EwsServer, **settings: Any) -> None:
        self.server = server
        self.address = user()
        self.store = server.user(self.address).store
        self.settings: dict[str, Any] = {
            "url": server.url,
            "username": f"{DOMAIN}\\{ACCOUNT}",
            "password": PASSWORD,
            "ca_file": str(ca_file()),
            "retry_for": "1s",
        } | settings

    def connector(self, reading: Reading) -> Ews:
        return Ews(EwsSettings.model_validate(self.settings), Context("ana", self.address, reading))
