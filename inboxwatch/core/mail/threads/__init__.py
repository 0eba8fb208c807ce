"""Threads: where a message belongs, which message it answers, and the evidence for both.

Two steps, without IO: `keys(messages)` says what to look up, `ThreadIndex(known).match(...)` decides.
"""

from inboxwatch.core.mail.threads.again import apart
from inboxwatch.core.mail.threads.components import Ghost
from inboxwatch.core.mail.threads.index import ThreadIndex
from inboxwatch.core.mail.threads.known import Keys, Known, keys
from inboxwatch.core.mail.threads.review import SURE_ENOUGH, Stood, rejoin, split, stood, thread_apart

__all__ = [
    "SURE_ENOUGH",
    "Ghost",
    "Keys",
    "Known",
    "Stood",
    "ThreadIndex",
    "apart",
    "keys",
    "rejoin",
    "split",
    "stood",
    "thread_apart",
]
