"""Evidence for and against a machine: signs, how much each weighs, and what they come to together."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

WEAK = 1
"""Proves nothing alone: providers, forwarders and surnames give it to people as well."""
STRONG = 2
"""Enough for a mail that nothing shows to be a person's."""
CERTAIN = 6
"""Outweighs whatever a mail says of itself; only what we know about its sender weighs more."""


class Sign(NamedTuple):
    """One thing that speaks for a machine, or for a person."""

    weight: int
    said: str
    """In words for people."""


def total(signs: Iterable[Sign]) -> int:
    """How much signs weigh together."""
    return sum([sign.weight for sign in signs])


def decide(machine: Iterable[Sign], person: Iterable[Sign]) -> bool:
    """Whether a machine wrote: a strong sign, or weak ones in company, and more of them than speak for a person."""
    against = total(machine)
    return against >= STRONG and against > total(person)


def told(signs: Iterable[Sign]) -> tuple[str, ...]:
    """What the signs say, the heaviest first."""
    return tuple([sign.said for sign in sorted(signs, key=lambda sign: -sign.weight)])
