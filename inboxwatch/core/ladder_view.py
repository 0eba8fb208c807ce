"""A step of a wait's ladder as everybody is shown it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class LadderStep:
    """One that was told, or one that follows if nobody answers; targets are names."""

    at: datetime
    targets: tuple[str, ...]
    moves_to: str = ""
    """Of who has the wait after it, where it moves; of steps ahead."""
    reason: str = ""
    """Why it was told, as `StepReason` has it, or why it was not (`passed`, `first sight`); empty ahead."""
    ahead: bool = False
