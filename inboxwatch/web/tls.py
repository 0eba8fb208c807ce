"""What the listener encrypts by, as the config in force has it: connections that are open keep what they began with."""

from __future__ import annotations

import ssl
from collections.abc import Callable

from inboxwatch.config import WebConfig
from inboxwatch.config.certificate import TlsConfig


class Tls:
    """Makes a context for each certificate once."""

    def __init__(self, config: Callable[[], WebConfig]) -> None:
        self._config = config
        self._made: tuple[TlsConfig, ssl.SSLContext] | None = None

    def context(self) -> ssl.SSLContext | None:
        """For a connection that begins now; None where it is not encrypted."""
        wanted = self._config().tls
        if wanted is None:
            return None
        if self._made is None or self._made[0] != wanted:
            self._made = (wanted, wanted.context())
        return self._made[1]
