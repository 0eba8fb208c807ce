"""The keys of `connector: imap` in the config."""

from __future__ import annotations

import contextlib
import ipaddress
from typing import Literal

from pydantic import Field, ValidationInfo, field_validator, model_validator

from connectors.mail.imap.connection import Security
from connectors.mail.imap.oauth import OAuthSettings
from connectors.setting_types import Names, Seconds
from inboxwatch.connector import ConfigPath, Secret, Settings


class ImapSettings(Settings):
    """A mailbox on an IMAP server."""

    host: str = Field(min_length=1)
    """The server's name or address."""
    port: int | None = Field(None, ge=1, le=65535)
    """Default: 993 with TLS, else 143."""
    security: Security = "tls"
    """How the connection is encrypted; `none` is refused unless the host is loopback."""
    username: str = ""
    """Default: the mailbox's address."""
    password: Secret | None = None
    """Of `username`, or of `master_user` where one is given; with `auth: password`."""
    auth: Literal["password", "xoauth2", "oauthbearer"] = "password"
    """How it logs in: by password, or by a token of `oauth`."""
    oauth: OAuthSettings | None = None
    """Where tokens come from, with `auth: xoauth2` or `oauthbearer`."""
    master_user: str = ""
    """A login that may read this mailbox for its owner; `password` is then the master's."""
    inbox: str = "INBOX"
    """The folder of received mail."""
    sent: Names = ()
    """Default: the folders with SPECIAL-USE \\Sent, or with a usual name."""
    folders: Names = ()
    """Further folders: names, patterns with `*`, or SPECIAL-USE attributes such as `\\All`."""
    ca_file: ConfigPath | None = None
    """PEM file of certificate authorities to trust beside the system's."""
    push: Literal["idle", "off"] = "idle"
    """Whether the server tells of news at once (IDLE)."""
    sent_watch: Literal["status", "idle"] = "status"
    """News of sent mail: asked for at each poll (STATUS), or told by a second IDLE on a connection of its own.

    Servers with NOTIFY tell them on the inbox's connection, whatever stands here. Other folders are asked for.
    """
    connect_timeout: Seconds = 15.0
    """How long a connection may take to be made."""
    read_timeout: Seconds = 60.0
    """How long an answer of the server may take."""

    @field_validator("security")
    @classmethod
    def _encrypted(cls, value: Security, info: ValidationInfo) -> Security:
        if value == "none" and not _is_loopback(str(info.data.get("host", ""))):
            raise ValueError("`none` is refused unless the host is loopback; use tls or starttls")
        return value

    @model_validator(mode="after")
    def _has_credentials(self) -> ImapSettings:
        if self.auth == "password":
            if self.password is None:
                raise ValueError(
                    "give `password`, or `password_file`, `password_env`, `password_credential` or `password_command`"
                )
            if self.oauth is not None:
                raise ValueError("`oauth` needs `auth: xoauth2` or `auth: oauthbearer`")
        elif self.oauth is None or self.password is not None or self.master_user:
            raise ValueError(f"`auth: {self.auth}` needs `oauth`, and neither `password` nor `master_user`")
        return self

    @model_validator(mode="after")
    def _pushes(self) -> ImapSettings:
        if self.push == "off" and self.sent_watch == "idle":
            raise ValueError("`sent_watch: idle` needs `push: idle`")
        return self


def _is_loopback(host: str) -> bool:
    with contextlib.suppress(ValueError):
        return ipaddress.ip_address(host).is_loopback
    return host == "localhost"
