"""What went wrong with an API over HTTPS, in the words of the port."""

from __future__ import annotations

import email.utils
import socket
import ssl
from datetime import UTC

from connectors.error_text import one_line
from inboxwatch import now as instant
from inboxwatch.connector import MailboxError, Reason

_SERVER_ERROR = 500


def refused(status: int, text: str, doing: str, *, hint: str = "", retry_after: float | None = None) -> MailboxError:
    """The MailboxError for an HTTP status (RFC 9110) that says no; `text` are the provider's own words."""
    reasons = {401: Reason.AUTH, 403: Reason.AUTH, 408: Reason.TIMEOUT, 429: Reason.RATE_LIMITED}
    reason = reasons.get(status, Reason.SERVER if status >= _SERVER_ERROR else Reason.CLIENT)
    if status in (503, 504) and retry_after is not None:
        reason = Reason.RATE_LIMITED
    return MailboxError(reason, f"{doing}: {one_line(text)} (HTTP {status})", hint=hint, retry_after=retry_after)


def unreached(error: BaseException, doing: str) -> MailboxError | None:
    """The MailboxError for a network that failed, found in what was raised or what caused it; None for others."""
    for cause in _causes(error):
        if isinstance(cause, MailboxError):
            return cause
        if isinstance(cause, ssl.SSLCertVerificationError):
            return MailboxError(
                Reason.CLIENT,
                f"{doing}: the server's certificate is refused: {cause.verify_message}",
                hint="give the authority's certificate as `ca_file`, and the host name that the certificate bears",
            )
    for cause in _causes(error):
        if isinstance(cause, TimeoutError):
            return MailboxError(Reason.TIMEOUT, f"{doing}: no answer in time", hint="the server or a proxy is silent")
        if isinstance(cause, socket.gaierror):
            return MailboxError(
                Reason.UNAVAILABLE, f"{doing}: {cause.strerror}", hint="check the host's name and the name server"
            )
        if isinstance(cause, ssl.SSLEOFError | ssl.SSLZeroReturnError):
            return MailboxError(Reason.UNAVAILABLE, f"{doing}: the connection ended early")
        if isinstance(cause, ssl.SSLError):
            return MailboxError(Reason.PROTOCOL, f"{doing}: {one_line(cause.reason or str(cause))}")
        if isinstance(cause, OSError):
            text = cause.strerror or type(cause).__name__
            return MailboxError(
                Reason.UNAVAILABLE, f"{doing}: {one_line(text)}", hint="check address, proxy and firewall"
            )
    return None


def _causes(error: BaseException) -> list[BaseException]:
    """What was raised, and what it was raised from or holds, outermost first."""
    found: list[BaseException] = []
    pending: list[object] = [error]
    while pending:
        one = pending.pop(0)
        if isinstance(one, BaseException) and one not in found:
            found.append(one)
            pending += [one.__cause__, one.__context__, getattr(one, "reason", None), *one.args]
    return found


def parse_retry_after(value: str | None) -> float | None:
    """A Retry-After header (RFC 9110, 10.2.3) in seconds, at most an hour; None where it says nothing usable."""
    if not value:
        return None
    if value.strip().isdigit():
        return min(float(value), 3600.0)
    try:
        at = email.utils.parsedate_to_datetime(value)
    except ValueError:
        return None
    at = at if at.tzinfo else at.replace(tzinfo=UTC)
    return min(max(0.0, (at - instant.now()).total_seconds()), 3600.0)
