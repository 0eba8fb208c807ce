"""The connector `gmail`: Google Workspace by the Gmail API, strictly read-only."""

from connectors.mail.gmail.connector import Gmail
from connectors.mail.gmail.settings import GmailSettings

__all__ = ["Gmail", "GmailSettings"]
