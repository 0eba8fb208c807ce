"""Channels as a command can know them that runs where the daemon's secrets may not lie."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from inboxwatch.config import Config
    from inboxwatch.notify import Channel


def channels_at_hand(config: Config) -> dict[str, Channel]:
    """The channels whose secrets are at hand; of the others nobody can say here whom they reach."""
    return {name: one.connect() for name, one in config.channels.items() if not one.settings.unresolved}
