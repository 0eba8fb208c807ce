"""What is said of the table of outcomes by latency."""

from __future__ import annotations

from types import MappingProxyType

from inboxwatch.words import english

NOTE = english("Hot leads are answered faster and buy more often; this table does not show what speed does.")
"""Always under the table."""
TURNED = english(
    "With the same mix of tiers in each line, the shares do not go the way that the plain ones do: the mix of tiers "
    "makes the difference, not how soon leads were answered."
)
"""Before everything else, where the trends differ."""
BUCKETS = MappingProxyType(
    {
        "5m": english("up to 5 minutes"),
        "15m": english("up to 15 minutes"),
        "1h": english("up to 1 hour"),
        "4h": english("up to 4 hours"),
        "1d": english("up to 24 hours"),
        "later": english("later"),
        "never": english("no answer"),
    }
)
"""Bucket -> its line in the table; business time."""
