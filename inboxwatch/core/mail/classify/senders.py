"""The shapes of senders behind which sits a program: local parts, host names, envelope addresses."""

from __future__ import annotations

import re
from collections.abc import Collection
from functools import lru_cache

from inboxwatch.core.mail.classify.signs import CERTAIN, STRONG, WEAK, Sign
from inboxwatch.core.mail.words import bulk
from inboxwatch.core.mail.words.freemail import FREE_MAIL
from inboxwatch.core.model import Address, Message

MAX_PATH = 330
"""Characters of a return path that are looked at; RFC 5321 allows 256."""

_DIVIDED = re.compile(r"[._+=\d-]+")
_LETTERS = re.compile(r"[^\W\d_]+")
_TOGETHER = re.compile(bulk.NO_REPLY)
_NAME = re.compile(bulk.NAME)
_NAME_MAYBE = re.compile(bulk.NAME_MAYBE)
_ENVELOPE = re.compile(bulk.ENVELOPE)
_CODED = re.compile(bulk.CODED_ADDRESS)
_RANDOM = re.compile(r"(?=[^@]{16})(?:[a-z._=-]*\d+[a-z._=-]+){3}|#|\d{15}|^\d+\.\d+\.|(?:[0-9a-f]{8,}[.=_-]){2}")
_SRS0 = re.compile(r"(?:^|[+=-])srs0[=+-][^=]*=[^=]*=([^=@]+)=([^@]+)@")
_SRS1 = re.compile(r"(?:^|[+=-])srs1[=+-][^=]*=[^=]*==?[^=]*=[^=]*=([^=@]+)=([^@]+)@")
_HIDDEN = re.compile(r"(?:^|[+=-])srs[01]?[=+-]|\+caf_=|^(?:prvs|msprvs1|btv1)=")
"""Envelopes of forwarders (Microsoft 365, Gmail) that do not tell the first one, and tags of people's mail (BATV)."""
_LIST_OWN = re.compile(
    r"^(?:owner-(?P<a>.+)|(?P<b>.+?)-(?:bounces?|return(?:-\d+)?|owner|errors|outgoing)(?:[+-].*)?)$"
)


@lru_cache(maxsize=8192)
def shape(sender: Address) -> tuple[tuple[Sign, ...], tuple[Sign, ...]]:
    """What an address and its display name say for a machine, and for a person."""
    local, _, domain = sender.email.partition("@")
    name = sender.name.casefold()
    if " via " in name:
        # A list or a form that writes in a person's name.
        return (), ()
    parts = [part for part in _DIVIDED.split(local) if part]
    named = _is_named_after(parts, name, domain)
    signs = [
        sign
        for sign in (
            _local(local, parts, named),
            _name(name, parts if named else ()),
            _host(domain, {*parts, *_LETTERS.findall(name)}),
            _made_up(local, domain),
        )
        if sign is not None
    ]
    return tuple(signs), (Sign(WEAK, "the address is made of the sender's name"),) if named else ()


def _is_named_after(parts: list[str], name: str, domain: str) -> bool:
    """Whether a local part, divided, is made of a person's name, which is given beside it: `j.root` of Jo Root."""
    words = [word for word in _LETTERS.findall(name) if word not in bulk.BESIDE or word in bulk.SURNAMES]
    if len(words) < 2 or len(words) > 5 or not parts:
        return False
    if len(parts) == 1:
        (one,), first, last = parts, words[0], words[-1]
        if one in bulk.SENDER or (one in bulk.SENDER_MAYBE and one not in bulk.SURNAMES):
            return False
        if one in bulk.SURNAMES and any(word in domain for word in words if word != one):
            # The name of the house beside its program.
            return False
        return one in (*words, first + last, last + first, first[0] + last, last + first[0], first + last[0])
    initials = [word[:length] for word in words for length in (1, 2)]
    return any(part in words for part in parts) and all(part in words or part in initials for part in parts)


def _local(local: str, parts: list[str], named: bool) -> Sign | None:
    if found := _TOGETHER.search(local):
        return Sign(CERTAIN, f"sender named {found[0]!r}")
    if certain := next((part for part in parts if part in bulk.SENDER), None):
        return Sign(CERTAIN, f"sender named {certain!r}")
    maybe = next((part for part in parts if part in bulk.SENDER_MAYBE), None)
    if maybe is None or named:
        return None
    alone = all(part in bulk.SENDER_MAYBE or part in bulk.BESIDE for part in parts)
    return Sign(STRONG + 1 if alone else WEAK, f"sender named {maybe!r}")


def _name(name: str, own: Collection[str]) -> Sign | None:
    """What a display name says; words of the person's own name, from which the address is made, say nothing."""
    found = _NAME.search(name)
    if found and found[0].strip() not in own:
        return Sign(STRONG, f"sender calls itself {found[0]!r}")
    if found := _NAME_MAYBE.search(name):
        return Sign(WEAK, f"sender calls itself {found[0]!r}")
    return None


def _host(domain: str, words: Collection[str]) -> Sign | None:
    """What a host says; `words` of the sender's name and local part: a firm that writes as itself is no person."""
    labels = domain.split(".")
    own = 3 if len(labels) > 2 and labels[-2] in bulk.SUFFIXES and len(labels[-1]) == 2 else 2
    if len(labels) > own and labels[0] in bulk.HOST:
        return Sign(STRONG, f"sender's host named {domain!r}")
    if not bulk.SERVICE.isdisjoint(labels[:-own]):
        return Sign(STRONG, f"sender's host named {domain!r}")
    if (len(labels) > own and labels[0] in bulk.HOST_MAYBE) or not bulk.SERVICE.isdisjoint(labels[-own:]):
        return Sign(STRONG if labels[-own] in words else WEAK, f"sender's host named {domain!r}")
    return None


def _made_up(local: str, domain: str) -> Sign | None:
    """An address that was made for one mailing; relays that hide people's addresses make such ones too."""
    if domain not in FREE_MAIL and _RANDOM.search(local):
        return Sign(STRONG, "sender's address is made for one mailing")
    return None


def is_machine(email: str) -> bool:
    """Whether an address alone is a program's."""
    return any(sign.weight > STRONG for sign in shape(Address(email))[0])


def holds_recipient(message: Message) -> bool:
    """Whether the sender's address was made for the recipient: `confirm-ana=acme.test@groups.test`."""
    local = message.sender.email.partition("@")[0]
    return "=" in local and any(_inside(local, one.email) for one in message.recipients)


def _inside(local: str, email: str) -> bool:
    """Whether a local part holds another address, as VERP and its like write it."""
    person, _, domain = email.partition("@")
    return bool(domain) and person in local and domain in local


def envelope(message: Message, return_path: str) -> Sign | None:
    """What the envelope sender (Return-Path) says for a machine."""
    path = return_path[:MAX_PATH].strip("<> \t").lower()
    sender = message.sender.email
    if not path or path == sender or " via " in message.sender.name:
        return None
    path = _first_sender(path)
    local = path.partition("@")[0]
    if path == sender or _HIDDEN.search(path) or _inside(local, sender):
        # A forwarder or a filter wrote it; of a filter's own form the sender's address is a part.
        return None
    if any(_inside(local, one.email) for one in message.recipients):
        return Sign(STRONG, f"envelope sender made for {message.recipients[0].email!r}")
    if found := _ENVELOPE.search(path) or _CODED.search(path):
        return Sign(STRONG, f"envelope sender with {found[0]!r}")
    return None


def _first_sender(path: str) -> str:
    """The envelope sender before a forwarder rewrote it (SRS), as far as it tells."""
    if found := _SRS0.search(path) or _SRS1.search(path):
        return f"{found[2]}@{found[1]}"
    return path


def list_behind(message: Message, return_path: str) -> str:
    """The recipient that is a list by the envelope sender, which is its own address with an ending, or nothing."""
    if "-" not in return_path:
        return ""
    local, at, domain = return_path[:MAX_PATH].strip("<> \t").lower().partition("@")
    if not at or not (found := _LIST_OWN.match(local)):
        return ""
    address = f"{found['a'] or found['b']}@{domain}"
    return address if any(one.email == address for one in (*message.recipients, *message.reply_to)) else ""
