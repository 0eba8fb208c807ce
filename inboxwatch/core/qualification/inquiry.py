"""What a message of a buyer's tells by itself: the first class rule that fits it, and the words that score.

It is decided when the message is read, for its text is never stored.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from inboxwatch.core.domain_names import folded_address
from inboxwatch.core.mail import subjects
from inboxwatch.core.mail.reply_rules import folded, own_text
from inboxwatch.core.model import Message


@dataclass(frozen=True, slots=True)
class Inquiry:
    """What was found in a message."""

    rule: str = ""
    """The name of the first class rule that fits; empty: none."""
    words: tuple[str, ...] = ()
    """The names of the score rules whose words it has."""


NOTHING = Inquiry()


@dataclass(frozen=True, slots=True)
class InquiryParts:
    """What rules look at."""

    text: str = ""
    """What the author wrote, case folded, on one line, without quotations and signature."""
    subject: str = ""
    """Likewise; empty where it is that of an earlier message."""
    sender: str = ""
    """Lower case."""
    to: tuple[str, ...] = ()
    """Our addresses among the recipients, lower case, as they were written."""


def parts_of(message: Message, author: str, ours: Iterable[str]) -> InquiryParts:
    """What rules look at in a message; `ours` are our addresses among its recipients."""
    subject = subjects.read(message.subject)
    text = own_text(message) if message.text else ""
    return InquiryParts(text, "" if subject.prefixed else folded(subject.text), author, tuple(ours))


@dataclass(frozen=True, slots=True)
class Expressions:
    """Expressions that a text must have, over case-folded text on one line."""

    any_of: re.Pattern[str]
    unless: re.Pattern[str] | None = None
    at_most: int = 0
    """Expressions the text may have in all; 0 for any number."""

    def found(self, look: InquiryParts) -> bool:
        """Whether they stand in the text or in a new subject, and nothing forbids it."""
        parts = [part for part in (look.subject, look.text) if part]
        if self.at_most and len((look.text or look.subject).split()) > self.at_most:
            return False
        if self.unless is not None and any(self.unless.search(part) for part in parts):
            return False
        return any(self.any_of.search(part) for part in parts)


@dataclass(frozen=True, slots=True)
class ClassRule:
    """What gives an inquiry its class: where it was sent, who sent it, its words; all that is given must hold."""

    name: str
    gives: str
    """The class."""
    to: tuple[str, ...] = ()
    """Addresses of ours, or local parts such as `help@`; lower case."""
    sender: tuple[str, ...] = ()
    """Addresses, or domains such as `@jobs.example` with what lies below; lower case."""
    words: Expressions | None = None

    def fits(self, look: InquiryParts) -> bool:
        """Whether it fits."""
        if self.to and not any(_is_at(written, address) for written in self.to for address in look.to):
            return False
        if self.sender and not any(_is_from(written, look.sender) for written in self.sender):
            return False
        return self.words is None or self.words.found(look)


def _is_at(written: str, address: str) -> bool:
    return address.startswith(written) if written.endswith("@") else address == written


def _is_from(written: str, address: str) -> bool:
    if not written.startswith("@"):
        return folded_address(address) == written
    domain = address.rpartition("@")[2]
    return domain == written[1:] or domain.endswith(f".{written[1:]}")


def read(look: InquiryParts, classes: Sequence[ClassRule], scored: Iterable[tuple[str, Expressions]]) -> Inquiry:
    """The first class rule that fits, and the score rules whose words are there."""
    rule = next((one.name for one in classes if one.fits(look)), "")
    words = tuple(name for name, words in scored if words.found(look))
    return Inquiry(rule, words) if rule or words else NOTHING
