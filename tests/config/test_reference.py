"""The reference of the config: every key has a meaning, and the shipped text is that of the models."""

from __future__ import annotations

from pathlib import Path

from inboxwatch.config import reference

SHIPPED = Path(__file__).parents[2] / "config/README.md"


def test_every_key_has_a_meaning() -> None:
    assert reference.missing() == []


def test_the_shipped_reference_is_that_of_the_models() -> None:
    assert SHIPPED.read_text(encoding="utf-8") == reference.reference(), (
        "write it again: python -m inboxwatch.config.reference > config/README.md"
    )
