"""The keys of `connector: graph` in the config."""

from __future__ import annotations

from datetime import date
from typing import Literal

from pydantic import Field, model_validator

from connectors.setting_types import HttpsHostOrEmpty, Names, Seconds
from inboxwatch.connector import ConfigPath, Secret, Settings


class GraphSettings(Settings):
    """A mailbox in Exchange Online, read by an application of the tenant."""

    tenant: str = Field(pattern=r"^[A-Za-z0-9.-]+$")
    """The tenant's id or one of its domains."""
    client_id: str = Field(min_length=1)
    """The application's id."""
    client_secret: Secret | None = None
    """Of the application; exactly one of this and `certificate`."""
    certificate: Secret | None = None
    """A PEM text of certificate and private key."""
    secret_expires: date | None = None
    """The day on which `client_secret` ends; a certificate tells its own end."""
    permission: Literal["basic", "read"] = "basic"
    """What the application was granted: Mail.ReadBasic, or Mail.Read."""
    user: str = ""
    """The mailbox's address or id. Default: the mailbox's `address`."""
    folders: Names = ()
    """Further folders: names, paths (`Inbox/Deals`) or patterns with `*`."""
    cloud: Literal["global", "us_government", "us_defense"] = "global"
    """In which of Microsoft's clouds the tenant is."""
    graph_url: HttpsHostOrEmpty = ""
    """Default: that of the cloud. Always https."""
    login_url: HttpsHostOrEmpty = ""
    """Where tokens are asked for. Default: that of the cloud."""
    ca_file: ConfigPath | None = None
    """PEM file of certificate authorities to trust beside the system's."""
    retry_for: Seconds = 20.0
    """How long a request waits in all for a server that throttles it, before the poll gives up until the next one."""
    connect_timeout: Seconds = 15.0
    """How long a connection may take to be made."""
    read_timeout: Seconds = 30.0
    """How long an answer of the server may take."""

    @model_validator(mode="after")
    def _has_one_proof(self) -> GraphSettings:
        if (self.client_secret is None) == (self.certificate is None):
            raise ValueError("give exactly one of `client_secret` and `certificate`")
        if self.certificate and self.secret_expires:
            raise ValueError("`secret_expires` is for `client_secret`: a certificate tells its own end")
        return self
