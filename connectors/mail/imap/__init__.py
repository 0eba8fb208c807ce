"""The connector `imap`: IMAP servers, strictly read-only."""

from connectors.mail.imap.connector import Imap, ImapSettings

__all__ = ["Imap", "ImapSettings"]
