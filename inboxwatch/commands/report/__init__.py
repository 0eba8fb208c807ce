"""`report`: one self-contained HTML page for managers, and the waits behind it as CSV."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from inboxwatch.commands.exit_code import ExitCode
from inboxwatch.commands.store_look import UNREADABLE, look
from inboxwatch.commands.terminal import fail, remark, result, tell
from inboxwatch.core.model import ShownFigures
from inboxwatch.now import now

if TYPE_CHECKING:
    from inboxwatch.config import Config


def run_report(
    config: Config, since: str, output: Path, *, until: str = "", compare: str = "", **files: Path | None
) -> ExitCode:
    """The command; returns the exit code. Reads the store beside a running daemon, writes nothing into it.

    `files`: where the waits (`csv`) and the figures (`json`) are written besides, if anywhere.
    """
    from inboxwatch.commands.report import table
    from inboxwatch.engine.report import cases, page, summary
    from inboxwatch.engine.report.period import Period
    from inboxwatch.engine.report.teams import by_team

    made_at = now()
    try:
        period = Period.parse(since, until, compare, config.policies[-1].calendar.zone, made_at)
    except ValueError as error:
        return fail(str(error), ExitCode.BAD_CONFIG)
    try:
        story = look(config, lambda tx: cases.read(tx, config, period))
    except UNREADABLE as error:
        return fail(str(error))
    if config.figures is ShownFigures.TEAMS:
        story = by_team(story, config)
    try:
        output.write_text(page.render(story, made_at), encoding="utf-8")
        if csv := files.get("csv"):
            table.write(csv, story)
        if json := files.get("json"):
            json.write_text(summary.summary(story), encoding="utf-8")
    except OSError as error:
        return fail(f"cannot write {error.filename}: {error.strerror}")
    if not story.cases:
        tell("no wait began in this period; `inboxwatch backfill` reads history")
    result(page.in_words(story).rstrip())
    remark(f"{output}: {len(story.cases)} waits, {len(story.left_over)} left over")
    return ExitCode.OK
