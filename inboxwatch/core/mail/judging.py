"""Decides the kinds of a batch, once all its messages have their places: of what is answered before its answers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from inboxwatch.core.leads import Directory
from inboxwatch.core.mail import subjects
from inboxwatch.core.mail.classify import FEW, HUMAN, UNRELATED, Answered, Grounds, Relation, Trait, judge, traits_of
from inboxwatch.core.mail.copies import NOBODY, Account, Reader
from inboxwatch.core.mail.correspondence import Correspondence, answered, recipients
from inboxwatch.core.mail.parties import Us
from inboxwatch.core.mail.reply_rules import MEANT, Meanings
from inboxwatch.core.mail.threads import ThreadIndex
from inboxwatch.core.model import Direction, Evidence, Kind, LeadId, Match, Message, MessageId, ThreadId, Verdict

NOWHERE = Match(ThreadId(""), None, Evidence.NONE)
_NEVER = datetime.min.replace(tzinfo=UTC)
NO_ACCOUNT = Account(0, _NEVER, 0, frozenset())
"""Of a message that has no copies to tell it from."""
_OURS = frozenset({Trait.OURS})
_NO_TRAITS: frozenset[Trait] = frozenset()
_PLAIN, _OUR_PLAIN = Grounds(HUMAN), Grounds(HUMAN, _OURS)


@dataclass(slots=True, eq=False)
class Arrived:
    """A message of a batch, and what is worked out of it step by step."""

    message: Message
    direction: Direction
    alone: Verdict
    """The kind by itself."""
    account: Account = NO_ACCOUNT
    reader: Reader = NOBODY
    """From whose mailbox it was read."""
    match: Match = NOWHERE
    at: datetime = _NEVER
    """UTC; its earliest sighting."""
    authors: Sequence[str] = ()
    """Who wrote it, of those outside us whom Reply-To or a list names."""
    outside: Sequence[str] = ()
    """The recipients outside us."""
    leads: frozenset[LeadId] | None = None
    """The leads beside it when its own was looked for."""
    lead: tuple[LeadId | None, str] = (None, "none")
    """Its own lead as it was found then, and the evidence."""
    verdict: Verdict = field(init=False)
    grounds: Grounds = field(init=False)


class Judge:
    """Decides kinds by the messages themselves and by all that is known beside them."""

    def __init__(
        self,
        us: Us,
        directory: Directory,
        meanings: Meanings,
        correspondence: Correspondence | None = None,
    ) -> None:
        self._us = us
        self._directory = directory
        self._index = ThreadIndex()
        self._meanings = meanings
        self._known = correspondence if correspondence is not None else Correspondence()
        self.wrote = Correspondence()
        """To whom we wrote in what was noted here."""

    def note(self, one: Arrived) -> None:
        """Notes to whom we wrote; a program of ours that answers whatever comes makes nobody a correspondent."""
        message = one.message
        if one.alone.kind is not Kind.AUTO_REPLY and self._us.is_ours(message.sender.email):
            outside = recipients(message, self._us)
            self.wrote.wrote(outside, message.received_at)
            self._known.wrote(outside, message.received_at)

    def decide(self, read: Sequence[Arrived], index: ThreadIndex) -> None:
        """Gives each message its verdict, and its kind in the index."""
        self._index = index
        first: dict[MessageId, Arrived] = {}
        for one in read:
            first.setdefault(one.message.id, one)
        done: set[MessageId] = set()
        for one in read:
            chain = [one]
            while (parent := self._parent_of(chain[-1])) is not None:
                above = first.get(parent)
                if above is None or parent in done or above in chain:
                    break
                chain.append(above)
            for each in reversed(chain):
                self._decide_one(each, first)
                done.add(each.message.id)

    def full_grounds(self, one: Arrived, index: ThreadIndex) -> Grounds:
        """The grounds with what the words mean, by each kind that the message is, or may turn out to be later."""
        message, alone = one.message, one.alone
        self._index = index
        if one.direction is not Direction.INBOUND:
            return one.grounds
        if alone is HUMAN and one.verdict.kind is Kind.HUMAN and not self._awaits_parent(one):
            return one.grounds
        kinds = {one.verdict.kind, alone.kind, Kind.HUMAN}
        if alone.kind is Kind.HUMAN and self._awaits_parent(one):
            kinds.add(Kind.AUTO_REPLY)
        if kinds == {Kind.HUMAN} and not alone.machine:
            return one.grounds
        meant = {kind: self._meanings.meant(message, kind, vacation=alone.vacation) for kind in sorted(kinds & MEANT)}
        return Grounds(alone, one.grounds.traits, meant)

    def decide_nobodys(self, one: Arrived, above: Arrived | None, parent: MessageId | None) -> None:
        """Gives a message of nobody's its verdict: `above` is what it answers, or `parent` the id of that. What its
        words mean is told of our own automatic answers alone: they say who is away.
        """
        if above is not None:
            few = len({to.email for to in above.message.to}) < FEW
            answers: Answered | None = Answered(above.direction, above.verdict.kind, above.at, few)
        else:
            answers = self._known.answered.get(parent) if parent is not None else None
        self._judge(one, answers)
        if one.direction is not Direction.INBOUND and one.verdict.kind is Kind.AUTO_REPLY:
            one.verdict = self._meanings.of(one.message, one.verdict)

    def _decide_one(self, one: Arrived, batch: Mapping[MessageId, Arrived]) -> None:
        ours = one.direction is not Direction.INBOUND
        is_plain = self._judge(one, self._answered(one, batch))
        if not ours or one.verdict.kind is Kind.AUTO_REPLY:
            one.verdict = self._meanings.of(one.message, one.verdict)
        if is_plain:
            return
        known = self._index.known(one.message.id)
        if known is not None and batch[one.message.id] is one:
            known.kind = one.verdict.kind

    def _judge(self, one: Arrived, parent: Answered | None) -> bool:
        """Gives a message its grounds and its verdict, without what its words mean; returns whether nothing but the
        message decides.
        """
        message, alone = one.message, one.alone
        ours = one.direction is not Direction.INBOUND
        if alone is HUMAN and not self._known.facts and (ours or parent is None or not parent.is_ours):
            one.grounds, one.verdict = _OUR_PLAIN if ours else _PLAIN, alone
            return True
        traits = _OURS if ours else _NO_TRAITS
        if alone.kind in (Kind.BULK, Kind.AUTO_REPLY):
            to_us = [self._us.is_ours(to.email) for to in message.recipients]
            traits = traits_of(message, alone, ours=ours, to_us=any(to_us), us_alone=all(to_us))
        one.grounds = Grounds(alone, traits)
        one.verdict = judge(one.grounds, one.at, self._relation(one, parent))
        return False

    def _relation(self, one: Arrived, parent: Answered | None) -> Relation:
        """What is known beside a message."""
        email = one.message.sender.email
        fact = self._known.fact(one.message.id, email)
        if one.direction is not Direction.INBOUND or one.alone.kind is not Kind.BULK:
            return UNRELATED if parent is None and fact is None else Relation(parent, fact=fact)
        lead = self._directory.by_address(email)
        return Relation(
            parent,
            lead=lead is not None and not lead.provisional,
            written_to=self._known.had_written(email, one.at),
            fact=fact,
        )

    def _answered(self, one: Arrived, batch: Mapping[MessageId, Arrived]) -> Answered | None:
        """The message that another answers, as far as it was read."""
        parent = self._parent_of(one)
        if parent is None:
            return None
        if (known := self._index.known(parent)) is not None:
            return answered(known, batch[parent].at if parent in batch else None)
        return self._known.answered.get(parent)

    def _parent_of(self, one: Arrived) -> MessageId | None:
        id_ = one.message.id
        return self._index.parent_of(id_) if id_ in self._index else one.match.parent

    def _awaits_parent(self, one: Arrived) -> bool:
        """Whether it seems to answer a message that was not read yet."""
        parent = self._parent_of(one)
        if parent is not None:
            return parent not in self._index
        return subjects.read(one.message.subject).reply
