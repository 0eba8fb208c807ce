"""Metrics, API and board, on one port.

`engine.daemon_port` says what the daemon must offer; `server.make_app` puts everything together.
"""

from inboxwatch.web.server import make_app

__all__ = ["make_app"]
