"""Days and instants as lists and other systems write them."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, tzinfo

_DAY = len("2026-05-04")


def told_instant(text: str, zone: tzinfo = UTC) -> datetime:
    """The instant (UTC) of a date or an RFC 3339 instant; without an offset it is in `zone`. Raises ValueError.

    A date is the last instant of that day: what happened on a day is not known to have been before anything else that
    happened on it.
    """
    try:
        if len(text) == _DAY:
            at = datetime.combine(date.fromisoformat(text), time.max, zone)
        else:
            at = datetime.fromisoformat(text)
            at = at if at.tzinfo else at.replace(tzinfo=zone)
        return at.astimezone(UTC)
    except (ValueError, OverflowError):
        raise ValueError(f"{text[:40]!r} is no date and no instant; write 2026-05-04 or 2026-05-04T09:30:00Z") from None
