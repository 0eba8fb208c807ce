"""A Kerberos realm: MIT's real key distribution centre on loopback, with one reader and one web server."""

from __future__ import annotations

import base64
import hashlib
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from tests.support.ports import free_port
from tests.support.waiting import PATIENCE

REALM = "ACME.TEST"
READER, SERVICE = f"watcher@{REALM}", f"HTTP/localhost@{REALM}"
_SBIN = f"{os.environ.get('PATH', os.defpath)}:/usr/sbin:/sbin"
_LIBRARY = """\
[libdefaults]
  default_realm = {realm}
  dns_lookup_kdc = false
  dns_canonicalize_hostname = false
  udp_preference_limit = 1
[realms]
  {realm} = {{
    kdc = 127.0.0.1:{port}
  }}
[domain_realm]
  localhost = {realm}
"""
_CENTRE = """\
[kdcdefaults]
  kdc_listen = ""
  kdc_tcp_listen = 127.0.0.1:{port}
[realms]
  {realm} = {{
    database_name = {folder}/principal
    key_stash_file = {folder}/stash
    acl_file = {folder}/acl
  }}
[logging]
  kdc = FILE:{folder}/kdc.log
"""


@dataclass(frozen=True, slots=True)
class Realm:
    """A running realm."""

    folder: Path

    @property
    def library(self) -> Mapping[str, str]:
        """The environment in which the Kerberos library knows the realm."""
        return {"KRB5_CONFIG": str(self.folder / "krb5.conf")}

    @property
    def reader(self) -> Mapping[str, str]:
        """The environment of the reader: tickets are fetched with his key when they are needed."""
        keys, cache = self.folder / "reader.keytab", self.folder / "tickets"
        return {**self.library, "KRB5_CLIENT_KTNAME": f"FILE:{keys}", "KRB5CCNAME": f"FILE:{cache}"}

    @property
    def keytab(self) -> Path:
        """The web server's key."""
        return self.folder / "service.keytab"


@contextmanager
def realm(folder: Path) -> Iterator[Realm]:
    """A realm in a folder of the test, gone afterwards."""
    running = Realm(folder)
    port = free_port()
    (folder / "krb5.conf").write_text(_LIBRARY.format(realm=REALM, port=port))
    (folder / "kdc.conf").write_text(_CENTRE.format(realm=REALM, port=port, folder=folder))
    environment = {"PATH": _SBIN, **running.library, "KRB5_KDC_PROFILE": str(folder / "kdc.conf")}
    with (folder / "centre.log").open("wb") as log:

        def does(*words: str) -> None:
            subprocess.run(words, env=environment, stdout=log, stderr=log, check=True, timeout=PATIENCE)

        does("kdb5_util", "create", "-s", "-r", REALM, "-P", "the master key of the tests")
        for principal, keytab in ((READER, "reader.keytab"), (SERVICE, "service.keytab")):
            does("kadmin.local", "addprinc", "-randkey", principal)
            does("kadmin.local", "ktadd", "-k", str(folder / keytab), principal)
        centre = subprocess.Popen(["krb5kdc", "-n"], env=environment, stdout=log, stderr=log)
        try:
            _await(port, centre)
            yield running
        finally:
            centre.terminate()
            centre.wait(10)


class Acceptor:
    """The web server's side, in a process of its own: the library must not come among those of the tests."""

    def __init__(self, realm: Realm, libraries: Path, certificate: bytes) -> None:
        """`certificate` (DER): of the TLS connections that tokens must be bound to (RFC 5929, tls-server-end-point)."""
        self._process = subprocess.Popen(
            [sys.executable, "-c", _ACCEPTOR, hashlib.sha256(certificate).hexdigest()],
            env={**realm.library, "KRB5_KTNAME": f"FILE:{realm.keytab}", "PYTHONPATH": str(libraries)},
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        self.answers: list[str] = []
        """Who was let in, or why nobody was."""

    def __call__(self, token: bytes) -> bool:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(base64.b64encode(token).decode() + "\n")
        self._process.stdin.flush()
        self.answers.append(self._process.stdout.readline().strip())
        return self.answers[-1] == READER

    def close(self) -> None:
        self._process.communicate(timeout=PATIENCE)


_ACCEPTOR = """
import base64, sys
import gssapi
bound = gssapi.raw.ChannelBindings(application_data=b"tls-server-end-point:" + bytes.fromhex(sys.argv[1]))
for line in sys.stdin:
    context = gssapi.SecurityContext(usage="accept", channel_bindings=bound)
    try:
        context.step(base64.b64decode(line))
        print(context.initiator_name if context.complete else "not complete", flush=True)
    except gssapi.exceptions.GSSError as error:
        print(repr(str(error)), flush=True)
"""


def libraries(folder: Path) -> Path:
    """A folder with the library gssapi for PYTHONPATH: PyPI has its source only, so Debian's package is taken."""
    found = folder / "libraries"
    found.mkdir()
    for name in ("gssapi", "decorator.py"):
        (found / name).symlink_to(Path("/usr/lib/python3/dist-packages") / name)
    return found


def _await(port: int, centre: subprocess.Popen[bytes]) -> None:
    """Until it listens: it tells nobody."""
    deadline = time.monotonic() + 20
    while True:
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return
        assert centre.poll() is None, "the key distribution centre ended"
        assert time.monotonic() < deadline, "the key distribution centre does not listen"
        time.sleep(0.02)
