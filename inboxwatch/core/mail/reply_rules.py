"""What an answer means for the clock: nothing is owed, opted out, accepted, away until a day.

The rules come from a file that operators read and extend (`inboxwatch.config.reply_rules` loads it); here they are
only applied.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from inboxwatch.core.mail import quotes, subjects
from inboxwatch.core.mail.absence import return_day
from inboxwatch.core.model import Kind, Message, Verdict

MAX_TEXT = 8000
"""Characters of a text that are looked at."""


class Meaning(StrEnum):
    """What a rule finds, and its effect on the clock."""

    NO_REPLY_OWED = "no_reply_owed"
    """Thanks, a farewell, a yes to a time: the message starts no wait."""
    ACCEPTED = "accepted"
    """A yes to anything else: shown; it may be the order, so the wait runs."""
    NOT_INTERESTED = "not_interested"
    """A friendly no: shown; a person decides whether to answer, so the wait runs."""
    OPTED_OUT = "opted_out"
    """The buyer wants no more mail: the stop condition of that name."""
    MEETING_ACCEPTED = "meeting_accepted"
    """The stop condition of that name."""
    SUBSTITUTE = "substitute_named"
    """An absent buyer names somebody to turn to: shown."""
    LEFT = "left_company"
    """The buyer is no longer there: shown."""


_EFFECTS = {Meaning.OPTED_OUT: "opted_out", Meaning.MEETING_ACCEPTED: "meeting_accepted"}
_ENDING = {Meaning.NO_REPLY_OWED, Meaning.OPTED_OUT, Meaning.MEETING_ACCEPTED}
"""What starts no wait."""

MEANT = frozenset({Kind.HUMAN, Kind.AUTO_REPLY})
"""Kinds whose words are read."""


@dataclass(frozen=True, slots=True)
class ReplyRule:
    """Words that mean something, where they stand in what the author wrote."""

    name: str
    meaning: Meaning
    words: re.Pattern[str]
    """Over case-folded text on one line."""
    unless: re.Pattern[str] | None = None
    """Words that forbid it: a question, a condition."""
    at_most: int = 0
    """Words the text may have besides; 0 for any number."""
    whole: bool = False
    """The words must begin the text."""
    kinds: frozenset[Kind] = frozenset({Kind.HUMAN})

    def applies(self, text: str, kind: Kind) -> bool:
        """Whether it fits a text (case folded, on one line)."""
        if kind not in self.kinds or not text:
            return False
        if self.at_most and len(text.split()) > self.at_most:
            return False
        found = self.words.match(text) if self.whole else self.words.search(text)
        return found is not None and (self.unless is None or self.unless.search(text) is None)


@dataclass(frozen=True, slots=True)
class Meant:
    """What the words of a message mean, if it is of a certain kind."""

    rules: tuple[str, ...] = ()
    """The names of the rules that fit, one of each meaning."""
    meanings: tuple[str, ...] = ()
    effect: str | None = None
    """The stop condition it fulfils."""
    owes_nothing: bool = False
    away_until: datetime | None = None

    def told(self, verdict: Verdict) -> Verdict:
        """A verdict with what the message means."""
        if self.away_until is not None and verdict.away_until is None:
            verdict = replace(verdict, away_until=self.away_until)
        if not self.rules:
            return verdict
        return replace(
            verdict,
            signal=f"{verdict.signal}; {', '.join(self.rules)}",
            meanings=self.meanings,
            effect=self.effect or verdict.effect,
            owes_reply=verdict.owes_reply and not self.owes_nothing,
        )


NOTHING = Meant()


@dataclass(frozen=True, slots=True)
class Meanings:
    """All rules, in order; the first of each meaning that fits counts."""

    rules: tuple[ReplyRule, ...] = ()

    def of(self, message: Message, verdict: Verdict) -> Verdict:
        """The verdict with what the message means. Without text only the subject is read."""
        if verdict.kind not in MEANT:
            return verdict
        return self.meant(message, verdict.kind, vacation=verdict.vacation).told(verdict)

    def meant(self, message: Message, kind: Kind, *, vacation: bool = False) -> Meant:
        """What a message means if it is of a kind (one of MEANT)."""
        text = own_text(message)
        away = vacation or kind is Kind.AUTO_REPLY
        day = return_day(f"{message.subject.casefold()} . {text}", message.received_at) if away else None
        found = self.find(text, kind)
        if not found:
            return Meant(away_until=day) if day else NOTHING
        return Meant(
            rules=tuple(rule.name for rule in found),
            meanings=tuple(rule.meaning.value for rule in found),
            effect=next((_EFFECTS[rule.meaning] for rule in found if rule.meaning in _EFFECTS), None),
            owes_nothing=any(rule.meaning in _ENDING for rule in found),
            away_until=day,
        )

    def find(self, text: str, kind: Kind) -> list[ReplyRule]:
        """The rules that fit a text, at most one of each meaning; nothing fits an empty one."""
        if not text:
            return []
        found: dict[Meaning, ReplyRule] = {}
        for rule in self.rules:
            if rule.meaning not in found and rule.applies(text, kind):
                found[rule.meaning] = rule
        return list(found.values())


NO_RULES = Meanings()


def own_text(message: Message) -> str:
    """What the author wrote, case folded, on one line, without quotations; without text, the new subject."""
    if message.text:
        own, _ = quotes.own_and_quoted(message.text[:MAX_TEXT])
        return folded("\n".join(_without_signature(own)))
    subject = subjects.read(message.subject)
    return "" if subject.prefixed else folded(subject.text)


def folded(text: str) -> str:
    return " ".join(text.casefold().replace("’", "'").split())


def _without_signature(lines: Iterable[str]) -> list[str]:
    kept = []
    for line in lines:
        if line.rstrip() == "--" or line.startswith("-- "):
            break
        kept.append(line)
    return kept
