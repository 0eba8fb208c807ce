"""BODYSTRUCTURE (RFC 3501, 7.4.2): the leaves of a message's MIME tree, and which of them machines wrote."""

from __future__ import annotations

import base64
import binascii
import quopri
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

from connectors.mail.machine_parts import RETURNED, WHOLE
from inboxwatch.core.model import Part

_TOKEN = re.compile(rb'[()]|"(?:[^"\\]|\\.)*"|[^\s()"]+')
_ESCAPE = re.compile(rb"\\(.)")
_QUOTED = rb'(?:NIL|"(?:[^"\\]|\\.)*")'
_LEAF = re.compile(
    rb'\("([\w-]+)" "([\w.+-]+)" (?:NIL|\((?:%b ?)*\)) %b %b %b (\d+)' % (_QUOTED, _QUOTED, _QUOTED, _QUOTED),
    re.IGNORECASE | re.DOTALL,
)
_LEAF_FIELDS = 7
"""type, subtype, parameters, id, description, encoding, octets: what every leaf has."""

_MACHINE = re.compile(
    rb'"(?:calendar|rfc822-headers|(?:global-)?d(?:elivery-status|isposition-notification)|feedback-report|report)"',
    re.IGNORECASE,
)

Node = list["bytes | Node | None"]


@dataclass(frozen=True, slots=True)
class BodyPart:
    """A leaf of the MIME tree; `section` is what BODY[...] calls it."""

    section: str
    content_type: str
    """Lower case; `text/calendar; method=reply` bears its method."""
    size: int
    encoding: str
    """The transfer encoding, lower case."""
    machine: bool
    """Its bytes were written by a machine and may be read in every privacy mode."""

    @property
    def fetch(self) -> str:
        """The section to ask for."""
        kind = self.content_type.partition(";")[0]
        return f"{self.section}.HEADER" if kind in RETURNED else self.section


def leaves(structure: bytes) -> tuple[BodyPart, ...]:
    """The leaves in order; `structure` is the value of BODYSTRUCTURE. Raises ValueError where it cannot be read."""
    try:
        return tuple(_walk(_tree(structure), "", report=False))
    except (IndexError, TypeError, AttributeError, RecursionError) as error:
        raise ValueError(f"unreadable BODYSTRUCTURE: {error}") from None


def ordinary(structure: bytes) -> tuple[Part, ...]:
    """The leaves of a message without machine parts: types and sizes only, in a sixth of the time of `leaves`."""
    return tuple(Part(_content_type(kind, subtype), int(size)) for kind, subtype, size in _LEAF.findall(structure))


@lru_cache(1000)
def _content_type(kind: bytes, subtype: bytes) -> str:
    return f"{kind.decode('ascii')}/{subtype.decode('ascii')}".lower()


def names_machine_parts(structure: bytes) -> bool:
    """Whether the message may have machine parts; never wrongly false."""
    return _MACHINE.search(structure) is not None


def decoded(payload: bytes, encoding: str) -> bytes:
    """The bytes without their transfer encoding; as they are where it is broken."""
    if encoding == "base64":
        try:
            return base64.b64decode(payload)
        except binascii.Error:
            return payload
    return quopri.decodestring(payload) if encoding == "quoted-printable" else payload


def _tree(structure: bytes) -> Node:
    stack: list[Node] = [[]]
    for token in _TOKEN.findall(structure):
        if token == b"(":
            stack.append([])
        elif token == b")":
            done = stack.pop()
            stack[-1].append(done)
        elif token[:1] == b'"':
            stack[-1].append(_ESCAPE.sub(rb"\1", token[1:-1]) if b"\\" in token else token[1:-1])
        else:
            stack[-1].append(None if token.upper() == b"NIL" else token)
    if len(stack) != 1 or not stack[0] or not isinstance(stack[0][0], list):
        raise ValueError("unreadable BODYSTRUCTURE: its parentheses do not match")
    return stack[0][0]


def _walk(node: Node, section: str, *, report: bool) -> Iterator[BodyPart]:
    if isinstance(node[0], list):
        children = list(_before_subtype(node))
        kind = node[len(children)]
        report = report or (isinstance(kind, bytes) and kind.lower() == b"report")
        for number, child in enumerate(children, 1):
            yield from _walk(child, f"{section}.{number}" if section else str(number), report=report)
        return
    if len(node) < _LEAF_FIELDS:
        raise ValueError("unreadable BODYSTRUCTURE: a part has too few fields")
    kind, subtype, parameters, encoding, size = node[0], node[1], node[2], node[5], node[6]
    if not isinstance(kind, bytes) or not isinstance(subtype, bytes):
        raise ValueError("unreadable BODYSTRUCTURE: a part has no type")  # noqa: TRY004  (the server's, not a caller's)
    content_type = f"{_text(kind)}/{_text(subtype)}"
    machine = content_type in WHOLE or (report and content_type in RETURNED)
    if content_type == "text/calendar" and (method := _parameter(parameters, b"method")):
        content_type += f"; method={method}"
    yield BodyPart(section or "1", content_type, int(_text(size) or 0), _text(encoding), machine)


def _before_subtype(node: Node) -> Iterator[Node]:
    for child in node:
        if not isinstance(child, list):
            return
        yield child


def _parameter(parameters: bytes | Node | None, name: bytes) -> str:
    if not isinstance(parameters, list):
        return ""
    return next((_text(value) for key, value in _pairs(parameters) if _text(key).encode() == name), "")


def _pairs(items: Sequence[bytes | Node | None]) -> Iterator[tuple[bytes | Node | None, bytes | Node | None]]:
    return zip(items[::2], items[1::2], strict=False)


def _text(value: bytes | Node | None) -> str:
    return value.decode("ascii", "replace").strip().lower() if isinstance(value, bytes) else ""
