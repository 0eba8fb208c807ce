"""`explain`: prints what is known of a clock, a message or a lead."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from inboxwatch.commands.exit_code import ExitCode
from inboxwatch.commands.store_look import UNREADABLE, look
from inboxwatch.commands.terminal import fail, printable, result
from inboxwatch.engine.explanation import explain
from inboxwatch.engine.rules import Rules
from inboxwatch.notify import messages
from inboxwatch.notify.explanation import explanation_lines
from inboxwatch.now import now

if TYPE_CHECKING:
    from inboxwatch.config import Config
    from inboxwatch.core.explanation import Explanation
    from inboxwatch.store import Transaction
    from inboxwatch.store.leads import FoundLead

NAMED = 9
"""Leads that are named where several match."""


def run_explain(config: Config, ref: str, then: datetime | None = None) -> ExitCode:
    """The command; `then` asks who owned it at that instant. Returns the exit code."""

    def read(tx: Transaction) -> tuple[Explanation | None, tuple[list[FoundLead], int]]:
        told = explain(tx, Rules.connect(config), ref, now(), then)
        return told, tx.leads.find(ref, NAMED) if told is None and ref.strip() else ([], 0)

    try:
        told, (found, count) = look(config, read)
    except UNREADABLE as error:
        return fail(str(error))
    if told is None and count:
        return fail(messages.several_leads(count=count, named=[(one.lead.name, one.lead.id) for one in found]))
    if told is None:
        return fail(f"nothing is known of {ref!r}: give a clock id, a Message-ID, or a lead's address, name or company")
    result("\n".join(map(printable, explanation_lines(told))))
    return ExitCode.OK
