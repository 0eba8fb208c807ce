"""Ways to log in to an IMAP server."""

from __future__ import annotations

from dataclasses import dataclass

from imapclient import IMAPClient  # type: ignore[import-untyped]  # it ships no types

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
