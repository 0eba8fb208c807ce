"""Makes the view of a wait: its clock with the policy it runs under, whose it is by name, what was said before."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime
from enum import IntEnum

from inboxwatch.core.model import Lead, PersonId
from inboxwatch.core.ownership.people import teams_of_people
from inboxwatch.core.sla.holds import FILTERED
from inboxwatch.core.sla.policy import SLAPolicy
from inboxwatch.core.wait_view import WaitView
from inboxwatch.engine.mail_links import mail_links
from inboxwatch.engine.policies import policies_of
from inboxwatch.engine.rules import Rules
from inboxwatch.store import Transaction
from inboxwatch.store.records import ClockRecord


class Detail(IntEnum):
    """How much a view says; each says all of the one before."""

    CLOCK = 0
    """What the clock itself says, and the people's names."""
    BUYER = 1
    """The buyer's name, company and score, the subject, and where the mail is opened: three queries more."""
    EXCHANGE = 2
    """What was exchanged with the buyer before: one query more, and the dearest."""


def wait_views(
    tx: Transaction, rules: Rules, records: Sequence[ClockRecord], now: datetime, detail: Detail = Detail.EXCHANGE
) -> list[WaitView]:
    """The views of clocks as of `now`, in their order; at most five queries for each few hundred of them."""
    teams = teams_of_people(rules.config.teams.values())
    policies = policies_of(tx, rules, {row.policy_version for row in records})
    wanted = records if detail >= Detail.BUYER else ()
    leads = tx.leads.get_many({row.lead for row in wanted})
    subjects = tx.mail.subjects([row.started_by for row in wanted])
    links = mail_links(tx, rules, wanted)
    exchanged = tx.clocks.exchanged([row.id for row in records]) if detail >= Detail.EXCHANGE else None
    return [
        _view(
            rules,
            row,
            policies.get(row.policy_version),
            leads.get(row.lead),
            subjects.get(row.started_by, ""),
            (None, None) if exchanged is None else exchanged.get(row.id, (0, None)),
            now,
        )._replace(team=teams.get(row.owner) if row.owner else None, mail_link=links.get(row.id, ""))
        for row in records
    ]


def _view(
    rules: Rules,
    row: ClockRecord,
    sla: SLAPolicy | None,
    lead: Lead | None,
    subject: str,
    exchanged: tuple[int | None, datetime | None],
    now: datetime,
) -> WaitView:
    """(Seven parameters: all that was looked up for one clock.)"""
    return WaitView(
        as_of=now,
        id=row.id,
        aliases=row.aliases,
        thread=row.thread,
        lead=row.lead,
        metric=row.metric,
        owner=row.owner,
        started_by=row.started_by,
        started_at=row.started_at,
        due_at=row.due_at,
        state=row.state,
        stop_reason=row.stop_reason,
        stopped_by=row.stopped_by,
        stopped_at=row.stopped_at,
        answered_by=row.answered_by,
        wall_at_end=row.wall_seconds,
        business_at_end=row.business_seconds,
        held=row.held,
        first_sight=row.first_sight,
        warned_at=row.warned_at,
        breached_at=row.breached_at,
        acknowledged_until=row.acknowledged_until,
        snoozed_until=row.snoozed_until,
        next_step=row.next_step,
        next_names=tuple(target_name(rules, one) for one in row.next_step.targets) if row.next_step else (),
        next_owner_name=target_name(rules, row.next_step.moves_to or "") if row.next_step else "",
        mailbox=row.mailbox,
        tier=row.tier,
        policy=row.policy,
        policy_version=row.policy_version,
        sla=sla,
        nudges=row.nudges,
        reopened=row.reopened,
        flags=row.flags,
        inquiry_class=row.inquiry_class,
        class_by=row.class_by,
        points=row.score,
        score_lines=row.score_lines,
        qualification=row.qualification,
        contradicted=row.contradicted and row.stop_reason == FILTERED,
        lead_name=lead.name if lead else "",
        company=lead.company if lead else "",
        score=dict(lead.attributes).get("score", "") if lead else "",
        subject=subject,
        owner_name=person_name(rules, row.owner),
        answered_by_name=person_name(rules, row.answered_by),
        exchanged=exchanged[0],
        last_exchanged_at=exchanged[1],
    )


def person_name(rules: Rules, person: str | None) -> str:
    """The name of a person of the config; empty for anybody else."""
    known = rules.config.people.get(PersonId(person)) if person else None
    return known.name if known else ""


def target_name(rules: Rules, target: str) -> str:
    """A target of a step as people read it: a person by name, a channel by where it writes to."""
    channel, _, destination = target.partition(":")
    return person_name(rules, target) or destination or channel


def with_names(rules: Rules, text: str) -> str:
    """A sentence of the program in which people stand by name, not by id."""
    ids = sorted(map(str, rules.config.people), key=len, reverse=True)
    named = re.compile(rf"(?<![\w@.-])(?:{'|'.join(map(re.escape, ids))})(?![\w@-])")
    return named.sub(lambda found: person_name(rules, found[0]), text) if ids else text
