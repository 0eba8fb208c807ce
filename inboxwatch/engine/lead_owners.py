"""Whose a lead is: sources name owners by id, address or alias; what is no person of ours is no owner."""

from __future__ import annotations

from typing import TYPE_CHECKING

from inboxwatch.core.model import PersonId

if TYPE_CHECKING:
    from inboxwatch.config import Config


def owner_of(config: Config, told: str) -> PersonId | None:
    """The person whom a source names; None where it names nobody, a group, or somebody who is not known."""
    told = told.strip()
    if told in config.people:
        return PersonId(told)
    person = config.us.person(told.lower()) if "@" in told else None
    return person if person in config.people else None
