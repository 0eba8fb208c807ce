"""`report`: one self-contained HTML page for managers, and the waits behind it as CSV."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from inboxwatch.now import now
from inboxwatch.store import Store, StoreError

if TYPE_CHECKING:
    from inboxwatch.config import Config

OK, FAILED, BAD = 0, 1, 2


def run_report(
    config: Config, since: str, output: Path, *, until: str = "", compare: str = "", csv: Path | None = None
) -> int:
    """The command; returns the exit code. Reads the store beside a running daemon, writes nothing into it."""
    from inboxwatch.commands.report import cases, page, table
    from inboxwatch.commands.report.period import Period

    made_at = now()
    try:
        period = Period.parse(since, until, compare, config.policies[-1].calendar.zone, made_at)
    except ValueError as error:
        return _say(str(error), BAD)
    try:
        store = Store(config.store_url.reveal())
    except StoreError as error:
        return _say(str(error), FAILED)
    try:
        with store.reading() as tx:
            story = cases.read(tx, config, period)
    finally:
        store.close()
    try:
        output.write_text(page.render(story, made_at), encoding="utf-8")
        if csv is not None:
            table.write(csv, story)
    except OSError as error:
        return _say(f"cannot write {error.filename}: {error.strerror}", FAILED)
    if not story.cases:
        _say("no wait began in this period; `inboxwatch backfill` reads history", OK)
    print(f"{output}: {len(story.cases)} waits, {len(story.left_over)} left over", file=sys.stderr)  # noqa: T201
    return OK


def _say(text: str, code: int) -> int:
    print(f"inboxwatch: {text}", file=sys.stderr)  # noqa: T201  (a command's own words)
    return code
