"""A change of owner of an open wait, as both who has it now and who had it before are told of it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from inboxwatch.core.model import PersonId
from inboxwatch.core.ownership.advance import ESCALATION, ROUTING, assignment_at
from inboxwatch.core.sla.timeline import Action


@dataclass(frozen=True, slots=True)
class OwnerChange:
    """One change of owner, whoever made it."""

    owner: PersonId
    """Whose the wait is now."""
    former: PersonId
    by: str
    """A person's id; `routing` or `escalation` for the program's own."""
    at: datetime
    reason: str
    """In words; of a person's own deed what they wrote, if anything."""
    serial: int
    """Tells it from every other change of owner of the same wait."""

    @property
    def by_program(self) -> bool:
        return self.by in (ROUTING, ESCALATION)

    @property
    def readers(self) -> tuple[PersonId, ...]:
        """Who is told: whoever did it knows it."""
        return tuple(one for one in (self.owner, self.former) if one != self.by)


def owner_change(former: Iterable[PersonId | None], owner: PersonId, actions: Iterable[Action]) -> OwnerChange | None:
    """The change from whoever had a wait (under all its ids) to its owner; None where it is whose it was.

    `actions` are all that was done to the wait.
    """
    had = [one for one in former if one is not None]
    given = assignment_at(actions)
    if not had or owner in had or given is None or given.owner != owner:
        return None
    reason = "" if given.reason == "acknowledged" and given.by == owner else given.reason
    return OwnerChange(owner, had[-1], given.by, given.at, reason, given.serial)
