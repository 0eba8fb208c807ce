"""LIST responses as imaplib hands them over: folders by their names, though not each is in modified UTF-7 as it should.

A name that is none (RFC 3501, 5.1.3) is shown as it is written, and its folder opened by the same bytes if at all. One
that holds control characters is read and shown as it is written: neither a store nor a terminal should meet them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import replace

from imapclient import imap_utf7  # type: ignore[import-untyped]  # it ships no types

from connectors.mail.folder_roles import ListedFolder

_LISTED = re.compile(rb'\(([^()]*)\) +(NIL|"(?:\\.|[^"\\])*") +(.*)', re.IGNORECASE | re.DOTALL)
_QUOTED = re.compile(rb'"((?:\\.|[^"\\])*)"(?: +\(.*)?', re.DOTALL)
_EXTENDED = re.compile(rb'(?<! ) +\(".*', re.DOTALL)
_ESCAPE = re.compile(rb'\\(["\\])')
_LITERAL = re.compile(rb"~?\{\d+\}$")
_CONTROL = re.compile(rb"[\x00-\x1f\x7f]")
_CONTROL_SHOWN = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_MODIFIED = re.compile(rb"(?:[\x20-\x25\x27-\x7e]|&[A-Za-z0-9+,]*-)*")


def listed_folders(data: Iterable[object]) -> tuple[ListedFolder, ...]:
    """The folders in what `imaplib.IMAP4.list` returns; a line that is no LIST response is left out."""
    found: dict[str, ListedFolder] = {}
    for line, literal in _lines(data):
        match = _LISTED.match(line)
        if match is None:
            continue
        attributes, delimiter, written = match.groups()
        raw = literal if literal is not None else _unquoted(written)
        name, readable = _name(raw)
        folder = ListedFolder(
            name,
            _ESCAPE.sub(rb"\1", delimiter[1:-1]).decode("ascii", "replace") if delimiter[:1] == b'"' else "",
            frozenset(attributes.decode("ascii", "replace").lower().split()),
            raw=None if readable and imap_utf7.encode(name) == raw else raw,
            readable=readable,
        )
        if _CONTROL.search(raw):  # no command can name it
            folder = replace(folder, attributes=folder.attributes & {r"\noselect"})
        # Where two look alike, it is the one whose name says what it is.
        if name not in found or (folder.raw is None and found[name].raw is not None):
            found[name] = folder
    return tuple(found.values())


def _lines(data: Iterable[object]) -> Iterator[tuple[bytes, bytes | None]]:
    """Each response, with the name apart where it came as a literal."""
    for piece in data:
        if isinstance(piece, tuple):
            yield _LITERAL.sub(b"", piece[0]), piece[1]
        elif isinstance(piece, bytes) and piece.startswith(b"("):
            yield piece, None


def _unquoted(written: bytes) -> bytes:
    """A name without its quotes. Some servers write names with spaces bare, or with quotes inside that they do not
    escape.
    """
    if found := _QUOTED.fullmatch(written):
        return _ESCAPE.sub(rb"\1", found[1])
    bare = _EXTENDED.sub(b"", written).strip()
    return bare[1:-1] if len(bare) > 1 and bare[:1] == bare[-1:] == b'"' else bare


def _name(raw: bytes) -> tuple[str, bool]:
    """A name for people, and whether it is what the server means; else it is shown as it is written."""
    if _MODIFIED.fullmatch(raw):
        try:
            name = str(imap_utf7.decode(raw))
            name.encode("utf-8")  # half a surrogate pair cannot be stored
        except ValueError:
            pass
        else:
            return (raw.decode("ascii") if _CONTROL_SHOWN.search(name) else name), True
    try:
        shown = raw.decode("utf-8")
    except UnicodeDecodeError:
        shown = raw.decode("ascii", "backslashreplace")
    return _CONTROL_SHOWN.sub(lambda found: f"\\x{ord(found[0]):02x}", shown), False
