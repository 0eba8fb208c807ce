"""Days and instants as other systems write them."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from inboxwatch.core.told_instant import told_instant

BERLIN = ZoneInfo("Europe/Berlin")


@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("2026-05-04T09:30:00Z", datetime(2026, 5, 4, 9, 30, tzinfo=UTC)),
        ("2026-05-04T09:30:00+02:00", datetime(2026, 5, 4, 7, 30, tzinfo=UTC)),
        ("2026-05-04 09:30", datetime(2026, 5, 4, 7, 30, tzinfo=UTC)),
        ("2026-05-04", datetime(2026, 5, 4, 21, 59, 59, 999999, tzinfo=UTC)),
        ("2026-10-25", datetime(2026, 10, 25, 22, 59, 59, 999999, tzinfo=UTC)),
    ],
)
def test_a_day_is_over_at_its_end_and_a_time_without_an_offset_is_local(text: str, at: datetime) -> None:
    assert told_instant(text, BERLIN) == at


@pytest.mark.parametrize(
    "text", ["", "soon", "2026-02-30", "04.05.2026", "2026-05-04T25:00:00Z", "9999-12-31T23:00:00-09:00"]
)
def test_what_is_no_time_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is no date and no instant"):
        told_instant(text, BERLIN)
