"""What a bundle of deliveries says when it leaves: read from the store then, never when it was owed (rule 34)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from types import MappingProxyType
from typing import Any, NamedTuple
from urllib.parse import quote

from inboxwatch.core.model import LeadId, MessageId, PersonId
from inboxwatch.core.wait_view import WaitView
from inboxwatch.engine.deeds import last_deed
from inboxwatch.engine.delivery.enqueue import REFERENCE
from inboxwatch.engine.digests import Daily, first_sight
from inboxwatch.engine.ladder import with_ladders
from inboxwatch.engine.notice_inquiries import notice_inquiry
from inboxwatch.engine.qualify import choices
from inboxwatch.engine.report.mailed import link_of
from inboxwatch.engine.report.schedule import ReportOrder
from inboxwatch.engine.rules import Rules
from inboxwatch.engine.wait_views import person_name, wait_views, with_names
from inboxwatch.notify import MANY, UNVERIFIED, FailedContact, Handed, Notice, NoticeType, NoticeWait
from inboxwatch.notify.assignment_words import why_given
from inboxwatch.notify.report_messages import mail_title, period_name
from inboxwatch.store import Transaction, withdrawn
from inboxwatch.store.records import ClockRecord, DeliveryRecord
from inboxwatch.words import Wording

BY_WORD = ("dismissed", "verdict")
"""Ends of a wait that somebody has brought about by their word alone, which then stands beside it."""


class Composed(NamedTuple):
    """A bundle as it leaves."""

    rows: Sequence[DeliveryRecord]
    """Those of its deliveries that are still wanted."""
    notice: Notice
    earlier: tuple[str, ...] = ()
    """The channel's references of the last messages about its waits to this destination, each once; `` for none."""
    report: ReportOrder | None = None
    """The report that is still to be read and drawn, which takes a second: not within this transaction."""


def mailboxes_of(tx: Transaction, rules: Rules, rows: Iterable[DeliveryRecord]) -> set[str]:
    """The mailboxes that could hold the answers of the deliveries' waits."""
    boxes: set[str] = set()
    for row in rows:
        clock = tx.clocks.get(row.clock) if row.clock else None
        if clock is not None:
            witnesses = tx.mail.witnesses([clock.thread]).get(clock.thread, set())
            boxes |= witnesses | rules.context.watching(clock.owner, clock.mailbox)
    return boxes & set(rules.config.mailboxes)


class Composer:
    """Composes inside one transaction."""

    def __init__(self, tx: Transaction, rules: Rules, now: datetime) -> None:
        self._rules = rules
        self._tx = tx
        self._now = now

    def bundle(self, rows: Sequence[DeliveryRecord], unread: bool) -> Composed:
        """Steps or resolutions due together. `unread`: a mailbox that could hold the answers could not be read now."""
        first = rows[0]
        gone = {row.clock: withdrawn.load(row.withdrawn) for row in rows if row.clock and row.withdrawn}
        views = self._views((row.clock for row in rows), gone)
        steps = {(row.clock, row.era, row.round, row.step): row for row in rows if row.clock in views}
        told = [self._told(row, views[row.clock or ""], unread) for row in steps.values()]
        if len(told) > MANY:
            told.sort(key=lambda one: one.wait.due_at)
        base = self._rules.config.web.url
        notice = Notice(
            type=NoticeType(first.type),
            id=first.letter,
            at=min(row.owed_at for row in rows),
            clocks=tuple(told),
            targets=tuple(dict.fromkeys(row.target for row in rows)),
            link=f"{base}/waits/{first.clock}" if len(told) == 1 else f"{base}/",
            language=self._rules.words_of(first.person).language,
            thread_key=first.clock or first.letter if len(told) == 1 else first.letter,
        )
        waits = {row.clock for row in rows if row.clock}
        earlier = self._tx.deliveries.last_references(waits, first.channel, first.destination)
        return Composed(rows, notice, tuple(dict.fromkeys(earlier.get(clock, "") for clock in sorted(waits))))

    def single(self, row: DeliveryRecord) -> Composed | None:
        """A notice that stands for itself; None for a digest of which nothing is left."""
        if row.type is NoticeType.COPY:
            return self._copy(row)
        if row.type is NoticeType.REPORT:
            return self._report(row)
        body, contact = row.body or {}, None
        words = self._rules.words_of(row.person)
        link = f"{self._rules.config.web.url}/"
        if body.get("daily") or body.get("first_sight"):
            found = self._digest(body, words)
            if found is None:
                return None
            title, clocks = found
            only_follow_ups = all(told.wait.follow_up for told in clocks)
            if mailbox := body.get("first_sight"):
                link += "follow-ups" if only_follow_ups else f"waits?state=overdue&mailbox={quote(mailbox)}"
        else:
            title = body.get("title", "")
            clocks = [NoticeWait(view) for view in self._views(body.get("clock_ids", [row.clock])).values()]
            if not clocks and row.type != NoticeType.FIRST_CONTACT_FAILED:
                words = self._rules.words  # what IT is told was written in the house's language
            if row.type == NoticeType.FIRST_CONTACT_FAILED and "lead" in body:
                contact = self._contact(LeadId(body["lead"]), MessageId(body["message_id"]), row.target)
        notice = Notice(
            type=NoticeType(row.type),
            id=row.key,
            at=row.owed_at,
            clocks=tuple(clocks),
            contact=contact,
            targets=(row.target,),
            link=link,
            mailbox=body.get("mailbox"),
            error=body.get("error"),
            title=title,
            language=words.language,
            thread_key=row.key,
        )
        return Composed([row], notice)

    def _report(self, row: DeliveryRecord) -> Composed | None:
        config = self._rules.config
        order = ReportOrder.of(config, row.body or {})
        if order is None:
            return None
        words = self._rules.words_of(row.person)
        notice = Notice(
            type=NoticeType.REPORT,
            id=row.key,
            at=row.owed_at,
            targets=(row.target,),
            title=mail_title(period=period_name(order.period, words), team=order.mail.team, words=words),
            link=link_of(config, order),
            language=words.language,
        )
        return Composed([row], notice, report=order)

    def _digest(self, body: Mapping[str, Any], words: Wording) -> tuple[str, list[NoticeWait]] | None:
        """The title and the waits of a digest as of now; None where there is nothing to say."""
        if body.get("daily"):
            return Daily(self._tx, self._rules, self._now).write(body["daily"], body["day"])
        return first_sight(self._tx, self._rules, body["first_sight"], body["clock_ids"], self._now, words)

    def _copy(self, row: DeliveryRecord) -> Composed | None:
        """A message that was sent, as it would be now; None where it tells of nothing any more."""
        reference = (row.body or {}).get(REFERENCE, "")
        made = self._tx.deliveries.of_message(row.channel, reference)
        views = self._views(one.clock for one in made)
        if not views:
            return None
        over = not any(view.running for view in views.values())
        first, base = made[0], self._rules.config.web.url
        told = [
            self._about(NoticeWait(view, note=last_deed(self._tx, self._rules, view, row.person)), row.person)
            for view in views.values()
        ]
        notice = Notice(
            type=NoticeType.RESOLVED if over else first.type,
            id=first.letter,
            at=first.owed_at,
            clocks=tuple(told),
            targets=(row.target,),
            language=self._rules.words_of(row.person).language,
            link=f"{base}/waits/{told[0].wait.id}" if len(told) == 1 else f"{base}/",
        )
        return Composed([row], notice, (reference,))

    def _views(
        self, ids: Iterable[str | None], gone: Mapping[str, ClockRecord] = MappingProxyType({})
    ) -> dict[str, WaitView]:
        """Waits by the ids asked for: one that was merged has another one now; `gone` are those that are none now."""
        found = ((clock, self._tx.clocks.get(clock) or gone.get(clock)) for clock in dict.fromkeys(ids) if clock)
        known = {clock: row for clock, row in found if row is not None}
        rows = list(known.values())
        views = wait_views(self._tx, self._rules, rows, self._now)
        if len(rows) <= MANY:
            views = with_ladders(self._tx, self._rules, rows, views, self._now)
        return dict(zip(known, views, strict=True))

    def _told(self, row: DeliveryRecord, wait: WaitView, unread: bool) -> NoticeWait:
        """A wait with the step of its ladder that a delivery tells, and why; a resolution has neither."""
        if row.step is None:
            by_word = row.type is NoticeType.RESOLVED and wait.stop_reason in BY_WORD
            note = last_deed(self._tx, self._rules, wait, row.person) if by_word else ""
            return self._about(NoticeWait(wait, handed=self._handed(row), note=note), row.person)
        reason = UNVERIFIED if unread else row.reason or ""
        since = self._unread_since(row) if reason == UNVERIFIED else None
        return self._about(NoticeWait(wait, row.step, row.round, reason, since), row.person)

    def _about(self, told: NoticeWait, reader: PersonId | None) -> NoticeWait:
        """A wait with what the inquiry is, and what its reader may say that it is."""
        inquiry = notice_inquiry(self._tx, self._rules, told.wait, self._rules.words_of(reader))
        return replace(told, choices=choices(self._rules, told.wait), inquiry=inquiry)

    def _handed(self, row: DeliveryRecord) -> Handed | None:
        """How a wait came to its owner, where a delivery tells that."""
        if row.type not in (NoticeType.ASSIGNED, NoticeType.UNASSIGNED):
            return None
        body = row.body or {}
        by, former, reason = body.get("by", ""), body.get("former", ""), body.get("reason", "")
        by_name, words = person_name(self._rules, by), self._rules.words_of(row.person)
        return Handed(
            by=by,
            by_name=by_name,
            former=former,
            former_name=person_name(self._rules, former) or former,
            reason=reason if by_name else why_given(with_names(self._rules, reason), words=words),
            to_reader=row.type is NoticeType.ASSIGNED,
        )

    def _unread_since(self, row: DeliveryRecord) -> datetime | None:
        boxes = mailboxes_of(self._tx, self._rules, [row])
        times = [box.seen_until for box in self._tx.mailboxes.all() if box.id in boxes]
        return min((at for at in times if at is not None and at <= self._now), default=None)

    def _contact(self, lead: LeadId, message_id: MessageId, owner: str) -> FailedContact:
        known = self._tx.leads.get(lead)
        return FailedContact(
            lead=lead,
            lead_name=known.name if known else "",
            company=known.company if known else "",
            tier=known.tier if known else "",
            owner=owner,
            owner_name=person_name(self._rules, owner),
            subject=self._tx.mail.subjects([message_id]).get(message_id, ""),
            message_id=message_id,
        )
