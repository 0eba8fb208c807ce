"""A message made of what an IMAP server says of it, however little that is: its header decides."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime

from connectors.mail.header_times import time_in
from connectors.mail.imap.body_structure import BodyPart, decoded
from connectors.mail.imap.fetch_response import FetchResponse, internal_date
from inboxwatch.core.model import FolderRole, Part, Privacy, RawMessage
from inboxwatch.mime import machine_parts

MAX_HEADER = 128 * 1024
_BLANK = re.compile(rb"\r?\n\r?\n")


def header_of(answer: FetchResponse) -> bytes:
    """The header block; empty where the server gave none."""
    return answer.get(b"BODY[HEADER]") or _BLANK.split(answer.get(b"BODY[]", b""), 1)[0][:MAX_HEADER]


def received_at(answer: FetchResponse, header: bytes) -> datetime:
    """When the server received a message (UTC): by INTERNALDATE, and where that cannot be read by the header.

    Raises ValueError where neither tells.
    """
    try:
        return internal_date(answer.get(b"INTERNALDATE", b""))
    except ValueError:
        found = time_in(header)
        if found is None:
            raise ValueError("neither INTERNALDATE nor the header tells when it was received") from None
        return found


def thread_of(answer: FetchResponse) -> str | None:
    """The provider's id of the conversation: X-GM-THRID, or THREADID in parentheses (RFC 8474). NIL is none."""
    thread = answer.get(b"X-GM-THRID") or answer.get(b"THREADID", b"").strip(b'()" ')
    return None if thread.upper() == b"NIL" else thread.decode("ascii", "replace") or None


def raw_message(
    ref: str, role: FolderRole, answer: FetchResponse, parts: tuple[Part, ...] | None, privacy: Privacy
) -> RawMessage:
    """The message; where `parts` are unknown and it was fetched whole, they are found in it.

    Raises ValueError where the server gave no header.
    """
    header = header_of(answer)
    if not header:
        raise ValueError("the server gives no header")
    text = answer.get(b"BODY[]")
    if parts is None and text:
        parts = machine_parts(text)
    return RawMessage(
        ref=ref,
        role=role,
        received_at=received_at(answer, header),
        header=header,
        parts=parts,
        text=text if privacy is Privacy.TEXT else None,
        provider_thread=thread_of(answer),
    )


def part_of(leaf: BodyPart, payloads: Mapping[bytes, bytes]) -> Part:
    """A leaf of the structure, with its bytes where a machine wrote it and the server gave them."""
    payload = payloads.get(f"BODY[{leaf.fetch}]".encode())
    if payload is not None and not leaf.fetch.endswith(".HEADER"):
        payload = decoded(payload, leaf.encoding)
    return Part(leaf.content_type, leaf.size, payload if leaf.machine else None)
