"""`triage list` and `qualify`: what people have to judge, and what they say it is, by the running daemon."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from inboxwatch.commands.clocks import ask_for, list_waits, quoted
from inboxwatch.commands.exit_code import ExitCode
from inboxwatch.notify import qualification_messages
from inboxwatch.notify.state_words import state

if TYPE_CHECKING:
    from inboxwatch.config import Config

COLUMNS = ("id", "lead", "owner", "due_at", "state", "class_by", "mailbox", "next")


def list_unjudged(config: Config, where: dict[str, str], *, as_json: bool) -> ExitCode:
    """Prints the verdicts that are awaited; returns the exit code."""
    return list_waits(config, where | {"metric": "verdict", "state": "open"}, COLUMNS, as_json=as_json)


def judge(config: Config, ref: str, body: dict[str, str]) -> ExitCode:
    """Says what an inquiry is; returns the exit code."""
    return ask_for(config, f"/api/v1/clocks/{quoted(ref)}/qualify", body, _told)


def take_back(config: Config, ref: str, body: dict[str, str]) -> ExitCode:
    """Takes the last verdict on it back; returns the exit code."""
    return ask_for(config, f"/api/v1/clocks/{quoted(ref)}/undo-verdict", body, _told)


def _told(clock: dict[str, Any]) -> str:
    what = qualification_messages.what(clock["class"], clock["tier"])
    standing = state(clock["metric_state"] or clock["state"])
    ahead = f", owner {clock['owner']}, due {clock['due_at']}" if clock["metric_state"] else ""
    return f"{clock['id']}: {what} ({clock['class_by']}), {standing}{ahead}"
