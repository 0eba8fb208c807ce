"""People whom a proxy in front has signed in: a header names them, believed only from the config's addresses."""

from __future__ import annotations

from aiohttp import web

from inboxwatch.config import Config, ProxyConfig
from inboxwatch.engine.audit import Door
from inboxwatch.engine.authority import role
from inboxwatch.web.connections import trusted
from inboxwatch.web.identity import Identity, admit
from inboxwatch.web.problems import Problem


def claims(proxy: ProxyConfig | None, request: web.Request) -> list[str]:
    """What the header says, each time it is there; empty where it is not or comes from anywhere but the proxy."""
    if proxy is None or not trusted(proxy, request.remote):
        return []
    return request.headers.getall(proxy.header, [])


def sign_in(config: Config, request: web.Request) -> bool:
    """Whether the proxy names who asks; handlers then find them by `identity.signed_in`.

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
    admit(request, Identity(role(config, found[0].id), Door.PROXY, found[0]))
    return True
