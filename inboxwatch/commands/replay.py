"""`replay`: reads archives of mail into one timeline and prints what was decided, as JSON Lines."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from inboxwatch.commands import archive
from inboxwatch.core.mail.copies import written_id
from inboxwatch.core.mail.headers import Unusable, parse
from inboxwatch.core.mail.intake import Entry, Intake
from inboxwatch.core.model import Message, MessageId, RawMessage
from inboxwatch.core.proof import Proof, combined
from inboxwatch.core.timestamp import rfc3339
from inboxwatch.mime import text_of


@dataclass(frozen=True, slots=True)
class UnusableMessage:
    """A message that could not be used."""

    path: str
    reason: str


@dataclass(slots=True)
class Timeline:
    """What an archive holds: every entry in the order of time, where each was found, and what could not be read."""

    entries: list[Entry] = field(default_factory=list)
    """One for each distinct message."""
    sightings: list[tuple[str, Entry]] = field(default_factory=list)
    """(path, entry) for each message read, duplicates included, in the order of time."""
    problems: list[UnusableMessage] = field(default_factory=list)


def read_all(paths: Iterable[Path], intake: Intake, as_of: datetime | None = None, text: bool = True) -> Timeline:
    """Reads archives into one timeline. Messages later than `as_of` (UTC) are left out.

    `text` False reads headers and machine parts only, as the daemon does in that privacy mode. Raises OSError where a
    path cannot be opened.
    """
    timeline = Timeline()
    seen: list[tuple[str, Message]] = []
    for path in paths:
        for found in archive.read(path):
            if found.raw is None:
                timeline.problems.append(UnusableMessage(found.path, found.problem))
                continue
            try:
                message = parse(found.raw, _text(found.raw) if text else None)
            except Unusable as error:
                timeline.problems.append(UnusableMessage(found.path, str(error)))
                continue
            # An archive's time is the contract's, whatever a mailbox would make of it.
            at = found.raw.received_at
            if as_of is None or at <= as_of:
                seen.append((found.path, replace(message, received_at=at, time_from=found.time_from or "none")))
    seen.sort(key=lambda one: (one[1].received_at, one[1].id, one[0]))
    proofs: dict[MessageId, list[Proof]] = {}
    for (place, own), entry in zip(seen, intake.take_batch(message for _, message in seen), strict=True):
        proofs.setdefault(entry.message.id, []).append(entry.proof)
        timeline.sightings.append((place, replace(entry, message=replace(own, id=entry.message.id))))
        if entry.stands:
            timeline.entries.append(entry)
    timeline.entries = [replace(entry, proof=combined(proofs[entry.message.id])) for entry in timeline.entries]
    timeline.entries.sort(key=lambda entry: (entry.message.received_at, entry.message.id))
    return timeline


def _text(raw: RawMessage) -> str | None:
    """The text of a message; one whose body cannot be read is used without it."""
    try:
        return text_of(raw.text) if raw.text else None
    except Unusable:
        return None


def message_line(path: str, entry: Entry, mailbox: str | None = None) -> dict[str, Any]:
    """The `message` object of the contract, section 5."""
    return {
        "type": "message",
        "message_id": written_id(entry.message.id),
        "path": path,
        "mailbox": mailbox,
        "at": rfc3339(entry.message.received_at),
        "direction": entry.direction.value,
        "kind": entry.verdict.kind.value,
        "signal": entry.verdict.signal,
        "thread": entry.match.thread,
        "parent": entry.match.parent and written_id(entry.match.parent),
        "lead": entry.lead,
        "evidence": entry.match.evidence.value,
    }


def problem_line(problem: UnusableMessage) -> dict[str, Any]:
    """The `problem` object of the contract, section 5."""
    return {"type": "problem", "path": problem.path, "reason": problem.reason}
