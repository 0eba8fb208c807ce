"""The settings of the channel `slack`; they need no library of Slack's."""

from __future__ import annotations

from pydantic import Field

from inboxwatch.notify import ChannelSettings, ConfigPath, PerTime, Seconds, Secret


class SlackSettings(ChannelSettings):
    """One app in one workspace. Destinations are `#channel`, ids of channels or people, and mail addresses."""

    bot_token: Secret
    """xoxb-..., with the scopes chat:write, users:read, users:read.email; with channels:read, channels:history
    and im:history messages whose answer was lost are found again instead of sent twice."""
    app_token: Secret | None = None
    """xapp-..., with connections:write, for buttons and `/inboxwatch`; without it messages bear no buttons."""
    rate: PerTime | None = Field(default="1/s", validate_default=True)
    """Slack takes about one message a second for each conversation."""
    timeout: Seconds = 15.0
    """How long a whole exchange may take."""
    api_url: str = "https://slack.com/api/"
    """GovSlack has another one."""
    ca_file: ConfigPath | None = None
    """PEM file of certificate authorities to trust beside the system's."""
    proxy: str | None = None
    """The address of an HTTP proxy, such as `http://proxy.acme.test:3128`."""
