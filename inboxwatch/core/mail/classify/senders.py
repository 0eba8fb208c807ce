"""The shapes of senders behind which sits a program: local parts, host names, envelope addresses."""

from __future__ import annotations

import re
from functools import lru_cache

from inboxwatch.core.mail.words import bulk
from inboxwatch.core.model import Address, Message

_DIVIDED = re.compile(r"[._+=\d-]+")
_TOGETHER = re.compile(bulk.NO_REPLY)
_NAME = re.compile(bulk.NAME)
_ENVELOPE = re.compile(bulk.ENVELOPE)
_RANDOM = re.compile(r"(?=[^@]{16})(?:[a-z._=-]*\d+[a-z._=-]+){3}|#|^\d+\.\d+\.|(?:[0-9a-f]{8,}[.=_-]){2}")


@lru_cache(maxsize=8192)
def _shapes(sender: Address) -> tuple[str, str]:
    """What the address says for certain, and what counts only for a mail that answers nothing."""
    local, _, domain = sender.email.partition("@")
    name = sender.name.casefold()
    if " via " in name:
        # A list or a form that writes in a person's name.
        return "", ""
    if machine := next((word for word in _DIVIDED.split(local) if word in bulk.SENDER), None):
        return f"sender named {machine!r}", ""
    if found := _TOGETHER.search(local):
        return f"sender named {found[0]!r}", ""
    if found := _NAME.search(name):
        return "", f"sender calls itself {found[0]!r}"
    labels = domain.split(".")
    if (len(labels) > 2 and labels[0] in bulk.HOST) or not bulk.SERVICE.isdisjoint(labels):
        return "", f"sender's host named {domain!r}"
    if _RANDOM.search(local):
        return "", "sender's address is made for one mailing"
    return "", ""


def machine(message: Message, return_path: str, answers: bool) -> str:
    """What shows that a program sent it, or nothing; `answers`: it is the answer to another mail."""
    certain, likely = _shapes(message.sender)
    if certain or answers:
        return certain
    if likely:
        return likely
    path = return_path.strip("<> \t").lower()
    if path.startswith(("prvs=", "btv1=", "msprvs1=")):
        # Bounce address tags (BATV) are put on people's mail.
        return ""
    if (
        path
        and path != message.sender.email
        and " via " not in message.sender.name
        and (found := _ENVELOPE.search(path))
    ):
        return f"envelope sender with {found[0]!r}"
    return ""
