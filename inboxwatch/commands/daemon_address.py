"""Where the running daemon answers, for commands, and how far its certificate must be proved."""

from __future__ import annotations

import socket
import ssl
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from inboxwatch.config import WebConfig


@dataclass(frozen=True, slots=True)
class DaemonAddress:
    """A base URL; with TLS also what is believed, and the name that a certificate must bear."""

    url: str
    ssl: ssl.SSLContext | None = None
    name: str | None = None

    @property
    def tls(self) -> dict[str, Any]:
        """The same as arguments of an aiohttp request."""
        if self.ssl is None:
            return {}
        return {"ssl": self.ssl, **({"server_hostname": self.name} if self.name else {})}


def daemon_address(web: WebConfig) -> DaemonAddress:
    """Of the daemon that a config describes.

    What is sent to an address of this machine never leaves it, so there the certificate is not proved, no more than
    plain HTTP is: the daemon may still use the one before the file was renewed, and `reload` must reach it. Another
    machine's must be right for the name in `web.url`.
    """
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(web.listen.host, web.listen.host)  # noqa: S104  (compared with)
    place = f"[{host}]:{web.listen.port}" if ":" in host else f"{host}:{web.listen.port}"
    if web.tls is None:
        return DaemonAddress(f"http://{place}")
    context = ssl.create_default_context()
    if _is_here(host):
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        return DaemonAddress(f"https://{place}", context)
    return DaemonAddress(f"https://{place}", context, urlsplit(web.url).hostname)


def _is_here(host: str) -> bool:
    """Whether an address is one of this machine: only such can be bound."""
    try:
        for family, _, _, _, address in socket.getaddrinfo(host, 0, type=socket.SOCK_DGRAM):
            with socket.socket(family, socket.SOCK_DGRAM) as probe:
                probe.bind(address)
    except OSError:
        return False
    return True
