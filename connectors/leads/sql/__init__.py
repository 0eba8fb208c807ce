"""The lead source `sql`: any database that SQLAlchemy has a driver for, strictly read-only."""

from connectors.leads.sql.connector import SqlFeed
from connectors.leads.sql.settings import SqlSettings

__all__ = ["SqlFeed", "SqlSettings"]
