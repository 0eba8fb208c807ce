"""What exchangelib raises, in the words of the port."""

from __future__ import annotations

import re

from connectors.error_text import one_line
from connectors.http_errors import unreached
from connectors.mail.delta_position import PositionForgotten
from inboxwatch.connector import MailboxError, Reason

_REASONS = {
    "UnauthorizedError": (Reason.AUTH, "check `username`, `password` and `auth`; a domain account is DOMAIN\\user, and "
                          "kerberos needs a ticket for this process (klist, or KRB5_CLIENT_KTNAME)"),
    "ErrorAccessDenied": (Reason.AUTH, "this login may not read this mailbox: give it the right Reviewer, or "
                          "impersonation for it"),
    "ErrorImpersonateUserDenied": (Reason.AUTH, "the login has no right to impersonate this mailbox"),
    "ErrorImpersonationDenied": (Reason.AUTH, "the login has no right to impersonate"),
    "ErrorImpersonationFailed": (Reason.AUTH, "impersonation failed: the mailbox may be disabled or elsewhere"),
    "ErrorAccountDisabled": (Reason.AUTH, "the account is disabled"),
    "ErrorPasswordExpired": (Reason.AUTH, "the password has expired"),
    "ErrorPasswordChangeRequired": (Reason.AUTH, "the password must be changed"),
    "ErrorNonExistentMailbox": (Reason.CLIENT, "no mailbox has this address: check `address`"),
    "ErrorNameResolutionNoResults": (Reason.CLIENT, "no group has this address, or it is hidden from address lists: "
                                     "check `group`"),
    "ErrorMailboxMoveInProgress": (Reason.UNAVAILABLE, "the mailbox is being moved; it is tried again"),
    "ErrorWrongServerVersion": (Reason.CLIENT, "set `version` to that of the server"),
    "ErrorInvalidServerVersion": (Reason.CLIENT, "set `version` to that of the server"),
    "ErrorFolderNotFound": (Reason.CLIENT, "the folder does not exist, or this login may not see it"),
    "ErrorServerBusy": (Reason.RATE_LIMITED, "the server throttles this login"),
    "ErrorExceededConnectionCount": (Reason.RATE_LIMITED, "too many connections of this login: lower `connections`"),
    "ErrorExceededFindCountLimit": (Reason.RATE_LIMITED, "the server throttles this login"),
    "ErrorTooManyObjectsOpened": (Reason.RATE_LIMITED, "the server throttles this login"),
    "RateLimitError": (Reason.RATE_LIMITED, "the server throttles this login"),
    "ErrorTimeoutExpired": (Reason.SERVER, "the server took too long for it"),
    "ErrorInternalServerTransientError": (Reason.SERVER, ""),
    "ErrorInternalServerError": (Reason.SERVER, ""),
    "ErrorMailboxStoreUnavailable": (Reason.SERVER, "the mailbox store is down; it is tried again"),
    "ErrorMailboxFailover": (Reason.SERVER, "the mailbox moves to another server; it is tried again"),
    "ErrorConnectionFailed": (Reason.SERVER, ""),
    "MalformedResponseError": (Reason.PROTOCOL, "is `url` the address of EWS, https://HOST/EWS/Exchange.asmx?"),
    "SOAPError": (Reason.PROTOCOL, ""),
    "RedirectError": (Reason.CLIENT, "the server sends us elsewhere: give that `url`"),
}  # fmt: skip
"""By the name of the error: the library's classes bear EWS's own response codes."""
_FORGOTTEN = {"ErrorInvalidSyncStateData", "ErrorSyncFolderNotFound", "ErrorInvalidWatermark"}
_THROTTLED_STATUS, _SERVER_STATUS = 429, 500
_STATUS = re.compile(r"(?:Code|HTTP status code|status code|error code|Client Error|Server Error): ?(\d{3})\b")
_GONE = {"ErrorItemNotFound"}
_NETWORK = re.compile(r"Reraised from (\w{0,60}(?:Connection|Timeout|timeout|Chunked)\w{0,60})\(")


def code_of(error: BaseException) -> str:
    """EWS's response code: the library names its classes after them."""
    return type(error).__name__


def is_gone(error: BaseException) -> bool:
    """The item was deleted or moved away."""
    return code_of(error) in _GONE


def failure(error: BaseException, doing: str) -> Exception:
    """The MailboxError for what the library raised, or PositionForgotten."""
    code = code_of(error)
    if isinstance(error, MailboxError | PositionForgotten):
        return error
    if code in _FORGOTTEN:
        return PositionForgotten(code)
    words = one_line(f"{code}: {error}")
    if (network := _NETWORK.match(str(error))) or "certificate verify failed" in str(error):
        return _of_network(network[1] if network else "", words, doing)
    if status := _STATUS.search(str(error)):
        return _of_status(int(status[1]), words, doing)
    if code in _REASONS:
        reason, hint = _REASONS[code]
        return MailboxError(reason, f"{doing}: {words}", hint=hint, retry_after=_back_off(error))
    if (found := unreached(error, doing)) is not None:
        return found
    if code.startswith("Error"):
        return MailboxError(Reason.CLIENT, f"{doing}: {words}")
    if code == "TransportError" or type(error).__module__.startswith(("requests", "urllib3")):
        return MailboxError(Reason.UNAVAILABLE, f"{doing}: {words}")
    if code in ("ParseError", "XMLSyntaxError"):
        return MailboxError(Reason.PROTOCOL, f"{doing}: the answer cannot be read ({code})")
    raise error


def _of_network(kind: str, words: str, doing: str) -> MailboxError:
    """The library raises network failures again as EWS errors, and keeps the first one's text only."""
    if "CERTIFICATE" in words.upper():
        hint = "give the authority's certificate as `ca_file`, and the host name that the certificate bears"
        return MailboxError(Reason.CLIENT, f"{doing}: {words}", hint=hint)
    if "Timeout" in kind:
        return MailboxError(Reason.TIMEOUT, f"{doing}: no answer in time", hint="the server or a proxy is silent")
    return MailboxError(Reason.UNAVAILABLE, f"{doing}: {words}", hint="check address, proxy and firewall")


def _of_status(status: int, words: str, doing: str) -> MailboxError:
    """The HTTP status of an answer that is no SOAP stands in the text of the library's error."""
    if status in (401, 403):
        return MailboxError(Reason.AUTH, f"{doing}: {words}", hint="check `username`, `password` and `auth`")
    if status == _THROTTLED_STATUS:
        return MailboxError(Reason.RATE_LIMITED, f"{doing}: {words}")
    if status >= _SERVER_STATUS:
        return MailboxError(Reason.SERVER, f"{doing}: {words}")
    return MailboxError(Reason.CLIENT, f"{doing}: {words}", hint=_REASONS["MalformedResponseError"][1])


def _back_off(error: BaseException) -> float | None:
    """The seconds that a throttling server asks for; None where it asks for none, or for zero."""
    found = getattr(error, "back_off", None) or getattr(error, "wait", None)
    return min(float(found), 3600.0) if isinstance(found, int | float) and found > 0 else None
