"""The channel `email`: plain and HTML mail over SMTP, threaded, and marked so that no automatic responder answers."""

from __future__ import annotations

import hashlib
import ipaddress
import re
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import format_datetime, parseaddr
from typing import TYPE_CHECKING, ClassVar, Literal

import aiosmtplib
from pydantic import Field, field_validator, model_validator

from inboxwatch import now as instant
from inboxwatch.core.domain_names import folded_address
from inboxwatch.notify import (
    OWN_ID,
    TO_ACT_ON,
    ChannelError,
    ChannelSettings,
    ConfigPath,
    Notice,
    NoticeType,
    Receipt,
    Recipient,
    Seconds,
    Secret,
    Settings,
)
from inboxwatch.notify import mail_headers as headers
from inboxwatch.notify.offered_links import Offered, offered
from inboxwatch.notify.render import Renderer
from inboxwatch.notify.text import clean, said

if TYPE_CHECKING:
    from inboxwatch.notify.actions import Actions
    from inboxwatch.notify.links import Links

_PORTS = {"tls": 465, "starttls": 587, "none": 25}
_ADDRESS = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]{1,64}@[A-Za-z0-9](?:[A-Za-z0-9.-]{0,252}[A-Za-z0-9])?")
_URGENT = frozenset({"breach", "escalated", "repeated"})


class EmailSettings(ChannelSettings):
    """Plain and HTML mail over SMTP. Destinations are mail addresses."""

    host: str = Field(min_length=1)
    """The mail server's name or address."""
    port: int = Field(default=0, ge=0, le=65535)
    """0 is the usual one: 465 for tls, 587 for starttls, 25 for none."""
    security: Literal["tls", "starttls", "none"] = "tls"
    """How the connection is encrypted; `none` is refused unless the host is loopback."""
    username: str | None = None
    """With `password`; without both there is no login."""
    password: Secret | None = None
    """With `username`."""
    sender: str
    """`inboxwatch@acme.test` or `Inbox watch <inboxwatch@acme.test>`."""
    reply_to: str | None = None
    """Where answers to our mail should go; without it they go to the sender."""
    timeout: Seconds = 30.0
    """For each step of the conversation with the server."""
    ca_file: ConfigPath | None = None
    """PEM file of certificate authorities to trust beside the system's."""

    @field_validator("sender", "reply_to")
    @classmethod
    def _one_address(cls, value: str) -> str:
        problem = address_fault(parseaddr(value)[1])
        if problem or clean(value, 400) != value:
            raise ValueError(problem or f"{clean(value)!r} is no mail address: it must be one line")
        return value

    @model_validator(mode="after")
    def _safe(self) -> EmailSettings:
        if self.security == "none" and not _is_loopback(self.host):
            raise ValueError(
                "security none is refused unless the host is loopback: passwords and pages would be readable"
            )
        if bool(self.username) != bool(self.password):
            raise ValueError("give username and password, or neither")
        return self


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def address_fault(address: str) -> str | None:
    """Why mail cannot be sent to an address, or None: one plain addr-spec (RFC 5321), its domain in either spelling."""
    if _ADDRESS.fullmatch(folded_address(address)) and ".." not in address:
        return None
    return f"{clean(address)!r} is no mail address that can be sent to"


def _address(written: str, name: str = "") -> Address:
    display, spec = parseaddr(written)
    return Address(display_name=display or name, addr_spec=folded_address(spec))


class Email:
    """Sends one mail a notice, over a connection of its own."""

    settings: ClassVar[type[Settings]] = EmailSettings

    def __init__(self, settings: EmailSettings, name: str) -> None:
        self.name = name
        self._settings = settings
        self._renderer = Renderer(settings.zone, settings.templates)
        self._sender = _address(settings.sender, "inboxwatch")
        self._links: Links | None = None
        self._tls: ssl.SSLContext | None = None

    async def start(self, actions: Actions, links: Links | None) -> None:
        """Mail acts by signed links only: `links` makes them."""
        self._links = links

    def reaches(self, person: Recipient) -> str | None:
        return folded_address(person.email) if person.email and address_fault(person.email) is None else None

    def accepts(self, destination: str) -> str | None:
        return address_fault(destination)

    async def send(
        self, notice: Notice, destination: str, person: Recipient | None, key: str, earlier: str | None = None
    ) -> Receipt:
        problem = address_fault(destination)
        if problem:
            raise ChannelError(problem, permanent=True)
        destination = folded_address(destination)
        try:
            mail = self.compose(notice, destination, person, key, earlier)
        except headers.NotOurs as error:
            raise ChannelError(str(error), permanent=True) from error
        async with self._session() as server:
            await server.sendmail(self._sender.addr_spec, [destination], mail)
        return Receipt(self.message_id(key))

    def compose(
        self, notice: Notice, destination: str, person: Recipient | None, key: str, earlier: str | None = None
    ) -> bytes:
        """The mail of a notice. Its Message-ID depends on the key alone, so servers and readers drop a second copy.

        Raises NotOurs where it would not have exactly the fields that are named here.
        """
        now = instant.now()
        fields = [
            ("From", headers.mailbox(self._sender.display_name, self._sender.addr_spec)),
            ("To", headers.mailbox(clean(person.name, 80) if person else "", destination)),
        ]
        if self._settings.reply_to:
            reply_to = _address(self._settings.reply_to)
            fields.append(("Reply-To", headers.mailbox(reply_to.display_name, reply_to.addr_spec)))
        report = notice.report
        subject = report.subject if report else self._renderer.line("subject.txt", notice, person, 150)
        fields += [
            ("Subject", headers.text(f"Re: {subject}" if earlier else subject)),
            ("Date", format_datetime(now)),
            ("Message-ID", headers.ids([self.message_id(key)])),
            *self._thread(notice, earlier),
            ("Auto-Submitted", "auto-generated"),
            ("X-Auto-Response-Suppress", "All"),
            ("Precedence", "bulk"),
        ]
        if notice.type is NoticeType.ESCALATION and any(told.reason in _URGENT for told in notice.clocks):
            fields.append(("Importance", "high"))
        message = EmailMessage(policy=headers.POLICY)
        if report is not None:
            message.set_content(report.text)
            message.add_alternative(report.html, subtype="html")
            message.add_attachment(report.page, subtype="html", filename=report.file)
            return headers.written(message, fields)
        links = self._offered(notice, person, now)
        message.set_content(self._renderer.text("body.txt", notice, person, links))
        message.add_alternative(self._renderer.text("body.html", notice, person, links), subtype="html")
        return headers.written(message, fields)

    def message_id(self, key: str) -> str:
        """The Message-ID (without brackets) of the mail for an outbox key; also known before the mail is sent."""
        return f"{OWN_ID}{hashlib.sha256(key.encode(errors='surrogatepass')).hexdigest()[:40]}@{self._sender.domain}"

    def wrote(self, message_id: str) -> bool:
        return bool(re.fullmatch(rf"{re.escape(OWN_ID)}[0-9a-f]{{40}}@{re.escape(self._sender.domain)}", message_id))

    async def probe(self) -> str:
        async with self._session() as server:
            login = "logged in" if self._settings.username else "no login"
            return f"{self._settings.security}, {login}, {len(server.esmtp_extensions)} extensions"

    async def aclose(self) -> None:
        """Nothing is kept open between mails."""

    def _thread(self, notice: Notice, earlier: str | None) -> list[tuple[str, str]]:
        # The root is never sent: it only holds together what is told of one wait, in whatever order it arrives.
        root = self.message_id(f"thread {notice.thread_key}") if notice.thread_key else None
        parent = earlier if earlier and re.fullmatch(r"[!-;=?-~]{1,250}", earlier) else None
        chain = [part for part in (root, parent) if part]
        found = [("In-Reply-To", headers.ids([parent]))] if parent else []
        return [*found, ("References", headers.ids(chain))] if chain else found

    def _offered(self, notice: Notice, person: Recipient | None, now: datetime) -> dict[str, Offered]:
        """The links of each wait of a notice, by clock id."""
        if self._links is None or person is None or notice.listed or notice.type not in TO_ACT_ON:
            return {}
        return {told.wait.id: offered(self._links, told, person.id, now) for told in notice.clocks}

    @asynccontextmanager
    async def _session(self) -> AsyncIterator[aiosmtplib.SMTP]:
        """A connection, encrypted and logged in as configured. Turns every failure into a ChannelError."""
        settings = self._settings
        server = aiosmtplib.SMTP(
            hostname=settings.host,
            port=settings.port or _PORTS[settings.security],
            username=settings.username,
            password=settings.password.reveal() if settings.password else None,
            local_hostname=self._sender.domain,
            timeout=settings.timeout,
            use_tls=settings.security == "tls",
            start_tls=settings.security == "starttls",
            tls_context=None if settings.security == "none" else self._context(),
        )
        try:
            async with server:
                yield server
        except aiosmtplib.SMTPRecipientsRefused as error:
            first = error.recipients[0]
            raise _refused(first.code, first.message) from error
        except aiosmtplib.SMTPResponseException as error:
            raise _refused(error.code, error.message) from error
        except aiosmtplib.SMTPNotSupported as error:
            raise ChannelError(
                f"the mail server cannot do what the config asks: {said(error)}", permanent=True
            ) from error
        except (aiosmtplib.SMTPException, OSError, TimeoutError) as error:
            raise ChannelError(f"cannot talk to the mail server: {said(error) or type(error).__name__}") from error

    def _context(self) -> ssl.SSLContext:
        if self._tls is None:
            self._tls = ssl.create_default_context()
            if self._settings.ca_file:
                self._tls.load_verify_locations(self._settings.ca_file)
        return self._tls


def _refused(code: int, message: str) -> ChannelError:
    """RFC 5321 4.2.1: 4yz may be tried again, 5yz may not."""
    return ChannelError(f"the mail server refused: {code} {said(message)}", permanent=code >= 500)
