"""Commands that speak to the running daemon through its HTTP API."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from inboxwatch.commands.daemon_call import Unreachable, call, refusal
from inboxwatch.commands.exit_code import ExitCode
from inboxwatch.commands.terminal import fail, printable, result, result_json, table
from inboxwatch.notify import messages
from inboxwatch.notify.state_words import state

if TYPE_CHECKING:
    from inboxwatch.config import Config


async def _all(config: Config, path: str, params: dict[str, str]) -> list[dict[str, Any]]:
    """Every item of a list, page by page. Raises Unreachable, or ValueError with the daemon's refusal."""
    items: list[dict[str, Any]] = []
    token: str | None = None
    while True:
        page = params | ({"next": token} if token else {})
        status, answer = await call(config, "GET", path, params=page)
        if status != 200:
            raise ValueError(refusal(status, answer))
        items += answer["items"]
        token = answer["next"]
        if token is None:
            return items


def list_clocks(config: Config, where: dict[str, str], *, as_json: bool) -> ExitCode:
    """Prints waits; returns the exit code."""
    closed = where.get("state") == "closed"
    last = () if closed else ("next",)
    columns = ("id", "lead", "owner", "metric", "due_at", "ended" if closed else "state", "tier", "mailbox", *last)
    return list_waits(config, where, (*columns, "class") if "class" in where else columns, as_json=as_json)


def list_waits(config: Config, where: dict[str, str], columns: tuple[str, ...], *, as_json: bool) -> ExitCode:
    """Prints the chosen columns of waits; returns the exit code."""
    return _listed(config, "/api/v1/clocks", where, columns, as_json, lambda item: _in_words(config, item))


def _in_words(config: Config, clock: dict[str, Any]) -> dict[str, Any]:
    """A clock with how it stands, how it ended and what happens next as people read it."""
    reason, step = clock.get("stop_reason"), clock.get("next_step")
    clock = clock | {"state": _state(clock), "ended": messages.end(reason or "")}
    if not step:
        rest = messages.no_further_step(clock["metric"] == "verdict")
        return clock | {"next": rest if clock["metric_state"] else None}
    names = {str(one.id): one.name for one in config.people.values()}
    targets = [names.get(one) or one.partition(":")[2] or one.partition(":")[0] for one in step["targets"]]
    moves_to = step.get("moves_to") or ""
    at = f"{datetime.fromisoformat(step['at']):%Y-%m-%d %H:%M} UTC"
    return clock | {"next": messages.ladder_step(targets=targets, moves_to=names.get(moves_to, moves_to), at=at)}


def _state(clock: dict[str, Any]) -> str:
    return state(clock["metric_state"] or clock["state"], verdict=clock["metric"] == "verdict")


def _listed(  # six parameters: what is asked, and how it is shown
    config: Config,
    path: str,
    where: dict[str, str],
    columns: tuple[str, ...],
    as_json: bool,
    shown: Callable[[dict[str, Any]], dict[str, Any]] = dict,
) -> ExitCode:
    try:
        items = asyncio.run(_all(config, path, where))
    except (Unreachable, ValueError) as error:
        return fail(str(error))
    if as_json:
        result_json(items)
    else:
        table([shown(item) for item in items], columns)
    return ExitCode.OK


def list_dead_letters(config: Config, *, as_json: bool) -> ExitCode:
    """Prints dead letters; returns the exit code."""
    columns = ("id", "owed_at", "type", "target", "channel", "destination", "attempts", "error")
    return _listed(config, "/api/v1/dead-letters", {"limit": "1000"}, columns, as_json)


def list_matches(config: Config, *, as_json: bool) -> ExitCode:
    """Prints the weak matches that nobody has reviewed; returns the exit code."""
    columns = ("message_id", "at", "sender", "subject", "parent", "evidence", "confidence")
    return _listed(config, "/api/v1/matches", {"review": "open"}, columns, as_json)


def review(config: Config, message_id: str, verdict: str, body: dict[str, str]) -> ExitCode:
    """Confirms or splits one match; returns the exit code."""

    def told(answer: dict[str, Any]) -> str:
        return f"{answer['message_id']}: thread {answer['thread']}, by {answer['evidence']}"

    return ask_for(config, f"/api/v1/matches/{quoted(message_id)}/{verdict}", body, told)


def list_kinds(config: Config, where: dict[str, str], *, as_json: bool) -> ExitCode:
    """Prints mail of leads that was not taken for a person's; returns the exit code."""
    columns = ("message_id", "at", "sender", "kind", "machine", "person", "mailbox")
    return _listed(config, "/api/v1/kinds", where, columns, as_json)


def list_said(config: Config, *, as_json: bool) -> ExitCode:
    """Prints what people have said of kinds; returns the exit code."""
    return _listed(config, "/api/v1/kinds/said", {}, ("message_id", "sender", "kind", "by", "at", "reason"), as_json)


def say_kind(config: Config, message_id: str, action: str, body: dict[str, Any]) -> ExitCode:
    """Says that a person wrote a message, or takes it back; returns the exit code."""

    def told(answer: dict[str, Any]) -> str:
        return f"{answer['message_id']}: {answer['kind']}, {printable(answer['signal'])}"

    return ask_for(config, f"/api/v1/kinds/{quoted(message_id)}/{action}", body, told)


def resend(config: Config, numbers: list[int]) -> ExitCode:
    """Sends dead letters again, all of them where none is named; returns the exit code."""

    async def each() -> ExitCode:
        known = numbers or [item["id"] for item in await _all(config, "/api/v1/dead-letters", {"limit": "1000"})]
        code = ExitCode.OK
        for number in known:
            status, answer = await call(config, "POST", f"/api/v1/dead-letters/{number}/resend")
            if status == 200:
                result(f"{number}: will be sent by {answer['channel']}")
            else:
                code = fail(f"{number}: {refusal(status, answer)}")
        if not known:
            result("no dead letters")
        return code

    try:
        return asyncio.run(each())
    except (Unreachable, ValueError) as error:
        return fail(str(error))


def act(config: Config, clock: str, action: str, body: dict[str, str]) -> ExitCode:
    """Acts on one wait; returns the exit code."""

    def told(answer: dict[str, Any]) -> str:
        return f"{answer['id']}: {_state(answer)}, owner {answer['owner']}"

    return ask_for(config, f"/api/v1/clocks/{clock}/{action}", body, told)


def ask_for(config: Config, path: str, body: dict[str, Any], told: Callable[[dict[str, Any]], str]) -> ExitCode:
    """Asks the daemon for an action and prints what `told` makes of its answer; returns the exit code."""
    try:
        status, answer = asyncio.run(call(config, "POST", path, json=body))
    except Unreachable as error:
        return fail(str(error))
    if status != 200:
        return fail(refusal(status, answer))
    result(told(answer))
    return ExitCode.OK


def quoted(message_id: str) -> str:
    """A Message-ID, with or without its brackets, as a part of a path."""
    return quote(message_id.strip().strip("<>"), safe="")
