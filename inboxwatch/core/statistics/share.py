"""A share of a small number: what 3 of 4 can honestly claim, which is nothing (Wilson 1927 for the intervals)."""

from __future__ import annotations

from dataclasses import dataclass

from inboxwatch.core.statistics.survival import share_bounds

ENOUGH = 10
"""The number below which no share is claimed."""


@dataclass(frozen=True, slots=True)
class Share:
    """So many of so many; the share itself is said only where there are enough of them."""

    hits: int = 0
    of: int = 0

    @property
    def claimed(self) -> bool:
        """Whether there are enough of them to say a share at all."""
        return self.of >= ENOUGH

    @property
    def value(self) -> float | None:
        """The share (0..1), where it is claimed."""
        return self.hits / self.of if self.claimed else None

    @property
    def bounds(self) -> tuple[float, float] | None:
        """Its 95 % interval, where it is claimed."""
        return share_bounds(self.hits, self.of) if self.claimed else None
