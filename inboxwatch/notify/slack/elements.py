"""Parts of Block Kit from which messages and dialogs are made. Pure.

Strangers' text goes into plain_text objects only, with `&`, `<` and `>` escaped and emoji codes left as they are:
no mention, link or formatting can come of it. What is mrkdwn is written by us and by the config.
Limits are those of https://docs.slack.dev/reference/block-kit: 50 blocks, 3000 characters a text, 75 a button.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from inboxwatch.notify.slack import markup
from inboxwatch.notify.text import cut

Block = dict[str, Any]

PREFIX = "inboxwatch."
"""Begins every action_id and callback_id of ours."""
HEADER = 140
"""Characters of a header."""


def text(written: str, limit: int = 75) -> Block:
    """A plain_text object: escaping lengthens a text up to five times, so the cut leaves room for that."""
    return {"type": "plain_text", "text": _fitted(written, limit), "emoji": False}


def _fitted(written: str, limit: int) -> str:
    shown = markup.escaped(written, limit)
    return shown if len(shown) <= limit else markup.escaped(written, max(limit // 5, 1))


def markdown(written: str) -> Block:
    """An mrkdwn object; what strangers wrote in it is escaped."""
    return {"type": "mrkdwn", "text": cut(written, 2000), "verbatim": True}


def fact(label: str, written: str) -> Block:
    """`written` may be mrkdwn; what strangers wrote in it is escaped."""
    return markdown(f"*{label}*\n{written}")


def identified(block: Block, block_id: str | None) -> Block:
    return {**block, "block_id": block_id} if block_id else block


def header(block_id: str | None, written: str) -> Block:
    return identified({"type": "header", "text": text(written or "-", HEADER)}, block_id)


def section(block_id: str | None, written: str, limit: int = 300) -> Block:
    return identified({"type": "section", "text": text(written or "-", limit)}, block_id)


def lines(block_id: str, written: Sequence[str]) -> Block:
    """A section of several lines."""
    whole = "\n".join(_fitted(line, 900) for line in written)
    return {"type": "section", "block_id": block_id, "text": {"type": "plain_text", "text": whole, "emoji": False}}


def plain_context(block_id: str, written: str) -> Block:
    return {"type": "context", "block_id": block_id, "elements": [text(written, 500)]}


def button(action_id: str, label: str, clock: str) -> Block:
    found = {"type": "button", "action_id": action_id, "text": text(label), "value": clock}
    return {**found, "style": "primary"} if action_id == f"{PREFIX}acknowledge" else found


def option(label: str, value: str) -> Block:
    return {"text": text(label), "value": value}


def field(name: str, label: str, element: Block, *, optional: bool = False) -> Block:
    """An input of a dialog."""
    return {
        "type": "input",
        "block_id": name,
        "label": text(label),
        "element": {**element, "action_id": name},
        "optional": optional,
    }
