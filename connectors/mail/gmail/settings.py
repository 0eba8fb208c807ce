"""The keys of `connector: gmail` in the config."""

from __future__ import annotations

from datetime import date
from typing import Literal

from pydantic import Field, model_validator

from connectors.mail.gmail.pubsub import PushSettings
from connectors.setting_types import HttpsUrlOrEmpty, Names, Seconds
from inboxwatch.connector import ConfigPath, Secret, Settings


class GmailSettings(Settings):
    """A mailbox in Google Workspace."""

    service_account: Secret | None = None
    """JSON of a service account's key; the domain delegates the scope to it."""
    oauth: Secret | None = None
    """JSON of one user's consent: `client_id`, `client_secret`, `refresh_token`."""
    secret_expires: date | None = None
    """The day on which the key or the consent ends, where a policy of the organisation makes it end."""
    scope: Literal["metadata", "readonly"] = "metadata"
    """What was granted: headers only (gmail.metadata), or whole messages (gmail.readonly)."""
    user: str = ""
    """Default: the mailbox's `address`."""
    exclude: Names = ("SPAM", "TRASH")
    """Labels, by name or id, whose messages are left alone. Drafts and chats always are."""
    push: PushSettings | None = None
    """Off by default. A hint by Cloud Pub/Sub, which is pulled: no public address is needed."""
    units_per_minute: int = Field(6_000, ge=600)
    """The quota of one user; 15,000 for projects made before May 2026."""
    project_units_per_minute: int = Field(1_200_000, ge=600)
    """The quota of the Google project, shared by all its mailboxes."""
    gmail_url: HttpsUrlOrEmpty = "https://gmail.googleapis.com"
    """The address of the API."""
    token_url: HttpsUrlOrEmpty = ""
    """Default: that of the key, else Google's."""
    ca_file: ConfigPath | None = None
    """PEM file of certificate authorities to trust beside the system's."""
    retry_for: Seconds = 20.0
    """How long a request waits in all for a server that throttles it, before the poll gives up until the next one."""
    read_timeout: Seconds = 30.0
    """How long an answer of the server may take."""

    @model_validator(mode="after")
    def _has_one_login(self) -> GmailSettings:
        if (self.service_account is None) == (self.oauth is None):
            raise ValueError("give exactly one of `service_account` and `oauth`")
        return self
