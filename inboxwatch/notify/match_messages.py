"""What speaks for it that a message belongs to a thread, in words."""

from __future__ import annotations

_EVIDENCE = {
    "in_reply_to": "Its header names the message that it answers.",
    "references": "Its header names messages of this conversation.",
    "referenced": "A message of this conversation names it.",
    "thread_index": "Outlook's conversation index says so; no header does.",
    "provider_thread": "The mail provider counts both to one conversation; no header does.",
    "quoted_text": "It quotes text of this conversation; no header names it.",
    "subject": "Its subject and the people are the same; no header names it.",
    "delivery_status": "It reports on a message of this conversation.",
    "none": "Nothing is left that speaks for it.",
}


def evidence(name: str) -> str:
    """A sentence for a kind of evidence; another word is shown as it is."""
    return _EVIDENCE.get(name, name)


def sureness(confidence: float) -> str:
    """How sure the guess is, in words; `confidence` is 0 to 1."""
    return "likely" if confidence >= 0.65 else "as likely as not" if confidence >= 0.45 else "doubtful"
