"""What a reload changes, for one line of the log: counts with the first few names, however many there are."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from inboxwatch.config.changes import ConfigChanges
from inboxwatch.engine.departures import Departure, Named

FIRST = 5
"""So many names are given."""
SEE = "inboxwatch check"
"""Lists all of what open waits need and the config does not name."""


def summary(changes: ConfigChanges) -> dict[str, object]:
    """By section: `2 added: ana, ben; 1 removed: max`."""
    told: dict[str, object] = {}
    for section, one in changes.named.items():
        parts = [("added", one.added), ("removed", one.removed), ("changed", one.changed)]
        told[section] = "; ".join(f"{len(names)} {word}: {_first(names)}" for word, names in parts if names)
    if changes.other:
        told["other"] = list(changes.other)
    return told or {"changes": "none"}


def left(departures: Sequence[Departure]) -> dict[str, object]:
    """What open waits need and a config does not name, and where the first of these waits go."""
    names = {kind: [one.name for one in departures if one.kind is kind] for kind in Named}
    told: dict[str, object] = {
        "people": _first(names[Named.PERSON]),
        "mailboxes": _first(names[Named.MAILBOX]),
        "targets": _first(names[Named.TARGET]),
    }
    moved = [f"{one.clock} goes to {one.owner}" for departure in departures for one in departure.moved]
    waits = dict.fromkeys(clock for one in departures for clock in one.clocks)
    told |= {"waits": list(waits)[:FIRST], "waits_in_all": len(waits), "moved": moved[:FIRST]}
    return {name: value for name, value in told.items() if value}


def _first(names: Iterable[str]) -> str:
    all_names = list(names)
    more = f" and {len(all_names) - FIRST} more" if len(all_names) > FIRST else ""
    return ", ".join(all_names[:FIRST]) + more
