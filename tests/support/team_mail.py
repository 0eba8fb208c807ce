"""The mailboxes of a small sales team, on a Dovecot or in Maildirs, for tests that run the daemon on them."""

from __future__ import annotations

import os
import shutil
import time
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol

from tests.doubles.dovecot import PASSWORD, Dovecot

ANA, MAX, BO = "ana@acme.test", "max@acme.test", "bo@buyer.test"


class TeamMail(Protocol):
    """The servers of the team's mail, whatever their kind."""

    def mailboxes(self) -> dict[str, dict[str, Any]]: ...
    def deliver(self, user: str, raw: bytes, folder: str = "INBOX", at: datetime | None = None) -> None: ...
    def snapshot(self) -> Any: ...


class ImapTeamMail:
    """Mailboxes on a Dovecot; users are mail addresses."""

    def __init__(self, server: Dovecot, users: list[str]) -> None:
        self.server, self.users = server, users
        for user in users:
            shutil.rmtree(server.folder(user), ignore_errors=True)
            server.create(user, "INBOX")
            server.create(user, "Sent")

    def mailboxes(self) -> dict[str, dict[str, Any]]:
        login = {"host": "127.0.0.1", "port": self.server.port, "security": "none", "password": PASSWORD}
        return {
            user.partition("@")[0]: {"connector": "imap", "address": user, "poll_every": "1s", **login}
            | {"owner": user.partition("@")[0]}
            for user in self.users
        }

    def deliver(self, user: str, raw: bytes, folder: str = "INBOX", at: datetime | None = None) -> None:
        self.server.deliver(user, raw, folder, at)

    def snapshot(self) -> Any:
        return {user: self.server.snapshot(user) for user in self.users}


class MaildirTeamMail:
    """Maildirs below a folder; users are mail addresses, or any names where no config is asked for."""

    def __init__(self, root: Path, users: list[str]) -> None:
        self.root, self.users, self.count = root, users, 0
        for user in users:
            for folder in ("INBOX", "Sent"):
                for part in ("tmp", "new", "cur"):
                    (self.folder(user, folder) / part).mkdir(parents=True)

    def folder(self, user: str, name: str) -> Path:
        return self.root / user / ("" if name == "INBOX" else f".{name}")

    def mailboxes(self) -> dict[str, dict[str, Any]]:
        return {
            user.partition("@")[0]: {"connector": "maildir", "address": user, "poll_every": "1s"}
            | {"owner": user.partition("@")[0], "path": str(self.root / user)}
            for user in self.users
        }

    def deliver(self, user: str, raw: bytes, folder: str = "INBOX", at: datetime | None = None) -> None:
        """A message comes in now, or came in at that time: the file's own is the time of receipt."""
        self.count += 1
        draft = self.folder(user, folder) / "tmp" / f"{time.time():.6f}.{self.count}.test"
        draft.write_bytes(raw)
        if at is not None:
            os.utime(draft, (at.timestamp(), at.timestamp()))
        draft.rename(draft.parent.parent / "new" / draft.name)

    def remove(self, user: str) -> None:
        """The mailbox is gone, as when a disk is unmounted."""
        (self.root / user).rename(self.root / f"{user}.gone")

    def snapshot(self) -> Any:
        return {str(path): (path.stat().st_mtime_ns, path.stat().st_mode) for path in self.root.rglob("*")}
