"""What is told of the inquiry that a wait began with, beside the wait or the verdict that it awaits."""

from __future__ import annotations

from collections.abc import Collection

from inboxwatch.core.model import PersonId
from inboxwatch.core.qualification.decision import PERSON
from inboxwatch.core.sla.policy import Metric
from inboxwatch.core.sla.timeline import ActionKind
from inboxwatch.core.sla.verdicts import Verdicts
from inboxwatch.core.wait_view import WaitView
from inboxwatch.engine.rules import Rules
from inboxwatch.engine.verdict_waits import wait_of
from inboxwatch.engine.wait_views import person_name
from inboxwatch.notify import qualification_messages
from inboxwatch.notify.notice_inquiry import NoticeInquiry
from inboxwatch.store import Transaction
from inboxwatch.store.records import ClockRecord
from inboxwatch.words import Wording

THREADS = 50
"""Threads of one buyer that are looked through for who had them before."""


def notice_inquiry(tx: Transaction, rules: Rules, wait: WaitView, words: Wording) -> NoticeInquiry | None:
    """As it is now; None without qualification, of a follow-up, and of a wait that the store has no more."""
    if rules.qualification is None or wait.metric is Metric.FOLLOW_UP:
        return None
    told = tx.clocks.get(wait.id)
    if told is None or not told.inquiry_class:
        return None
    row = wait_of(tx, told)
    acts = tx.clocks.actions([row.thread], []).get(row.thread, ())
    verdicts = Verdicts.of(one for one in sorted(acts, key=lambda one: (one.at, one.serial)) if one.clock in row.ids)
    name = person_name(rules, row.class_by.removeprefix(PERSON))
    return NoticeInquiry(
        inquiry_class=row.inquiry_class,
        decided=qualification_messages.decided(row.class_by, name=name, words=words),
        tier=row.tier,
        judged=bool(verdicts.standing),
        score=row.score if row.score_lines else None,
        lines=row.score_lines,
        last_owner=_last_owner(tx, rules, row, {wait.owner, row.owner, None}),
    )


def _last_owner(tx: Transaction, rules: Rules, row: ClockRecord, now: Collection[PersonId | None]) -> str:
    """The name of who had this wait, or another one of the buyer's, before those who have it now."""
    threads = {row.thread, *sorted(tx.mail.threads_of_lead(row.lead))[-THREADS:]}
    found = [act for acts in tx.clocks.actions(sorted(threads), []).values() for act in acts]
    given = [act for act in found if act.kind is ActionKind.ASSIGNED and act.owner not in now]
    last = max(given, key=lambda act: (act.at, act.serial), default=None)
    return person_name(rules, last.owner) if last is not None else ""
