"""Invitations and the answers to them (RFC 5546, RFC 6047)."""

from __future__ import annotations

import re

from inboxwatch.core.mail import quotes
from inboxwatch.core.mail.calendar_part import DECLARED, METHOD, unfolded
from inboxwatch.core.mail.words import either
from inboxwatch.core.model import Kind, Message, Part, Verdict

_STATUS = re.compile(rb"PARTSTAT=([A-Z-]+)", re.IGNORECASE)
_UID = re.compile(rb"^UID[^:\n]{0,200}:[ \t]*(\S[^\r\n]{0,998})", re.IGNORECASE | re.MULTILINE)
_COMMENT = re.compile(rb"^COMMENT[^:\n]*:[ \t]*\S", re.IGNORECASE | re.MULTILINE)
_STANDARD = re.compile(
    either("""
        has (?:tentatively )?(?:accepted|declined|replied)
        accepted this invitation
        invitation from google calendar
        hat (?:die|diese) .{0,40}(?:angenommen|zugesagt)
        a accepté
        ha aceptado
        ha accettato
        heeft .{0,40}geaccepteerd
        aceitou
    """)
)
_NOTE = re.compile(
    r"with (?:this|the following) note|mit (?:dieser|folgender) notiz|avec (?:cette|la) note|con (?:esta|questa) nota"
)
"""Google's words before what the guest wrote."""


def verdict(message: Message, part: Part | None) -> Verdict:
    """The kind calendar, and what the answer means: an acceptance owes no reply, what moves the meeting does."""
    payload = unfolded(part.payload) if part is not None and part.payload else b""
    declared = DECLARED.search((part.content_type if part else "") + " " + message.content_type)
    found = METHOD.search(payload)
    method = declared[1] if declared else found[1].decode().lower() if found else ""
    status = {one.decode().lower() for one in _STATUS.findall(payload)}
    if method == "reply" and "accepted" in status and not (_COMMENT.search(payload) or _own_text(message)):
        return Verdict(Kind.CALENDAR, "invitation accepted", effect="meeting_accepted", meeting=_uid(payload))
    if method in ("reply", "counter", "declinecounter"):
        signal, owes_reply = _answer(message, method, status, payload)
        uid = _uid(payload)
        return Verdict(Kind.CALENDAR, signal, owes_reply, effect="meeting_answered", meeting=uid)
    invites = method == "request"
    signal = f"calendar part, method {method or 'not told'}"
    return Verdict(Kind.CALENDAR, signal, owes_reply=invites, meeting=_uid(payload) if invites else "")


def _answer(message: Message, method: str, status: set[str], payload: bytes) -> tuple[str, bool]:
    """What an answer that is no plain yes says, and whether it asks for an answer itself."""
    if method != "reply":
        return "another time proposed" if method == "counter" else "proposal declined", True
    if "declined" in status:
        return "invitation declined", True
    if _COMMENT.search(payload) or _own_text(message):
        return "invitation answered with a comment", True
    return "invitation accepted tentatively" if "tentative" in status else "answer to an invitation", False


def _uid(payload: bytes) -> str:
    """The UID of the first event (RFC 5545, 3.8.4.7), or nothing."""
    found = _UID.search(payload)
    return found[1].decode("utf-8", "replace").strip() if found else ""


def _own_text(message: Message) -> bool:
    """Whether the guest added own words to the standard text of the calendar program."""
    own = " ".join(quotes.own_and_quoted((message.text or "")[:20_000])[0]).casefold()
    return bool(_NOTE.search(own)) or (len(own.split()) >= 3 and not _STANDARD.search(own))
