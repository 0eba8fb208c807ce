"""`follow-ups`: who follows up when."""

from __future__ import annotations

from typing import TYPE_CHECKING

from inboxwatch.commands.exit_code import ExitCode
from inboxwatch.commands.store_look import UNREADABLE, look
from inboxwatch.commands.terminal import fail, result, result_json, table
from inboxwatch.core.follow_up_days import Day
from inboxwatch.core.timestamp import rfc3339
from inboxwatch.engine.follow_ups import follow_ups
from inboxwatch.engine.rules import Rules
from inboxwatch.engine.wait_views import person_name
from inboxwatch.notify import follow_up_messages
from inboxwatch.now import now

if TYPE_CHECKING:
    from inboxwatch.config import Config
    from inboxwatch.store import Transaction

COLUMNS = ("date", "owner", "lead", "due_at", "tier", "clock")


def list_follow_ups(config: Config, days: list[Day], where: dict[str, str], *, as_json: bool) -> ExitCode:
    """Prints the follow-ups of some days, all of them where none is named; returns the exit code."""
    rules, at = Rules.of(config, {}), now()

    def read(tx: Transaction) -> tuple[list[str], list[dict[str, object]]]:
        found = follow_ups(tx, rules, where, at)
        heads: list[str] = []
        rows: list[dict[str, object]] = []
        for day in days or list(Day):
            people = [
                (person_name(rules, owner) or owner, counts[day])
                for owner, counts in found.by_owner.items()
                if counts[day]
            ]
            heads.append(follow_up_messages.who(day=day, people=people, link=""))
            for row in tx.board.of_ids(found.by_day.get(day, ())):
                shown: dict[str, object] = {"day": day, "date": found.dates[row.id], "owner": row.owner}
                shown |= {"lead": row.lead, "due_at": rfc3339(row.due_at), "tier": row.tier, "clock": row.id}
                rows.append(shown)
        return heads, rows

    try:
        heads, rows = look(config, read)
    except UNREADABLE as error:
        return fail(str(error))
    if as_json:
        result_json(rows)
        return ExitCode.OK
    for line in heads:
        result(line)
    if rows:
        table(rows, COLUMNS)
    return ExitCode.OK
