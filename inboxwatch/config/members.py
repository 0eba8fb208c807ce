"""A config with the members of its directories: people, their mailboxes and their teams, by the rule of each directory.

What the config itself names stands above what a directory lists: a member whose address is a person's of the config is
that person, a mailbox that is watched already stays as it is.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from inboxwatch.config.config import Config, DirectoryConfig, MailboxConfig
from inboxwatch.config.cross_checks import RESERVED
from inboxwatch.core.mail.parties import Us
from inboxwatch.core.membership import KnownMember
from inboxwatch.core.model import MailboxId, PersonId
from inboxwatch.core.ownership.people import Person, Team


def taken_names(config: Config) -> frozenset[str]:
    """Names that no new member may have."""
    return RESERVED | {*config.people, *config.mailboxes, *config.channels}


def with_members(config: Config, known: Iterable[KnownMember]) -> Config:
    """The config as it is written, with members of its directories; those of other directories are left out."""
    members = tuple(one for one in known if one.directory in config.directories)
    joining = _Joining(config)
    for one in members:
        try:
            joining.add(one)
        except ValueError as error:
            joining.unusable.append((one, str(error)))
    joining.name_managers()
    return replace(
        config,
        us=Us(config.us.domains, {**joining.shared, **joining.holders}, config.us.authserv_ids),
        people=joining.people,
        teams=joining.teams,
        mailboxes=joining.mailboxes,
        members=members,
        unusable_members=tuple(joining.unusable),
    )


class _Joining:
    """The parts of a config while members join it."""

    def __init__(self, config: Config) -> None:
        self._config = config
        self.people = dict(config.people)
        self.teams = dict(config.teams)
        self.mailboxes = dict(config.mailboxes)
        self.holders = {address: person for address, person in config.us.addresses.items() if person is not None}
        self.shared: dict[str, PersonId | None] = {
            address: None for address, person in config.us.addresses.items() if person is None
        }
        self.unusable: list[tuple[KnownMember, str]] = []
        self._watched = {box.address for box in config.mailboxes.values()}
        self._managers: dict[PersonId, str] = {}

    def add(self, known: KnownMember) -> None:
        """Raises ValueError where the config leaves no room for them."""
        directory, member = self._config.directories[known.directory], known.member
        if member.address in self.shared:
            raise ValueError(f"{member.address} is a shared mailbox of the config: a group address cannot own")
        person = self.holders.get(member.address)
        if person is None:
            person = self._person(known, directory)
        if (team := member.team or directory.team) is not None:
            before = self.teams.get(team) or Team(team, ())
            if person not in before.members:
                self.teams[team] = replace(before, members=(*before.members, person))
        if member.address not in self._watched:
            self._watch(known, directory, person)

    def _person(self, known: KnownMember, directory: DirectoryConfig) -> PersonId:
        member, id_ = known.member, known.person
        if id_ in self.people or id_ in RESERVED or id_ in self._config.channels:
            raise ValueError(f"the config uses the name {id_} for something else")
        aliases = tuple(one for one in member.aliases if one not in self.holders and one not in self.shared)
        self.people[id_] = Person(
            id=id_,
            name=member.name or id_,
            email=member.address,
            aliases=aliases,
            calendar=directory.calendar,
            manager=directory.manager if directory.manager != id_ else None,
        )
        self._managers[id_] = member.manager
        self.holders |= dict.fromkeys((member.address, *aliases), id_)
        return id_

    def _watch(self, known: KnownMember, directory: DirectoryConfig, person: PersonId) -> None:
        name = MailboxId(person if MailboxId(person) not in self.mailboxes else f"{directory.name}.{person}")
        box: MailboxConfig | None = directory.mailbox(name, known.member.address, person)
        if box is None:
            return
        if name in self.mailboxes:
            raise ValueError(f"the config has other mailboxes of the names {person} and {name}")
        self.mailboxes[name] = box
        self._watched.add(box.address)

    def name_managers(self) -> None:
        """Once all are known: a manager may be listed after those whom they lead."""
        for id_, named in self._managers.items():
            manager = PersonId(named) if named in self.people else self.holders.get(named)
            if manager is not None and manager != id_:
                self.people[id_] = replace(self.people[id_], manager=manager)
