"""What a server quotes of a notice when it refuses it: cut out, for errors are logged, stored and told to others."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from html import escape
from urllib.parse import quote, quote_plus

from inboxwatch.hidden import without_addresses
from inboxwatch.notify import Notice
from inboxwatch.notify.text import clean

CUT = "<cut>"
_LEAST = 4
"""Characters of a text that would be recognized; shorter ones stand in ordinary words."""
_BEGUN = 8
"""Characters at the end of an error that are taken for the beginning of a text that was cut off there."""


def unquoted(error: str, notice: Notice) -> str:
    """A server's words without the subjects, names and addresses of the notice that it was sent."""
    forms = sorted({form for text in _texts(notice) for form in _forms(text)}, key=len, reverse=True)
    # Letter case is the server's own, as is what stands between two words.
    for form in forms:
        words = r"\s+".join(map(re.escape, form.split()))
        error = re.sub(rf"(?<!\w){words}(?!\w)", CUT, error, flags=re.IGNORECASE)
    end = error.rstrip("…. ").lower()
    for form in forms:
        folded = form.lower()
        for length in range(len(folded) - 1, _BEGUN - 1, -1):
            if end.endswith(folded[:length]):
                return without_addresses(error[: len(end) - length]) + CUT
    return without_addresses(error)


def _texts(notice: Notice) -> Iterator[str]:
    """What strangers wrote, or what tells who they are."""
    for told in notice.clocks:
        yield from (told.wait.subject, told.wait.lead_name, told.wait.company, told.wait.lead)
    if (contact := notice.contact) is not None:
        yield from (contact.subject, contact.lead_name, contact.company, contact.lead)


def _forms(text: str) -> Iterator[str]:
    """As it is, and as it stands in JSON, HTML and URLs."""
    for one in {text, clean(text)}:
        if len(one.strip()) >= _LEAST:
            yield from (one, json.dumps(one)[1:-1], escape(one), quote(one, safe=""), quote_plus(one))
