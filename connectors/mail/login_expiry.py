"""When the right to read a mailbox or a directory ends: as the certificate says, or as IT wrote beside the secret.

An application could ask Entra for the end of its own secret only with Application.Read.All (GET /applications in
learn.microsoft.com/graph/api/application-get), which a reader of mail should not have.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from typing import TypeVar

from connectors.optional_package import optional_package
from inboxwatch import now as instant
from inboxwatch.connector import MailboxError, MemberList, Probe, Secret

Shown = TypeVar("Shown", Probe, MemberList)

_SOON = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class LoginExpiry:
    """The end of what a login proves itself by."""

    what: str
    """`certificate`, `client secret`, `refresh token`; empty where nothing ends."""
    at: datetime | None
    """In UTC; None: unknown."""

    def added_to(self, found: Shown) -> Shown:
        """What `check` shows, with the end of the login as a fact, and a warning where the operator should act."""
        if not self.what:
            return found
        shown = f"{self.at:%Y-%m-%d %H:%M} UTC" if self.at else "at a time that is not known here"
        return replace(
            found,
            facts=(*found.facts, (f"{self.what} ends", shown)),
            warnings=(
                *found.warnings,
                *self._warnings(
                    instant.now(), "the mailbox goes blind" if isinstance(found, Probe) else "its list stays as it was"
                ),
            ),
        )

    def _warnings(self, now: datetime, otherwise: str) -> Iterator[str]:
        if self.at is None:
            yield (
                f"nothing tells when the {self.what} ends: write the day beside it, as `secret_expires: "
                f"{now.year + 1}-03-01`, so that you are told in time"
            )
        elif self.at <= now:
            yield f"the {self.what} ended on {self.at:%Y-%m-%d}, it is said; if it was renewed, write its new end"
        elif self.at - now < _SOON:
            yield f"the {self.what} ends on {self.at:%Y-%m-%d}: renew it before, or {otherwise}"


LASTING = LoginExpiry("", None)
"""For passwords and keys of Google, which last until they are withdrawn."""


def expiry(what: str, certificate: Secret | None, secret_expires: date | None) -> LoginExpiry:
    """The end of the certificate where there is one; else of the secret: the first moment (UTC) of `secret_expires`.

    `what` names the secret (`client secret`, `refresh token`). Does no IO and never raises.
    """
    if certificate is not None:
        return LoginExpiry("certificate", _not_after(certificate))
    return LoginExpiry(what, datetime.combine(secret_expires, time(), UTC) if secret_expires else None)


def _not_after(certificate: Secret) -> datetime | None:
    if not certificate.resolved:
        return None
    try:
        end: datetime = (
            optional_package("cryptography.x509", "graph")
            .load_pem_x509_certificate(certificate.reveal().encode())
            .not_valid_after_utc
        )
    except (ValueError, MailboxError):  # logging in says what is wrong with it
        return None
    return end
