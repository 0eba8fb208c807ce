"""Ways to log in to an IMAP server."""

from __future__ import annotations

from dataclasses import dataclass
from imaplib import IMAP4
from typing import Literal

from imapclient import IMAPClient  # type: ignore[import-untyped]  # it ships no types
from imapclient.exceptions import LoginError  # type: ignore[import-untyped]  # the same

from connectors.mail.imap.oauth import TokenCache
from inboxwatch.connector import MailboxError, Reason, Secret


@dataclass(frozen=True, slots=True)
class PasswordLogin:
    """LOGIN, or AUTHENTICATE PLAIN (RFC 4616) for words beyond ASCII and for a master user."""

    username: str
    password: Secret
    master_user: str = ""
    """A login that may read other people's mailboxes (Dovecot master user); `password` is then this one's."""

    def __call__(self, client: IMAPClient) -> None:
        words = f"{self.username}{self.master_user}{self.password.reveal()}"
        plain = client.has_capability("AUTH=PLAIN")
        if self.master_user or (plain and not words.isascii()) or client.has_capability("LOGINDISABLED"):
            if not plain:
                raise MailboxError(
                    Reason.CLIENT,
                    "logging in: the server does not offer AUTH=PLAIN",
                    hint="it may want encryption first: set `security: tls` or `starttls`",
                )
            if self.master_user:
                client.plain_login(self.master_user, self.password.reveal(), self.username)
            else:
                client.plain_login(self.username, self.password.reveal())
        else:
            client.login(self.username, self.password.reveal())


@dataclass(frozen=True, slots=True)
class TokenLogin:
    """AUTHENTICATE XOAUTH2 (Google and Microsoft) or OAUTHBEARER (RFC 7628)."""

    username: str
    mechanism: Literal["XOAUTH2", "OAUTHBEARER"]
    tokens: TokenCache

    def __call__(self, client: IMAPClient) -> None:
        kept = self.tokens.good()
        try:
            self._try(client, self.tokens.token())
        except LoginError as error:
            if not kept or isinstance(error.__context__, IMAP4.abort):
                raise
            self._try(client, self.tokens.token(fresh=True))

    def _try(self, client: IMAPClient, token: str) -> None:
        challenges: list[bytes] = []

        def respond(challenge: bytes) -> bytes:
            """The token first; a further challenge tells why it is refused, and must be answered to get the NO."""
            challenges.append(challenge)
            if len(challenges) > 1:
                return b"" if self.mechanism == "XOAUTH2" else b"\x01"
            return self._response(token)

        try:
            client.sasl_login(self.mechanism, respond)
        except LoginError as error:
            reasons = b" ".join(challenges[1:]).decode("ascii", "replace")
            raise LoginError(f"{error} {reasons}".strip()) from error.__context__

    def _response(self, token: str) -> bytes:
        bearer = f"auth=Bearer {token}\x01\x01"
        if self.mechanism == "XOAUTH2":
            return f"user={self.username}\x01{bearer}".encode()
        name = self.username.replace("=", "=3D").replace(",", "=2C")
        return f"n,a={name},\x01{bearer}".encode()
