"""Words that mail programs and their users write in many languages, as tables."""

from __future__ import annotations

from collections.abc import Mapping


def table(text: str) -> tuple[str, ...]:
    """The entries of a table, divided by commas; line breaks mean nothing."""
    return tuple(entry for part in text.split(",") if (entry := " ".join(part.split())))


def either(text: str) -> str:
    """A regular expression that matches any of the expressions in a text, one a line.

    A line that ends with `…` is the beginning of all lines indented below it.
    """
    found: list[str] = []
    lead, depth = "", 0
    for line in text.splitlines():
        entry = line.strip()
        indent = len(line) - len(line.lstrip())
        if entry.endswith("…"):
            lead, depth = entry[:-1], indent
        elif entry:
            found.append(lead + entry if lead and indent > depth else entry)
            lead = lead if indent > depth else ""
    return "|".join(found)


def cues(tables: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    """(name, regular expression) of each cue, its expressions one a line."""
    return tuple((name, either(text)) for name, text in tables.items())
