"""A first config for everybody on a list: who is found is shown and proposed, few by name and many as one rule."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from inboxwatch import config as configuration
from inboxwatch.commands.check import probe
from inboxwatch.commands.finding import Finding
from inboxwatch.commands.first_answers import (
    SOURCES,
    SYSTEMS,
    Answers,
    Given,
    ask_domain,
    ask_further,
    ask_way,
    choice,
    named_with_address,
    settings,
    taken,
)
from inboxwatch.commands.first_config import DIRECTORY, text_of_directory, text_of_people
from inboxwatch.commands.login_trial import correct_mail, failures, logins, waiting
from inboxwatch.commands.members import read_directory
from inboxwatch.commands.ownership_proof import some
from inboxwatch.commands.questions import NoAnswer, ask
from inboxwatch.commands.terminal import printable, remark
from inboxwatch.config.members import with_members
from inboxwatch.core.membership import Member
from inboxwatch.engine.directories import named
from inboxwatch.hidden import hidden
from inboxwatch.now import now

if TYPE_CHECKING:
    from inboxwatch.config import Config

MANY = 20
"""More people than these are written as a rule, and so many mailboxes are tried."""
_NOBODY = "nobody"


class FirstPeople:
    """See Proposal."""

    def __init__(self, given: Given) -> None:
        """Asks where the list is, how its mailboxes are read, and who owns what nobody else does. Raises NoAnswer."""
        source = choice("List of people", "--from", given.source, SOURCES, "csv")
        self._kind = kind = SOURCES[source]
        if kind.system and given.system not in ("", kind.system):
            raise NoAnswer(f"--system: the mailboxes of {source} are read by {kind.system}")
        self.answers = answers = Answers(
            mail=settings(given.mail), tell=settings(given.channel), listing=settings(given.listing)
        )
        answers.source, answers.address = kind.source, "{address}"
        answers.domain = ask_domain(given)
        self._ask_listing(again=False)
        if kind.source == "dovecot":
            answers.listing.setdefault("domain", answers.domain)  # of accounts that are written without one
        answers.system = kind.system or choice("Mail system", "--system", given.system, SYSTEMS, "imap")
        self._mail = kind.mail or SYSTEMS[answers.system]
        ask_further(answers, answers.mail, self._mail, "--set", again=False)
        question = "Who owns what nobody else does (Name <own address>)"
        answers.owner, answers.email = named_with_address(taken(question, "--owner", given.owner, _owner))
        ask_way(given, answers)
        self._exclude: tuple[str, ...] | None = given.exclude or None
        self._as_rule = given.as_rule
        self._proposed: Config | None = None
        """With the people who were found."""

    def text(self, name: str) -> str:
        """See Proposal: the rule, until it is known that those on the list are few."""
        if self._proposed is None or self._is_rule():
            return text_of_directory(self.answers, self._exclude or (), name)
        return text_of_people(self.answers, self._proposed, name)

    def tried(self, config: Config) -> list[Finding]:
        """See Proposal: reads the list, shows whom it has, and logs in to the first of their mailboxes."""
        with waiting(f"asking {self._kind.source} for its people ..."):
            listed = asyncio.run(read_directory(config, DIRECTORY))
        if isinstance(listed, Finding):
            return failures([listed])
        for place, why in listed.refused:
            remark(printable(hidden(f"not taken: {place}: {why}")))
        remark(printable(f"found {_people(listed.members)}"))
        members = self._wanted(config, listed.members)
        config = self._logging_in_as_listed(config, members)
        if not members:
            return failures([Finding(f"directory {DIRECTORY}", "failed", "nobody is on the list")])
        joined = with_members(config, named(config, DIRECTORY, members, now()))
        for one, why in joined.unusable_members:
            remark(printable(hidden(f"not taken: {one.member.address}: {why}")))
        self._proposed = joined
        how = "by one rule, which follows who joins and leaves" if self._is_rule() else "by name"
        remark(f"proposed: {len(members)} people and {len(joined.mailboxes)} mailboxes, {how}")
        return self._logged_in(joined)

    def correct(self, failed: list[Finding]) -> None:
        """See Proposal. What a list needs to be read is in part what its mailboxes need."""
        self._proposed = None
        if any(one.subject.startswith("directory") for one in failed):
            self._ask_listing(again=True)
            ask_further(self.answers, self.answers.mail, self._mail, "--set", again=True)
        correct_mail(self.answers, failed, self._mail)

    def _is_rule(self) -> bool:
        if self._as_rule is not None:
            return self._as_rule
        return self._proposed is None or len(self._proposed.members) > MANY

    def _ask_listing(self, *, again: bool) -> None:
        listing = self.answers.listing
        if "unit" in listing:
            listing["group"] = listing.pop("unit")
        wanted = [one for one in self._kind.listing if one.key != "path" or "command" not in listing]
        ask_further(self.answers, listing, tuple(wanted), "--list", again=again)

    def _wanted(self, config: Config, listed: Sequence[Member]) -> list[Member]:
        """Those whom nobody wants left out; asked for once."""
        if self._exclude is None:
            question = "Whom to leave out (addresses, or patterns such as info@*)"
            try:
                answer = ask(question, "--except", default=_NOBODY)
            except NoAnswer:
                answer = _NOBODY
            self._exclude = () if answer == _NOBODY else tuple(answer.lower().replace(",", " ").split())
        tolerance = replace(config.directories[DIRECTORY].tolerance, exclude=self._exclude)
        wanted = [one for one in listed if not tolerance.excludes(one)]
        if len(wanted) < len(listed):
            remark(f"left out: {len(listed) - len(wanted)}")
        return wanted

    def _logging_in_as_listed(self, config: Config, members: Sequence[Member]) -> Config:
        """A mail server whose accounts have no domain knows no addresses as logins."""
        mail, bare = self.answers.mail, not any("@" in one.ref for one in members)
        if self._kind.source != "dovecot" or not bare or "username" in mail:
            return config
        mail["username"] = "{user}"
        config.path.write_text(self.text(config.path.name), encoding="utf-8")
        return configuration.load(config.path)

    def _logged_in(self, config: Config) -> list[Finding]:
        """What failed of the channel, and of the mailboxes where none of those that were tried can be read."""
        boxes = dict(list(config.mailboxes.items())[:MANY])
        with logins(len(boxes)) as done:
            found = asyncio.run(probe(replace(config, mailboxes=boxes), whole=False, done=done))
        # A line for each of twenty that are well would hide the one that is not; `check` shows them all.
        failed = failures([one for one in found if one.kind != "mailbox" or one.verdict == "failed"])
        unread = {one.name for one in failed if one.kind == "mailbox"}
        if len(unread) == len(boxes):
            return failed
        remark(f"{len(boxes) - len(unread)} of {len(boxes)} mailboxes were read")
        return [one for one in failed if one.kind != "mailbox"]


def _people(members: Sequence[Member]) -> str:
    return f"{len(members)} people: {', '.join(some([one.address for one in members], 'others'))}"


def _owner(text: str) -> str:
    if not named_with_address(text)[1]:
        raise ValueError("write Name <address>")
    return text
