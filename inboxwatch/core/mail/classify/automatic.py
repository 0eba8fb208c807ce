"""What shows that a program answered, by headers and by the forms of subjects."""

from __future__ import annotations

import re
from typing import NamedTuple

from inboxwatch.core.mail import subjects
from inboxwatch.core.mail.classify.look import Look
from inboxwatch.core.mail.classify.phrases import Phrases
from inboxwatch.core.mail.words import away_phrases, table

_AUTOMATIC = Phrases(away_phrases.AUTOMATIC)
_ABSENT = Phrases(away_phrases.ABSENT)
_RECEIVED = Phrases(away_phrases.RECEIVED)
_MOVED = Phrases(away_phrases.MOVED)
_KNOWN = re.compile(
    "|".join(map(re.escape, sorted((*away_phrases.AUTOMATIC, *away_phrases.ABSENT), key=len, reverse=True)))
)
_FILLERS = re.compile(rf"\b(?:{'|'.join(away_phrases.FILLERS)})\b")
_BY = re.compile(rf"\W*(?:{'|'.join(away_phrases.BY)})\b")
_TO = re.compile(rf"\W*(?:{'|'.join(away_phrases.TO)})\b")
_WARNING = rf"(?:{'|'.join(away_phrases.GATEWAY_TAGS)})(?: \w++){{0,2}}"
_TAG = re.compile(
    rf"\W{{0,8}}?(?:\[[^\[\]]{{1,40}}\]\s*[:：]?|\{{[^{{}}]{{1,40}}\}}|\({_WARNING}\)\s*[:：]?"
    rf"|\*++\s*+{_WARNING}\s*+\*++|{_WARNING}\W{{0,8}}?(?:[:：]|\s[-–|]))\s*+"
)
_HEAD = re.compile(r"\s*(?:\[([^\[\]:：]{3,60})\]|([^:：]{3,80}?)(?:\s*[:：]| [-–—|] )|([^:：]{3,80})$)")
_POSSESSIVE = re.compile(
    rf"\W*\w+\W+(?:{'|'.join(away_phrases.POSSESSIVE)})\b(?! (?:\w+ )?(?:{'|'.join(away_phrases.MESSAGES)})\b)"
)
_AUTO = re.compile(r"\W*auto(?:matic)?\s*[:：]")
_LETTER = re.compile(r"[^\W\d_]")
_ASKING = re.compile(rf"[?？]|\b(?:{'|'.join(away_phrases.ASKING)})\b")
_MORE = re.compile(r"[,;]|\s[-–—]\s")
_FIRST_PERSON = re.compile(rf"\b(?:{'|'.join(away_phrases.FIRST_PERSON)})\b")
_SPACED = re.compile(r"[a-zà-ɏͰ-ӿ]")

MARKS = frozenset(
    table("""
    x-autoreply, x-autorespond, x-auto-reply-from, x-autoresponder, x-mail-autoreply, x-vacation, vacation,
    x-autoreply-from,
    x-responder
""")
)


class AutomaticAnswer(NamedTuple):
    """Why a message is one."""

    signal: str
    vacation: bool
    """Its owner is away."""
    sure: bool = True
    """Whether it holds though the author asks for something: mail programs write it, not persons."""


def found(look: Look) -> AutomaticAnswer | None:
    """What makes it an automatic answer."""
    submitted, marks, subject = look.submitted, look.marks, look.subject
    absent = _ABSENT.find(subject, look.words)
    if submitted.startswith("auto-replied"):
        return AutomaticAnswer("auto-submitted: auto-replied", "vacation" in submitted or _is_away(look, absent))
    if submitted.startswith("no"):
        return None
    if not MARKS.isdisjoint(marks):
        for name in sorted(MARKS.intersection(marks)):
            if marks[name].lower() not in ("no", "false", "0"):
                return AutomaticAnswer(name, "vacation" in name or _is_away(look, absent))
    if marks.get("precedence", "").lower().replace("-", "_") in ("auto_reply", "autoreply"):
        return AutomaticAnswer("precedence: auto_reply", _is_away(look, absent))
    item = look.item_class
    if "oof" in item:
        return AutomaticAnswer(f"message class {item}", True)
    if "mailbox rules agent" in marks.get("x-ms-exchange-generated-message-source", "").lower():
        return AutomaticAnswer("x-ms-exchange-generated-message-source: mailbox rules agent", bool(absent))
    return None if look.title.prefixed else by_subject(look, absent)


def _is_away(look: Look, absent: str | None) -> bool:
    """Whether its owner is away.

    What answers by itself and acknowledges nothing says that its owner does not answer now (RFC 3834, RFC 5230).
    """
    return bool(absent) or not _RECEIVED.find(look.subject, look.words)


def in_answer(look: Look) -> AutomaticAnswer | None:
    """A program that answers a message, though its header says only that a program wrote (`auto-generated`)."""
    subject, submitted = look.subject, look.submitted
    if not (submitted.startswith("auto-") and look.answers):
        return None
    absent = _ABSENT.find(subject, look.words)
    if look.title.prefixed or absent or _RECEIVED.find(subject, look.words):
        return AutomaticAnswer(f"auto-submitted: {submitted}, in answer to a message", bool(absent))
    return None


def by_subject(look: Look, absent: str | None) -> AutomaticAnswer | None:
    """The forms of subjects that mail programs give their automatic answers; people put theirs behind `Re:`."""
    subject = look.subject
    automatic = _AUTOMATIC.find(subject, look.words)
    if automatic or absent:
        form = _prefix(subject)
        if form:
            return form
        if absent and (automatic or _AUTO.match(_untagged(subject))) and not _ASKING.search(subject):
            return AutomaticAnswer(f"subject says {absent!r}", True)
        if absent and (said := _announced(subject, absent)):
            return said
    if said := _headed(look):
        return said
    if (moved := _MOVED.starts(subject)) and _is_all(subject, moved):
        return AutomaticAnswer(f"subject begins with {moved!r}", False, sure=False)
    if (received := _RECEIVED.starts(subject)) and _is_all(subject, received):
        return AutomaticAnswer(f"subject begins with {received!r}", False, sure=False)
    return None


def _untagged(subject: str) -> str:
    """A subject without the warnings that gateways put before it, bare words and brackets."""
    for _ in range(5):
        tag = _TAG.match(subject)
        if tag is None or tag.end() >= len(subject) or _LETTER.search(_KNOWN.sub("", tag[0])) is None:
            break
        subject = subject[tag.end() :]
    return subject


def _prefix(subject: str) -> AutomaticAnswer | None:
    """An automatic answer's prefix before a colon, in brackets, or as the whole subject: nothing else stands in it."""
    rest = _untagged(subject)
    if rest is not subject and subjects.read(rest).prefixed:
        return None
    head = _HEAD.match(rest)
    if head is None:
        return None
    said = head[1] or head[2] or head[3]
    known = _KNOWN.match(said.strip(" *'\"([{<-"))
    if known is None:
        known = _KNOWN.search(said)
        if known is None or _LETTER.search(_FILLERS.sub("", said[: known.start()])):
            return None
    left = _FILLERS.sub("", _KNOWN.sub(" ", said))
    if _LETTER.search(left):
        # `Automatic reply from Bea`: whose it is may follow.
        after = said[said.index(known[0]) + len(known[0]) :]
        told = _BY.match(after) or (head[3] and _TO.match(after))
        if not told or _ASKING.search(after) or _POSSESSIVE.match(after):
            return None
    if head[3] and _ASKING.search(subject):
        return None
    return AutomaticAnswer(f"subject says {known[0]!r}", True)


def _headed(look: Look) -> AutomaticAnswer | None:
    """`Absence: Re: Offer`: one word for an absence before the subject of what is answered."""
    head, colon, rest = look.subject.partition(":")
    said = head.strip(" \t*[]\u00a0")
    if not colon or said not in away_phrases.ABSENT_HEADS or _ASKING.search(rest):
        return None
    if look.answers or look.null_path or subjects.read(rest).reply:
        return AutomaticAnswer(f"subject says {said!r}", True, sure=False)
    return None


def _announced(subject: str, absent: str) -> AutomaticAnswer | None:
    """`Bea Buyer is out of the office`: somebody's absence is told at the end, not in the author's own words."""
    bare = _untagged(subject).strip(" .!")
    before, _, after = bare.partition(absent)
    ends = not after.strip(" .!") or after.lstrip().startswith("(")
    named = before.strip() or _SPACED.match(absent)
    if not (ends and named) or _ASKING.search(bare) or _FIRST_PERSON.search(before) or len(before.split()) > 6:
        return None
    return AutomaticAnswer(f"subject says {absent!r}", True, sure=False)


def _is_all(subject: str, phrase: str) -> bool:
    """Whether nothing of the author's own stands behind a phrase: at most for whom, or a number."""
    rest = subject.partition(phrase)[2]
    if _ASKING.search(rest):
        return False
    more = _MORE.search(rest)
    own = [word for word in rest[more.end() :].split() if word.isalpha()] if more else []
    return not own and len(rest.split()) <= 6
