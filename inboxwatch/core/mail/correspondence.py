"""What a message's kind depends on beside the message: to whom we wrote, what it answers, what people said."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from inboxwatch.core.leads import plain_address
from inboxwatch.core.mail.classify import FEW, Answered, Said
from inboxwatch.core.mail.parties import Us
from inboxwatch.core.mail.threads.known import Known
from inboxwatch.core.model import Kind, Message, MessageId, Verdict


@dataclass(slots=True)
class Correspondence:
    """As far as some messages ask; addresses are plain (`plain_address`)."""

    written: dict[str, datetime] = field(default_factory=dict)
    """When we first wrote to an address."""
    answered: Mapping[MessageId, Answered] = field(default_factory=dict)
    """Messages that matched no lead: they are known by their ids alone."""
    facts: Mapping[str, Said] = field(default_factory=dict)
    """What people said, by Message-ID or address."""

    def wrote(self, emails: Iterable[str], at: datetime) -> None:
        """Notes that we wrote to addresses at an instant."""
        for email in emails:
            plain = plain_address(email)
            if plain not in self.written or at < self.written[plain]:
                self.written[plain] = at

    def had_written(self, email: str, at: datetime) -> bool:
        """Whether we wrote to an address before an instant."""
        first = self.written.get(plain_address(email)) if self.written else None
        return first is not None and first < at

    def fact(self, id: MessageId, sender: str) -> Said | None:  # noqa: A002  (the word of the field)
        """What was said of a message, or else of its sender."""
        if not self.facts:
            return None
        return self.facts.get(id) or self.facts.get(plain_address(sender))


def recipients(message: Message, us: Us) -> list[str]:
    """To whom outside us a message went."""
    return [one.email for one in message.recipients if "@" in one.email and not us.is_ours(one.email)]


def correspondents(message: Message, alone: Verdict, us: Us) -> list[str]:
    """The addresses of which must be known whether we wrote to them: of mail to us its sender, of ours its recipients.

    `alone` is the kind by itself: of a person's mail the question is not asked.
    """
    if us.is_ours(message.sender.email):
        return recipients(message, us)
    return [message.sender.email] if alone.kind is Kind.BULK else []


def answered(known: Known, at: datetime | None = None) -> Answered:
    """A placed message as the one that another answers; `at`: an earlier sighting of it."""
    return Answered(known.direction, known.kind, min(at, known.at) if at else known.at, len(known.to) < FEW)
