"""The PromQL that several panels share. Every piece honours the variables team, owner, tier and mailbox."""

from __future__ import annotations

TEAM = ' * on (owner) group_left (team) owner:inboxwatch_owner:info{team=~"$team"}'
CHOSEN = '{team=~"$team",owner=~"$owner",tier=~"$tier"}'
"""Selects recorded series, which bear the team themselves."""


def waits(state: str = "") -> str:
    """Open waits (series by mailbox, owner, tier and state, with the team), all or those in a state."""
    only = f',state="{state}"' if state else ""
    return f'inboxwatch_clocks_open{{mailbox=~"$mailbox",owner=~"$owner",tier=~"$tier"{only}}}{TEAM}'


def number_of(state: str, by: str = "") -> str:
    """How many open waits are in a state. 0 only where waits are known at all: no data is no good news."""
    level = f" by ({by})" if by else ""
    return f"sum{level} ({waits(state)}) or 0 * sum{level} ({waits()})"


def ages() -> str:
    """Seconds that the oldest open wait has lasted, by mailbox, owner and tier."""
    return f'inboxwatch_clock_oldest_age_seconds{{mailbox=~"$mailbox",owner=~"$owner",tier=~"$tier"}}{TEAM}'


def by_people(metric: str) -> str:
    """A metric by owner and tier."""
    return f'{metric}{{owner=~"$owner",tier=~"$tier"}}{TEAM}'


def within(window: str) -> str:
    """Waits answered in time during a window (7d, 30d)."""
    return f"team_owner_tier:inboxwatch_replies_within_sla:delta{window}{CHOSEN}"


def missed(window: str) -> str:
    """Waits that fell due unanswered during a window, answered since or not."""
    return f"team_owner_tier:inboxwatch_sla_breaches:delta{window}{CHOSEN}"


def attainment(window: str, by: str = "") -> str:
    """The share of waits answered in time; nothing where none was answered or fell due."""
    level = f" by ({by})" if by else ""
    return f"sum{level} ({within(window)}) / (sum{level} ({within(window)} + {missed(window)}) > 0)"


def budget(by: str = "") -> str:
    """What is left of the error budget over 30 days: 1 all of it, below 0 more than all is used up."""
    return f"1 - (1 - {attainment('30d', by)}) / (1 - scalar(inboxwatch:sla_objective:ratio))"


def quantile(share: float, by: str, basis: str = ".*") -> str:
    """A quantile of the time to answer in seconds, of waits answered in 7 days; `basis` is wall or business."""
    chosen = CHOSEN.replace("}", f',basis=~"{basis}"}}')
    buckets = f"team_owner_tier_basis_le:inboxwatch_reply_latency_seconds_bucket:delta7d{chosen}"
    level = f"{by}, le" if by else "le"
    return f"histogram_quantile({share}, sum by ({level}) ({buckets})) >= 0"


def to_judge(state: str = "") -> str:
    """Inquiries that wait for a verdict (series by owner and state, with the team), all or those in a state."""
    only = f',state="{state}"' if state else ""
    return f'inboxwatch_verdict_clocks_open{{owner=~"$owner"{only}}}{TEAM}'


def verdict_quantile(share: float) -> str:
    """A quantile of the time to a verdict in seconds, by basis, of inquiries judged in 7 days."""
    chosen = CHOSEN.replace(',tier=~"$tier"', "")
    buckets = f"team_owner_basis_le:inboxwatch_verdict_seconds_bucket:delta7d{chosen}"
    return f"histogram_quantile({share}, sum by (basis, le) ({buckets})) >= 0"


def of_boxes(metric: str, more: str = "") -> str:
    """A metric by mailbox."""
    return f'{metric}{{mailbox=~"$mailbox"{more}}}'


def gained(metric: str, window: str) -> str:
    """By how much a count rose during a window. Not increase(): see the rules file for why."""
    return f"{metric} - min_over_time({metric}[{window}])"


def gained_by_day(metric: str) -> str:
    """By how much a count rose on each day, drawn where the day begins; of today, so far.

    A range query asks at midnights. What rose up to one is the day before's, so this looks a day ahead of each.
    """
    return f"last_over_time({metric}[1d] offset -1d) - min_over_time({metric}[1d] offset -1d)"


def on_time_by_metric(window: str) -> str:
    """The share answered on time of first and of next replies; nothing where none was answered or fell due."""
    chosen = 'owner=~"$owner",tier=~"$tier",metric=~"first_response|next_response"'
    kept = gained(f'inboxwatch_replies_total{{within_sla="true",{chosen}}}', window)
    lost = gained(f"inboxwatch_sla_breaches_total{{{chosen}}}", window)
    in_time, late = f"sum by (metric) (({kept}){TEAM})", f"sum by (metric) (({lost}){TEAM})"
    return f"{in_time} / ({in_time} + {late} > 0)"
