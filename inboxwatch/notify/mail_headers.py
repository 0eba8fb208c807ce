"""Header fields of our own mail, written so that whoever reads them reads what was given, once and not again.

The standard library's fields take a text apart as if it came from the wire: an encoded word (RFC 2047) that a stranger
put into a name is decoded there, line breaks included, and leaves as header fields of ours. Here every text that is not
plain is one encoded word after the other, and nothing is decoded.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Sequence
from email.message import EmailMessage
from email.parser import BytesHeaderParser
from email.policy import SMTP, compat32

POLICY = SMTP.clone(cte_type="7bit", refold_source="none")
"""No server has to know 8BITMIME, and what is written stays as it is."""

_OF_MIME = frozenset({"Content-Type", "Content-Transfer-Encoding", "MIME-Version"})
_PLAIN = re.compile(r"[ -~]*")
_PHRASE = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~ -]*")
_WIDTH = 72
_WORD = 42
"""Bytes in one encoded word: with its frame it stays below the 75 characters of RFC 2047."""


class NotOurs(ValueError):  # noqa: N818  (a verdict on a mail that was composed)
    """A composed mail would not have exactly the fields that were given."""


def text(value: str) -> str:
    """The value of an unstructured field, such as Subject, folded. `value` is one line, without control characters."""
    if not _PLAIN.fullmatch(value) or "=?" in value:
        return _encoded(value)
    lines = [""]
    for word in value.split(" "):
        if lines[-1] and len(lines[-1]) + len(word) > _WIDTH:
            lines.append("")
        lines[-1] += f" {word}" if lines[-1] else word
    return "\r\n ".join(lines)


def mailbox(name: str, address: str) -> str:
    """The value of a From or To field. `address` is ASCII and one plain addr-spec; `name` may be empty."""
    if not name:
        return address
    plain = _PHRASE.fullmatch(name) and "=?" not in name
    return f"{name if plain else _encoded(name)} <{address}>"


def ids(values: Sequence[str]) -> str:
    """The value of References or In-Reply-To: msg-ids without brackets, one a line."""
    return "\r\n ".join(f"<{one}>" for one in values)


def written(message: EmailMessage, fields: Sequence[tuple[str, str]]) -> bytes:
    """The mail as it goes to the server: `fields`, as the functions above give them, before the message's own.

    Raises NotOurs where the bytes, read again, have any other field than these and the ones of MIME.
    """
    whole = b"".join(f"{name}: {value}\r\n".encode("ascii") for name, value in fields) + message.as_bytes(policy=POLICY)
    found = [(name, _unfolded(value)) for name, value in BytesHeaderParser(policy=compat32).parsebytes(whole).items()]
    given = [(name, _unfolded(value)) for name, value in fields]
    if found[: len(given)] != given or not {name for name, _ in found[len(given) :]} <= _OF_MIME:
        raise NotOurs("the mail would not have exactly our header fields")
    return whole


def _unfolded(value: str) -> str:
    return " ".join(value.split())


def _encoded(value: str) -> str:
    words, word = [], b""
    for char in value:
        more = char.encode("utf-8", "replace")
        if len(word) + len(more) > _WORD:
            words.append(word)
            word = b""
        word += more
    words.append(word)
    return "\r\n ".join(f"=?utf-8?b?{base64.b64encode(one).decode('ascii')}?=" for one in words)
