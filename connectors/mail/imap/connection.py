"""Opening a connection to an IMAP server: plain on loopback, TLS, or STARTTLS that is never passed over."""

from __future__ import annotations

import contextlib
import functools
import socket
import ssl
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from imapclient import IMAPClient, SocketTimeout  # type: ignore[import-untyped]  # it ships no types
from imapclient.exceptions import CapabilityError  # type: ignore[import-untyped]  # the same

from inboxwatch.connector import MailboxError, Reason

Security = Literal["tls", "starttls", "none"]


@dataclass(frozen=True, slots=True)
class ImapServer:
    """Where and how to connect. Times are seconds: to connect, and between two pieces of an answer."""

    host: str
    port: int
    security: Security
    ca_file: Path | None = None
    connect_timeout: float = 15.0
    read_timeout: float = 60.0


@functools.cache
def tls_context(ca_file: Path | None) -> ssl.SSLContext:
    """One context for all connections: one each would cost 880 kB and 27 ms."""
    return ssl.create_default_context(cafile=str(ca_file) if ca_file else None)


def connect(server: ImapServer) -> IMAPClient:
    """A new connection, encrypted as `security` says, not logged in. Raises what the network, ssl or imaplib raise."""
    context = tls_context(server.ca_file) if server.security != "none" else None
    client = IMAPClient(
        server.host,
        server.port,
        ssl=server.security == "tls",
        ssl_context=context,
        timeout=SocketTimeout(server.connect_timeout, server.read_timeout),
    )
    client.normalise_times = False
    # imapclient has every line formatted for a logger that is off, imaplib keeps the last ten: the password among them.
    client._imap.debug = 0
    client._imap._log = lambda line: None
    client._imap._cmd_log.clear()
    client.socket().setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    if server.security == "starttls":
        try:
            client.starttls(context)
        except CapabilityError:
            client.shutdown()
            raise MailboxError(
                Reason.CLIENT,
                "the server does not offer STARTTLS",
                hint="use `security: tls` with port 993, if it has one",
            ) from None
        except BaseException:
            with contextlib.suppress(OSError):
                client.shutdown()
            raise
    return client
