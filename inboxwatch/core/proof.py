"""Who really sent a message, as far as its copies tell, and since when we have them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

LATE = timedelta(days=1)
"""A copy that is found longer than this after its Date was put there later."""


class Standing(StrEnum):
    """What speaks for the sender, strongest first."""

    WITNESSED = "witnessed"
    """A copy lies in a Sent folder of ours."""
    VERIFIED = "verified"
    """It came from our own servers, or our own server's stamp says that the sender's domain sent it."""
    FAILED = "failed"
    """Our own server's stamp says that the sender's domain did not send it."""
    FOREIGN = "foreign"
    """Our own server vouches for somebody else only, or should have stamped it and has not."""
    UNKNOWN = "unknown"
    """Nothing tells."""


_RANK = {one: place for place, one in enumerate(Standing)}


@dataclass(frozen=True, slots=True)
class Proof:
    """What is known of one copy of a message, or of all of them."""

    standing: Standing = Standing.UNKNOWN
    why: str = ""
    """What tells it, in words for people: `dmarc=fail by mx.acme.test`."""
    held_since: datetime | None = None
    """UTC; since when our servers have it, by their own stamp or because we looked before and it was not there."""
    empty: bool = False
    """It says nothing at all."""

    @property
    def failed(self) -> bool:
        """Whether it is shown that the sender is another."""
        return self.standing is Standing.FAILED

    @property
    def doubtful(self) -> bool:
        """Whether a message that bears our name is not shown to be ours, where ours are."""
        return self.standing in (Standing.FAILED, Standing.FOREIGN)


NOTHING_KNOWN = Proof()


def combined(proofs: Iterable[Proof]) -> Proof:
    """What all copies of one message tell, in any order: the strongest word for the sender, the earliest copy."""
    known = list(proofs)
    if not known:
        return NOTHING_KNOWN
    best = min(known, key=lambda one: (_RANK[one.standing], one.why))
    held = min((one.held_since for one in known if one.held_since is not None), default=None)
    return Proof(best.standing, best.why, held, all(one.empty for one in known))
