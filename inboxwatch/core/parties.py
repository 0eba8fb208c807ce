"""Us and the rest of the world: which addresses are ours, and who wrote to whom."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from inboxwatch.core.model import Direction, FolderRole, Message, PersonId


@dataclass(frozen=True, slots=True)
class Us:
    """Our domains and addresses, all lower case; an address that nobody owns maps to None."""

    domains: frozenset[str] = frozenset()
    addresses: Mapping[str, PersonId | None] = field(default_factory=dict)

    def is_ours(self, email: str) -> bool:
        """True for our addresses (plus tags are cut) and those of our domains and what lies below them."""
        if not email:
            return False
        if email in self.addresses:
            return True
        local, _, domain = email.rpartition("@")
        if domain in self.domains:
            return True
        if "+" in local and f"{local.partition('+')[0]}@{domain}" in self.addresses:
            return True
        while "." in domain:
            domain = domain.partition(".")[2]
            if domain in self.domains:
                return True
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
