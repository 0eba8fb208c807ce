"""The keys of `connector: maildir` in the config."""

from __future__ import annotations

from typing import Literal

from connectors.setting_types import Names
from inboxwatch.connector import ConfigPath, Settings


class MaildirSettings(Settings):
    """A mailbox in a Maildir."""

    path: ConfigPath
    """The Maildir's folder, with `cur`, `new` and `tmp`."""
    sent: Names = ()
    """Maildir++ folders of sent mail, without the dot. Default: `Sent`, or another usual name."""
    sent_path: ConfigPath | None = None
    """A Maildir of sent mail elsewhere."""
    folders: Names = ()
    """Further Maildir++ folders: names or patterns with `*`."""
    push: Literal["inotify", "off"] = "inotify"
    """Whether news are told at once (inotify)."""
