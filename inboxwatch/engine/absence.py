"""Absence seen in mail (rule 24)."""

from __future__ import annotations

from datetime import timedelta

SEEN_AWAY = timedelta(days=3)
"""How long a vacation reply without a day of return stands, counted from the latest one."""
