"""What servers and networks bear, as IMAP is spoken here."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ImapLimits:
    """Times are seconds; the defaults suit servers as they are, and tests set less."""

    idle: float = 540.0
    """How long one IDLE lasts: NAT and firewalls forget idle connections well before the 29 minutes of RFC 2177."""
    folder_list: float = 600.0
    """How long a list of folders is kept: new ones may match a pattern."""
    search_window: int = 80_000
    """Messages of one SEARCH: imaplib refuses lines over 1 MB, which is an answer of some 90,000 UIDs."""


USUAL = ImapLimits()
