"""The connector `maildir`: Maildir and Maildir++ on this machine, strictly read-only."""

from connectors.mail.maildir.connector import Maildir
from connectors.mail.maildir.settings import MaildirSettings

__all__ = ["Maildir", "MaildirSettings"]
