"""The lead feed `salesforce`: leads, contacts, opportunities, calls and meetings, strictly read-only."""

from connectors.leads.salesforce.feed import Salesforce
from connectors.leads.salesforce.settings import SalesforceSettings

__all__ = ["Salesforce", "SalesforceSettings"]
