"""The lead source `hubspot`: contacts, their owners, deals, calls and meetings of HubSpot, strictly read-only."""

from connectors.leads.hubspot.connector import HubSpot
from connectors.leads.hubspot.settings import HubSpotSettings

__all__ = ["HubSpot", "HubSpotSettings"]
