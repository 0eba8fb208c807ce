"""The connector `imap`: IMAP servers, strictly read-only."""

from connectors.mail.imap.connector import Imap
from connectors.mail.imap.settings import ImapSettings

__all__ = ["Imap", "ImapSettings"]
