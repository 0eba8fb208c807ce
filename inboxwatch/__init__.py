"""inboxwatch makes inbox latency visible and the ownership of every buyer's reply certain."""

__version__ = "0.1.0"
