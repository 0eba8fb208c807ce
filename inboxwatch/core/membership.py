"""Who is listed by a directory: what a new list changes, and when a list is not to be believed."""

from __future__ import annotations

import itertools
import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from fnmatch import fnmatchcase

from inboxwatch.core.model import PersonId

_UNFIT = re.compile(r"[^\w.-]+")


@dataclass(frozen=True, slots=True)
class Member:
    """One of our people as a directory lists them. Addresses are in lower case."""

    ref: str
    """The same for as long as they are listed, whatever their address: an id of the directory, else the address."""
    address: str
    """Of their mailbox."""
    name: str = ""
    aliases: tuple[str, ...] = ()
    team: str = ""
    manager: str = ""
    """A person's id or address."""
    id: str = ""
    """The id that they are to have in the config; empty: made of the address."""


@dataclass(frozen=True, slots=True)
class KnownMember:
    """A member as the store keeps them."""

    directory: str
    person: PersonId
    """Their id in the config: it stays for as long as they are listed."""
    member: Member
    joined_at: datetime
    missing_since: datetime | None = None
    """Since when the list does not name them; they are dropped when the grace time is over."""


@dataclass(frozen=True, slots=True)
class Tolerance:
    """What a list may do at once."""

    grace: timedelta
    """How long who is not listed any more is kept."""
    shrink: float
    """The share of all known members (0..1) that a list may leave out and still be believed."""
    exclude: tuple[str, ...] = ()
    """Addresses that count as not listed, or patterns with `*`; lower case."""

    def excludes(self, member: Member) -> bool:
        return any(fnmatchcase(member.address, pattern) for pattern in self.exclude)


class Held(StrEnum):
    """Why a list is not believed: nothing of it is taken over."""

    EMPTY = "empty"
    SHRUNK = "shrunk"


@dataclass(frozen=True, slots=True)
class ListChanges:
    """What a new list says of each member; all of it or nothing is taken over."""

    joined: tuple[Member, ...] = ()
    moved: tuple[tuple[KnownMember, Member], ...] = ()
    """Who is listed otherwise: another address, name, team or manager."""
    returned: tuple[KnownMember, ...] = ()
    missing: tuple[KnownMember, ...] = ()
    """Listed before, and now for the first time not."""
    left: tuple[KnownMember, ...] = ()
    """Not listed, and the grace time is over."""
    held: Held | None = None
    unlisted: tuple[KnownMember, ...] = ()
    """Everybody who is known and not listed, new or not."""


def changes(known: Sequence[KnownMember], listed: Sequence[Member], tolerance: Tolerance, now: datetime) -> ListChanges:
    """Compares the members of a directory with its list as it was just read.

    A list that is empty, or that leaves out more than one member and more than the share, drops nobody: that is what a
    directory looks like that has lost a filter, a page or a right. Who is missing already counts too, so that a list
    that dwindles within the grace time is seen as one that shrinks. Who is left out by our own config does not count.
    """
    before = {one.member.ref: one for one in known}
    now_listed = {one.ref: one for one in listed if not tolerance.excludes(one)}
    unlisted = tuple(one for one in known if one.member.ref not in now_listed)
    if not now_listed:
        return ListChanges(held=Held.EMPTY, unlisted=unlisted)
    lost = sum(not tolerance.excludes(one.member) for one in unlisted)
    if lost > max(1.0, tolerance.shrink * len(known)):
        return ListChanges(held=Held.SHRUNK, unlisted=unlisted)
    both = [(before[ref], one) for ref, one in now_listed.items() if ref in before]
    return ListChanges(
        joined=tuple(one for ref, one in now_listed.items() if ref not in before),
        moved=tuple((old, new) for old, new in both if old.member != replace(new, id=old.member.id)),
        returned=tuple(old for old, _ in both if old.missing_since is not None),
        missing=tuple(one for one in unlisted if one.missing_since is None),
        left=tuple(one for one in unlisted if one.missing_since and one.missing_since + tolerance.grace <= now),
        unlisted=unlisted,
    )


def id_for(member: Member, taken: Collection[str]) -> PersonId:
    """A free id for who joins: the one that the directory gives, or what stands before the @ of the address."""
    wanted = (_UNFIT.sub("-", word).strip("-.") for word in (member.id, member.address.partition("@")[0]))
    first = next(filter(None, wanted), "member")
    numbered = (f"{first}-{number}" for number in itertools.count(2))
    return PersonId(next(one for one in itertools.chain([first], numbered) if one not in taken))
