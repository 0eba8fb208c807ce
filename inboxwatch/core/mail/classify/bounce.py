"""What shows that a mail system gives a message back."""

from __future__ import annotations

import re
from functools import lru_cache

from inboxwatch.core.mail.classify import body_text, senders
from inboxwatch.core.mail.classify.look import Look
from inboxwatch.core.mail.classify.phrases import Phrases
from inboxwatch.core.mail.classify.signs import CERTAIN
from inboxwatch.core.mail.headers import addresses
from inboxwatch.core.mail.words import bounces
from inboxwatch.core.model import Address

_FAILED = Phrases(bounces.SUBJECTS)
_FAILED_MAYBE = Phrases(bounces.SUBJECTS, bounces.SUBJECTS_MAYBE)
_DAEMON = re.compile(bounces.SENDER)
_DAEMON_MAYBE = re.compile(bounces.SENDER_MAYBE)
_RETURNED_TYPES = ("text/rfc822-headers", "message/rfc822", "message/global")
_FROM = re.compile(rb"^from[ \t]*:((?:[^\n]|\n[ \t])*)", re.IGNORECASE | re.MULTILINE)
_REFUSED = re.compile(r"\breject|\brefus|abgelehnt|abgewiesen|rechaz|rifiutat|geweigerd")
_DELETED = re.compile(
    rb"^disposition[ \t]*:[^\n]{0,200}automatic-action[^\n]{0,200};[ \t]*+(?:deleted|denied|failed)", re.I | re.M
)


def signal(look: Look) -> str:
    """What shows that it is a bounce, or nothing."""
    message, kind = look.message, look.message.content_type
    if "report-type=feedback-report" in kind or look.has_part("message/feedback-report"):
        return ""
    if "report-type=delivery-status" in kind or look.has_part("delivery-status"):
        return "delivery status notification (RFC 3464)"
    certain, likely = _daemon(message.sender)
    if "x-failed-recipients" in look.marks:
        # No program of a person writes it. Who forges it is believed nothing (`Delivery.proven`), and asks nothing.
        shown = look.null_path or certain or likely
        return "x-failed-recipients" if shown else "x-failed-recipients, with nothing of a mail system"
    if said := _by_subject(look, daemon=certain, likely=likely):
        return said
    if message.sender.email.startswith(("mailer-daemon", "mailer_daemon", "mailerdaemon", "mail-daemon")):
        return "mail system's sender"
    if message.text:
        if certain and (words := body_text.returned(message, maybe=True)):
            return f"mail system's sender, text {words!r}"
        # Some filters give nothing back but words, under the subject that we gave.
        by_program = look.null_path and not look.title.prefixed and _is_program(message.sender)
        if by_program and (words := body_text.returned(message, maybe=True)):
            return f"null return path of a program, text {words!r}"
        if body_text.service_bounce(message):
            return "a mailing service's notice of a delivery"
    if len(look.types) > 1 and _gives_ours_back(look):
        return "our own message given back"
    return ""


def _by_subject(look: Look, *, daemon: bool, likely: bool) -> str:
    """Subject, sender and return path: any two of a mail system, or a subject that only mail systems write."""
    null = look.null_path
    failed = _FAILED_MAYBE.find(look.subject, look.words)
    certain = _FAILED.find(look.subject, look.words) if failed else None
    failed = certain or failed
    if (daemon and (failed or null)) or (likely and null):
        return f"mail system's sender, {f'subject {failed!r}' if failed else 'null return path'}"
    if not failed or look.title.prefixed:
        return ""
    if null or look.automatic:
        return f"null return path or auto-submitted, subject {failed!r}"
    if "multipart/report" in look.message.content_type or (certain and likely):
        return f"subject {failed!r}"
    of_mail = bool(look.message.text) and body_text.tells_of_mail(look.message)
    words = body_text.returned(look.message, maybe=False) if of_mail else None
    if words and not look.answers:
        return f"subject {failed!r}, text {words!r}"
    if not (certain and look.subject.startswith(certain)) or senders.shape(look.message.sender)[1]:
        return ""
    said = not look.message.text or (of_mail and body_text.returned(look.message, maybe=True))
    return f"subject {certain!r}" if said else ""


def is_daemon(sender: Address) -> bool:
    """Whether a mail system wrote, by its address or name; some give no address at all."""
    return _daemon(sender)[0]


@lru_cache(maxsize=8192)
def _daemon(sender: Address) -> tuple[bool, bool]:
    """Whether an address or name is a mail system's, for certain and perhaps."""
    name = sender.name.casefold()
    certain = not sender.email or bool(_DAEMON.search(sender.email) or _DAEMON.search(name))
    return certain, bool(_DAEMON_MAYBE.search(sender.email) or _DAEMON_MAYBE.search(name))


def _is_program(sender: Address) -> bool:
    """Whether an address or name is one that no person bears."""
    return any(sign.weight >= CERTAIN for sign in senders.shape(sender)[0])


def _gives_ours_back(look: Look) -> bool:
    """Whether a program attached the recipient's own message and says, in words or by its path, that it failed."""
    message = look.message
    if look.title.prefixed or look.submitted.startswith("auto-replied"):
        return False
    if not (_is_program(message.sender) or look.null_path):
        return False
    ours = {one.email for one in message.recipients}
    back = any(
        found is not None and any(one.email in ours for one in addresses(found[1].strip()))
        for part in message.parts or ()
        if part.payload and part.content_type.startswith(_RETURNED_TYPES)
        for found in (_FROM.search(part.payload),)
    )
    if not back:
        return False
    return look.null_path or body_text.returned(message, maybe=True) is not None


def refused(look: Look) -> str:
    """What shows that a filter's refusal (RFC 5429) came as a disposition notification, or nothing."""
    if not any(
        part.payload and "disposition-notification" in part.content_type and _DELETED.search(part.payload)
        for part in look.message.parts or ()
    ):
        return ""
    if "reject" in look.submitted:
        return "disposition notification, auto-submitted: rejected (RFC 5429)"
    if not is_daemon(look.message.sender):
        return ""
    found = _REFUSED.search(look.subject)
    return f"disposition notification of a mail system, subject {found[0]!r}" if found else ""
