"""What the kind of a message is decided by: what it says of itself, and what is known of others beside it.

A message is judged when it is read, and again when another one comes that tells more of it. The grounds are kept for
that, in place of the text.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

from inboxwatch.core.frozen import record
from inboxwatch.core.mail.reply_rules import Meant
from inboxwatch.core.model import Direction, Kind, Verdict


class Signs(NamedTuple):
    """What spoke for a machine and for a person, the heaviest first, and by how much the machine's were heavier."""

    machine: tuple[str, ...] = ()
    person: tuple[str, ...] = ()
    weight: int | None = None


NO_SIGNS = Signs()


class Trait(StrEnum):
    """What a message says of itself that tells only together with what is known of others."""

    OURS = "ours"
    """We wrote it."""
    TO_US = "to_us"
    """We are named among its recipients."""
    US_ALONE = "us_alone"
    """Every recipient is one of us."""
    REPLY = "reply"
    """Its subject bears the prefix of an answer."""
    DISCUSSION = "discussion"
    """People talk on the list that carried it."""
    FEW = "few"
    """It goes to no more people than one writes to by hand."""
    BY_HAND = "by_hand"
    """Its text is no automatic answer's, though its subject is."""


@record(frozen=True, slots=True)
class Grounds:
    """All that a message itself gives to decide its kind by."""

    alone: Verdict
    """Its kind where nothing else is known."""
    traits: frozenset[Trait] = frozenset()
    meant: Mapping[Kind, Meant] = field(default_factory=dict)
    """What its words mean, by the kind it may turn out to be."""


@record(frozen=True, slots=True)
class Answered:
    """The message that another one answers, as far as kinds ask."""

    direction: Direction
    kind: Kind
    at: datetime
    few: bool = True
    """It went to a few people, not to a list of them."""

    @property
    def is_ours(self) -> bool:
        return self.direction is Direction.OUTBOUND


@dataclass(frozen=True, slots=True)
class Said:
    """What a person of ours said of a message, or of all that a sender writes: somebody wrote it."""

    by: str
    sender: bool = False
    """It was said of the sender, not of this message."""


@dataclass(frozen=True, slots=True)
class Relation:
    """What is known beside a message: a function of all other mail, and of what people said."""

    parent: Answered | None = None
    lead: bool = False
    """The address is a known buyer's own."""
    written_to: bool = False
    """We wrote to it before."""
    fact: Said | None = None


UNRELATED = Relation()
