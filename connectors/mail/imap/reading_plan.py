"""In which order the messages that a poll found are read: by receive time over all folders.

Receive times are asked for where they decide something: where several folders have more to read than one batch, as at
first sight. Then every message that will be read costs one short line more. SEARCH could tell the days alone, at one
question a day and folder, each of which makes the server look at all times of the folder.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime

from connectors.mail.folder_reading import (
    DatedItem,
    FolderPass,
    FolderSurvey,
    ReadingStep,
    steps_by_order,
    steps_by_time,
)
from connectors.mail.imap.position import UidPosition

UidSurvey = FolderSurvey[UidPosition, int]
UidStep = ReadingStep[UidPosition, int]
Times = Mapping[int, int]
"""Seconds since 1970 by UID; without those that the server does not tell."""

_UNTOLD = 0


def steps_by_uid(survey: UidSurvey, size: int) -> Iterator[UidStep]:
    """Each folder in the order of its UIDs."""
    return steps_by_order(survey, size, lambda position, uids: position.read(uids[-1]))


def steps(survey: UidSurvey, times: Mapping[str, Times], since: datetime | None, size: int) -> Iterator[UidStep]:
    """First what is left of passes that were begun, the first ones above all, then what came after them.

    Messages whose time the server does not tell come before all others, so that no position can pass them by; where
    there are many of them, times order nothing. Those of a first pass received before `since` are left out.
    """
    untold = sum(len(uids) - len(times[name]) for name, uids in survey.pending.items())
    if untold > size:
        return steps_by_uid(survey, size)
    begun: dict[str, FolderPass[UidPosition, int]] = {}
    fresh: dict[str, FolderPass[UidPosition, int]] = {}
    for name, uids in survey.pending.items():
        position, goal = survey.positions[name], survey.goals[name]
        rest = UidPosition(position.validity, max(position.next, position.until), goal.next)
        if position.next < position.until:
            begun[name] = _pass(position, uids, times[name], since)
        if rest.next < rest.until:
            fresh[name] = _pass(rest, uids, times[name], None)
    return steps_by_time((begun, fresh), survey.positions, size)


def _pass(
    start: UidPosition, uids: Sequence[int], times: Times, since: datetime | None
) -> FolderPass[UidPosition, int]:
    """`start`: a position with the pass that is to be made; `uids` may have others than those of the pass."""
    horizon = int(since.timestamp()) if since is not None and start.since is not None else None
    items: list[DatedItem[int]] = []
    for uid in uids:
        if not start.next <= uid < start.until:
            continue
        at = times.get(uid)
        if at is None:
            items.append(DatedItem(_UNTOLD, uid))
        elif not start.has_read(uid, at) and (horizon is None or at >= horizon):
            items.append(DatedItem(at, uid))
    return FolderPass(start, sorted(items), _past)


def _past(position: UidPosition, taken: Sequence[DatedItem[int]], last: bool) -> UidPosition:
    return (
        position.past(taken[-1].item, taken[-1].at, last) if taken else UidPosition(position.validity, position.until)
    )
