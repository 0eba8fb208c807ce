"""What `check` reports: one line a finding."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from inboxwatch.hidden import hidden

_NAMING = frozenset({"mailbox", "channel", "leads", "file", "calendar"})
"""Kinds whose findings are about one that has a name."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the report."""

    subject: str
    """`mailbox ana`, `channel slack`, `ownership`."""
    verdict: str
    """ok, warning, failed."""
    text: str
    hint: str = ""
    seconds: float | None = None
    """How long it took to find out, where something was asked for it."""

    @property
    def kind(self) -> str:
        """What it is about: `mailbox`, `ownership`."""
        first = self.subject.partition(" ")[0]
        return first if first in _NAMING else self.subject

    @property
    def name(self) -> str:
        """Of which one; empty where there is only one."""
        return self.subject[len(self.kind) :].strip()

    def as_json(self) -> dict[str, object]:
        """For scripts; without secrets, which servers quote."""
        return {
            "kind": self.kind,
            "name": self.name,
            "subject": self.subject,
            "verdict": self.verdict,
            "text": hidden(self.text),
            "hint": hidden(self.hint),
            "seconds": None if self.seconds is None else round(self.seconds, 3),
        }


def timed(begun: float, findings: Iterable[Finding]) -> Iterator[Finding]:
    """Findings with the seconds since `begun` (`time.monotonic`), once all are found, unless they have their own."""
    found = list(findings)
    seconds = time.monotonic() - begun
    yield from (replace(one, seconds=seconds) if one.seconds is None else one for one in found)
