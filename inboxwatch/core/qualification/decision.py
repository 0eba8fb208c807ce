"""Which class an inquiry has, and by what it was decided (rules 41, 42, 49, 51); how much it is worth (rule 52)."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cached_property
from typing import NamedTuple

from inboxwatch.core.leads import plain_address
from inboxwatch.core.model import ClockId, Lead, LeadId, Message, MessageId
from inboxwatch.core.qualification.inquiry import NOTHING, ClassRule, Inquiry, parts_of, read
from inboxwatch.core.qualification.score import ScoreLine, ScoreRule, lead_facts, score, tier_of
from inboxwatch.core.sla.timeline import Mail

SALES, UNKNOWN, CUSTOMER = "sales", "unknown", "customer"
FILTERED = "filtered"
PERSON = "person:"
"""Before the id of who decided a class by a verdict."""
RULE, AUDIT = "rule:", "audit:"
"""Before the name of the rule that decided a class, or would have but for the audit."""
LIST, REPLY = "list", "reply"
"""What decided a class that a source of leads names, and that of a thread in which one of ours has written."""


class Decision(NamedTuple):
    """A class, and what decided it."""

    gives: str
    by: str
    """rule:NAME, list, status, lead, reply, default, audit:NAME, person:ID."""
    held_back: str = ""
    """The rule that would have filtered a known open lead."""

    @property
    def by_person(self) -> bool:
        return self.by.startswith(PERSON)

    @property
    def audited(self) -> bool:
        return self.by.startswith(AUDIT)

    @property
    def by_rule(self) -> bool:
        return self.by.startswith(RULE)


class Worth(NamedTuple):
    """What score and lead data say an inquiry is worth."""

    tier: str
    points: float
    lines: tuple[ScoreLine, ...]


WORTHLESS = Worth("", 0, ())


class WorthBefore(NamedTuple):
    """What a wait was worth when it was folded last."""

    ids: frozenset[ClockId]
    """One for each of its messages by then."""
    worth: Worth


class SenderWord(NamedTuple):
    """A person's verdict for whatever somebody sends, from an instant on."""

    at: datetime
    gives: str
    """Empty: what was said before is taken back."""
    by: str
    tier: str = ""


@dataclass(frozen=True, slots=True)
class Qualification:
    """What the config says: classes, rules, tiers."""

    classes: Mapping[str, bool]
    """Class -> whether it has a clock."""
    rules: tuple[ClassRule, ...] = ()
    score: tuple[ScoreRule, ...] = ()
    customers: frozenset[str] = frozenset()
    """Statuses of leads whose inquiries are `customer`."""
    otherwise: str = UNKNOWN
    """The class of a stranger's inquiry that nothing fits."""
    tiers: Mapping[str, float] = field(default_factory=dict)
    """Tier -> the score from which it holds."""
    audit: int = 0
    """Percent of what rules would filter that people judge all the same."""
    forget_filtered: timedelta = timedelta(days=90)
    """How long it is kept who wrote what was filtered."""
    version: str = ""

    def clock(self, name: str) -> bool:
        """Whether a class has a clock; one that is not listed (any more) has."""
        return self.classes.get(name, True)

    def read(self, message: Message, author: str, ours: Collection[str]) -> Inquiry:
        """What a buyer's message tells by itself."""
        scored = [(one.name, one.words) for one in self.score if one.words is not None]
        return read(parts_of(message, author, ours), self.rules, scored)

    def audited(self, message: MessageId) -> bool:
        """Whether what rules would filter is left to people: by the Message-ID alone, so that it is the same always."""
        number = int.from_bytes(hashlib.sha256(message.encode("utf-8", "surrogateescape")).digest()[:4], "big")
        return number % 100 < self.audit


@dataclass(frozen=True)
class Qualifier:
    """Answers what an inquiry is, with the leads and the senders' words that were looked up."""

    qualification: Qualification
    leads: Mapping[LeadId, Lead]
    said: Mapping[str, Sequence[SenderWord]]
    """Plain address -> verdicts for the sender, oldest first."""
    is_free_mail: Callable[[str], bool]
    pinned: Mapping[MessageId, Decision] = field(default_factory=dict)
    """What inquiries were as they came, as it was decided then: changed rules and lists never touch it."""
    before: Mapping[ClockId, WorthBefore] = field(default_factory=dict)
    """Waits that were folded before: what changed at none of their messages then does not change there now."""

    @cached_property
    def _rules(self) -> Mapping[str, ClassRule]:
        return {rule.name: rule for rule in self.qualification.rules}

    def decide(self, mail: Mail) -> Decision:
        """The class of an inquiry in whose thread none of ours has written and nobody has judged."""
        word = self._word(mail)
        if word is not None:
            return Decision(word.gives, f"{PERSON}{word.by}")
        return self.pinned.get(mail.id) or self.decide_now(mail)

    def decide_now(self, mail: Mail) -> Decision:
        """What lists, rules and status make of it as they are now; nobody has said anything of the sender."""
        terms = self.qualification
        lead = self._lead(mail)
        is_open = lead is not None and lead.status == "open"
        listed = dict(lead.attributes).get("class", "").strip().lower() if lead is not None else ""
        if listed in terms.classes:
            return Decision(listed, LIST)
        held_back = ""
        if (rule := self._rules.get((mail.inquiry or NOTHING).rule)) is not None:
            if terms.clock(rule.gives):
                return Decision(rule.gives, f"{RULE}{rule.name}")
            if not is_open and terms.audited(mail.id):
                return Decision(UNKNOWN, f"{AUDIT}{rule.name}")
            if not is_open:
                return Decision(rule.gives, f"{RULE}{rule.name}")
            held_back = rule.name
        if lead is not None and lead.status in terms.customers:
            return Decision(CUSTOMER, "status")
        if is_open:
            return Decision(SALES, "lead", held_back)
        return Decision(terms.otherwise, "default")

    def worth(self, lead: LeadId, mails: Sequence[Mail]) -> Worth:
        """What a wait's messages so far and the lead's data are worth; the tier of a list goes before a score's."""
        known = self.leads.get(lead)
        facts = lead_facts(known, lead, self.is_free_mail)
        people = {mail.sender.email for mail in mails}
        facts |= {"nudges": str(len(mails) - 1), "people": str(len(people))}
        said = {name for mail in mails for name in (mail.inquiry or NOTHING).words}
        lines = score(self.qualification.score, facts, said)
        points = sum(line.points for line in lines)
        listed = known.tier if known is not None else ""
        return Worth(listed or tier_of(points, self.qualification.tiers), points, lines)

    def tier_said(self, mail: Mail) -> str:
        """The tier that a person named for whatever the sender writes; empty for none."""
        word = self._word(mail)
        return word.tier if word is not None else ""

    def _word(self, mail: Mail) -> SenderWord | None:
        words = self.said.get(plain_address(mail.sender.email), ())
        last = next((one for one in reversed(words) if one.at < mail.at), None)
        return last if last is not None and last.gives else None

    def _lead(self, mail: Mail) -> Lead | None:
        """The known lead who wrote, or of whose company they are; a provisional one is a stranger."""
        lead = self.leads.get(mail.sender.lead) if mail.sender.lead is not None else None
        return None if lead is None or lead.provisional else lead
