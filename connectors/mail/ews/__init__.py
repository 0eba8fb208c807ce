"""The connector `ews`: Exchange Server by Exchange Web Services, strictly read-only."""

from connectors.mail.ews.connector import Ews
from connectors.mail.ews.settings import EwsLoginSettings, EwsSettings

__all__ = ["Ews", "EwsLoginSettings", "EwsSettings"]
