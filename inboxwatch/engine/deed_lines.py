"""What people did to waits as lines that `replay --deeds` reads, so that a policy can be tried on what has happened."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from inboxwatch.core.leads import plain_address
from inboxwatch.core.model import ClockId, MessageId, ThreadId
from inboxwatch.core.qualification.decision import SenderWord
from inboxwatch.core.sla.timeline import Action, ActionKind
from inboxwatch.core.sla.verdicts import is_taking_back
from inboxwatch.core.timestamp import rfc3339
from inboxwatch.engine.actions import MOST_WAITS
from inboxwatch.engine.deeds import TAKEN
from inboxwatch.engine.rules import Rules
from inboxwatch.store import Transaction
from inboxwatch.store.records import ClockRecord

DEEDS = {
    ActionKind.QUALIFIED: "verdict",
    ActionKind.ACKNOWLEDGED: "acknowledge",
    ActionKind.SNOOZED: "snooze",
    ActionKind.PUT_OFF: "put_off",
    ActionKind.ASSIGNED: "assign",
    ActionKind.DISMISSED: "dismiss",
    ActionKind.REOPENED: "reopen",
    ActionKind.ACTIVITY: "activity",
}
"""What the lines call them. Reviews of matches and kinds are none: replay decides those by the mail itself."""
PAGE = 1000
"""Rows that are read at once."""
_SHORTEST = timedelta(microseconds=1)

Line = dict[str, Any]


@dataclass(frozen=True, slots=True)
class DeedPage:
    """Some lines of a period, and from when on the next ones are; None: these were the last."""

    lines: tuple[Line, ...]
    since: datetime | None


def deed_page(tx: Transaction, rules: Rules, since: datetime, until: datetime, limit: int = PAGE) -> DeedPage:
    """What people of the config did from `since` to before `until`, in the order of time.

    What was done at one instant is in one page: a verdict and to whom it gave the wait are one line.
    """
    people = rules.config.people
    found = tx.clocks.done(DEEDS, people, since, until, limit + 1)
    if len(found) <= limit:
        return DeedPage(tuple(_Lines(tx, found).all()), None)
    last = found[-1][0].at
    whole = [one for one in found if one[0].at < last]
    if not whole:
        whole = tx.clocks.done(DEEDS, people, last, last + _SHORTEST, MOST_WAITS)
        last += _SHORTEST
    return DeedPage(tuple(_Lines(tx, whole).all()), last)


class _Lines:
    """Lines of actions that were read together."""

    def __init__(self, tx: Transaction, actions: Sequence[tuple[Action, ThreadId | None]]) -> None:
        self._tx = tx
        self._actions = actions
        rows = tx.clocks.of_threads(sorted({thread for _, thread in actions if thread is not None}))
        self._waits: Mapping[ClockId, ClockRecord] = {one: row for row in rows.values() for one in row.ids} | rows
        self._given = {(one.at, one.by, one.clock): one.owner for one, _ in actions if one.kind is ActionKind.ASSIGNED}
        self._judged = {
            (one.at, one.by, one.clock)
            for one, _ in actions
            if one.kind is ActionKind.QUALIFIED and not is_taking_back(one)
        }

    def all(self) -> Iterator[Line]:
        for action, thread in self._actions:
            wait = self._wait(action)
            if wait is not None and (told := self._told(action, thread, wait)) is not None:
                line = {"at": rfc3339(action.at), "deed": DEEDS[action.kind], "message": wait.started_by}
                yield line | {"by": action.by} | told | ({"reason": action.reason} if action.reason else {})

    def _wait(self, action: Action) -> ClockRecord | None:
        """The wait that was meant; of a lead the last one that had begun."""
        if action.clock is not None:
            return self._waits.get(action.clock)
        if action.lead is None:
            return None
        begun = (row for row in self._tx.clocks.listed({"lead": action.lead}, None, MOST_WAITS))
        return max((row for row in begun if row.started_at <= action.at), key=lambda row: row.started_at, default=None)

    def _told(self, action: Action, thread: ThreadId | None, wait: ClockRecord) -> Line | None:
        """What is told besides; None for what another line tells."""
        key = (action.at, action.by, action.clock)
        match action.kind:
            case ActionKind.QUALIFIED if is_taking_back(action):
                return {"deed": "undo"}
            case ActionKind.QUALIFIED:
                return self._verdict(action, thread, wait, self._given.get(key))
            case ActionKind.ASSIGNED:
                taken = action.reason == TAKEN and action.owner == action.by
                return None if taken or key in self._judged else {"owner": action.owner}
            case ActionKind.SNOOZED | ActionKind.PUT_OFF:
                return {"until": rfc3339(action.until)}
            case ActionKind.DISMISSED:
                return {"seen": sorted(action.seen)} if action.seen else {}
            case ActionKind.ACTIVITY:
                kind = action.reason.partition(":")[0]
                return {"type": kind if kind in ("call", "meeting") else "other"}
        return {}

    def _verdict(self, action: Action, thread: ThreadId | None, wait: ClockRecord, owner: str | None) -> Line:
        told: Line = {"class": action.inquiry_class}
        told |= {"tier": action.tier} if action.tier else {}
        told |= {"owner": owner} if owner is not None else {}
        message = self._of_sender(action, thread)
        return told | ({"scope": "sender", "message": message} if message is not None else {})

    def _of_sender(self, action: Action, thread: ThreadId | None) -> MessageId | None:
        """The message whose sender was judged as well."""
        rows = self._tx.mail.rows(thread) if thread is not None else []
        word = SenderWord(action.at, action.inquiry_class, action.by, action.tier)
        said = self._tx.sender_verdicts.of({row.sender for row in rows})
        return next((row.message_id for row in rows if word in said.get(plain_address(row.sender), ())), None)
