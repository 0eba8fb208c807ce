"""The visible text of HTML mail, quoted originals marked as plain text marks them.

A scanner of our own: the standard library's parser takes quadratic time for unclosed comments. Links by which one
leaves a mailing are shown as well, for their words alone say `here`.
"""

from __future__ import annotations

import re
from html import unescape

from inboxwatch.core.mail.words import table

_HIDDEN = frozenset({"style", "script", "head", "title"})
_BREAKS = frozenset(table("p, div, br, tr, li, h1, h2, h3, h4, table, hr, blockquote, ul, ol, pre"))
_NAME = re.compile(r"/?[a-zA-Z][a-zA-Z0-9]*")
_LINK = re.compile(r"href\s*+=\s*+[\"']?+([^\"'\s>]++)")
_WAY_OUT = re.compile(r"unsub|opt-?out|abmeld|desabon|desinscri|preferences")
_MAX_TAG = 4000
_MAX_LINK = 1000
_MAX_TAGS = 20_000
"""What lies behind so many is not shown: a letter has hundreds, the longest mailings some thousand."""


def html_text(source: str) -> str:
    """The text of an HTML document, one block a line. Costs linear time, whatever is left open."""
    lower = source.lower()
    if len(lower) != len(source):
        # A few letters grow when lowered; offsets must agree.
        source = lower
    lines: list[str] = []
    words: list[str] = []
    depth = at = 0
    for _ in range(_MAX_TAGS):
        if (start := source.find("<", at)) < 0:
            break
        words.append(source[at:start])
        if source.startswith("<!--", start):
            end = source.find("-->", start)
            at = end + 3 if end >= 0 else len(source)
            continue
        end = source.find(">", start)
        if end < 0:
            at = len(source)
            break
        at = end + 1
        found = _NAME.match(lower, start + 1)
        tag = found[0] if found else ""
        name = tag.removeprefix("/")
        if name in _BREAKS:
            _break(lines, words, depth)
        if name == "blockquote":
            depth = max(depth - 1, 0) if tag.startswith("/") else min(depth + 1, 10)
        elif tag == "a" and (link := _way_out(lower, start, min(end, start + _MAX_TAG))):
            words.append(f" <{source[link.start(1) : min(link.end(1), link.start(1) + _MAX_LINK)]}> ")
        elif tag in _HIDDEN:
            end = lower.find("</" + tag, at)
            at = end if end >= 0 else len(source)
    else:
        at = len(source)
    words.append(source[at:])
    _break(lines, words, depth)
    return "\n".join(lines)


def _way_out(lower: str, start: int, end: int) -> re.Match[str] | None:
    """The link of a tag, if by it one leaves a mailing."""
    for link in _LINK.finditer(lower, start, end):
        if _WAY_OUT.search(lower, link.start(1), min(link.end(1), link.start(1) + _MAX_LINK)):
            return link
    return None


def _break(lines: list[str], words: list[str], depth: int) -> None:
    """Ends a line."""
    text = " ".join(unescape("".join(words)).split())
    if text:
        lines.append("> " * depth + text)
    words.clear()
