"""Metrics, API and board, on one port.

`gate` says what the daemon must offer; `server.make_app` puts everything together.
"""

from inboxwatch.web.daemon_port import Gate
from inboxwatch.web.server import make_app

__all__ = ["Gate", "make_app"]
