"""Addresses at which a mail itself is opened, in a webmail. All that others wrote in them is escaped whole."""

from __future__ import annotations

import re
from urllib.parse import quote, urlsplit

from inboxwatch.core.mail.copies import written_id
from inboxwatch.core.model import MessageId

MADE_UP = "@missing.inboxwatch"
"""Ends the ids of messages that have none: no webmail knows those."""
_PLACE = re.compile(r"\{([^{}]*)\}")
_PLACES = frozenset({"message_id", "address"})
_LONGEST = 2000
_UNFIT = re.compile(r"[\s<>|\"'\\\x00-\x20\x7f]")


def of_provider(link: str) -> str:
    """The address that a provider gives for a message, where it is one; else empty."""
    return web_address(link) if len(link) <= _LONGEST else ""


def web_address(text: str) -> str:
    """The text where it is a plain web address that can be shown and clicked, else an empty one."""
    if _UNFIT.search(text):
        return ""
    try:
        parts = urlsplit(text)
    except ValueError:
        return ""
    return text if parts.scheme in ("http", "https") and parts.netloc else ""


def gmail(address: str, message: MessageId) -> str:
    """The search of Gmail that finds a message in the mailbox of an address; empty where it has no id."""
    named = f"https://mail.google.com/mail/u/?authuser={_escaped(address)}#search/rfc822msgid%3A{_id(message)}"
    return web_address(named) if _id(message) else ""


def of_template(template: str, address: str, message: MessageId) -> str:
    """The address that a template of the config gives for a message; empty where the message has no id."""
    values = {"message_id": _id(message), "address": _escaped(address)}
    return web_address(_PLACE.sub(lambda place: values[place[1]], template)) if values["message_id"] else ""


def checked_template(template: str) -> str:
    """The template. Raises ValueError with what to write instead."""
    if unknown := set(_PLACE.findall(template)) - _PLACES:
        raise ValueError(f"{{{sorted(unknown)[0]}}} is no place: there are {{message_id}} and {{address}}")
    if "{message_id}" not in template:
        raise ValueError("must name the message: write {message_id} where its Message-ID belongs")
    host = urlsplit(template).netloc if template.startswith(("https://", "http://")) else ""
    if not host or "{" in host or not of_template(template, "ana@acme.test", MessageId("m@acme.test")):
        raise ValueError("must be an address such as https://webmail.example/?search={message_id}")
    return template


def _id(message: MessageId) -> str:
    return "" if message.endswith(MADE_UP) or len(message) > _LONGEST else _escaped(written_id(message))


def _escaped(text: str) -> str:
    return quote(text, safe="", errors="replace")
