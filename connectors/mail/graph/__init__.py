"""The connector `graph`: Exchange Online by Microsoft Graph, strictly read-only."""

from connectors.mail.graph.connector import Graph, GraphSettings

__all__ = ["Graph", "GraphSettings"]
