"""Wrong tokens by peer: guessing is slowed until it is hopeless, and costs nobody else anything."""

from __future__ import annotations

import time
from collections import OrderedDict

FREE = 5
"""Wrong tokens without any pause: fingers err."""
LONGEST = 300.0
"""Seconds that a peer waits at most; also how long it is remembered after its last wrong token."""
_REMEMBERED = 10_000


class Attempts:
    """Counts in this process; several processes count apart, which grants a guesser a few attempts more."""

    def __init__(self, free: int = FREE, longest: float = LONGEST) -> None:
        """`free`: how many may be wrong without a pause; `longest`: the longest pause, in seconds."""
        self._free = free
        self._longest = longest
        self._wrong: OrderedDict[str, tuple[int, float]] = OrderedDict()

    def wait(self, peer: str | None) -> float:
        """Seconds that a peer must still wait; 0 where it may try."""
        times, last = self._wrong.get(peer or "", (0, 0.0))
        pause = 0.0 if times < self._free else min(2.0 ** min(times - self._free, 10), self._longest)
        return max(last + pause - time.monotonic(), 0.0) if pause else 0.0

    def note(self, peer: str | None, *, right: bool) -> None:
        """What came of an attempt. A right token forgives the wrong ones."""
        key, now = peer or "", time.monotonic()
        times, last = self._wrong.pop(key, (0, now))
        if right:
            return
        self._wrong[key] = (times + 1 if now - last < LONGEST else 1, now)
        if len(self._wrong) > _REMEMBERED:
            self._wrong.popitem(last=False)
