"""`clocks show`: how one wait stands, who was told of it and who will be, in names and the terminal's own time."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from inboxwatch.commands.exit_code import ExitCode
from inboxwatch.commands.store_look import UNREADABLE, look
from inboxwatch.commands.terminal import fail, printable, result
from inboxwatch.engine.ladder import ladder_of
from inboxwatch.engine.qualification_story import qualification_of
from inboxwatch.engine.rules import Rules
from inboxwatch.engine.wait_views import wait_views
from inboxwatch.notify import NoticeWait, messages
from inboxwatch.notify.ladder_words import ladder_sentence
from inboxwatch.notify.qualification_words import qualification_lines
from inboxwatch.notify.wait import ShownWait
from inboxwatch.now import now
from inboxwatch.words import ENGLISH

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from inboxwatch.config import Config
    from inboxwatch.core.explanation import ExplainedQualification
    from inboxwatch.core.ladder_view import LadderStep
    from inboxwatch.core.wait_view import WaitView
    from inboxwatch.store import Transaction


def show_clock(config: Config, clock: str) -> ExitCode:
    """Prints one wait with its whole ladder; returns the exit code."""
    rules, at = Rules.connect(config), now()

    def read(tx: Transaction) -> list[str] | None:
        row = tx.clocks.get(clock)
        if row is None:
            return None
        (view,) = wait_views(tx, rules, [row], at)
        return list(_lines(view, ladder_of(tx, rules, row, at), qualification_of(tx, rules, row)))

    try:
        lines = look(config, read)
    except UNREADABLE as error:
        return fail(str(error))
    if lines is None:
        return fail(f"no wait has the id {clock!r}: `inboxwatch clocks list` shows them")
    result("\n".join(map(printable, lines)))
    return ExitCode.OK


def _lines(wait: WaitView, ladder: Sequence[LadderStep], qualification: ExplainedQualification | None) -> Iterator[str]:
    shown = ShownWait.of(NoticeWait(wait), UTC)
    yield f"{shown.who}: {shown.subject}" if shown.subject else shown.who
    owner = shown.owner or "nobody"
    yield f"  Owner: {owner}" + (f", {_held(wait)}" if shown.held else "")
    standing = f"{shown.standing[:1].upper()}{shown.standing[1:]}"
    yield f"  {standing}; due {_when(wait.due_at)} ({shown.within or wait.policy})"
    if qualification is not None:
        yield from (f"  {line}" for line in qualification_lines(qualification, _when))
    yield "  Reminders:"
    for step in ladder:
        yield f"    {ladder_sentence(step, _when(step.at))}"
    if wait.running and not any(step.ahead for step in ladder):
        yield f"    {shown.no_further_step}"


def _held(wait: WaitView) -> str:
    until = wait.snoozed_until or wait.acknowledged_until
    return messages.held(snoozed=wait.snoozed_until is not None, until=_when(until)) if until else ""


def _when(at: datetime) -> str:
    """In the zone of the machine, as that has it at the instant."""
    return ENGLISH.when(at.astimezone())
