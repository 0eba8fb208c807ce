"""A real SMTP server (aiosmtpd) that keeps what it is sent and answers as it is told."""

from __future__ import annotations

import asyncio
import ssl
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from email import policy
from email.message import EmailMessage
from email.parser import BytesParser
from typing import Any

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, Session


@dataclass
class SmtpSink:
    port: int = 0
    mails: list[EmailMessage] = field(default_factory=list)
    raw: list[bytes] = field(default_factory=list)
    recipients: list[list[str]] = field(default_factory=list)
    logins: list[tuple[str, str]] = field(default_factory=list)
    password: str = "right"
    auth: bool = False
    rcpt_answers: deque[str] = field(default_factory=deque)
    data_answers: deque[str] = field(default_factory=deque)
    """Answers to the next RCPT and DATA commands; `cut` drops the connection, `keep and cut` takes the mail first."""

    async def handle_RCPT(  # noqa: N802  (aiosmtpd's name)
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if self.auth and not session.authenticated:
            return "530 5.7.0 Authentication required"
        if self.rcpt_answers:
            return self.rcpt_answers.popleft()
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802  (the same)
        answer = self.data_answers.popleft() if self.data_answers else "250 OK"
        if answer == "250 OK" or answer == "keep and cut":
            assert isinstance(envelope.content, bytes)
            self.raw.append(envelope.content)
            mail = BytesParser(policy=policy.default).parsebytes(envelope.content)
            assert isinstance(mail, EmailMessage)
            self.mails.append(mail)
            self.recipients.append(list(envelope.rcpt_tos))
        if answer.endswith("cut"):
            assert isinstance(server.transport, asyncio.WriteTransport)
            server.transport.abort()
        return answer

    def authenticate(self, server: SMTP, session: Session, envelope: Envelope, mechanism: str, data: Any) -> AuthResult:
        login, password = data.login.decode(), data.password.decode()
        self.logins.append((login, password))
        return AuthResult(success=password == self.password, handled=False)


@asynccontextmanager
async def smtp_sink(
    *, tls: ssl.SSLContext | None = None, starttls: bool = False, auth: bool = False
) -> AsyncIterator[SmtpSink]:
    """Serves on a free port of loopback until the block ends; `tls` from the first byte unless `starttls`."""
    sink = SmtpSink(auth=auth)

    def session() -> SMTP:
        return SMTP(
            sink,
            hostname="sink.test",
            tls_context=tls if starttls else None,
            require_starttls=starttls,
            authenticator=sink.authenticate if auth else None,
            auth_require_tls=False,
        )

    server = await asyncio.get_running_loop().create_server(
        session, "127.0.0.1", 0, ssl=None if starttls or tls is None else tls
    )
    sink.port = server.sockets[0].getsockname()[1]
    try:
        yield sink
    finally:
        server.close()
        await server.wait_closed()
