"""The members of directories for commands: as the store has them, or as their lists would have it now."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from inboxwatch.commands.finding import Finding
from inboxwatch.commands.ownership_proof import some
from inboxwatch.config.members import with_members
from inboxwatch.connector import MailboxError, MemberList
from inboxwatch.core.membership import KnownMember, ListChanges
from inboxwatch.engine.departures import departures
from inboxwatch.engine.directories import compare, held_in_words, moves, named, stored_members
from inboxwatch.engine.rules import Rules
from inboxwatch.hidden import hidden
from inboxwatch.now import now
from inboxwatch.store import Store, StoreError

if TYPE_CHECKING:
    from inboxwatch.config import Config

READ_LIMIT = 60.0
"""Seconds that a directory may take to be read."""


def with_stored(config: Config) -> Config:
    """A config as it is written -> with its members as the store has them; without any where there is no store yet."""
    return with_members(config, _known(config))


@dataclass(frozen=True, slots=True)
class Outlook:
    """What the directories of a config would change now."""

    written: Config
    config: Config
    """With the members as they would be: who is not listed stays for the grace time."""
    findings: tuple[Finding, ...] = ()
    departing: tuple[KnownMember, ...] = ()
    """Who is not listed."""

    def moves(self) -> Iterator[Finding]:
        """What becomes of the open waits of those who are not listed, before it does."""
        without = with_members(self.written, (one for one in self.config.members if one not in self.departing))
        if not self.departing or (store := _opened(self.written)) is None:
            return
        try:
            with store.reading() as tx:
                found = departures(tx, Rules.connect(without), now())
        finally:
            store.close()
        yield from (Finding("open waits", "warning", f"soon: {one}", "see before they are dropped") for one in found)


def look_ahead(config: Config, *, offline: bool) -> Outlook:
    """Reads the directories of a config as it is written; offline only what the store knows of them."""
    if not config.directories:
        return Outlook(config, config)
    known = _known(config)
    if offline:
        return Outlook(config, with_members(config, known))
    findings: list[Finding] = []
    departing: list[KnownMember] = []
    then = list(known)
    for name, listed in asyncio.run(_read_all(config)).items():
        if isinstance(listed, Finding):
            findings.append(listed)
            continue
        own = [one for one in known if one.directory == name]
        found = compare(config, name, own, listed.members, now())
        left_out = sum(map(config.directories[name].tolerance.excludes, listed.members))
        findings += _findings(name, listed, found, own, left_out)
        if found.held is None:
            departing += found.unlisted
            changed = dict(found.moved)
            then = [replace(one, member=changed.get(one, one.member)) for one in then]
            then += named(with_members(config, then), name, found.joined, now())
    joined = with_members(config, then)
    for one, why in joined.unusable_members:
        findings.append(Finding(f"directory {one.directory}", "warning", f"{one.person} is not taken: {why}"))
    return Outlook(config, joined, tuple(findings), tuple(departing))


def _opened(config: Config) -> Store | None:
    """The store as it is; None where it cannot be opened, as another finding says."""
    if not config.store_url.resolved:
        return None
    try:
        return Store(config.store_url.reveal(), migrate=False)
    except StoreError:
        return None


def _known(config: Config) -> Sequence[KnownMember]:
    if (store := _opened(config)) is None:
        return ()
    try:
        with store.reading() as tx:
            return stored_members(tx, config)
    finally:
        store.close()


async def _read_all(config: Config) -> dict[str, MemberList | Finding]:
    found = await asyncio.gather(*(read_directory(config, name) for name in config.directories))
    return dict(zip(config.directories, found, strict=True))


async def read_directory(config: Config, name: str) -> MemberList | Finding:
    """The list of a directory as it is now, or why it cannot be read."""
    source = config.directories[name].connect()
    stay = "its members stay as the store knows them"
    try:
        async with asyncio.timeout(READ_LIMIT):
            return await source.read()
    except MailboxError as error:
        return Finding(f"directory {name}", "failed", f"{error.reason}: {error}; {stay}", error.hint)
    except Exception as error:  # noqa: BLE001  (whatever a source raises is what the operator must see)
        text = hidden(str(error)) or f"no answer within {READ_LIMIT:.0f} s"
        return Finding(f"directory {name}", "failed", f"{text}; {stay}")
    finally:
        await source.aclose()


def _findings(
    name: str, listed: MemberList, found: ListChanges, own: Sequence[KnownMember], left_out: int
) -> Iterator[Finding]:
    subject = f"directory {name}"
    yield from (Finding(subject, "warning", one) for one in listed.warnings)
    if found.held:
        yield Finding(subject, "failed", held_in_words(name, found, len(own)))
        return
    but = f", {left_out} of whom `exclude` leaves out" if left_out else ""
    facts = "".join(f"; {label} {value}" for label, value in listed.facts)
    yield Finding(subject, "ok", f"lists {len(listed.members)} members{but}{facts}")
    told: dict[str, list[str]] = {
        "would join": [one.address for one in found.joined],
        "would move": moves(found.moved),
        "are listed again": [one.person for one in found.returned],
        "would leave when the grace time is over": [one.person for one in found.missing],
        "leave": [one.person for one in found.unlisted if one not in found.missing],
    }
    for what, people in told.items():
        if people:
            verdict = "ok" if what == "would join" else "warning"
            yield Finding(subject, verdict, f"{len(people)} {what}: {', '.join(some(people, 'others'))}")
    yield from (Finding(subject, "warning", line) for line in some(list(map(": ".join, listed.refused)), "others"))
