"""What is said of leads that were searched for, and of the sources that give them."""

from __future__ import annotations

from inboxwatch.notify.messages import due, no_lead
from inboxwatch.words import ENGLISH, Wording


def found(*, count: int, shown: int, query: str, words: Wording = ENGLISH) -> str:
    if not count:
        return no_lead(query=query, words=words)
    if count == 1:
        return words.say("One lead matches %(query)s.", query=query)
    if shown < count:
        return words.count(
            "%(count)s lead matches %(query)s; the first %(shown)s, those who wait before others:",
            "%(count)s leads match %(query)s; the first %(shown)s, those who wait before others:",
            count,
            query=query,
            shown=shown,
        )
    return words.count("%(count)s lead matches %(query)s:", "%(count)s leads match %(query)s:", count, query=query)


def lead(*, name: str, company: str, address: str, standing: str, link: str) -> str:
    """One line; `name` and `company` may be empty, `link` leads to the lead's page."""
    who = ", ".join(part for part in (name, company) if part)
    return f"{who} ({address}): {standing}. {link}" if who else f"{address}: {standing}. {link}"


def standing(*, left: float | None, owner: str, words: Wording = ENGLISH) -> str:
    """Whether somebody waits; `left` are seconds until it is due, negative after, None where nobody waits."""
    if left is None:
        return words.say("nobody waits, %(owner)s's lead", owner=owner) if owner else words.say("nobody waits")
    return words.say(
        "waits for %(owner)s, %(due)s",
        owner=owner or words.say("nobody"),
        due=due(left=left, waited="", words=words),
    )


def unread(*, source: str, reason: str, error: str, hint: str, words: Wording = ENGLISH) -> str:
    told = words.say(
        "The leads of %(source)s cannot be read (%(reason)s: %(error)s). Those it gave last stay in force.",
        source=source,
        reason=reason,
        error=error,
    )
    return f"{told} {hint}" if hint else told


def read_again(*, source: str, words: Wording = ENGLISH) -> str:
    return words.say("The leads of %(source)s are read again.", source=source)
