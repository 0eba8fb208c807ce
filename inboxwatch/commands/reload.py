"""`reload`: has the running daemon take over the config, and says what that changes for open waits."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from inboxwatch.commands.check_store import list_departures
from inboxwatch.commands.daemon_call import Unreachable, call, refusal
from inboxwatch.commands.exit_code import ExitCode
from inboxwatch.commands.terminal import fail, remark, result
from inboxwatch.store import StoreError

if TYPE_CHECKING:
    from inboxwatch.config import Config


def run_reload(config: Config) -> ExitCode:
    """The command; returns the exit code: 2 where the daemon refuses the config, which then stays as it was."""
    try:
        for departure in list_departures(config):
            remark(f"warning: {departure}")
    except StoreError as error:
        remark(f"warning: open waits were not looked at: {error}")
    try:
        status, answer = asyncio.run(call(config, "POST", "/-/reload"))
    except Unreachable as error:
        return fail(str(error))
    if status == 422:
        for problem in answer.get("problems", ()):
            remark(f"{problem['field']}: {problem['problem']}")
        return fail("the daemon refuses the config; the old one stays in force", ExitCode.BAD_CONFIG)
    if status != 200:
        return fail(refusal(status, answer))
    result("the config is in force")
    return ExitCode.OK
