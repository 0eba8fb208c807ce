"""What a way of reading a mailbox can and cannot see, shown to operators by `check` and in the README."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Capability:
    """One mode of one connector."""

    mode: str
    """As the config writes it: `graph, permission: basic`."""
    grant: str
    """The least right that it needs."""
    received: str
    """Headers of received mail."""
    sent: str
    """Headers of sent mail."""
    machine: str
    """Bounces and calendar parts."""
    text: str
    matching: str
    """By what answers are matched to questions, given all this."""

    @property
    def facts(self) -> tuple[tuple[str, str], ...]:
        """For `Probe.facts`."""
        return (
            ("needs", self.grant),
            ("headers of received mail:", self.received),
            ("headers of sent mail:", self.sent),
            ("bounces and calendar:", self.machine),
            ("text:", self.text),
            ("matching:", self.matching),
        )


def table(capabilities: Iterable[Capability]) -> str:
    """The capabilities as a table in Markdown."""
    lines = [
        "| mode | least right | received mail | sent mail | bounces, calendar | text | matching |",
        "| --- | --- | --- | --- | --- | --- | --- |",
    ]
    lines += [
        f"| `{one.mode}` | {one.grant} | {one.received} | {one.sent} | {one.machine} | {one.text} | {one.matching} |"
        for one in capabilities
    ]
    return "\n".join(lines) + "\n"
