"""The visible text of HTML mail, quoted originals marked as plain text marks them.

Links by which one leaves a mailing are shown as well.
"""

from __future__ import annotations

import re
from html import unescape
from html.parser import HTMLParser

_HIDDEN = {"style", "script", "head", "title"}
_BREAKS = {"p", "div", "br", "tr", "li", "h1", "h2", "h3", "h4", "table", "hr", "blockquote", "ul", "ol", "pre"}
_WAY_OUT = re.compile(r"unsub|opt-?out|abmeld|desabon|desinscri|preferences", re.IGNORECASE)
"""Links by which one leaves a mailing: they are shown as text, since their words alone say `here`."""
_TAG = re.compile(r"<[^<>]{0,2000}>")


class _Text(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.lines: list[str] = []
        self.line: list[str] = []
        self.hidden = 0
        self.depth = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in _BREAKS:
            self.end()
        if tag in _HIDDEN:
            self.hidden += 1
        elif tag == "a":
            self.line.extend(
                f" <{value}> " for name, value in attrs if name == "href" and value and _WAY_OUT.search(value)
            )
        elif tag == "blockquote":
            self.depth = min(self.depth + 1, 10)

    def handle_endtag(self, tag: str) -> None:
        if tag in _BREAKS:
            self.end()
        if tag in _HIDDEN:
            self.hidden = max(self.hidden - 1, 0)
        elif tag == "blockquote":
            self.depth = max(self.depth - 1, 0)

    def handle_data(self, data: str) -> None:
        if not self.hidden:
            self.line.append(data)

    def end(self) -> None:
        text = " ".join("".join(self.line).split())
        if text:
            self.lines.append("> " * self.depth + text)
        self.line = []


def html_text(source: str) -> str:
    """The text of an HTML document; of one that cannot be parsed, what remains without its tags."""
    parser = _Text()
    try:
        parser.feed(source)
        parser.close()
    except (AssertionError, ValueError):
        return unescape(_TAG.sub(" ", source))
    parser.end()
    return "\n".join(parser.lines)
