"""Why a wait was given to somebody, in its reader's language.

The store, the API and `explain` have it in English: the rule, and reasons joined by `; `. Each of the program's own is
one of the texts here with its values, and is known again by that; what a person wrote stays as it is.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date
from functools import cache

from inboxwatch.words import SOURCE, Wording, english

FIRST_MATCH = english("first match")
NO_RULE = english("no rule names a person")
ON_LEAVE = english("%(person)s is on leave from %(first)s to %(last)s")
SEEN_AWAY = english("%(person)s is away: the own mailbox answered with a vacation reply on %(at)s")
OUT_OF_HOURS = english("%(person)s is out of hours until %(at)s")
HAD_BEFORE = english("%(person)s had it before")
DEPARTED = english("%(person)s is no person of the config any more")
OWNS_LEAD = english("%(person)s is the lead's owner now")
STEP_REACHED = english("step %(step)s of %(policy)s")
_RULES = (
    english("rule %(number)s: %(assign)s"),
    english("fallback"),
    english("team lead"),
    english("named"),
    english("by hand"),
)
_DEEDS = (english("acknowledged"), english("by the link in a message"))
_DATES = ("first", "last")


def why_given(*told: str, words: Wording) -> str:
    """The rule and the reason of an assignment, as far as there are any, as one text."""
    parts = [part for one in told if one for part in one.split("; ")]
    return "; ".join(part if words.language == SOURCE else _said(part, words) for part in parts)


def _said(part: str, words: Wording) -> str:
    for text, form in _forms().items():
        if (found := form.fullmatch(part)) is not None:
            return words.say(text, **_values(found.groupdict(), words))
    return part


def _values(told: Mapping[str, str], words: Wording) -> dict[str, str]:
    try:
        days = {name: words.day(date.fromisoformat(told[name])) for name in _DATES if name in told}
    except ValueError:
        days = {}
    return {**told, **days}


@cache
def _forms() -> dict[str, re.Pattern[str]]:
    """By its text, what each sentence looks like."""
    texts = (FIRST_MATCH, NO_RULE, ON_LEAVE, SEEN_AWAY, OUT_OF_HOURS, HAD_BEFORE, DEPARTED, OWNS_LEAD, STEP_REACHED)
    return {text: _form(text) for text in (*texts, *_RULES, *_DEEDS)}


def _form(text: str) -> re.Pattern[str]:
    parts = re.split(r"%\((\w+)\)s", text)
    return re.compile("".join(f"(?P<{part}>.+?)" if place % 2 else re.escape(part) for place, part in enumerate(parts)))
