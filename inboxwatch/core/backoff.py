"""Exponential back-off: how long to pause after failures in a row. All times are seconds."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

_MOST_DOUBLINGS = 1023
"""The largest power of two that a float can hold."""


@dataclass(frozen=True, slots=True)
class Backoff:
    """Pauses that begin with `first` and double with each further failure, up to `longest`.

    Raises ValueError unless 0 <= first <= longest.
    """

    first: float
    longest: float

    def __post_init__(self) -> None:
        if not 0 <= self.first <= self.longest:
            raise ValueError(f"first ({self.first}) must lie between 0 and longest ({self.longest})")

    def pause(self, failures: int) -> float:
        """Seconds to pause after so many failures in a row; 0 where there was none."""
        if failures < 1:
            return 0.0
        return float(min(self.longest, self.first * 2.0 ** min(failures - 1, _MOST_DOUBLINGS)))


def jittered(seconds: float, chance: Random, least: float = 0.8, most: float = 1.0) -> float:
    """A random share of a pause, between its `least`-fold and its `most`-fold.

    Clients that were refused together come back apart. Where the pause is a limit, `most` must not exceed 1.
    """
    return seconds * chance.uniform(least, most)
