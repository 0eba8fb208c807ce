"""What the rules know of a wait: facts of its lead and mailbox, its policy, the people as they are now."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta
from functools import cached_property
from typing import Protocol

from inboxwatch.core.mail.parties import Us
from inboxwatch.core.model import Lead, LeadId, MailboxId, PersonId
from inboxwatch.core.ownership.people import Person, Team
from inboxwatch.core.ownership.reasons import SeenAway
from inboxwatch.core.ownership.routing import Case, Roster, RoutingRule
from inboxwatch.core.qualification.decision import Qualification
from inboxwatch.core.sla.clock import Clock, Wait
from inboxwatch.core.sla.policy import SLAPolicy, choose
from inboxwatch.core.sla.terms import Qualified
from inboxwatch.store.records import MailboxRecord

FRESH = timedelta(seconds=10)
"""A mailbox that was read so short a time ago need not be read again before a step leaves."""
LOOK_AT_ALL = 200
"""With at most so many mailboxes all of them are read before a step leaves; with more, those of owner and team."""

Leads = Mapping[LeadId, Lead]
"""The leads of the waits at hand, by id; one that is missing is not known any more."""


class WatchedMailbox(Protocol):
    """What rules need of a mailbox."""

    @property
    def address(self) -> str: ...
    @property
    def owner(self) -> str | None: ...
    @property
    def team(self) -> str | None: ...


class Setting(Protocol):
    """What deciding needs of a config; a back-test without one makes its own."""

    @property
    def us(self) -> Us: ...
    @property
    def people(self) -> Mapping[PersonId, Person]: ...
    @property
    def teams(self) -> Mapping[str, Team]: ...
    @property
    def mailboxes(self) -> Mapping[MailboxId, WatchedMailbox]: ...
    @property
    def rules(self) -> tuple[RoutingRule, ...]: ...
    @property
    def fallback(self) -> PersonId: ...
    @property
    def policies(self) -> tuple[SLAPolicy, ...]: ...
    @property
    def stop_conditions(self) -> frozenset[str]: ...
    @property
    def qualification(self) -> Qualification | None: ...


class RuleContext:
    """Answers the rules' questions about waits from a setting and the leads given; the back-test and the engine
    share it. It holds no lead: whoever asks has looked the leads up in the transaction at hand.
    """

    def __init__(self, setting: Setting) -> None:
        self.setting = setting

    @cached_property
    def addresses(self) -> Mapping[str, MailboxId]:
        """The mailboxes by their addresses."""
        return {box.address: MailboxId(name) for name, box in self.setting.mailboxes.items()}

    @cached_property
    def _own(self) -> Mapping[str, set[str]]:
        """The mailboxes that each person owns."""
        own: dict[str, set[str]] = {}
        for name, box in self.setting.mailboxes.items():
            if box.owner:
                own.setdefault(box.owner, set()).add(name)
        return own

    def facts(
        self, lead_id: LeadId, lead: Lead | None, mailbox: MailboxId | None, qualified: Qualified | None = None
    ) -> dict[str, str]:
        """The values that `when` of SLA policies and routing rules looks at; `qualified`: what the wait is about."""
        box = self.setting.mailboxes.get(mailbox) if mailbox else None
        # A column of a list never stands for what is known here.
        facts = dict(lead.attributes) if lead is not None else {}
        facts |= {
            "mailbox": mailbox or "",
            "team": (box.team or "") if box else "",
            "domain": (lead.domain if lead else "") or lead_id.rpartition("@")[2],
            "class": "",
        }
        if lead is not None:
            facts |= {"tier": lead.tier, "country": lead.country, "language": lead.language, "source": lead.source}
        if qualified is not None:
            facts |= {"class": qualified.decision.gives, "tier": qualified.worth.tier}
        return facts

    def policy(self, wait: Wait, leads: Leads) -> SLAPolicy | None:
        """The first SLA policy that covers a wait as it opens."""
        started = wait.started
        facts = self.facts(wait.lead, leads.get(wait.lead), started.mailbox, wait.qualified)
        return choose(self.setting.policies, facts)

    def case(self, clock: Clock, leads: Leads) -> Case:
        """What routing knows of a wait."""
        return self.case_of(clock.lead, leads.get(clock.lead), clock.mailbox, clock.qualified)

    def case_of(
        self, lead_id: LeadId, lead: Lead | None, mailbox: MailboxId | None, qualified: Qualified | None = None
    ) -> Case:
        """What routing knows of a lead who writes to a mailbox."""
        box = self.setting.mailboxes.get(mailbox) if mailbox else None
        return Case(
            facts=self.facts(lead_id, lead, mailbox, qualified),
            lead_owner=lead.owner if lead and lead.owner in self.setting.people else None,
            mailbox_owner=PersonId(box.owner) if box and box.owner else None,
            team=box.team if box else None,
        )

    def roster(
        self,
        away: Mapping[PersonId, tuple[datetime, datetime]],
        load: Callable[[PersonId], int],
        assignments: Callable[[str], int],
    ) -> Roster:
        """The people now: absences seen in mail, open waits each owns, waits given to each team."""

        def seen_away(person: PersonId, at: datetime) -> SeenAway | None:
            since, until = away.get(person, (at, at))
            return SeenAway(person, since) if since <= at < until else None

        return Roster(
            people=self.setting.people,
            teams=self.setting.teams,
            rules=self.setting.rules,
            fallback=self.setting.fallback,
            seen_away=seen_away,
            load=load,
            assignments=assignments,
        )

    def watching(self, owner: PersonId | None, mailbox: MailboxId | None) -> set[str]:
        """The mailboxes whose Sent folder could hold the answer of an owner, or of their team for a shared mailbox."""
        box = self.setting.mailboxes.get(mailbox) if mailbox else None
        people: set[PersonId] = {owner} if owner else set()
        if box is not None and box.team is not None and box.team in self.setting.teams:
            people |= set(self.setting.teams[box.team].members)
        boxes = {str(mailbox)} if box is not None else set()
        return boxes.union(*(self._own.get(person, set()) for person in people))

    def colleagues(self, rows: Iterable[MailboxRecord]) -> set[str]:
        """Every mailbox that can be read, where there are few: any colleague may have answered (rule 7)."""
        read = (row for row in rows if row.failing_since is None and row.last_success is not None)
        well: set[str] = {row.id for row in read if row.id in self.setting.mailboxes}
        return well if len(well) <= LOOK_AT_ALL else set()
