"""One mailbox for a first config: five questions, and a login that is tried."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from inboxwatch.commands.check import probe
from inboxwatch.commands.finding import Finding
from inboxwatch.commands.first_answers import (
    SYSTEMS,
    Answers,
    Given,
    ask_domain,
    ask_further,
    ask_way,
    choice,
    named_with_address,
    one_of_kind,
    settings,
    taken,
)
from inboxwatch.commands.first_config import text_of
from inboxwatch.commands.login_trial import correct_mail, failures, waiting
from inboxwatch.config.fields import Email

if TYPE_CHECKING:
    from inboxwatch.config import Config


class FirstMailbox:
    """See Proposal."""

    def __init__(self, given: Given) -> None:
        """Asks the five questions, and what a mail system or a channel needs besides. Raises NoAnswer."""
        self.answers = answers = Answers(mail=settings(given.mail), tell=settings(given.channel))
        answers.domain = ask_domain(given)
        answers.system = choice("Mail system", "--system", given.system, SYSTEMS, "imap")
        question = f"First mailbox to watch, such as ana@{answers.domain}"
        answers.address = one_of_kind(question, "--mailbox", given.mailbox, Email)
        ask_further(answers, answers.mail, SYSTEMS[answers.system], "--set", again=False)
        question = "Who owns it (a name; for a shared mailbox: Name <own address>)"
        owner, own = named_with_address(taken(question, "--owner", given.owner, _owner))
        answers.owner, answers.email = owner, own or answers.address
        ask_way(given, answers)

    def text(self, name: str) -> str:
        """See Proposal."""
        return text_of(self.answers, name)

    def tried(self, config: Config) -> list[Finding]:
        """See Proposal: logs in to the mailbox and to the channel."""
        (box,) = config.mailboxes.values()
        with waiting(f"logging in to {box.server or box.connector} ..."):
            found = asyncio.run(probe(config, whole=False))
        return failures(found)

    def correct(self, failed: list[Finding]) -> None:
        """See Proposal."""
        correct_mail(self.answers, failed, SYSTEMS[self.answers.system])


def _owner(text: str) -> str:
    named_with_address(text)
    return text
