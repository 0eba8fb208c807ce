"""Whom other systems mean when they name the owner of a lead."""

from __future__ import annotations

from typing import TYPE_CHECKING

from inboxwatch.core.domain_names import folded_address
from inboxwatch.core.model import PersonId

if TYPE_CHECKING:
    from inboxwatch.config import Config


def person_named(config: Config, word: str) -> PersonId | None:
    """The person of the config by id, e-mail address or alias; None for a group, a queue or somebody unknown."""
    if (person := PersonId(word)) in config.people:
        return person
    return config.us.addresses.get(folded_address(word.strip().lower()))
