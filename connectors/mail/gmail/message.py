"""Messages of the Gmail API as RawMessages."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from connectors.mail.header_block import Field, header_block
from connectors.mail.machine_parts import RETURNED, WHOLE
from inboxwatch.core.model import FolderRole, Part, RawMessage
from inboxwatch.mime import MAX_DEPTH, MAX_PARTS, MAX_PAYLOAD

_DEPTH = 6
"""Levels of nested parts that a request for a message's structure names."""

Item = Mapping[str, Any]


def structure(levels: int = _DEPTH) -> str:
    """The `fields` of a request that tells all of a message but its text: headers, types and sizes of its parts."""
    own = "mimeType,filename,headers,body(size,attachmentId)"
    parts = own
    for _ in range(levels):
        parts = f"{own},parts({parts})"
    return f"id,threadId,labelIds,internalDate,sizeEstimate,payload({parts})"


def payload_at(depth: int) -> str:
    """The `fields` of a request for the bytes of the parts at one depth of the tree."""
    return f"payload({'parts(' * depth}partId,mimeType,body(data){')' * depth})"


HEADER = "id,threadId,labelIds,internalDate,payload(mimeType,headers)"
"""The `fields` where the grant shows no parts. Without `fields` Gmail would add a snippet of the text."""


@dataclass(frozen=True, slots=True)
class PayloadPart:
    """A leaf of the MIME tree; `path` holds its indexes from the top."""

    path: tuple[int, ...]
    content_type: str
    size: int
    attachment: str
    """The id to fetch its bytes by; empty where they come within the message."""
    inline: bytes | None
    """Its bytes where the structure has them: a returned header, a delivery status."""

    @property
    def machine(self) -> bool:
        """Its bytes were written by a machine and are still to be fetched."""
        return self.inline is None and self.content_type.partition(";")[0] in WHOLE | RETURNED


def leaves(item: Item) -> tuple[PayloadPart, ...]:
    """The leaves of a message's tree, in order."""
    found: list[PayloadPart] = []
    for leaf in _walk(item.get("payload") or {}, (), report=False):
        found.append(leaf)
        if len(found) >= MAX_PARTS:
            break
    return tuple(found)


def _walk(part: Item, path: tuple[int, ...], *, report: bool) -> Iterator[PayloadPart]:
    kind = str(part.get("mimeType") or "text/plain").lower()
    children: Sequence[Item] = part.get("parts") or ()
    if kind.startswith("multipart/"):
        if len(path) < MAX_DEPTH:
            for number, child in enumerate(children):
                yield from _walk(child, (*path, number), report=report or kind == "multipart/report")
        return
    body = part.get("body") or {}
    inline: bytes | None = None
    if kind in RETURNED and (children or not report):
        inline = header_block(_headers(children[0])) if children and report else b""
    elif kind == "message/delivery-status" and children:
        inline = b"".join(header_block(_headers(child)) for child in children)
    content_type = kind
    if kind == "text/calendar":
        declared = next((value for name, value in _headers(part) if name.lower() == "content-type"), "").lower()
        method = declared.partition("method=")[2].partition(";")[0].strip('" ')
        content_type += f"; method={method}" if method else ""
    yield PayloadPart(path, content_type, int(body.get("size") or 0), str(body.get("attachmentId") or ""), inline)


def at(item: Item, path: Sequence[int]) -> bytes | None:
    """The bytes of the part at a path, where the answer has them."""
    part: Any = item.get("payload") or {}
    for number in path:
        children = part.get("parts") or ()
        if number >= len(children):
            return None
        part = children[number]
    data = (part.get("body") or {}).get("data")
    return None if data is None else decoded(data)


def decoded(data: str) -> bytes:
    """base64url, with or without padding. Raises ValueError."""
    try:
        return base64.urlsafe_b64decode(data + "=" * (-len(data) % 4))
    except binascii.Error as error:
        raise ValueError("bytes that are no base64url") from error


def part(leaf: PayloadPart, payload: bytes | None) -> Part:
    """The part for the port: of a returned message the header alone; no bytes of what people wrote."""
    kind = leaf.content_type.partition(";")[0]
    if kind in RETURNED:
        found = leaf.inline or _head(payload or b"") or None
    else:
        found = leaf.inline if leaf.inline is not None else payload
    return Part(leaf.content_type, leaf.size, found[:MAX_PAYLOAD] if found is not None else None)


def _head(message: bytes) -> bytes:
    return message.replace(b"\r\n", b"\n").partition(b"\n\n")[0]


def labels(item: Item) -> frozenset[str]:
    """The ids of its labels."""
    return frozenset(str(one) for one in item.get("labelIds") or ())


def received(item: Item) -> datetime:
    """When Google accepted it (UTC). Raises ValueError or KeyError."""
    return datetime.fromtimestamp(int(item["internalDate"]) / 1000, UTC)


def raw_message(item: Item, parts: tuple[Part, ...] | None, text: bytes | None) -> RawMessage:
    """Raises ValueError or KeyError where the item cannot be used."""
    its = labels(item)
    role = FolderRole.SENT if "SENT" in its else FolderRole.INBOX if "INBOX" in its else FolderRole.OTHER
    return RawMessage(
        ref=str(item["id"]),
        role=role,
        received_at=received(item),
        header=header(item),
        parts=parts,
        text=text,
        provider_thread=str(item.get("threadId") or "") or None,
    )


def header(item: Item) -> bytes:
    """Its header block."""
    return header_block(_headers(item.get("payload") or {}))


def _headers(part: Item) -> list[Field]:
    return [(str(one.get("name") or ""), str(one.get("value") or "")) for one in part.get("headers") or ()]
