"""Commands that speak to the running daemon through its HTTP API."""

from __future__ import annotations

import asyncio
import json
import sys
from typing import TYPE_CHECKING, Any

import aiohttp

if TYPE_CHECKING:
    from inboxwatch.config import Config

OK, REFUSED = 0, 1


class Unreachable(Exception):  # noqa: N818  (what happened to the daemon)
    """The daemon does not answer; the message says what to do."""


async def _call(config: Config, method: str, path: str, **request: Any) -> tuple[int, Any]:
    """One call of the API; returns the HTTP status and the JSON answer."""
    headers = {"Accept": "application/json"}
    if config.web.token is not None:
        headers["Authorization"] = f"Bearer {config.web.token.reveal()}"
    host = f"[{config.web.listen.host}]" if ":" in config.web.listen.host else config.web.listen.host
    url = f"http://{host}:{config.web.listen.port}{path}"
    try:
        async with (
            aiohttp.ClientSession(headers=headers, timeout=aiohttp.ClientTimeout(30)) as session,
            session.request(method, url, **request) as answer,
        ):
            return answer.status, await answer.json(content_type=None)
    except (aiohttp.ClientError, TimeoutError) as error:
        raise Unreachable(
            f"no daemon answers at {host}:{config.web.listen.port} ({error}); start it with `inboxwatch run`"
        ) from error


async def _all(config: Config, path: str, params: dict[str, str]) -> list[dict[str, Any]]:
    """Every item of a list, page by page. Raises Unreachable, or ValueError with the daemon's refusal."""
    items: list[dict[str, Any]] = []
    token: str | None = None
    while True:
        page = params | ({"next": token} if token else {})
        status, answer = await _call(config, "GET", path, params=page)
        if status != 200:
            raise ValueError(_refusal(answer))
        items += answer["items"]
        token = answer["next"]
        if token is None:
            return items


def _refusal(answer: Any) -> str:
    return str(answer.get("detail") or answer.get("title")) if isinstance(answer, dict) else str(answer)


def _say(text: str) -> int:
    print(f"inboxwatch: {text}", file=sys.stderr)  # noqa: T201  (a command's own words)
    return REFUSED


def _listed(config: Config, path: str, params: dict[str, str], columns: list[str], as_json: bool) -> int:
    try:
        items = asyncio.run(_all(config, path, params))
    except (Unreachable, ValueError) as error:
        return _say(str(error))
    if as_json:
        for item in items:
            print(json.dumps(item, ensure_ascii=False))  # noqa: T201  (the command's output)
        return OK
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False)
    for column in columns:
        table.add_column(column, overflow="fold")
    for item in items:
        # Text, not markup: a buyer's name may look like markup.
        table.add_row(*(Text("" if item.get(column) is None else str(item[column])) for column in columns))
    console = Console()
    console.print(table)
    console.print(f"{len(items)} in all", style="dim")
    return OK


def list_clocks(config: Config, where: dict[str, str], *, as_json: bool) -> int:
    """Prints waits; returns the exit code."""
    columns = ["id", "lead", "owner", "metric", "due_at", "metric_state", "tier", "mailbox"]
    if where.get("state") == "closed":
        columns[5] = "stop_reason"
    return _listed(config, "/api/v1/clocks", where, columns, as_json)


def list_leads(config: Config, *, as_json: bool) -> int:
    """Prints the known leads; returns the exit code."""
    columns = ["email", "name", "company", "owner", "tier", "status", "source"]
    return _listed(config, "/api/v1/leads", {}, columns, as_json)


def act(config: Config, clock: str, deed: str, body: dict[str, str]) -> int:
    """Acts on one wait; returns the exit code."""
    try:
        status, answer = asyncio.run(_call(config, "POST", f"/api/v1/clocks/{clock}/{deed}", json=body))
    except Unreachable as error:
        return _say(str(error))
    if status != 200:
        return _say(f"refused: {_refusal(answer)}")
    print(f"{answer['id']}: {answer['metric_state'] or answer['state']}, owner {answer['owner']}")  # noqa: T201
    return OK
