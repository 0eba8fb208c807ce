"""Whole messages: the machine parts that any privacy mode may read, and the plain text where text may be read.

Both are bounded in time and memory whatever the sender built: nested parts, charset and size bombs.
"""

from __future__ import annotations

import base64
import binascii
import logging
import quopri
import re
from collections.abc import Iterator
from datetime import datetime
from itertools import islice

import mailparser  # type: ignore[import-untyped]  # it ships no types

from inboxwatch.core.mail.headers import Unusable
from inboxwatch.core.mail.html import html_text
from inboxwatch.core.model import FolderRole, Part, Privacy, RawMessage

MAX_RAW = 1024 * 1024
"""A message is read to this size; what lies behind is attachments."""
MAX_PARTS = 200
MAX_DEPTH = 20
MAX_PAYLOAD = 64 * 1024
MAX_TEXT = 256 * 1024
MAX_FIELD = 2000
"""Of a header field that describes a part."""
MAX_STUB = 300
"""A longer plain part is the message itself, however much HTML stands beside it."""

# The library warns of every part that is no text.
logging.getLogger("mailparser").setLevel(logging.CRITICAL)

_BLANK = re.compile(rb"\r?\n\r?\n")
_FOLD = re.compile(rb"\r?\n[ \t]+")
_TYPE = re.compile(rb"^content-type[ \t]*:[ \t]*([^\r\n]*)", re.IGNORECASE | re.MULTILINE)
_ENCODING = re.compile(rb"^content-transfer-encoding[ \t]*:[ \t]*([\w-]+)", re.IGNORECASE | re.MULTILINE)
_BOUNDARY = re.compile(r"boundary\s*=\s*(?:\"([^\"]{1,200})\"|([^\s;]{1,200}))", re.IGNORECASE)
_UNFOLDED = re.compile(rb"^(content-type[ \t]*:[^\r\n]*;)[ \t]*\r?\n(?=boundary=)", re.IGNORECASE | re.MULTILINE)
"""A parameter on a line of its own that lacks its leading space."""
_UNBOUNDED = re.compile(rb"^(content-type[ \t]*+:[ \t]*+multipart/[\w.+-]{1,40}+)", re.IGNORECASE | re.MULTILINE)
_FIRST_PART = re.compile(rb"(?:\A|\n)--([!#-~]{1,70}+)[ \t]*+\r?\n(?=content-)", re.IGNORECASE)
_DESCRIBING = re.compile(
    rb"^(?:content-(?:type|transfer-encoding|disposition)|mime-version)[ \t]*+:[^\r\n]*+", re.IGNORECASE | re.MULTILINE
)
_KEPT = re.compile(r";\s*(method|report-type)\s*=\s*\"?([^\";\s]+)", re.IGNORECASE)
_MACHINE = {
    "message/delivery-status",
    "message/global-delivery-status",
    "text/rfc822-headers",
    "message/global-headers",
    "message/disposition-notification",
    "message/global-disposition-notification",
    "message/feedback-report",
    "text/calendar",
}


def whole(ref: str, role: FolderRole, received_at: datetime, raw: bytes, privacy: Privacy) -> RawMessage:
    """A message that a connector holds whole: as much of it as the privacy mode lets out."""
    text = raw if privacy is Privacy.TEXT else None
    return RawMessage(ref, role, received_at, _BLANK.split(raw, 1)[0], machine_parts(raw), text)


def machine_parts(raw: bytes) -> tuple[Part, ...]:
    """The leaves of a message's MIME tree: types and sizes of all, bytes only of those that machines wrote.

    Of an attached message the header block alone is given.
    """
    parts: list[Part] = []
    for part in _leaves(_mended(raw[: 4 * MAX_RAW]), 0, "text/plain"):
        parts.append(part)
        if len(parts) >= MAX_PARTS:
            break
    return tuple(parts)


def _leaves(entity: bytes, depth: int, default: str) -> Iterator[Part]:
    head, body = _divided(entity)
    found = _TYPE.search(head)
    declared = found[1].decode("latin-1") if found else default
    kind = declared.partition(";")[0].strip().lower() or default
    if kind.startswith("multipart/") and depth < MAX_DEPTH and (boundary := _BOUNDARY.search(declared)):
        inner = "message/rfc822" if kind == "multipart/digest" else "text/plain"
        for piece in _split(body, (boundary[1] or boundary[2]).encode("latin-1")):
            yield from _leaves(piece, depth + 1, inner)
        return
    yield Part(
        kind + "".join(f"; {k.lower()}={v.lower()}" for k, v in _KEPT.findall(declared)),
        len(body),
        _payload(kind, head, body),
    )


def _divided(entity: bytes) -> tuple[bytes, bytes]:
    """The header block of an entity, unfolded and cut to MAX_PAYLOAD, and its body."""
    blank = _BLANK.search(entity)
    head, body = (entity[: blank.start()], entity[blank.end() :]) if blank else (entity, b"")
    if entity.startswith((b"\n", b"\r\n")):
        head, body = b"", entity.lstrip(b"\r\n")
    return _FOLD.sub(b" ", head[:MAX_PAYLOAD]), body


def _split(body: bytes, boundary: bytes) -> list[bytes]:
    """The entities between the boundary lines of a multipart body."""
    pieces = re.split(
        rb"(?:\A|\r?\n)--%b(?:[ \t]*(?=\r?\n)|(?=--))" % re.escape(boundary), body, maxsplit=MAX_PARTS + 1
    )[1:]
    kept: list[bytes] = []
    for piece in pieces[:MAX_PARTS]:
        if piece.startswith(b"--"):
            break
        kept.append(re.sub(rb"\A\r?\n", b"", piece))
    return kept


def _payload(kind: str, head: bytes, body: bytes) -> bytes | None:
    if kind in ("message/rfc822", "message/global"):
        blank = _BLANK.search(body.lstrip(b"\r\n"))
        return body.lstrip(b"\r\n")[: min(blank.start() if blank else MAX_PAYLOAD, MAX_PAYLOAD)]
    if kind not in _MACHINE:
        return None
    encoding = found[1].lower() if (found := _ENCODING.search(head)) else b""
    body = body[:MAX_PAYLOAD]
    if encoding == b"base64":
        try:
            return base64.b64decode(b"".join(body.split())[: MAX_PAYLOAD // 4 * 4])
        except (binascii.Error, ValueError):
            return body
    return quopri.decodestring(body) if encoding == b"quoted-printable" else body


def text_of(raw: bytes) -> str:
    """The plain text of a whole message, read with mail-parser; HTML is reduced to its text.

    Raises Unusable where the library cannot read the message at all.
    """
    try:
        mail = mailparser.parse_from_bytes(_Bare().of(_mended(raw[:MAX_RAW])))
        plain = "\n".join(mail.text_plain)
        if len(plain.strip()) > MAX_STUB or not mail.text_html:
            return plain[:MAX_TEXT]
        shown = html_text("\n".join(mail.text_html)[: 4 * MAX_TEXT])
        if not plain.strip():
            return shown[:MAX_TEXT]
        # A plain part that only sends the reader to the HTML is no text of the message.
        sends_on = "html" in plain.casefold() or len(shown) > 4 * len(plain) + MAX_STUB
        return (f"{plain}\n{shown}" if sends_on else plain)[:MAX_TEXT]
    except Exception as error:  # a parser of hostile bytes may raise anything; it is not swallowed
        raise Unusable(f"its text cannot be read: {type(error).__name__}") from error


def _mended(raw: bytes) -> bytes:
    """The message with the boundaries of its parts where a parser looks for them; a lost one is read off its parts."""
    if b"\nboundary=" in raw or b"\nBoundary=" in raw:
        raw = _UNFOLDED.sub(rb"\1 ", raw)
    blank = _BLANK.search(raw)
    head = raw[: blank.start()].lower() if blank else b""
    if blank is None or b"multipart/" not in head or b"boundary" in head:
        return raw
    first = _FIRST_PART.search(raw, blank.end() - 1)
    if first is None:
        return raw
    return _UNBOUNDED.sub(lambda found: found[1] + b'; boundary="' + first[1] + b'"', raw, count=1)


class _Bare:
    """What is left of a message where only its text is wanted: few and short header fields, few parts, little depth.

    A parser whose cost grows with what a sender writes there has nothing to read; MAX_TEXT of bodies are kept.
    """

    def __init__(self) -> None:
        self._left = MAX_TEXT
        self._parts = MAX_PARTS

    def of(self, entity: bytes, depth: int = 0) -> bytes:
        """An entity (a message or a part) made bare."""
        self._parts -= 1
        head, body = _divided(entity)
        fields = [found[0][:MAX_FIELD] for found in islice(_DESCRIBING.finditer(head), 10)]
        declared = next((one.partition(b":")[2] for one in fields if one[:12].lower() == b"content-type"), b"")
        kind = declared.partition(b";")[0].strip().lower() or b"text/plain"
        if kind.startswith(b"multipart/") and (boundary := _BOUNDARY.search(declared.decode("latin-1"))):
            body = self._inside(body, (boundary[1] or boundary[2]).encode("latin-1"), depth)
        elif kind == b"message/rfc822":
            body = self.of(body.lstrip(b"\r\n"), depth + 1) if depth < MAX_DEPTH and self._parts > 0 else b""
        elif kind.startswith(b"text/"):
            body = body[: self._left]
            self._left -= len(body)
        else:
            body = b""
        return b"\r\n".join([*fields, b"", body])

    def _inside(self, body: bytes, boundary: bytes, depth: int) -> bytes:
        parts = []
        for piece in _split(body, boundary) if depth < MAX_DEPTH else ():
            if self._parts <= 0:
                break
            parts.append(b"--" + boundary + b"\r\n" + self.of(piece, depth + 1) + b"\r\n")
        return b"".join(parts) + b"--" + boundary + b"--\r\n"
