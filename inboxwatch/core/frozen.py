"""Records that nobody changes, made at the cost of plain ones.

A frozen dataclass sets each of its fields by a call, so that making one costs three times as much; for a batch of mail
tens of thousands are made. Here the type checker alone forbids to change them, as it does of every frozen dataclass:
`@record(frozen=True, slots=True)` is to it what `@dataclass(frozen=True, slots=True)` is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dataclasses import dataclass as record
else:
    from dataclasses import dataclass

    def record(*, frozen, slots):
        return dataclass(slots=slots, unsafe_hash=frozen)


__all__ = ["record"]
