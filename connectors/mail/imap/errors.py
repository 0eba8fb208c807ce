"""What went wrong with a mail server, in the words of the port: reason, hint, and the provider's own text."""

from __future__ import annotations

import errno
import re
import socket
import ssl
from imaplib import IMAP4

from connectors.error_text import one_line
from inboxwatch.connector import MailboxError, Reason

_CODES = {
    "AUTHENTICATIONFAILED": (
        Reason.AUTH,
        "check user name and password; the account may need an app password or OAuth",
    ),
    "AUTHORIZATIONFAILED": (Reason.AUTH, "this login may not read this mailbox; check its rights"),
    "EXPIRED": (Reason.AUTH, "the password has expired; set a new one"),
    "PRIVACYREQUIRED": (Reason.AUTH, "the server wants encryption; set `security: tls` or `starttls`"),
    "WEBALERT": (Reason.AUTH, "log in with a browser once and follow the provider's instructions"),
    "LIMIT": (Reason.RATE_LIMITED, "too many connections or commands; poll less often"),
    "OVERQUOTA": (Reason.RATE_LIMITED, "the account's quota is used up for now"),
    "THROTTLED": (Reason.RATE_LIMITED, "the provider throttles this account"),
    "UNAVAILABLE": (Reason.UNAVAILABLE, "a part of the server is down; it is tried again"),
    "INUSE": (Reason.UNAVAILABLE, "another session holds the mailbox; it is tried again"),
    "SERVERBUG": (Reason.SERVER, "the server reports a defect of its own; see its log"),
    "CONTACTADMIN": (Reason.SERVER, "the server asks you to contact its administrator"),
    "CORRUPTION": (Reason.SERVER, "the server found damaged data in the mailbox; contact its administrator"),
    "NONEXISTENT": (Reason.CLIENT, "the folder does not exist (any more)"),
    "NOPERM": (Reason.CLIENT, "this login may not read the folder; check its rights"),
    "CLIENTBUG": (Reason.PROTOCOL, ""),
}
"""RFC 5530 and RFC 3501 response codes, with two that Gmail and Exchange add."""
_CODE = re.compile(r"\[([A-Z-]+)[ \]]")
_THROTTLING = re.compile(r"too many|thrott|rate limit|exceeded|bandwidth|suggested backoff", re.IGNORECASE)
_BACKOFF = re.compile(r"backoff time:?\s*(\d+)\s*(milli)?", re.IGNORECASE)
_REPR = re.compile(r"\bb(['\"])(.*?)\1", re.DOTALL)
_ENDS_LOGIN = {"AUTHENTICATIONFAILED", "AUTHORIZATIONFAILED", "EXPIRED", "PRIVACYREQUIRED", "WEBALERT"}


def failure(error: BaseException, doing: str) -> MailboxError:
    """The MailboxError for what imaplib, imapclient, ssl or the socket raised; `doing` names the step for people."""
    if isinstance(error, MailboxError):
        return error
    if isinstance(error, TimeoutError):
        return MailboxError(Reason.TIMEOUT, f"{doing}: no answer in time", hint="the server or a firewall is silent")
    if isinstance(error, ssl.SSLCertVerificationError):
        return MailboxError(
            Reason.CLIENT,
            f"{doing}: the server's certificate is refused: {error.verify_message}",
            hint="give the authority's certificate as `ca_file`, and the host name that the certificate bears",
        )
    if isinstance(error, ssl.SSLError):
        hint = "is this port a TLS port? `security: starttls` is for 143, `tls` for 993"
        return MailboxError(Reason.PROTOCOL, f"{doing}: {_words(error.reason or str(error))}", hint=hint)
    if isinstance(error, socket.gaierror):
        return MailboxError(Reason.UNAVAILABLE, f"{doing}: {error.strerror}", hint="check `host` and the name server")
    if isinstance(error, IMAP4.error):
        return refusal(str(error), doing, broken=isinstance(error, IMAP4.abort))
    if isinstance(error, EOFError):
        return MailboxError(Reason.UNAVAILABLE, f"{doing}: {error}")
    if isinstance(error, OSError):
        known = {errno.ECONNREFUSED: "nothing listens there; check `host` and `port`"}
        text = error.strerror or str(error) or type(error).__name__
        return MailboxError(Reason.UNAVAILABLE, f"{doing}: {text}", hint=known.get(error.errno or 0, ""))
    if isinstance(error, ValueError | LookupError | AssertionError):
        return MailboxError(Reason.PROTOCOL, f"{doing}: the server's answer cannot be read: {_words(str(error))}")
    raise error


def refusal(text: str, doing: str, *, broken: bool = False, login: bool = False) -> MailboxError:
    """The MailboxError for the server's own words: NO, BAD or BYE. `broken`: the connection ended with them."""
    words = _words(text)
    broken = broken or "* BYE" in words
    code = next((code for code in _CODE.findall(words) if code in _CODES), "")
    reason, hint = _CODES.get(code, (Reason.UNAVAILABLE if broken else Reason.PROTOCOL, ""))
    if login and not code:
        reason, hint = _CODES["AUTHENTICATIONFAILED"]
    if code not in _ENDS_LOGIN and _THROTTLING.search(words):
        reason, hint = _CODES["LIMIT"]
    wait = _BACKOFF.search(words)
    return MailboxError(
        reason,
        f"{doing}: {words}",
        hint=hint,
        retry_after=int(wait[1]) / (1000 if wait[2] else 1) if wait else None,
    )


def _words(text: str) -> str:
    """One line, without the b'...' in which imaplib writes the server's words."""
    return one_line(_REPR.sub(r"\2", text))
