"""Slack's own markup (mrkdwn) and its way of escaping: written and read here, and nowhere else in the program.

Source: https://docs.slack.dev/messaging/formatting-message-text
"""

from __future__ import annotations

import re
from datetime import datetime

from inboxwatch.notify.text import LINE, clean
from inboxwatch.words import ENGLISH, Wording

_TYPED_LINK = re.compile(r"<(?:mailto:(?P<address>[^<|>]++)|(?P<url>https?://[^<|>]++))(?:\|(?P<label>[^<>]*+))?>")


def escaped(value: object, limit: int = LINE) -> str:
    """Cleaned text in which Slack finds no mention, link or entity: `&`, `<` and `>` escaped, in that order.

    `limit` counts characters before the escaping, which makes each of the three up to five characters long.
    """
    return clean(value, limit).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def plain(typed: str) -> str:
    """What a person typed, without the links that Slack made of it: the reverse of its escaping.

    An address stands in `<mailto:ana@acme.test|ana@acme.test>`, a web address in `<http://acme.test|acme.test>`.
    """
    text = _TYPED_LINK.sub(lambda found: found["address"] or found["label"] or found["url"], typed)
    return text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")


def link(url: str, label: str) -> str:
    """A link with a text of our own; `url` is a plain web address."""
    return f"<{escaped(url, 2000)}|{label}>"


def date(moment: datetime | None, words: Wording = ENGLISH) -> str:
    """An instant that Slack shows in each reader's own zone, with ours where it cannot; empty for none."""
    return f"<!date^{int(moment.timestamp())}^{{date_short_pretty}} {{time}}|{words.when(moment)}>" if moment else ""
