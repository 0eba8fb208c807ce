"""Who asks in their own name, by whatever way they have signed in, and what their role lets them do."""

from __future__ import annotations

from dataclasses import dataclass

from aiohttp import web

from inboxwatch.core.ownership.people import Person
from inboxwatch.engine.audit import Door
from inboxwatch.engine.authority import Role
from inboxwatch.web.problems import Problem
from inboxwatch.words import english


@dataclass(frozen=True, slots=True)
class Identity:
    """Somebody who is signed in. Whoever has the token is nobody in particular, and may everything."""

    role: Role
    door: Door
    person: Person | None
    """None: known to the provider, but none of `people`; such a guest acts on no wait."""
    guest: str = ""
    """The address of a guest."""

    @property
    def name(self) -> str:
        return self.person.name if self.person is not None else self.guest

    @property
    def acts(self) -> bool:
        """Whether anything can be done in their name."""
        return self.person is not None and self.role > Role.VIEWER


_IDENTITY = web.RequestKey("identity", Identity)


def admit(request: web.Request, identity: Identity) -> None:
    """From now on handlers find out who asks."""
    request[_IDENTITY] = identity


def signed_in(request: web.Request) -> Identity | None:
    """Who asks in their own name; None where it is the token, or this machine."""
    return request.get(_IDENTITY)


def person_of(request: web.Request) -> Person | None:
    """The person of the config who asks in their own name."""
    identity = signed_in(request)
    return identity.person if identity is not None else None


def require(request: web.Request, least: Role) -> None:
    """Raises Problem where somebody is signed in who has no such role. Whoever has the token has every right."""
    identity = signed_in(request)
    if identity is not None and identity.role < least:
        name = identity.person.id if identity.person is not None else identity.guest
        text = english("you are signed in as %(name)s: this needs the role %(role)s")
        raise Problem.because(403, text, name=name, role=least.name.lower())


def acting(request: web.Request, given: str) -> str:
    """Who acts: whoever is signed in, else `given`. Raises Problem where they act in another's name, or have none."""
    identity = signed_in(request)
    if identity is None:
        return given
    person = identity.person
    if person is None:
        text = english("you are signed in as %(name)s, who is none of `people`: nobody acts by that name")
        raise Problem.because(403, text, name=identity.guest)
    if given not in ("", person.id, person.email):
        text = english("by: you are signed in as %(name)s and cannot act as %(other)s")
        raise Problem.because(403, text, name=person.id, other=repr(given[:100]))
    return person.id
