"""What `check` reports: one line a finding."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the report."""

    subject: str
    """`mailbox ana`, `channel slack`, `ownership`."""
    verdict: str
    """ok, warning, failed."""
    text: str
    hint: str = ""
