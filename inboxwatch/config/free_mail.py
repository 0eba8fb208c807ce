"""The maintained list of free-mail domains, which never name a buyer's company."""

from __future__ import annotations

from functools import cache
from importlib.resources import files

from inboxwatch.core.mail.words.freemail import FREE_MAIL


@cache
def free_mail() -> frozenset[str]:
    """All domains where anybody can open a mailbox, lower case; give it to `Directory`."""
    lines = files("inboxwatch").joinpath("data/free_mail.txt").read_text(encoding="utf-8").splitlines()
    return FREE_MAIL | {line for line in lines if line and not line.startswith("#")}
