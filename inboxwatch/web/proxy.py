"""People whom a proxy in front has signed in: a header names them, believed only from the config's addresses."""

from __future__ import annotations

from aiohttp import web

from inboxwatch.config import Config, ProxyConfig
from inboxwatch.core.ownership.people import Person
from inboxwatch.engine.authority import Role, role
from inboxwatch.web.connections import trusted
from inboxwatch.web.problems import Problem

_PERSON = web.RequestKey("person", Person)


def claims(proxy: ProxyConfig | None, request: web.Request) -> list[str]:
    """What the header says, each time it is there; empty where it is not or comes from anywhere but the proxy."""
    if proxy is None or not trusted(proxy, request.remote):
        return []
    return request.headers.getall(proxy.header, [])


def sign_in(config: Config, request: web.Request) -> bool:
    """Whether the proxy names who asks; handlers then find them by `signed_in`.

    Raises Problem where it names nobody of the config, or names twice: then one of both may be the client's own.
    """
    given = claims(config.web.proxy, request)
    if not given:
        return False
    name = given[0].strip()
    found = [one for one in config.people.values() if name == one.id or name.lower() == one.email]
    if len(given) > 1 or not found:
        said = " and ".join(repr(one[:100]) for one in given[:2])
        raise Problem(403, f"the proxy signed you in as {said}: that is not the id or e-mail of one of `people`")
    request[_PERSON] = found[0]
    return True


def signed_in(request: web.Request) -> Person | None:
    """Whom the proxy named."""
    return request.get(_PERSON)


def require(config: Config, request: web.Request, least: Role) -> None:
    """Raises Problem where somebody is signed in who has no such role. Whoever has the token has every right."""
    person = signed_in(request)
    if person is not None and role(config, person.id) < least:
        raise Problem(403, f"you are signed in as {person.id}: this needs the role {least.name.lower()}")


def acting(request: web.Request, given: str) -> str:
    """Who acts: whom the proxy named, else `given`. Raises Problem where they act in another's name."""
    person = signed_in(request)
    if person is None:
        return given
    if given not in ("", person.id, person.email):
        raise Problem(403, f"by: you are signed in as {person.id} and cannot act as {given[:100]!r}")
    return person.id
