"""Threads: where a message belongs, which message it answers, and the evidence for both.

Two steps, without IO: `keys(messages)` says what to look up, `ThreadIndex(known).match(...)` decides.
"""

from inboxwatch.core.threads.index import ThreadIndex
from inboxwatch.core.threads.known import Keys, Known, keys

__all__ = ["Keys", "Known", "ThreadIndex", "keys"]
