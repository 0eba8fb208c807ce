"""Who may act on a wait, by a message, the board or the API: those whom it concerns, and the named admins."""

from __future__ import annotations

from enum import IntEnum
from typing import TYPE_CHECKING

from inboxwatch.core.model import PersonId
from inboxwatch.core.qualification.decision import PERSON
from inboxwatch.store.records import ClockRecord

if TYPE_CHECKING:
    from inboxwatch.config import Config
    from inboxwatch.store import Transaction


class Role(IntEnum):
    """What whoever is signed in may do; each includes those before it."""

    VIEWER = 0
    """Reads everything, and changes nothing, not even waits that concern them."""
    REP = 1
    """Acts on waits that concern them."""
    MANAGER = 2
    """Leads a team, is somebody's manager or the fallback: reviews matches and kinds."""
    ADMIN = 3
    """One of `admins`, or the fallback where there are none: reloads the config, sends again, edits leads."""


def role(config: Config, person: PersonId) -> Role:
    """The role of a person of the config."""
    if person in config.admins or (not config.admins and person == config.fallback):
        return Role.ADMIN
    managers = {one.manager for one in config.people.values()} | {team.lead for team in config.teams.values()}
    return Role.MANAGER if person in managers or person == config.fallback else Role.REP


def concerned(config: Config, tx: Transaction, clock: ClockRecord) -> dict[PersonId, str]:
    """Everybody who may act on a wait, with why: owner, team, team lead, manager, told of it, fallback, admin.

    The wait's team is that of its mailbox; without one, the teams of its owner. One that was filtered has no owner:
    then it concerns whose mailbox it came to. Whoever has judged it may take that back.
    """
    found: dict[PersonId, str] = {}
    if clock.owner is not None and clock.owner in config.people:
        found[clock.owner] = "owner"
        if (manager := config.people[clock.owner].manager) is not None:
            found.setdefault(manager, "manager of the owner")
    elif clock.mailbox is not None and (box := config.mailboxes.get(clock.mailbox)) is not None and box.owner:
        found[PersonId(box.owner)] = "owner of the mailbox"
    teams = [config.teams[clock.team]] if clock.team and clock.team in config.teams else []
    teams = teams or [team for team in config.teams.values() if clock.owner in team.members]
    for team in teams:
        found |= {member: f"team {team.id}" for member in team.members if member not in found}
        if team.lead is not None:
            found.setdefault(team.lead, f"lead of team {team.id}")
    if (judge := clock.class_by.removeprefix(PERSON)) in config.people:
        found.setdefault(PersonId(judge), "has judged it")
    for notified in tx.clocks.notifications(clock.ids):
        if notified.target in config.people:
            found.setdefault(PersonId(notified.target), "told of it")
    found.setdefault(config.fallback, "fallback")
    for admin in sorted(config.admins):
        found.setdefault(admin, "admin")
    return found
