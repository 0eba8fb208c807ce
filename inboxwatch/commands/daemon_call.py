"""One call of the running daemon's HTTP interface, for commands."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import aiohttp

from inboxwatch.commands.daemon_address import daemon_address

if TYPE_CHECKING:
    from inboxwatch.config import Config

LIMIT = 30.0
"""Seconds for an answer."""


class Unreachable(Exception):  # noqa: N818  (what happened to the daemon)
    """The daemon does not answer; the message says what to do."""


async def call(config: Config, method: str, path: str, **request: Any) -> tuple[int, Any]:
    """Returns the HTTP status and the JSON answer. Raises Unreachable."""
    headers = {"Accept": "application/json", "User-Agent": "inboxwatch-cli"}
    if config.web.token is not None:
        headers["Authorization"] = f"Bearer {config.web.token.reveal()}"
    address = daemon_address(config.web)
    place = address.url.partition("//")[2]
    try:
        async with (
            aiohttp.ClientSession(headers=headers, timeout=aiohttp.ClientTimeout(LIMIT)) as session,
            session.request(method, address.url + path, **address.tls, **request) as answer,
        ):
            return answer.status, await answer.json(content_type=None)
    except TimeoutError as error:
        hint = "its log says what it is doing"
        raise Unreachable(f"the daemon at {place} did not answer within {LIMIT:.0f} s; {hint}") from error
    except aiohttp.ClientConnectorError as error:
        hint = "start it with `inboxwatch run`"
        raise Unreachable(f"no daemon answers at {place} ({error.strerror}); {hint}") from error
    except (aiohttp.ClientError, ValueError) as error:
        raise Unreachable(
            f"what answers at {place} broke off or is no inboxwatch ({type(error).__name__}: {error})"
        ) from error


def refusal(status: int, answer: Any) -> str:
    """Why the daemon did not do it."""
    why = str(answer.get("detail") or answer.get("title")) if isinstance(answer, dict) else str(answer)
    return f"the daemon cannot do it now: {why}" if status >= 500 else f"refused: {why}"
