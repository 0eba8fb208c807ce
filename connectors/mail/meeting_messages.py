"""Meeting messages of Exchange: the provider says what they mean, so that no text needs to be read."""

from __future__ import annotations

from inboxwatch.core.model import Part

_ANSWERS = {
    "meetingaccepted": "ACCEPTED",
    "meetingtenativelyaccepted": "TENTATIVE",
    "meetingtentativelyaccepted": "TENTATIVE",
    "meetingdeclined": "DECLINED",
    "ipm.schedule.meeting.resp.pos": "ACCEPTED",
    "ipm.schedule.meeting.resp.tent": "TENTATIVE",
    "ipm.schedule.meeting.resp.neg": "DECLINED",
}
"""Graph's meetingMessageType (its first spelling of `tentatively` is the vendor's) and MAPI message classes."""
_METHODS = {
    "meetingrequest": "REQUEST",
    "meetingcancelled": "CANCEL",
    "ipm.schedule.meeting.request": "REQUEST",
    "ipm.schedule.meeting.canceled": "CANCEL",
}


def calendar_part(kind: str) -> Part | None:
    """The calendar part (RFC 5546) that says the same as the provider's word for a message; None for other mail.

    A comment that its author wrote is not in it.
    """
    kind = kind.lower()
    answer = _ANSWERS.get(kind)
    method = "REPLY" if answer else _METHODS.get(kind)
    if method is None:
        return None
    attendee = f"ATTENDEE;PARTSTAT={answer}:mailto:unknown\r\n" if answer else ""
    payload = (
        f"BEGIN:VCALENDAR\r\nMETHOD:{method}\r\nBEGIN:VEVENT\r\n{attendee}END:VEVENT\r\nEND:VCALENDAR\r\n".encode()
    )
    return Part(f"text/calendar; method={method.lower()}", len(payload), payload)
