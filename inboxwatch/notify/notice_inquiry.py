"""What a notice says of the inquiry that a wait began with: its class, what decided it, what it is worth, and why."""

from __future__ import annotations

from dataclasses import dataclass

from inboxwatch.core.qualification.score import ScoreLine


@dataclass(frozen=True, slots=True)
class NoticeInquiry:
    """As it is when it is told, also beside the clock of a verdict that has been given since."""

    inquiry_class: str
    decided: str
    """What decided it, as a clause in the reader's language."""
    tier: str = ""
    judged: bool = False
    """A person's verdict on this very wait stands: it can be taken back."""
    score: float | None = None
    """The sum of the lines; None where nothing was scored."""
    lines: tuple[ScoreLine, ...] = ()
    """All of them, as the rules have them in order."""
    last_owner: str = ""
    """The name of who had this buyer before who has the wait now; empty where that is the same person, or nobody."""

    @property
    def strongest(self) -> tuple[ScoreLine, ...]:
        """The few lines that move the score most."""
        return tuple(sorted(self.lines, key=lambda line: -abs(line.points))[:STRONGEST])


STRONGEST = 3
"""Lines of a score that a notice shows."""
