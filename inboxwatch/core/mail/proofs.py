"""What one copy of a message proves: who sent it, since when we hold it, and whether it says anything."""

from __future__ import annotations

from inboxwatch.core.mail import quotes
from inboxwatch.core.mail.authentication import sent_by
from inboxwatch.core.mail.parties import Us
from inboxwatch.core.model import FolderRole, Message
from inboxwatch.core.proof import Proof, Standing

BLANK = 2
"""Bytes of a part that is but a line's end."""


def proof_of(message: Message, us: Us) -> Proof:
    """The proof of a message as it lies in one folder."""
    if message.role is FolderRole.SENT:
        standing, why = Standing.WITNESSED, "in a Sent folder of ours"
    else:
        standing, why = sent_by(message, us)
    return Proof(standing, why, message.held_since or message.received_at, _is_empty(message))


def _is_empty(message: Message) -> bool:
    """Whether the author wrote nothing, as far as may be seen: no text above a quotation, and nothing attached."""
    parts = message.parts or ()
    if any(not part.content_type.startswith(("text/plain", "text/html")) for part in parts):
        return False
    if parts and all(part.size <= BLANK for part in parts):
        return True
    if message.text is None or not parts:
        return False
    own, quoted = quotes.own_and_quoted(message.text)
    return not own or (bool(quoted) and len(own) == 1 and own[0].rstrip().endswith(":"))
