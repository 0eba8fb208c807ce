"""A mailbox on a real Dovecot and one in a real Maildir, as the contract suite of the connectors wants them."""

from __future__ import annotations

import itertools
import os
import shutil
import time
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

from connectors.mail.imap import Imap, ImapSettings
from connectors.mail.maildir import Maildir, MaildirSettings
from inboxwatch.connector import Context, MailConnector, Reading
from tests.doubles.dovecot import PASSWORD, Dovecot

_users = itertools.count(1)


class DovecotMailbox:
    """A mailbox of its own on a Dovecot that tests share; `security` is how the connector reaches it."""

    secrets: tuple[str, ...] = (PASSWORD,)

    def __init__(self, server: Dovecot, security: str) -> None:
        self.server = server
        self.user = f"user{next(_users)}@acme.test"
        self.settings = {
            "host": "127.0.0.1",
            "port": server.tls_port if security == "tls" else server.port,
            "security": security,
            "password": PASSWORD,
        }
        if security != "none":
            self.settings["ca_file"] = str(server.ca_file)
        for folder in ("INBOX", "Sent"):
            server.create(self.user, folder)

    def connector(self, reading: Reading) -> MailConnector:
        return Imap(ImapSettings.model_validate(self.settings), Context("ana", self.user, reading))

    def deliver(self, raw: bytes, *, sent: bool = False, when: datetime | None = None) -> None:
        self.server.deliver(self.user, raw, "Sent" if sent else "INBOX", when)

    def deliver_unreadable(self) -> None:
        self.damaged = self.server.deliver(self.user, b"From: nobody@buyer.test\r\n\r\n")
        self.damaged.chmod(0)

    def mend_unreadable(self) -> None:
        self.damaged.chmod(0o644)

    def handle(self) -> None:
        for folder in ("INBOX", "Sent"):
            self.server.doveadm("flags", "add", "-u", self.user, r"\Seen \Flagged", "mailbox", folder, "all")

    def void_cursors(self) -> None:
        for folder in ("INBOX", "Sent"):
            self.server.doveadm("mailbox", "update", "-u", self.user, "--uid-validity", "4000000000", folder)

    def break_connection(self) -> None:
        self.server.kill()

    def mend_connection(self) -> None:
        self.server.up()

    def snapshot(self) -> Any:
        return self.server.snapshot(self.user)


class MaildirMailbox:
    """A Maildir in a folder of the test."""

    secrets: tuple[str, ...] = ()

    def __init__(self, folder: Path) -> None:
        self.root = folder / "Maildir"
        self.away = folder / "away"
        self.names = itertools.count(1)
        for maildir in (self.root, self.root / ".Sent"):
            for part in ("tmp", "new", "cur"):
                (maildir / part).mkdir(parents=True)

    def connector(self, reading: Reading) -> MailConnector:
        return Maildir(
            MaildirSettings.model_validate({"path": str(self.root)}), Context("sales", "sales@acme.test", reading)
        )

    def deliver(self, raw: bytes, *, sent: bool = False, when: datetime | None = None) -> None:
        maildir = self.root / ".Sent" if sent else self.root
        draft = maildir / "tmp" / self._name()
        draft.write_bytes(raw)
        if when is not None:
            os.utime(draft, (when.timestamp(), when.timestamp()))
        draft.rename(maildir / "new" / draft.name)

    def deliver_unreadable(self) -> None:
        self.damaged = self.root / "new" / self._name()
        self.damaged.mkdir()

    def mend_unreadable(self) -> None:
        self.damaged.rmdir()
        self.damaged.write_bytes(b"From: nobody@buyer.test\r\n\r\n")

    def handle(self) -> None:
        for maildir in (self.root, self.root / ".Sent"):
            for file in (maildir / "new").iterdir():
                file.rename(maildir / "cur" / f"{file.name}:2,FS")

    def void_cursors(self) -> None:
        self.root.rename(self.away)  # kept, or its inode would be given again
        shutil.copytree(self.away, self.root)

    def break_connection(self) -> None:
        self.root.rename(self.away)

    def mend_connection(self) -> None:
        self.away.rename(self.root)

    def snapshot(self) -> Any:
        return {
            str(path): (path.stat().st_mode, path.stat().st_mtime_ns, path.stat().st_ctime_ns, _digest(path))
            for path in self.root.rglob("*")
        }

    def _name(self) -> str:
        return f"{time.time():.6f}.{next(self.names):06}.test"


def _digest(path: Path) -> str:
    return sha256(path.read_bytes()).hexdigest() if path.is_file() else ""
