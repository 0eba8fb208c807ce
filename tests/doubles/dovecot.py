"""A real Dovecot on loopback for tests: its own config, mail and certificate in a folder that goes with it.

    with Dovecot.start(users=["ana"]) as server:
        server.deliver("ana", raw)
        server.deliver("ana", raw, folder="Sent", when=an_hour_ago)

It runs as one ordinary user: the one who runs the tests, or `nobody` where that is root, as Dovecot does not read mail
as root. Every user logs in with PASSWORD, so 1,000 users cost nothing.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Self

import pytest
import trustme
from imapclient import imap_utf7  # type: ignore[import-untyped]  # it ships no types

from tests.support.ports import free_port
from tests.support.waiting import PATIENCE

PASSWORD = "pass-of-the-tests"
_PATH = os.environ.get("PATH", "") + ":/usr/sbin:/usr/local/sbin"

_CONFIG = """
base_dir = {base}/run
state_dir = {base}/state
log_path = {base}/log
protocols = imap
listen = 127.0.0.1
default_internal_user = {user}
default_internal_group = {group}
default_login_user = {user}
default_vsz_limit = 1G
default_client_limit = 14000
mail_max_userip_connections = 5000
mail_location = maildir:~/Maildir
mail_fsync = never
disable_plaintext_auth = no
first_valid_uid = 1
first_valid_gid = 1
ssl = {ssl}
ssl_cert = <{base}/cert.pem
ssl_key = <{base}/key.pem
{passdb}
{userdb}
service anvil {{
  chroot =
}}
service stats {{
  chroot =
}}
service imap-login {{
  chroot =
  service_count = 0
  client_limit = 6000
  inet_listener imap {{
    port = {port}
  }}
  inet_listener imaps {{
    port = {tls_port}
    ssl = yes
  }}
}}
service imap-urlauth-login {{
  chroot =
}}
service imap {{
  # A user has 128 inotify instances and each process takes one: 50 clients a process last for thousands of IDLEs.
  client_limit = 50
  service_count = 0
  process_limit = 200
}}
namespace inbox {{
  inbox = yes
{folders}}}
{extra}
"""

_STATIC_USERDB = """
userdb {{
  driver = static
  args = uid={user} gid={group} home={base}/mail/%u
}}
"""

_LISTED_USERDB = """
userdb {{
  driver = passwd-file
  args = {base}/users
  override_fields = uid={user} gid={group} home={base}/mail/%u
}}
"""

MASTER = "reader"
MASTERS = f"{MASTER}:{PASSWORD}\n"
MASTER_PASSDB = """
auth_mechanisms = plain
passdb {
  driver = passwd-file
  master = yes
  args = scheme=plain BASE/masters
}
passdb {
  driver = static
  args = nopassword=y
}
"""
"""With `files={"masters": MASTERS}`: MASTER may read every mailbox, by PASSWORD."""

_STATIC_PASSDB = """
passdb {{
  driver = static
  args = password={password}
}}
"""


class Dovecot:
    """`port` speaks plain IMAP and, with `tls`, STARTTLS; `tls_port` speaks TLS. The certificate is for 127.0.0.1."""

    def __init__(
        self,
        users: Sequence[str] = ("ana",),
        *,
        tls: bool = False,
        folders: Mapping[str, str] | None = None,
        passdb: str = _STATIC_PASSDB.format(password=PASSWORD),
        extra: str = "",
        files: Mapping[str, str] | None = None,
    ) -> None:
        """`folders` maps those that everybody has beside INBOX to a SPECIAL-USE attribute or "" (default: Sent).

        `files` are written below `base`; one called `users` makes a userdb that can be listed (a passwd-file). In
        them, in `passdb` and in `extra` BASE stands for its path.
        """
        if shutil.which("dovecot", path=_PATH) is None:
            pytest.fail("Dovecot is missing: `apt-get install dovecot-imapd`, or let `make test` do it", pytrace=False)
        folders = {"Sent": r"\Sent"} if folders is None else folders
        self._owner = pwd.getpwnam("nobody") if os.geteuid() == 0 else pwd.getpwuid(os.geteuid())
        self.base = Path(tempfile.mkdtemp(prefix="dovecot-"))
        self.base.chmod(0o755)
        self.ca_file = self.base / "ca.pem"
        self.port, self.tls_port = free_port(), free_port()
        self._serial = itertools.count(1)
        self._process: subprocess.Popen[bytes] | None = None
        for name in ("run", "state", "mail"):
            self._make(self.base / name)
        (self.base / "log").touch()
        self._give(self.base / "log")
        for name, content in (files or {}).items():
            (self.base / name).parent.mkdir(parents=True, exist_ok=True)
            (self.base / name).write_text(content.replace("BASE", str(self.base)))
        texts = (one.replace("BASE", str(self.base)) for one in (passdb, extra))
        self._write_config(tls, folders, *texts, listed="users" in (files or {}))
        for user in users:
            for folder in ("INBOX", *folders):
                self.create(user, folder)

    @classmethod
    @contextlib.contextmanager
    def start(cls, users: Sequence[str] = ("ana",), **options: object) -> Iterator[Self]:
        """A server that accepts connections; its processes and files are gone afterwards. Options as in __init__."""
        server = cls(users, **options)  # type: ignore[arg-type]  # they are those of __init__
        try:
            server.up()
            yield server
        finally:
            server.stop()
            shutil.rmtree(server.base, ignore_errors=True)

    def up(self) -> None:
        """Starts the server, on the ports it always had."""
        deadline = time.monotonic() + 2 * PATIENCE
        while time.monotonic() < deadline:
            self._process = subprocess.Popen(
                ["dovecot", "-F", "-c", str(self.base / "dovecot.conf")],
                env={"PATH": _PATH},
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
                user=self._owner.pw_uid,
                group=self._owner.pw_gid,
                extra_groups=[],
            )
            if self._serves(self._process):
                return
            self.kill()  # processes of the server before this one may still hold the port for a moment
            time.sleep(0.1)
        pytest.fail(f"Dovecot did not start:\n{self.log()}", pytrace=False)

    def _serves(self, process: subprocess.Popen[bytes]) -> bool:
        """Waits until the server greets; False where it ended or does not."""
        deadline = time.monotonic() + PATIENCE
        while process.poll() is None and time.monotonic() < deadline:
            with (
                contextlib.suppress(OSError),
                socket.create_connection(("127.0.0.1", self.port), timeout=PATIENCE) as probe,
            ):
                if probe.recv(1):
                    return True
            time.sleep(0.02)
        return False

    def stop(self) -> None:
        """Ends the server in an orderly way: clients read BYE."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """Ends the server's processes at once, as a crash does."""
        self._end(signal.SIGKILL)

    @contextlib.contextmanager
    def paused(self) -> Iterator[None]:
        """The server says nothing meanwhile, and keeps its connections."""
        assert self._process is not None
        os.killpg(self._process.pid, signal.SIGSTOP)
        try:
            yield
        finally:
            os.killpg(self._process.pid, signal.SIGCONT)

    def restart(self) -> None:
        self.stop()
        self.up()

    def _end(self, how: signal.Signals) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        if how is signal.SIGTERM:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGTERM)
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(0.2)  # clients have read BYE by now; the master itself would linger for a second
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait(PATIENCE)
        (self.base / "run" / "master.pid").unlink(missing_ok=True)

    def log(self) -> str:
        """The end of the server's log, for failures."""
        return (self.base / "log").read_text(errors="replace")[-4000:]

    def folder(self, user: str, name: str = "INBOX") -> Path:
        """The folder's Maildir on disk."""
        root = self.base / "mail" / user / "Maildir"
        return root if name == "INBOX" else root / f".{imap_utf7.encode(name).decode()}"

    def create(self, user: str, name: str) -> None:
        maildir = self.folder(user, name)
        for part in (maildir.parent, maildir, *(maildir / sub for sub in ("tmp", "new", "cur"))):
            self._make(part)
        if name != "INBOX":
            (maildir / "maildirfolder").touch()

    def deliver(self, user: str, raw: bytes, folder: str = "INBOX", when: datetime | None = None) -> Path:
        """Puts a message into a folder the way an MTA does; `when` is its INTERNALDATE. Returns its file."""
        maildir = self.folder(user, folder)
        if not maildir.exists():
            self.create(user, folder)
        name = f"{time.time():.6f}.{next(self._serial):08d}.test"
        draft = maildir / "tmp" / name
        draft.write_bytes(raw)
        if when is not None:
            os.utime(draft, (when.timestamp(), when.timestamp()))
        self._give(draft)
        return draft.rename(maildir / "new" / name)

    def doveadm(self, *words: str) -> str:
        """Runs doveadm against this server's config and returns what it prints."""
        command = ["doveadm", "-c", str(self.base / "dovecot.conf"), *words]
        identity = {"user": self._owner.pw_uid, "group": self._owner.pw_gid, "extra_groups": ()}
        done = subprocess.run(command, env={"PATH": _PATH}, capture_output=True, text=True, check=False, **identity)  # type: ignore[call-overload]  # a dict hides the keywords from mypy
        if done.returncode:
            raise RuntimeError(f"{' '.join(words)}: {done.stderr.strip()}")
        return str(done.stdout)

    def snapshot(self, user: str) -> dict[str, str]:
        """Counts, UIDs and flags of every folder, as doveadm tells them."""
        status = self.doveadm("-f", "flow", "mailbox", "status", "-u", user, "messages uidnext uidvalidity unseen", "*")
        flags = self.doveadm("-f", "flow", "fetch", "-u", user, "mailbox uid flags", "all")
        return {"status": status, "flags": flags}

    def _write_config(self, tls: bool, folders: Mapping[str, str], passdb: str, extra: str, *, listed: bool) -> None:
        if tls:
            authority = trustme.CA()
            authority.cert_pem.write_to_path(str(self.ca_file))
            leaf = authority.issue_cert("127.0.0.1", "localhost")
            (self.base / "cert.pem").write_bytes(b"".join(blob.bytes() for blob in leaf.cert_chain_pems))
            leaf.private_key_pem.write_to_path(str(self.base / "key.pem"))
        listing = "".join(
            f'  mailbox "{name}" {{\n    auto = no\n{f"    special_use = {use}" if use else ""}\n  }}\n'
            for name, use in folders.items()
        )
        group = subprocess.run(["id", "-gn", self._owner.pw_name], capture_output=True, text=True, check=True)
        text = _CONFIG.format(
            base=self.base,
            user=self._owner.pw_name,
            group=group.stdout.strip(),
            port=self.port,
            tls_port=self.tls_port if tls else 0,
            ssl="yes" if tls else "no",
            folders=listing,
            passdb=passdb,
            userdb=(_LISTED_USERDB if listed else _STATIC_USERDB).format(
                base=self.base, user=self._owner.pw_name, group=group.stdout.strip()
            ),
            extra=extra,
        )
        if not tls:
            text = "\n".join(line for line in text.splitlines() if not line.startswith(("ssl_cert", "ssl_key")))
        (self.base / "dovecot.conf").write_text(text)
        for name in ("dovecot.conf", "key.pem"):
            if (self.base / name).exists():
                self._give(self.base / name)

    def _make(self, folder: Path) -> None:
        folder.mkdir(exist_ok=True)
        self._give(folder)

    def _give(self, path: Path) -> None:
        if os.geteuid() == 0:
            os.chown(path, self._owner.pw_uid, self._owner.pw_gid)
