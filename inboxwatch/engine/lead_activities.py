"""Calls and meetings that sources tell: each counts once, as if one of ours had logged it here."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from inboxwatch.core.sla.timeline import Action, ActionKind
from inboxwatch.engine.actions import counts_from
from inboxwatch.engine.evaluate import Occasion, evaluate
from inboxwatch.engine.lead_owners import owner_of
from inboxwatch.engine.rules import Rules
from inboxwatch.lead_feed import LoggedActivity
from inboxwatch.store import Transaction
from inboxwatch.store.clocks import Telling


def take_activities(tx: Transaction, rules: Rules, source: str, told: Sequence[LoggedActivity], now: datetime) -> None:
    """Keeps those that are new; those of records that are known count at once, the others as soon as they are.

    What is older than the look-back is left alone: no wait could be open since.
    """
    horizon = now - rules.config.look_back
    fresh = [one for one in told if one.at >= horizon]
    if fresh:
        tx.logged_activities.add(source, fresh)
        act_on_activities(tx, rules, source, now)


def act_on_activities(tx: Transaction, rules: Rules, source: str, now: datetime) -> int:
    """Lets activities count whose record is known and whose time has come. Returns how many did."""
    tx.logged_activities.forget_before(source, now - rules.config.look_back)
    due = tx.logged_activities.due(source, now)
    threads = set[str]()
    for one, email in due:
        lead = tx.leads.by_address(email)
        if lead is None:
            continue
        by = owner_of(rules.config, one.by) if one.by else None
        at = counts_from(tx, lead.id, one.at, now)
        done = Action(at, ActionKind.ACTIVITY, by or source, lead=lead.id, reason=one.type)
        tx.clocks.record_told(done, Telling(source, one.id, one.at))
        threads.update(tx.mail.threads_of_lead(lead.id))
    if due:
        tx.logged_activities.done(source, [one.id for one, _ in due])
    if threads:
        evaluate(tx, rules, sorted(threads), Occasion(now))
    return len(due)
