"""The messages with which the contract suite tries a connector."""

from __future__ import annotations


def message_of(header: bytes) -> str:
    """The Message-ID of one of our test messages, without brackets; empty where it has none."""
    for line in header.splitlines():
        if line.lower().startswith(b"message-id: <"):
            return line[13:].rstrip(b"> ").decode("ascii")
    return ""


def message_id(number: int) -> str:
    return f"{number:04}@buyer.test"


def letter(number: int) -> bytes:
    """A message from a person to a person."""
    return (
        f"From: Pat Low <pat@buyer.test>\r\nTo: Ana Diaz <ana@acme.test>\r\nSubject: Offer {number}\r\n"
        f"Message-ID: <{message_id(number)}>\r\nDate: Thu, 12 Nov 2026 10:00:00 +0000\r\n"
        "Content-Type: text/plain; charset=utf-8\r\n\r\nWRITTEN BY A PERSON\r\n"
    ).encode()


def bounce(number: int) -> bytes:
    """A delivery status notification (RFC 3464) for the message <lost@acme.test>, with the returned message."""
    return (
        "From: MAILER-DAEMON@mx.buyer.test\r\nTo: ana@acme.test\r\nSubject: Undelivered\r\nMIME-Version: 1.0\r\n"
        f"Message-ID: <{message_id(number)}>\r\n"
        "Content-Type: multipart/report; report-type=delivery-status; boundary=cut\r\n\r\n"
        "--cut\r\nContent-Type: text/plain\r\n\r\nSorry.\r\n"
        "--cut\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; mx.buyer.test\r\n\r\n"
        "Final-Recipient: rfc822; gone@buyer.test\r\nAction: failed\r\nStatus: 5.1.1\r\n\r\n"
        "--cut\r\nContent-Type: message/rfc822\r\n\r\nFrom: ana@acme.test\r\nMessage-ID: <lost@acme.test>\r\n"
        "Subject: Hello\r\n\r\nWRITTEN BY A PERSON\r\n"
        "--cut--\r\n"
    ).encode()


def invitation(number: int) -> bytes:
    """A calendar answer whose header does not tell that it is one."""
    return (
        "From: pat@buyer.test\r\nTo: ana@acme.test\r\nSubject: Tuesday\r\nMIME-Version: 1.0\r\n"
        f"Message-ID: <{message_id(number)}>\r\n"
        "Content-Type: multipart/alternative; boundary=cut\r\n\r\n"
        "--cut\r\nContent-Type: text/plain\r\n\r\nWRITTEN BY A PERSON\r\n"
        '--cut\r\nContent-Type: text/calendar; charset="utf-8"; method=REPLY\r\n'
        "Content-Transfer-Encoding: quoted-printable\r\n\r\n"
        "BEGIN:VCALENDAR\r\nMETHOD:REPLY\r\nBEGIN:VEVENT\r\nATTENDEE;PARTSTAT=3DACCEPTED:mailto:pat@buyer.test\r\n"
        "END:VEVENT\r\nEND:VCALENDAR\r\n"
        "--cut--\r\n"
    ).encode()


def nested(depth: int) -> bytes:
    """A message whose parts are nested so deep."""
    head = "".join(f"Content-Type: multipart/mixed; boundary=b{level}\r\n\r\n--b{level}\r\n" for level in range(depth))
    return (head + "\r\nbody\r\n").encode()
