"""Gmail's quota: units a minute for each user and for each project, kept to by all mailboxes together."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from weakref import WeakKeyDictionary, WeakValueDictionary

from connectors.mail.quota_turns import QuotaTurns
from inboxwatch.connector import MailboxError, Reason

UNITS = {"profile": 1, "labels": 1, "list": 5, "history": 2, "get": 20, "attachment": 20, "watch": 100}
"""Quota units of a call, for projects made since May 2026 (developers.google.com/workspace/gmail/api/reference/quota);
older projects pay 5 for `get` and `attachment`."""
_BURST = 6
"""The part of a minute's quota that may be used at once, as its divisor."""
_LEAST_BURST = 1200.0


@dataclass(slots=True)
class TokenBucket:
    """A token bucket: units that may be used now; it fills evenly with `per_minute` units."""

    per_minute: float
    _level: float = field(init=False)
    _at: float = field(init=False)

    def __post_init__(self) -> None:
        self._level = self._size
        self._at = asyncio.get_running_loop().time()

    @property
    def _size(self) -> float:
        return max(self.per_minute / _BURST, _LEAST_BURST)

    def take(self, units: float) -> float:
        """Uses units, on credit if need be; returns the seconds to wait before the call."""
        now = asyncio.get_running_loop().time()
        self._level = min(self._size, self._level + (now - self._at) * self.per_minute / 60) - units
        self._at = now
        return max(0.0, -self._level * 60 / self.per_minute)

    def give_back(self, units: float) -> None:
        """Units that were taken and not used."""
        self._level += units


class ProjectQuota:
    """What all mailboxes of a Google Cloud project share."""

    def __init__(self, per_minute: float, user_per_minute: float) -> None:
        self.bucket = TokenBucket(per_minute)
        self.turns = QuotaTurns(max(1, int(per_minute / user_per_minute)))
        """For as many mailboxes as use up the project's quota, each at the full speed of its own."""


_projects: WeakKeyDictionary[asyncio.AbstractEventLoop, WeakValueDictionary[str, ProjectQuota]] = WeakKeyDictionary()


def project_quota(name: str, per_minute: float, user_per_minute: float) -> ProjectQuota:
    """The quota of a project on the running event loop; the first caller decides the limits (units a minute)."""
    known = _projects.setdefault(asyncio.get_running_loop(), WeakValueDictionary())
    found = known.get(name)
    if found is None:
        found = known[name] = ProjectQuota(per_minute, user_per_minute)
    return found


class RateLimiter:
    """Keeps one mailbox within both quotas, and counts what it used."""

    def __init__(self, user_per_minute: float, project: ProjectQuota) -> None:
        self._user = TokenBucket(user_per_minute)
        self._project = project
        self.used = 0

    async def take(self, units: int, longest: float) -> None:
        """Waits until a call of so many units may be made. Raises MailboxError where that is over `longest` seconds."""
        buckets = (self._user, self._project.bucket)
        pause = max([bucket.take(units) for bucket in buckets])
        if pause > longest:
            for bucket in buckets:
                bucket.give_back(units)
            raise MailboxError(
                Reason.RATE_LIMITED,
                f"the quota of Gmail is used up for {pause:.0f} s",
                hint="poll less often, or raise the quota and tell it in the config",
                retry_after=pause,
            )
        self.used += units
        if pause > 0:
            await asyncio.sleep(pause)
