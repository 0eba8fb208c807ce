"""The connector `gmail`: Google Workspace by the Gmail API, strictly read-only."""

from connectors.mail.gmail.connector import Gmail, GmailSettings

__all__ = ["Gmail", "GmailSettings"]
