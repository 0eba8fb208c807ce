"""The connector `graph`: Exchange Online by Microsoft Graph, strictly read-only."""

from connectors.mail.graph.connector import Graph
from connectors.mail.graph.settings import GraphSettings

__all__ = ["Graph", "GraphSettings"]
