"""When a follow-up is given up, because the buyer has said nothing for long after it fell due (rule 40)."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from inboxwatch.core.sla.timeline import Action

GONE_QUIET = "gone_quiet"
"""The reason for which such a follow-up ends."""


def quiet_at(due_at: datetime, deeds: Iterable[Action], after: timedelta) -> datetime:
    """The instant at which it has been quiet for long enough: counted from the due time, or from the last thing that a
    person did about it, or had it rest until, where that is later.
    """
    return max([due_at, *(max(deed.at, deed.until or deed.at) for deed in deeds)]) + after
