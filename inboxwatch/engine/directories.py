"""What lists of our people say: who joined, moved, is missing and has left; told to IT before anybody is dropped."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from hashlib import blake2b
from typing import TYPE_CHECKING

from inboxwatch.config.members import taken_names
from inboxwatch.core.membership import Held, KnownMember, ListChanges, Member, changes, id_for
from inboxwatch.engine.alarms import Condition, watch
from inboxwatch.engine.rules import Rules
from inboxwatch.hidden import hidden
from inboxwatch.notify import NoticeType, directory_messages
from inboxwatch.store import Transaction
from inboxwatch.words import ENGLISH, Wording

if TYPE_CHECKING:
    from inboxwatch.config import Config


def compare(
    config: Config, directory: str, known: Sequence[KnownMember], listed: Sequence[Member], now: datetime
) -> ListChanges:
    """What taking over the list of a directory would change for the members that are known of it."""
    return changes(known, list(_readable(listed)), config.directories[directory].tolerance, now)


def take_members(tx: Transaction, rules: Rules, directory: str, listed: Sequence[Member], now: datetime) -> int:
    """Takes over the list of a directory as it was just read, unless it is held; returns how many notices are new."""
    known = tx.members.of([directory])
    found = compare(rules.config, directory, known, listed, now)
    new = watch(
        tx, rules, [_unread(directory, None, rules.words), _held(directory, found, len(known), rules.words)], now
    )
    if found.held is not None:
        return new
    # Another process may have taken over members that the config in force does not have yet.
    config = replace(rules.config, members=stored_members(tx, rules.config))
    joined = named(config, directory, found.joined, now)
    back = [replace(one, missing_since=None) for one in found.returned]
    moved = [replace(old, member=replace(member, id=""), missing_since=None) for old, member in found.moved]
    tx.members.add(joined)
    tx.members.change([*back, *moved])
    tx.members.mark_missing(directory, [one.member.ref for one in found.missing], now)
    tx.members.drop(directory, [one.member.ref for one in found.left])
    until, words = now + rules.config.directories[directory].tolerance.grace, rules.words
    titles = {
        "joined": (joined, directory_messages.joined(directory=directory, people=_ids(joined), words=words)),
        "moved": (moved, directory_messages.moved(directory=directory, people=moves(found.moved), words=words)),
        "returned": (back, directory_messages.returned(directory=directory, people=_ids(back), words=words)),
        "missing": (
            found.missing,
            directory_messages.missing(
                directory=directory,
                people=_ids(found.missing),
                until=until,
                waits=_waits(tx, found.missing),
                words=words,
            ),
        ),
        "left": (found.left, directory_messages.left(directory=directory, people=_ids(found.left), words=words)),
    }
    for what, (members, title) in titles.items():
        if members:
            key = f"directory/{directory}/{what}/{_digest(members)}/{now.date()}"
            targets = rules.config.it_alerts
            new += tx.deliveries.enqueue(rules.notices.notice(NoticeType.DIGEST, key, targets, now, title=title))
    return new


def directory_unread(tx: Transaction, rules: Rules, directory: str, error: str, now: datetime) -> int:
    """Tells IT, once, that a directory cannot be read; its members stay. Returns how many notices are new."""
    return watch(tx, rules, [_unread(directory, hidden(error), rules.words)], now)


def stored_members(tx: Transaction, config: Config) -> tuple[KnownMember, ...]:
    """The members of a config's directories as their lists were taken over last."""
    return tx.members.of(config.directories)


def _unread(directory: str, error: str | None, words: Wording) -> Condition:
    return Condition(
        f"directory-unread/{directory}",
        error is not None,
        directory_messages.unread(directory=directory, error=error or "", words=words),
        directory_messages.read_again(directory=directory, words=words),
    )


def _held(directory: str, found: ListChanges, known: int, words: Wording) -> Condition:
    return Condition(
        f"directory-held/{directory}",
        found.held is not None,
        held_in_words(directory, found, known, words),
        directory_messages.believed_again(directory=directory, words=words),
    )


def held_in_words(directory: str, found: ListChanges, known: int, words: Wording = ENGLISH) -> str:
    """Why a list is not taken over."""
    if found.held is Held.EMPTY:
        return directory_messages.empty(directory=directory, known=known, words=words)
    return directory_messages.shrunk(directory=directory, known=known, people=_ids(found.unlisted), words=words)


def _readable(listed: Iterable[Member]) -> Iterator[Member]:
    """The members without characters that no database and no terminal should be given; each ref once."""
    seen: set[str] = set()
    for one in listed:
        if one.ref not in seen:
            seen.add(one.ref)
            words = {name: _printable(getattr(one, name)) for name in ("ref", "address", "name", "team", "manager")}
            yield replace(one, **words, aliases=tuple(map(_printable, one.aliases)))


def _printable(text: str) -> str:
    return text if text.isprintable() else "".join(letter for letter in text if letter.isprintable())


def named(config: Config, directory: str, joined: Sequence[Member], now: datetime) -> list[KnownMember]:
    """New members with their ids: that of the person of the config who has their address, else a free one.

    The config has the members who are known already.
    """
    taken, found = {*taken_names(config), *(one.person for one in config.members)}, []
    for member in joined:
        id_ = config.us.addresses.get(member.address) or id_for(member, taken)
        taken.add(id_)
        found.append(KnownMember(directory, id_, replace(member, id=""), now))
    return found


def _ids(members: Iterable[KnownMember]) -> list[str]:
    return [one.person for one in members]


def moves(moved: Iterable[tuple[KnownMember, Member]]) -> list[str]:
    """`ana (team emea)`: what the list says of each now."""
    found = []
    for old, new in moved:
        words = [
            f"{name} {getattr(new, name) or '-'}"
            for name in ("address", "team", "manager", "name")
            if getattr(old.member, name) != getattr(new, name)
        ]
        found.append(f"{old.person} ({', '.join(words) or 'aliases'})")
    return found


def _waits(tx: Transaction, missing: Sequence[KnownMember]) -> int:
    people = {one.person for one in missing}
    return sum(row.owner in people for row in tx.clocks.running()) if people else 0


def _digest(members: Iterable[KnownMember]) -> str:
    words = (f"{one.member.ref} {one.member.address} {one.member.team} {one.member.manager}" for one in members)
    return blake2b("/".join(sorted(words)).encode(), digest_size=8).hexdigest()
