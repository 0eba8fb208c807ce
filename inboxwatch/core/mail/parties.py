"""Us and the rest of the world: which addresses are ours, and who wrote to whom."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from inboxwatch.core.domain_names import folded_address, folded_domain
from inboxwatch.core.mail.headers import addresses
from inboxwatch.core.model import Direction, FolderRole, Message, PersonId

MAX_REMEMBERED = 20_000
"""Addresses whose answer is kept."""
_ORIGINAL = ("x-original-from", "x-original-sender")
"""Where lists keep the author, the likelier first."""


@dataclass(frozen=True, slots=True)
class Us:
    """Our domains and addresses, all lower case; an address that nobody owns maps to None.

    Both spellings of a domain with other letters are one.
    """

    domains: frozenset[str] = frozenset()
    addresses: Mapping[str, PersonId | None] = field(default_factory=dict)
    authserv_ids: frozenset[str] = frozenset()
    """The names under which our mail servers stamp what they have found out about a sender; empty: to be seen."""

    _known: dict[str, bool] = field(default_factory=dict, init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "domains", frozenset(map(folded_domain, self.domains)))
        if not all(map(str.isascii, self.addresses)):
            folded = {folded_address(email): person for email, person in self.addresses.items()}
            object.__setattr__(self, "addresses", folded)

    def is_ours(self, email: str) -> bool:
        """True for our addresses (plus tags are cut) and those of our domains and what lies below them."""
        found = self._known.get(email)
        if found is None:
            if len(self._known) >= MAX_REMEMBERED:
                self._known.clear()
            found = self._known[email] = self._is_ours(folded_address(email))
        return found

    def _is_ours(self, email: str) -> bool:
        if is_directory_name(email):
            return True
        local, _, domain = email.rpartition("@")
        if email in self.addresses or f"{local.partition('+')[0]}@{domain}" in self.addresses:
            return bool(email)
        return self.is_own_host(domain)

    def is_own_host(self, host: str) -> bool:
        """Whether a host or domain, in lower case, is one of ours or lies below one."""
        while host:
            if host in self.domains:
                return True
            host = host.partition(".")[2]
        return False

    def person(self, email: str) -> PersonId | None:
        """Who of us owns the address, or None."""
        email = folded_address(email)
        found = self.addresses.get(email)
        if found is None and "+" in email:
            local, _, domain = email.rpartition("@")
            found = self.addresses.get(f"{local.partition('+')[0]}@{domain}")
        return found

    def writer(self, message: Message) -> PersonId | None:
        """Who of us wrote a message: whom its Sender header names (sent on behalf of another), else who is in From."""
        behalf = message.mark("sender")
        sent = addresses(behalf.encode()) if behalf else ()
        found = self.person(sent[0].email) if sent else None
        return found if found is not None else self.person(message.sender.email)

    def direction(self, message: Message) -> Direction:
        """Outbound if we wrote it and anybody outside receives it, internal if nobody does, otherwise inbound.

        A message in a Sent folder is ours even where its From is an alias we do not know, but for somebody else's
        that was only passed on (Resent-*). A list or a form of ours that writes in the name of somebody outside is
        inbound.
        """
        ours = self.is_ours(message.sender.email)
        if message.role is FolderRole.SENT:
            if not ours and message.mark("resent-from"):
                return Direction.INBOUND
        elif not ours or self._for_somebody_outside(message):
            return Direction.INBOUND
        outside = any("@" in one.email and not self.is_ours(one.email) for one in message.recipients)
        return Direction.OUTBOUND if outside else Direction.INTERNAL

    def outside_authors(self, message: Message) -> list[str]:
        """Who wrote it, where a form, a list or a relay stands in the From line: Reply-To, and what lists keep."""
        return [email for email in named_authors(message) if "@" in email and not self.is_ours(email)]

    def outside_of(self, emails: Iterable[str]) -> frozenset[str]:
        """Those of addresses that are outside us; names of Exchange's directory are somebody's of the house."""
        return frozenset([email for email in emails if "@" in email and not self.is_ours(email)])

    def _for_somebody_outside(self, message: Message) -> bool:
        """Whether an address of ours wrote in the name of somebody outside, to us."""
        if not message.reply_to and " via " not in message.sender.name and not message.mark("x-original-from"):
            return False
        authors = self.outside_authors(message)
        recipients = message.recipients
        if not authors or not any(self.is_ours(one.email) for one in recipients):
            return False
        if all(self.is_ours(one.email) for one in recipients):
            return True
        if self.person(message.sender.email) is not None and " via " not in message.sender.name:
            # A colleague who names the buyer for the answers, or an address of a sales tool.
            return False
        named = any(one.email in authors for one in recipients)
        return named or all(self.is_ours(one.email) for one in message.to)


def is_directory_name(email: str) -> bool:
    """Whether it is no address but a name in Exchange's directory (legacyExchangeDN): somebody of the house."""
    return email.startswith("/o=") and "/cn=" in email


def _kept_author(message: Message) -> str:
    """Whom a list that wrote the From line anew says to be the author, as a header has it."""
    kept: dict[str, str] = {}
    for name, value in message.marks:  # asked of each message several times: one loop costs half of two
        if name in _ORIGINAL:
            kept.setdefault(name, value)
    return next((told for name in _ORIGINAL if (told := kept.get(name))), "") if kept else ""


def named_authors(message: Message) -> list[str]:
    """Whom Reply-To names, and what lists keep of the author."""
    authors = [one.email for one in message.reply_to if one.email]
    original = _kept_author(message)
    if "@" in original:
        authors.append(original.rpartition("<")[2].strip(" >").lower())
    name, via, _ = message.sender.name.partition(" via ")
    if not via and len(authors) < 2:
        return authors
    if via:
        # Lists that rewrite From keep its author among those who get a copy.
        person = name.strip(" '\"").casefold()
        authors += [one.email for one in message.cc if one.name.strip(" '\"").casefold() == person]
    return list(dict.fromkeys(authors))
