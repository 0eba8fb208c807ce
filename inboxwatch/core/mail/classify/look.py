"""A message as all rules of classification look at it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from inboxwatch.core.mail import subjects
from inboxwatch.core.mail.classify.phrases import words_of
from inboxwatch.core.mail.classify.signs import STRONG, WEAK, Sign
from inboxwatch.core.mail.subjects import Subject
from inboxwatch.core.mail.words import bulk
from inboxwatch.core.model import Message

_ANSWER_BOX = re.compile(r"^repl(?:y|ies)[+-]|\+[0-9a-z]{16,}@")
"""Addresses that programs make for the answer to one message."""
_PROGRAM = re.compile(bulk.PERSONAL_PROGRAM)
_ANSWERS = Sign(STRONG, "it answers a message")
_PREFIXED = Sign(STRONG, "its subject is an answer's")
_AWAITED = Sign(STRONG, "it goes to an address made for an answer")
_BY_HAND = Sign(WEAK, "a personal mail program")


@dataclass(slots=True)
class Look:
    """What is worked out once of a message."""

    message: Message
    marks: Mapping[str, str]
    """First value of each kind-telling header."""
    types: tuple[str, ...]
    subject: str
    """Case folded."""
    words: tuple[str, ...]
    """Of the subject."""
    title: Subject
    submitted: str
    """Auto-Submitted (RFC 3834), lower case."""

    @property
    def null_path(self) -> bool:
        return self.marks.get("return-path", "").replace(" ", "").startswith("<>")

    @property
    def item_class(self) -> str:
        """Exchange's class of the item, lower case."""
        marks = self.marks
        return (marks.get("x-ms-exchange-organization-messageclass") or marks.get("x-item-class") or "").lower()

    @property
    def automatic(self) -> bool:
        """Whether Auto-Submitted tells of a program: by any word but no (RFC 3834, 5)."""
        return bool(self.submitted) and not self.submitted.startswith("no")

    @property
    def by_hand(self) -> bool:
        """Whether a person's mail program sent it."""
        program = self.marks.get("user-agent") or self.marks.get("x-mailer")
        return program is not None and _PROGRAM.search(program.casefold()) is not None

    @property
    def answers(self) -> bool:
        return bool(self.message.in_reply_to or self.message.references)

    def has_part(self, name: str) -> bool:
        """Whether a leaf of the MIME tree is of a type; most messages have two leaves, neither of a machine."""
        for one in self.types:  # noqa: SIM110  (a generator costs more than the whole loop)
            if name in one:
                return True
        return False

    @property
    def is_answer(self) -> bool:
        """Whether it names a message that it answers, or looks like an answer."""
        return self.answers or self.title.reply or self._awaited

    @property
    def _awaited(self) -> bool:
        to = self.message.to
        return bool(to) and "+" in to[0].email and _ANSWER_BOX.search(to[0].email) is not None

    def persons_signs(self) -> list[Sign]:
        """What the headers say for a person."""
        signs = []
        if self.answers:
            signs.append(_ANSWERS)
        elif self.title.reply:
            signs.append(_PREFIXED)
        elif self._awaited:
            signs.append(_AWAITED)
        if self.by_hand:
            signs.append(_BY_HAND)
        return signs


def look_at(message: Message) -> Look:
    """A look at a message."""
    marks: dict[str, str] = {}
    for name, value in message.marks:
        if name not in marks:
            marks[name] = value
    types = tuple([part.content_type for part in message.parts or ()])
    subject = message.subject.casefold()
    submitted = marks.get("auto-submitted", "").lower()
    return Look(message, marks, types, subject, tuple(words_of(subject)), subjects.read(message.subject), submitted)
