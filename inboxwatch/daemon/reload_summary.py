"""What a reload changes, for one line of the log: counts with the first few names, however many there are."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from inboxwatch.config.changes import Change
from inboxwatch.engine.departures import Departure, Named

FIRST = 5
"""So many names are given."""
_WORDS = ("added", "removed", "changed")
SEE = "inboxwatch check"
"""Lists all of what open waits need and the config does not name."""


def summary(changes: Iterable[Change]) -> dict[str, object]:
    """By section: `2 added: ana, ben; 1 removed: max`."""
    named: dict[str, dict[str, dict[str, None]]] = {}
    whole: dict[str, None] = {}
    for one in changes:
        if one.name:
            named.setdefault(one.section, {}).setdefault(one.change, {})[one.name] = None
        else:
            whole[one.section] = None
    told: dict[str, object] = {
        section: "; ".join(f"{len(found[word])} {word}: {_first(found[word])}" for word in _WORDS if word in found)
        for section, found in named.items()
    }
    # Where policies come and go their order differs, too.
    if other := [section for section in whole if section not in named]:
        told["other"] = other
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
