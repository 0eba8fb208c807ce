"""Notices to readers, as rows of the outbox; rendered only when sent."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from inboxwatch.core.model import PersonId
from inboxwatch.core.ownership.advance import Notification
from inboxwatch.core.ownership.owner_change import OwnerChange
from inboxwatch.core.ownership.people import Person
from inboxwatch.core.sla.clock import Clock
from inboxwatch.notify import Channel, NoticeType, Recipient, Updates
from inboxwatch.store import withdrawn
from inboxwatch.store.records import WITHDRAWN, ClockRecord, DeliveryRecord, DeliveryState, NewDelivery, Route

if TYPE_CHECKING:
    from inboxwatch.config import Config


def ways_of(config: Config, channels: Mapping[str, Channel], person: PersonId) -> Iterator[Route]:
    """How a person is reached, in their own order or that of the config."""
    known = reader(config.people[person])
    for name in config.people[person].notify_by or config.notify_by:
        if name in channels and (destination := channels[name].reaches(known)) is not None:
            yield name, destination


def reader(person: Person) -> Recipient:
    """A person as channels know them."""
    return Recipient(person.id, person.name, person.email, person.slack_id, person.zone)


REPORTS_BY = "email"
"""The type of channel that can carry a report."""
REFERENCE = "reference"
"""In the body of a copy: the channel's reference of the message that it brings up to date."""


class Notices:
    """Turns targets into deliveries, with every way of reaching each."""

    def __init__(self, config: Config, channels: Mapping[str, Channel]) -> None:
        self._config = config
        self._ways = {person: tuple(ways_of(config, channels, person)) for person in config.people}
        self._by_mail = {
            person: tuple(
                (name, destination)
                for name in dict.fromkeys((*known.notify_by, *config.notify_by, *config.channels))
                if name in channels and config.channels[name].type == REPORTS_BY
                if (destination := channels[name].reaches(reader(known))) is not None
            )
            for person, known in config.people.items()
        }
        self.channels = frozenset(channels)
        """By which notices leave."""
        self.updating = frozenset(name for name, channel in channels.items() if isinstance(channel, Updates))
        """Those whose messages can be changed after they were sent."""

    def knows(self, target: str) -> bool:
        """Whether the config still has a person or channel; waits under an older policy may name others."""
        return target in self._ways or target.partition(":")[0] in self.channels

    def reachable(self, targets: Iterable[str]) -> tuple[str, ...]:
        """Targets as a step names them, each once: the fallback person stands in for what the config has no more."""
        return tuple(dict.fromkeys(one if self.knows(one) else self._config.fallback for one in targets))

    def ways(self, target: str, kind: NoticeType | None = None) -> tuple[PersonId | None, tuple[Route, ...]]:
        """A resolved target -> (person or None, the ways of reaching it in the order they are tried)."""
        (target,) = self.reachable([target])
        if kind is NoticeType.REPORT:
            return PersonId(target), self._by_mail.get(PersonId(target), ())
        if target not in self._ways:
            channel, _, destination = target.partition(":")
            return None, ((channel, destination),)
        return PersonId(target), self._ways[PersonId(target)]

    def step(self, clock: Clock, notification: Notification, now: datetime) -> list[NewDelivery]:
        """One row a target of a step."""
        step = notification.step
        ladder = f"era{step.era}/" if step.era else ""
        return [
            self._row(
                key=f"{clock.id}/{ladder}{step.number}/{step.round}/{target}",
                kind=NoticeType.ESCALATION,
                target=target,
                now=now,
                clock=clock.id,
                step=step.number,
                round=step.round,
                era=step.era,
                reason=step.reason.value,
            )
            for target in notification.targets
        ]

    def moved(self, clock: Clock, change: OwnerChange, now: datetime) -> list[NewDelivery]:
        """One row for who has a wait now, and one for who had it, but for whoever did it.

        What the program decides respects the hours of the wait's policy, as its steps do; a person's deed is told at
        once. Who had it is told nothing where the config names them no more or nothing reaches them.
        """
        policy, at = clock.policy, now
        if change.by_program and policy.escalation.in_hours_only:
            at = policy.calendar.delivery(now)
        body = {"by": change.by, "former": change.former, "reason": change.reason}
        rows = []
        for reader in change.readers:
            kind = NoticeType.ASSIGNED if reader == change.owner else NoticeType.UNASSIGNED
            if kind is NoticeType.UNASSIGNED and not self._ways.get(reader):
                continue
            key = f"{clock.id}/owner/{change.serial}/{reader}"
            rows.append(self._row(key=key, kind=kind, target=reader, now=at, clock=clock.id, body=body))
        return rows

    def resolved(
        self, clock: Clock, sent: Iterable[DeliveryRecord], owner: str | None, now: datetime
    ) -> list[NewDelivery]:
        """One row for each reader who was paged; the owner too where a colleague answered for them (rule 7).

        Whom the config names no more is told nothing more.
        """
        rows: dict[tuple[str, str, str], NewDelivery] = {}
        for one in sent:
            if self.knows(one.target):
                rows[one.target, one.channel, one.destination] = self._resolution(clock, one, now)
        by_colleague = clock.answered_by is not None and clock.answered_by != owner
        asked = clock.metric.is_reply and not any(key[0] == owner for key in rows)
        if owner and self.knows(owner) and by_colleague and asked:
            key = f"{clock.id}/resolved/{clock.stopped_by}/{owner}"
            rows[owner, "", ""] = self._row(key=key, kind=NoticeType.RESOLVED, target=owner, now=now, clock=clock.id)
        return list(rows.values())

    def withdrawn(self, clock: ClockRecord, sent: Iterable[DeliveryRecord], now: datetime) -> list[NewDelivery]:
        """One row for each reader who was paged for a wait that there is no more; it carries the wait."""
        body = {WITHDRAWN: withdrawn.dump(clock)}
        rows: dict[tuple[str, str, str], NewDelivery] = {}
        for one in sent:
            if self.knows(one.target):
                row = replace(self._resolution(clock, one, now), body=body)
                # A wait may come and go again: each end is told.
                rows[one.target, one.channel, one.destination] = replace(row, key=f"{row.key}/{now.isoformat()}")
        return list(rows.values())

    def resolved_late(self, clock: ClockRecord, one: DeliveryRecord, now: datetime) -> list[NewDelivery]:
        """The resolution for a page that was still under way when its wait ended."""
        return [self._resolution(clock, one, now)] if self.knows(one.target) else []

    def _resolution(self, clock: Clock | ClockRecord, page: DeliveryRecord, now: datetime) -> NewDelivery:
        """It goes where the page went, as long as the config has that channel."""
        key = f"{clock.id}/resolved/{clock.stopped_by}/{page.target}"
        row = self._row(key=key, kind=NoticeType.RESOLVED, target=page.target, now=now, clock=clock.id)
        return replace(row, ways=((page.channel, page.destination),)) if page.channel in self.channels else row

    def copy(self, clock: str, message: DeliveryRecord, now: datetime) -> NewDelivery:
        """Brings a message about a wait up to date; `message` is a delivery that it has made."""
        return NewDelivery(
            key=f"{clock}/copy/{message.channel}/{message.reference}/{now.isoformat()}",
            type=NoticeType.COPY,
            target=message.target,
            person=message.person,
            ways=((message.channel, message.destination),),
            owed_at=now,
            clock=clock,
            body={REFERENCE: message.reference},
        )

    def notice(
        self, kind: NoticeType, key: str, targets: Sequence[str], now: datetime, **body: Any
    ) -> list[NewDelivery]:
        """A notice without a step: a mailbox, a digest, a failed first contact. `body` is kept as JSON."""
        named = dict.fromkeys(self._config.fallback if target == "fallback" else target for target in targets)
        return [self._row(key=f"{key}/{target}", kind=kind, target=target, now=now, body=body) for target in named]

    def report(self, key: str, readers: Sequence[PersonId], now: datetime, **body: Any) -> list[NewDelivery]:
        """A report to each of its readers, by mail alone. `body` is kept as JSON."""
        return self.notice(NoticeType.REPORT, key, readers, now, **body)

    def _row(self, *, key: str, kind: NoticeType, target: str, now: datetime, **values: Any) -> NewDelivery:
        person, ways = self.ways(target, kind)
        by = f"no channel of the type {REPORTS_BY}" if kind is NoticeType.REPORT else "no channel of notify_by"
        return NewDelivery(
            key=key,
            type=kind,
            target=target,
            person=person,
            ways=ways,
            owed_at=now,
            state=DeliveryState.PENDING if ways else DeliveryState.DEAD,
            error=None if ways else f"{by} reaches {target}",
            **values,
        )
