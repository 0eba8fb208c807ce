"""Forms and portals that write in a buyer's name: who filled them in."""

from __future__ import annotations

import re

from inboxwatch.core.mail.classify import is_machine
from inboxwatch.core.mail.words import forms
from inboxwatch.core.model import Address, Message

_SUBJECT = re.compile(rf"\b(?:{'|'.join(forms.SUBJECT)})\b")
_LABEL = re.compile(rf"^[ \t>*]*+({'|'.join(forms.LABELS)})[ \t]*+(?:\*[ \t]*+)?[:：]", re.IGNORECASE | re.MULTILINE)
_DIVIDED = re.compile(r"[._+\d-]+")
_SENDERS = frozenset(forms.SENDERS)
_ROLES = frozenset(forms.ROLES)


def author(message: Message) -> str:
    """The address of whoever filled in a form that its service sent, or nothing where no form shows.

    The service stands in From and names the author in Reply-To; a subject, labels before what was filled in, or the
    service's own name tell that it is a form. Newsletters and tickets answer to addresses of their own.
    """
    first = next((one for one in message.reply_to if "@" in one.email), None)
    if first is None or first.email == message.sender.email or same_house(first, message.sender):
        return ""
    if is_machine(first.email):
        return ""
    labelled = len({found.casefold() for found in _LABEL.findall((message.text or "")[:4000])}) >= 2
    if _DIVIDED.split(first.email.partition("@")[0])[0] in _ROLES and not labelled:
        return ""
    words = {word for word in _DIVIDED.split(message.sender.email.partition("@")[0]) if word}
    if labelled or not words.isdisjoint(_SENDERS) or _SUBJECT.search(message.subject.casefold()):
        return first.email
    return ""


def same_house(one: Address, other: Address) -> bool:
    """Whether two addresses have one domain, or one below the other's."""
    a, b = one.domain, other.domain
    return a == b or a.endswith("." + b) or b.endswith("." + a)
