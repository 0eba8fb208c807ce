"""`report`: one self-contained HTML page for managers, and the waits behind it as CSV."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from inboxwatch.commands.exit_code import ExitCode
from inboxwatch.commands.store_look import UNREADABLE, look
from inboxwatch.commands.terminal import fail, remark, result, tell
from inboxwatch.core.calendar_period import CalendarPeriod
from inboxwatch.now import now
from inboxwatch.words import LANGUAGES, SOURCE, words

if TYPE_CHECKING:
    from inboxwatch.config import Config
    from inboxwatch.engine.report.period import Period


@dataclass(frozen=True, slots=True)
class ReportChoice:
    """What a report is about, as the options say it."""

    since: str = "30d"
    until: str = ""
    compare: str = ""
    named: str = ""
    """A week or month of the calendar, in the place of `since` and `until`."""
    team: str = ""
    language: str = SOURCE

    def period(self, zone: ZoneInfo, now: datetime) -> Period:
        """Raises ValueError with the option and what to write instead."""
        from inboxwatch.engine.report.period import Period

        if not self.named:
            return Period.parse(self.since, self.until, self.compare, zone, now)
        try:
            found = Period.of(CalendarPeriod.parse(self.named, now.astimezone(zone).date()), zone, now)
        except ValueError as error:
            raise ValueError(f"--period: {error}") from None
        if self.until:
            raise ValueError("give --period, or --since and --until")
        return found.divided(self.compare)


def run_report(
    config: Config,
    chosen: ReportChoice,
    output: Path,
    **files: Path | None,
) -> ExitCode:
    """The command; returns the exit code. Reads the store beside a running daemon, writes nothing into it.

    `files`: where the waits (`csv`) and the figures (`json`) are written besides, if anywhere.
    """
    from inboxwatch.commands.report import table
    from inboxwatch.engine.report import page, summary
    from inboxwatch.engine.report.teams import shown

    if chosen.language not in LANGUAGES:
        return fail(f"--language: {chosen.language!r} is none of {', '.join(LANGUAGES)}", ExitCode.BAD_CONFIG)
    made_at, told_in = now(), words(chosen.language)
    try:
        period = chosen.period(config.policies[-1].calendar.zone, made_at)
    except ValueError as error:
        return fail(str(error), ExitCode.BAD_CONFIG)
    if chosen.team and chosen.team not in config.teams:
        known = ", ".join(config.teams) or "there is none"
        return fail(f"--team: {chosen.team!r} is not in `teams`: {known}", ExitCode.BAD_CONFIG)
    try:
        story = look(config, lambda tx: shown(tx, config, period, chosen.team))
    except UNREADABLE as error:
        return fail(str(error))
    try:
        output.write_text(page.render(story, made_at, told_in), encoding="utf-8")
        if csv := files.get("csv"):
            table.write(csv, story)
        if json := files.get("json"):
            json.write_text(summary.summary(story), encoding="utf-8")
    except OSError as error:
        return fail(f"cannot write {error.filename}: {error.strerror}")
    if not story.cases:
        tell("no wait began in this period; `inboxwatch backfill` reads history")
    result(page.in_words(story, told_in).rstrip())
    remark(f"{output}: {len(story.cases)} waits, {story.left_over_count} left over")
    return ExitCode.OK
