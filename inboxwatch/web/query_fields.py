"""What the query of a request may ask for: known filters, and in them instants, lengths of time and teams."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta

from inboxwatch.core.sla.policy import Duration
from inboxwatch.web.problems import Problem


def refuse_unknown(query: Iterable[str], filters: Iterable[str], besides: Iterable[str] = ()) -> None:
    """Raises Problem where a query names what is no filter; `besides` are fields that choose a page."""
    if unknown := sorted({*query} - {*filters, *besides}):
        raise Problem(422, f"{', '.join(unknown)}: no such filter; known are {', '.join(filters)}")


def instant_of(query: Mapping[str, str], name: str) -> datetime | None:
    """The instant (UTC) of a field, or None where it is not given. Raises Problem."""
    if not query.get(name):
        return None
    try:
        at = datetime.fromisoformat(query[name])
    except ValueError:
        raise Problem(422, f"{name}: write an instant such as 2026-05-01T12:00:00Z") from None
    if at.tzinfo is None:
        raise Problem(422, f"{name}: has no zone; write it as 2026-05-01T12:00:00Z")
    return at.astimezone(UTC)


def length_of(query: Mapping[str, str], name: str, most: timedelta) -> timedelta | None:
    """The length of time of a field, or None where it is not given. Raises Problem."""
    if not query.get(name):
        return None
    try:
        length = Duration.parse(query[name])
    except ValueError as error:
        raise Problem(422, f"{name}: {error}") from None
    if length.business or not timedelta(0) < length.length <= most:
        raise Problem(422, f"{name}: must be elapsed time such as 30d, and at most {most.days}d")
    return length.length


def team_of(query: Mapping[str, str], teams: Iterable[str]) -> str:
    """The team that a query asks about; empty: all. Raises Problem."""
    team, known = query.get("team", ""), list(teams)
    if team and team not in known:
        raise Problem(422, f"team: {team[:100]!r} is none of {', '.join(known) or 'the config, which has none'}")
    return team
