"""What `check` says of personal data: what is read of mail, how long it is kept, whose figures are shown."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from inboxwatch.commands.finding import Finding
from inboxwatch.core.model import Privacy, ShownFigures

if TYPE_CHECKING:
    from inboxwatch.config import Config

SMALL = 3
"""Members below which a team hides nobody."""
_READ = {
    Privacy.HEADERS: "headers: no text that a person wrote is read or stored",
    Privacy.TEXT: "text: read in memory for rules and matching, never stored",
}


def check_privacy(config: Config) -> Iterator[Finding]:
    """The settings in force, in words."""
    yield Finding("privacy", "ok", _READ[config.privacy])
    if config.keep is None:
        hint = "set history.keep, such as 400d, where a time limit is owed"
        yield Finding("history", "ok", "mail, waits and notices are kept until a person is forgotten", hint)
    else:
        text = f"what is older than {config.keep.days} days is erased; figures stay, and whatever is still open"
        yield Finding("history", "ok", text)
    if config.keep_audit is not None:
        yield Finding("history", "ok", f"the audit log is kept for {config.keep_audit.days} days (history.keep_audit)")
    if config.figures is ShownFigures.TEAMS:
        text = "metrics, reports and the board show teams only; notices, commands and the API name who must act"
        yield Finding("figures", "ok", text)
        for name, team in config.teams.items():
            if len(team.members) < SMALL:
                text = f"team {name} has {len(team.members)} members: its figures are nearly those of one person"
                yield Finding("figures", "warning", text, "put small teams together")
    else:
        yield Finding("figures", "ok", "metrics, reports and the board show people by name (figures: people)")
