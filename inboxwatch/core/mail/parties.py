"""Us and the rest of the world: which addresses are ours, and who wrote to whom."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from inboxwatch.core.model import Direction, FolderRole, Message, PersonId

MAX_REMEMBERED = 20_000
"""Addresses whose answer is kept."""


@dataclass(frozen=True, slots=True)
class Us:
    """Our domains and addresses, all lower case; an address that nobody owns maps to None."""

    domains: frozenset[str] = frozenset()
    addresses: Mapping[str, PersonId | None] = field(default_factory=dict)

    _known: dict[str, bool] = field(default_factory=dict, init=False, repr=False, compare=False)

    def is_ours(self, email: str) -> bool:
        """True for our addresses (plus tags are cut) and those of our domains and what lies below them."""
        found = self._known.get(email)
        if found is None:
            if len(self._known) >= MAX_REMEMBERED:
                self._known.clear()
            found = self._known[email] = self._is_ours(email)
        return found

    def _is_ours(self, email: str) -> bool:
        local, _, domain = email.rpartition("@")
        if email in self.addresses or f"{local.partition('+')[0]}@{domain}" in self.addresses:
            return bool(email)
        while domain:
            if domain in self.domains:
                return True
            domain = domain.partition(".")[2]
        return False

    def person(self, email: str) -> PersonId | None:
        """Who of us owns the address, or None."""
        found = self.addresses.get(email)
        if found is None and "+" in email:
            local, _, domain = email.rpartition("@")
            found = self.addresses.get(f"{local.partition('+')[0]}@{domain}")
        return found

    def direction(self, message: Message) -> Direction:
        """Outbound if we wrote it and anybody outside receives it, internal if nobody does, otherwise inbound.

        A message in a Sent folder is ours even where its From is an alias we do not know.
        """
        if not (self.is_ours(message.sender.email) or message.role is FolderRole.SENT):
            return Direction.INBOUND
        outside = any(one.email and not self.is_ours(one.email) for one in message.recipients)
        return Direction.OUTBOUND if outside else Direction.INTERNAL
