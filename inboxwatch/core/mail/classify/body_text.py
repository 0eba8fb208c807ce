"""What the text of a mail tells about its kind, where the privacy mode lets text be read."""

from __future__ import annotations

import re

from inboxwatch.core.mail import quotes
from inboxwatch.core.mail.words import texts
from inboxwatch.core.model import Message

MAX_TEXT = 20_000
"""Characters looked at: the beginning, and of longer texts the end as well."""

_MAILING = tuple((name, re.compile(pattern)) for name, pattern in texts.MAILING)
_ACKNOWLEDGEMENT = tuple((name, re.compile(pattern)) for name, pattern in texts.ACKNOWLEDGEMENT)
_MACHINE = re.compile(texts.MACHINE)
_ANNOUNCED = re.compile(texts.ANNOUNCED)
_NO_ANSWER = re.compile(texts.NO_ANSWER)
_ABSENCE = re.compile(texts.ABSENCE)
_RETURNED = re.compile(texts.RETURNED)
_SERVICE = re.compile(texts.SERVICE_BOUNCE)
_TELLING = {"it arrived", "many write", "to nobody by name", "a number for the matter"}
_FOOTER = re.compile(texts.LIST_FOOTER)


def own_words(message: Message) -> tuple[str, bool]:
    """What the author wrote, case folded, on one line, without quotations and list footers; and whether anything is
    quoted.
    """
    text = (message.text or "")[:MAX_TEXT]
    if message.text and len(message.text) > MAX_TEXT:
        text += "\n" + message.text[-MAX_TEXT // 4 :]
    own, quoted = quotes.own_and_quoted(text)
    folded = "\n".join(own).casefold()
    footer = _FOOTER.search(folded)
    return " ".join((folded[: footer.start()] if footer else folded).split()), bool(quoted)


def returned(message: Message) -> str | None:
    """The words by which a mail system says that it gives a message back."""
    found = _RETURNED.search((message.text or "")[:MAX_TEXT].casefold())
    return found[0] if found else None


def service_bounce(message: Message) -> bool:
    """Whether the text is a mailing service's JSON notice of a bounce."""
    return bool(message.text and "{" in message.text[:2000] and _SERVICE.search(message.text[:MAX_TEXT].casefold()))


def automatic(words: str, answers: bool) -> tuple[str, bool] | None:
    """What shows that a program answered: (the signal, whether its owner is away). `words` as of `own_words`."""
    start = words[:600]
    cues = [name for name, pattern in _ACKNOWLEDGEMENT if pattern.search(words[:4000])]
    thanks = "thanks for writing" in cues and bool(_ACKNOWLEDGEMENT[0][1].search(start))
    arrived = "it arrived" in cues and bool(_ACKNOWLEDGEMENT[1][1].search(start))
    machine = _MACHINE.search(start) or _MACHINE.search(words[-300:])
    away = _ABSENCE.search(start)
    short = len(words) < 4000
    if away and (machine or "somebody will answer" in cues) and short and machine:
        return f"text: {machine[0]!r} and {away[0]!r}", True
    if machine and (thanks or arrived) and len(cues) >= 2 and short:
        return f"text: {machine[0]!r}", False
    silent = _NO_ANSWER.search(words)
    if silent and (thanks or arrived) and len(cues) >= 2 and short:
        return f"text: {silent[0]!r}, {', '.join(cues[:3])}", False
    if (thanks or arrived) and len(cues) >= (3 if _TELLING.intersection(cues) else 4) and short and not answers:
        return f"text: {', '.join(cues)}", False
    return None


def mailing(message: Message, words: str) -> str | None:
    """What shows that a text went to many."""
    if announced := _ANNOUNCED.search(words[:300]):
        return f"text: {announced[0]!r}"
    machine = _MACHINE.search(words)
    if machine and _NO_ANSWER.search(words):
        return f"text: {machine[0]!r}, nobody reads answers"
    cues = [name for name, pattern in _MAILING if pattern.search(words)]
    telling = sum(name in cues for name in ("a way out of the mailing", "a web copy"))
    enough = 2 if telling else 3 if message.content_type.startswith("text/html") else 4
    return f"text: {', '.join(cues)}" if len(cues) >= enough else None
