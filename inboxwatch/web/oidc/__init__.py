"""Sign-in at an OpenID provider: what it says of a person, and the session that comes of it."""

from __future__ import annotations

from dataclasses import dataclass


class ProviderError(Exception):
    """A sign-in that comes to nothing. The message is for the person who tried; `reason` is a word for the log."""

    def __init__(self, reason: str, message: str, *, away: bool = False) -> None:
        """`away`: nobody was refused, the provider itself cannot be used."""
        super().__init__(message)
        self.reason = reason
        self.away = away


@dataclass(frozen=True, slots=True)
class Begun:
    """What one sign-in began with; it comes back to it alone."""

    state: str
    nonce: str
    verifier: str
