"""`clocks repolicy`: puts open waits under the policies of the config as it is now, and prints what moves."""

from __future__ import annotations

from typing import TYPE_CHECKING

from inboxwatch.commands.exit_code import ExitCode
from inboxwatch.commands.terminal import fail, remark, result
from inboxwatch.engine.audit import at_the_machine, note
from inboxwatch.engine.repolicy import reapply
from inboxwatch.engine.rules import Rules
from inboxwatch.now import now
from inboxwatch.store import Store, StoreError

if TYPE_CHECKING:
    from inboxwatch.config import Config


def run_repolicy(config: Config, *, dry_run: bool) -> ExitCode:
    """The command; returns the exit code. A running daemon must have taken over the same config before."""
    try:
        store = Store(config.store_url.reveal())
    except StoreError as error:
        return fail(str(error))
    try:
        with store.rehearsal() if dry_run else store.transaction() as tx:
            rules = Rules.connect(config)
            moves = reapply(tx, rules, now())
            note(tx, rules, at_the_machine("wait.repolicy", times=len(moves)), now())
    finally:
        store.close()
    for move in moves:
        times = f"due {move.due_before:%Y-%m-%d %H:%M:%S} -> {move.due_after:%Y-%m-%d %H:%M:%S} UTC"
        result(f"{move.clock}  {move.lead}  {move.before} -> {move.after}  {times}")
    would = "would move" if dry_run else "moved"
    remark(f"{len(moves)} open waits {would}")
    return ExitCode.OK
