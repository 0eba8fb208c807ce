"""The keys of `connector: ews` in the config."""

from __future__ import annotations

import re
from datetime import date
from typing import Literal
from urllib.parse import urlsplit

from pydantic import Field, field_validator, model_validator

from connectors.mail.ews.account import Access, Auth, Version
from connectors.setting_types import HttpsHost, Names, Seconds
from inboxwatch.connector import ConfigPath, Secret, Settings

_ONLINE = re.compile(r"(^|\.)(outlook\.office365\.com|outlook\.office\.com|outlook\.com|office365\.us)$")


class EwsLoginSettings(Settings):
    """Where an Exchange Server is, and how to log in to it."""

    url: str
    """`https://mail.acme.test/EWS/Exchange.asmx`."""
    auth: Auth = "ntlm"
    """How it logs in."""
    username: str = ""
    """`DOMAIN\\user` or user@domain; not with kerberos (the process has a ticket) and oauth."""
    password: Secret | None = None
    """Of `username`, with `auth: ntlm` or `basic`."""
    version: Version = "2016"
    """Of the server."""
    connections: int = Field(3, ge=1, le=10)
    """At once, for all mailboxes of one login."""
    tenant: str = ""
    """With `auth: oauth`, for hybrid modern authentication."""
    client_id: str = ""
    """Of the application, with `auth: oauth`."""
    client_secret: Secret | None = None
    """Of the application; exactly one of this and `certificate`."""
    certificate: Secret | None = None
    """A PEM text of certificate and private key of the application."""
    secret_expires: date | None = None
    """The day on which `client_secret` ends; a certificate tells its own end."""
    login_url: HttpsHost = "https://login.microsoftonline.com"
    """Where tokens are asked for, with `auth: oauth`."""
    ca_file: ConfigPath | None = None
    """PEM file of certificate authorities to trust beside the system's."""
    retry_for: Seconds = 20.0
    """How long a request waits in all for a server that throttles it, before the poll gives up until the next one."""

    @field_validator("url")
    @classmethod
    def _on_premises(cls, value: str) -> str:
        parts = urlsplit(value)
        if parts.scheme != "https" or not parts.hostname:
            raise ValueError("must be an https:// address, as https://mail.example.org/EWS/Exchange.asmx")
        if _ONLINE.search(parts.hostname):
            raise ValueError(
                "is Exchange Online, which blocks EWS since 2026-10-01 and removes it on 2027-04-01: use `graph`"
            )
        return value

    @model_validator(mode="after")
    def _has_login(self) -> EwsLoginSettings:
        if self.auth in ("ntlm", "basic") and not (self.username and self.password):
            raise ValueError(f"`auth: {self.auth}` needs `username` and `password`")
        if self.auth == "oauth" and not (
            self.tenant and self.client_id and (self.client_secret is None) != (self.certificate is None)
        ):
            raise ValueError("`auth: oauth` needs `tenant`, `client_id` and one of `client_secret` and `certificate`")
        if self.secret_expires and not self.client_secret:
            raise ValueError("`secret_expires` is for `client_secret`: a certificate tells its own end")
        return self


class EwsSettings(EwsLoginSettings):
    """A mailbox on an Exchange Server."""

    access: Access = "delegate"
    """As somebody with rights on the mailbox, or in the mailbox owner's name."""
    folders: Names = ()
    """Further folders: names, paths (`Inbox/Deals`) or patterns with `*`."""
    push: Literal["streaming", "off"] = "off"
    """A connection more for each mailbox, as far as `connections` has room."""

    @model_validator(mode="after")
    def _leaves_room(self) -> EwsSettings:
        if self.push == "streaming" and self.connections == 1:
            raise ValueError("`push: streaming` needs `connections` of 2 or more: one is left to the polls")
        return self
