"""What the text of a mail tells about its kind, where the privacy mode lets text be read."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property

from inboxwatch.core.mail import quotes
from inboxwatch.core.mail.classify.signs import STRONG, WEAK, Sign
from inboxwatch.core.mail.words import asking_texts, automatic_texts, mailing_texts, returned_texts
from inboxwatch.core.model import Message

MAX_TEXT = 20_000
"""Characters looked at: the beginning, and of longer texts the end as well."""

SHORT = 1000
"""Characters of a letter that a person writes."""

_MAILING = tuple((name, re.compile(pattern)) for name, pattern in mailing_texts.MAILING)
_ACKNOWLEDGEMENT = tuple((name, re.compile(pattern)) for name, pattern in automatic_texts.ACKNOWLEDGEMENT)
_MACHINE = re.compile(automatic_texts.MACHINE)
_ANNOUNCED = re.compile(automatic_texts.ANNOUNCED)
_NO_ANSWER = re.compile(automatic_texts.NO_ANSWER)
_ABSENCE = re.compile(automatic_texts.ABSENCE)
_RETURNED = re.compile(returned_texts.RETURNED)
_RETURNED_MAYBE = re.compile(returned_texts.RETURNED_MAYBE)
_SERVICE = re.compile(returned_texts.SERVICE_BOUNCE)
_TELLING = {"it arrived", "many write", "to nobody by name", "a number for the matter"}
_WAYS_OUT = {"a way out of the mailing", "a web copy"}
_FOOTER = re.compile(mailing_texts.LIST_FOOTER)
_ASKS = re.compile(asking_texts.ASKS)
_GENERAL = re.compile(asking_texts.GENERAL)
_STEP = re.compile(mailing_texts.ACCOUNT_STEP)
_DENIAL = re.compile(mailing_texts.ACCOUNT_DENIAL)
_OF_MAIL = re.compile(returned_texts.OF_MAIL)
_LINK = re.compile(r"https?:|www\.|mailto:|@")
_OUT_LINK = re.compile(r"https?://\S{0,200}(?:unsub|opt-?out|abmeld|desabon|desinscri)")


@dataclass
class OwnWords:
    """A text as the rules look at it; what they need is worked out when first asked for."""

    own: str
    """What its author wrote, case folded, on one line, without quotations and list footers."""
    quotes: bool
    """Whether it quotes another message."""

    @cached_property
    def asks(self) -> bool:
        """Whether its author asks for something, as who writes a standard letter does not."""
        return any(not _GENERAL.search(found[0]) for found in _ASKS.finditer(self.own[:4000]))

    @cached_property
    def cues(self) -> list[str]:
        """What it has in common with acknowledgements of receipt."""
        return [name for name, pattern in _ACKNOWLEDGEMENT if pattern.search(self.own[:4000])]


def words_of(message: Message) -> OwnWords:
    """The words of a message that has text."""
    text = (message.text or "")[:MAX_TEXT]
    if message.text and len(message.text) > MAX_TEXT:
        text += "\n" + message.text[-MAX_TEXT // 4 :]
    own, quoted = quotes.own_and_quoted(text)
    folded = "\n".join(own).casefold()
    footer = _FOOTER.search(folded)
    # One line between `>` and `<` is an ornament.
    real = [line for line in quoted if not line.rstrip().endswith("<")]
    return OwnWords(" ".join((folded[: footer.start()] if footer else folded).split()), bool(real))


def returned(message: Message, *, maybe: bool) -> str | None:
    """The words by which a mail system says that it gives a message back; `maybe`: those of people too."""
    words = (message.text or "")[:MAX_TEXT].casefold()
    found = _RETURNED.search(words) or (_RETURNED_MAYBE.search(words) if maybe else None)
    return found[0] if found else None


def service_bounce(message: Message) -> bool:
    """Whether the text is a mailing service's JSON notice of a bounce."""
    return bool(message.text and "{" in message.text[:2000] and _SERVICE.search(message.text[:MAX_TEXT].casefold()))


def automatic(words: OwnWords, answers: bool) -> tuple[str, bool] | None:
    """What shows that a program answered: (the signal, whether its owner is away)."""
    own, cues = words.own, words.cues
    start = own[:600]
    thanks = "thanks for writing" in cues and bool(_ACKNOWLEDGEMENT[0][1].search(start))
    arrived = "it arrived" in cues and bool(_ACKNOWLEDGEMENT[1][1].search(start))
    machine = _MACHINE.search(start) or _MACHINE.search(own[-300:])
    away = _ABSENCE.search(start)
    if len(own) >= 4000:
        return None
    if away and machine and not words.asks:
        return f"text: {machine[0]!r} and {away[0]!r}", True
    if machine and (thanks or arrived) and len(cues) >= 2:
        return f"text: {machine[0]!r}", False
    silent = _NO_ANSWER.search(own)
    if silent and (thanks or arrived) and len(cues) >= 2:
        return f"text: {silent[0]!r}, {', '.join(cues[:3])}", False
    enough = len(cues) >= (3 if _TELLING.intersection(cues) else 4)
    if (thanks or arrived) and enough and not answers and not (words.asks and len(cues) < 6):
        return f"text: {', '.join(cues)}", False
    return None


def asks_one(message: Message) -> bool:
    """Whether a text asks for something, and says nothing of what is said to many."""
    words = words_of(message)
    return words.asks and mailing(message, words) is None


def tells_of_mail(message: Message) -> bool:
    """Whether a text that says that something was not delivered tells of mail, not of goods."""
    return _OF_MAIL.search((message.text or "")[:MAX_TEXT].casefold()) is not None


def mailing(message: Message, words: OwnWords) -> Sign | None:
    """What shows that a text went to many, and how much it weighs."""
    own = words.own
    if announced := _ANNOUNCED.search(own[:300]):
        return Sign(STRONG, f"text: {announced[0]!r}")
    if (denial := _DENIAL.search(own)) and (step := _STEP.search(own)):
        return Sign(STRONG, f"text: {denial[0]!r}, {step[0]!r}")
    machine = _MACHINE.search(own)
    if machine and _NO_ANSWER.search(own):
        return Sign(STRONG, f"text: {machine[0]!r}, nobody reads answers")
    cues = [name for name, pattern in _MAILING if pattern.search(own)]
    if not cues:
        return None
    telling = len(_WAYS_OUT.intersection(cues))
    enough = 2 if telling else 3 if message.content_type.startswith("text/html") else 4
    # Whoever asks for such a thing writes its words too, but gives no way to it.
    if telling and words.asks and len(own) < SHORT and not _LINK.search(own):
        return Sign(WEAK, f"text: {', '.join(cues)}")
    if len(cues) >= enough or (_OUT_LINK.search(own) and not words.asks):
        return Sign(STRONG, f"text: {', '.join(cues)}")
    return Sign(WEAK, f"text: {', '.join(cues)}") if telling or len(cues) > 1 else None
