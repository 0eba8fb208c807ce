"""Starts of the daemon that were not followed by a clean end: several within minutes are a crash loop."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from inboxwatch.store import Transaction
from inboxwatch.store.marks import AlarmMark, DefectMark, StartsMark

WINDOW = timedelta(minutes=10)
"""How far back starts are counted; the systemd unit gives up within the same time."""
LOOP = 3
"""So many starts within the window that did not end cleanly make a crash loop."""


@dataclass(frozen=True, slots=True)
class CrashLoop:
    """A loop that is to be told."""

    ends: int
    """Unclean ends within the window."""
    error: str | None
    """Where the last run failed, as far as it could say so."""


def begin_run(tx: Transaction, host: str, now: datetime) -> CrashLoop | None:
    """Notes that a daemon begins on a host; returns the crash loop that it is in, once for each loop.

    Several workers may be at work on one host: the starts of those that live did not end.
    """
    recent = [at for at in tx.marks.get(StartsMark(host)) or () if now - WINDOW <= at <= now]
    tx.marks.set(StartsMark(host), (*recent, now))
    alarm = AlarmMark(f"crash-loop/{host}")
    ends = len(recent) - tx.workers.living_on(host)
    if ends < LOOP:
        tx.marks.set(alarm, None)
        return None
    if tx.marks.get(alarm) is not None:
        return None
    tx.marks.set(alarm, now)
    return CrashLoop(ends, tx.marks.get(DefectMark(host)) or None)


def end_run(tx: Transaction, host: str, defect: str | None) -> None:
    """Notes how a daemon ends: cleanly, which forgets its host's starts, or by a defect."""
    if defect is None:
        tx.marks.set(StartsMark(host), ())
    tx.marks.set(DefectMark(host), defect or "")
