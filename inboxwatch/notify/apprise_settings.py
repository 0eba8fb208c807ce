"""The settings of the channel `apprise`; the library judges the URL where it is installed."""

from __future__ import annotations

from pydantic import field_validator

from inboxwatch.notify import ChannelSettings, Seconds, Secret


class AppriseSettings(ChannelSettings):
    """One service of the library apprise: Teams, PagerDuty, Opsgenie, ntfy and many more. It has no destinations."""

    url: Secret
    """As in https://appriseit.com/services/, such as `ntfy://ntfy.acme.test/sales`; it holds the service's secrets."""
    timeout: Seconds = 30.0
    """How long the service may take."""

    @field_validator("url")
    @classmethod
    def _known(cls, value: Secret) -> Secret:
        try:
            text = value.reveal()
        except RuntimeError:
            return value
        try:
            import apprise
        except ImportError:
            return value  # `load` says what is missing
        if apprise.Apprise.instantiate(text) is None:
            raise ValueError("is no URL that apprise knows, or lacks a part of it")
        return value
