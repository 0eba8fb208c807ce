"""What speaks for it that a message belongs to a thread, in words."""

from __future__ import annotations

from inboxwatch.words import ENGLISH, Wording, english

_EVIDENCE = {
    "in_reply_to": english("Its header names the message that it answers."),
    "references": english("Its header names messages of this conversation."),
    "referenced": english("A message of this conversation names it."),
    "thread_index": english("Outlook's conversation index says so; no header does."),
    "provider_thread": english("The mail provider counts both to one conversation; no header does."),
    "quoted_text": english("It quotes text of this conversation; no header names it."),
    "subject": english("Its subject and the people are the same; no header names it."),
    "delivery_status": english("It reports on a message of this conversation."),
    "none": english("Nothing is left that speaks for it."),
}


def evidence(name: str, *, words: Wording = ENGLISH) -> str:
    """A sentence for a kind of evidence; another word is shown as it is."""
    return words.say(_EVIDENCE[name]) if name in _EVIDENCE else name


def sureness(confidence: float, *, words: Wording = ENGLISH) -> str:
    """How sure the guess is, in words; `confidence` is 0 to 1."""
    if confidence >= 0.65:
        return words.say("likely")
    return words.say("as likely as not") if confidence >= 0.45 else words.say("doubtful")
