"""The one pure pipeline from parsed messages to entries of the timeline; the daemon and `replay` both use it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from functools import partial
from itertools import repeat

from inboxwatch.core.frozen import record
from inboxwatch.core.leads import Directory
from inboxwatch.core.mail import bookings, forms
from inboxwatch.core.mail.acquaintances import chosen_by_us, to_their_knowledge
from inboxwatch.core.mail.bearers import known_account, with_meant_ids
from inboxwatch.core.mail.classify import Grounds, classify, is_machine
from inboxwatch.core.mail.copies import NOBODY, Reader, account_of, told_apart
from inboxwatch.core.mail.correspondence import Correspondence
from inboxwatch.core.mail.judging import Arrived, Judge
from inboxwatch.core.mail.parties import Us, named_authors
from inboxwatch.core.mail.proofs import proof_of
from inboxwatch.core.mail.reply_rules import NO_RULES, Meanings
from inboxwatch.core.mail.threads import Known, ThreadIndex
from inboxwatch.core.mail.unknown_senders import is_word_of_somebody, leads_of_nobody
from inboxwatch.core.model import (
    Direction,
    Evidence,
    FolderRole,
    Kind,
    Lead,
    LeadId,
    Match,
    Message,
    MessageId,
    PersonId,
    ThreadId,
    Verdict,
)
from inboxwatch.core.proof import NOTHING_KNOWN, Proof, Standing

_NO_GROUNDS = Grounds(Verdict(Kind.HUMAN, ""))


def in_order(messages: Iterable[Message]) -> list[Message]:
    """Messages by time of receipt; of those received together, by id."""
    return sorted(messages, key=lambda one: (one.received_at, one.id))


@record(frozen=True, slots=True)
class Entry:
    """A message with everything that was decided about it."""

    message: Message
    direction: Direction
    verdict: Verdict
    match: Match
    lead: LeadId | None
    """Inbound: the sender's lead; outbound: that of the first recipient who has one."""
    lead_evidence: str
    """address, alias, thread, domain, reply_to, attendee, provisional, ambiguous, none; beside: a stranger of no known
    company who wrote in the lead's thread, as far as this intake has seen.
    """
    outside: tuple[tuple[str, LeadId | None], ...] = ()
    """Every recipient outside us, with the lead."""
    author: PersonId | None = None
    """Who of us wrote it, where we did."""
    stands: bool = True
    """False of a copy that only bears witness: a better account of the message stands."""
    grounds: Grounds = _NO_GROUNDS
    """What the kind was decided by, and will be again when more is read."""
    proof: Proof = NOTHING_KNOWN
    """Who really sent it, as far as this copy tells, looked at where something depends on it."""

    @property
    def is_filed(self) -> bool:
        """Whether it is to or from a lead: of other mail no more than a hash is left in the open."""
        return self.lead is not None or any(lead for _, lead in self.outside)


class Intake:
    """Places messages: direction, kind, thread and parent, lead."""

    def __init__(
        self,
        us: Us,
        directory: Directory,
        index: ThreadIndex,
        makes_lead: Callable[[Message], bool] = leads_of_nobody,
        meanings: Meanings = NO_RULES,
        correspondence: Correspondence | None = None,
    ) -> None:
        """`makes_lead`: whether mail of an unknown sender makes a provisional lead, by where it came in."""
        self.us = us
        self.directory = directory
        self.index = index
        self._makes_lead = makes_lead
        self.provisional = makes_lead is not leads_of_nobody
        """Whether an unknown sender may become a lead."""
        self.correspondence = correspondence if correspondence is not None else Correspondence()
        self.judge = Judge(us, directory, meanings, self.correspondence)
        self.reader: Reader = NOBODY
        """Whose mailbox the messages are read from."""
        self.new_leads: list[Lead] = []
        """Provisional leads made so far, to be stored."""

    def take(self, message: Message) -> Entry:
        """Places one message."""
        return self.take_batch([message])[0]

    def take_batch(
        self,
        messages: Iterable[Message],
        kinds: Iterable[Verdict] | None = None,
        readers: Iterable[Reader] | None = None,
    ) -> list[Entry]:
        """Places many; the entries come in the order of `in_order`, one for each copy.

        `kinds`: what `classify` said of each, if it was asked; `readers`: from whose mailbox each was read, if not all
        from that of `reader`.

        First the threads of all, then kinds and leads, so that the order of arrival is no evidence. Of several copies
        the one with the best account is placed, and only if no better one was placed before; one that bears the id of
        another message is told apart from it (`copies.told_apart`).
        """
        given = list(messages)
        kinds = map(classify, given) if kinds is None else kinds
        looked = zip(given, kinds, repeat(self.reader, len(given)) if readers is None else readers, strict=True)
        ordered = sorted(looked, key=lambda one: (one[0].received_at, one[0].id))
        apart = with_meant_ids(self.told_apart([message for message, _, _ in ordered]), self)
        copies = [self._look(message, *one[1:]) for message, one in zip(apart, ordered, strict=True)]
        first: dict[MessageId, datetime] = {}
        leading: dict[MessageId, Arrived] = {}
        for one in copies:
            id_ = one.message.id
            first.setdefault(id_, one.message.received_at)
            if id_ not in leading or leading[id_].account.key < one.account.key:
                leading[id_] = one
        for one in copies:
            self.index.counted(one.message)
        self._tell_named(leading, copies)
        entries = self._entries([one for one in leading.values() if self._stands(one)], first)
        for id_, at in first.items():
            if id_ not in entries:
                entries[id_] = self._witnessed(leading[id_], at)
        return [self._of_copy(one, entries[one.message.id], leading[one.message.id] is one) for one in copies]

    def _tell_named(self, leading: Mapping[MessageId, Arrived], copies: Sequence[Arrived]) -> None:
        """Programs keep in Sent what they send without telling what it answers: then its other copies tell."""
        others: dict[MessageId, list[Message]] = {}
        if len(copies) > len(leading):
            for copy in copies:
                if copy is not leading[copy.message.id]:
                    others.setdefault(copy.message.id, []).append(copy.message)
        for id_, one in leading.items():
            if id_ in others or id_ in self.index:
                self._tell_named_by(one, others.get(id_, []))

    def _tell_named_by(self, one: Arrived, others: Sequence[Message]) -> None:
        known = self.index.known(one.message.id)
        if known is not None and not self._stands(one):
            told = next(filter(self._is_believed, [one.message, *others]), None)
            if told is not None and known_account(known).is_sent:
                self.index.name(told)
        elif one.account.is_sent and not _names(one.message):
            named: Known | Message | None = known
            if known is None or not known.names:
                named = next(filter(self._is_believed, others), None)
            if named is not None:
                one.message = replace(one.message, in_reply_to=named.in_reply_to, references=named.references)

    def _is_believed(self, copy: Message) -> bool:
        """Whether a copy of ours tells what it answers, and nothing shows that it is not ours."""
        return _names(copy) and proof_of(copy, self.us).standing not in (Standing.FAILED, Standing.FOREIGN)

    def told_apart(self, messages: Sequence[Message]) -> Sequence[Message]:
        """The messages, each that bears the id of another one under an id of its own; the same where none does."""
        known = {
            id_: known_account(one)
            for id_ in (message.id for message in messages if message.id in self.index)
            if (one := self.index.known(id_)) is not None
        }
        told = told_apart(messages, known, self.us, self._is_of_leads)
        if told is not messages:
            for before, message in zip(messages, told, strict=True):
                if message is not before:
                    self.index.bear(before.id, message.id)
        return told

    def _is_of_leads(self, message: Message) -> bool:
        """Whether a lead is among the people of a message, by address."""
        emails = [message.sender.email, *self.us.outside_authors(message), *self.outside(message)]
        return any(self.directory.side_of(email)[1] for email in emails)

    def _look(self, message: Message, verdict: Verdict, reader: Reader) -> Arrived:
        """Who wrote to whom, and what a copy tells by itself."""
        direction, verdict = self.by_itself(message, verdict)
        account = account_of(message, direction, verdict.kind, self.us, reader)
        authors, outside = self.us.outside_authors(message), self.outside(message)
        return Arrived(message, direction, verdict, account, reader, authors=authors, outside=outside)

    def by_itself(self, message: Message, verdict: Verdict) -> tuple[Direction, Verdict]:
        """Who wrote to whom, and the kind, as far as a copy tells both."""
        direction = self.us.direction(message)
        if direction is Direction.INTERNAL and message.role is not FolderRole.SENT and verdict.kind is Kind.BOUNCE:
            # Our own mail system speaks for the buyer's, which did not take our message.
            direction = Direction.INBOUND
        elif direction is Direction.INBOUND:
            verdict = bookings.verdict(message, verdict, self.us)
            if verdict.kind in (Kind.BULK, Kind.HUMAN):
                verdict = self._of_form(message, verdict)
        return direction, verdict

    def _stands(self, copy: Arrived) -> bool:
        """Whether a copy's account counts: none is known, or it is the known one read again, or it is better."""
        known = self.index.known(copy.message.id) if copy.message.id in self.index else None
        if known is None:
            bare = self.correspondence.answered.get(copy.message.id)
            return copy.direction is not Direction.INBOUND or bare is None or not bare.is_ours
        account = known_account(known)
        return copy.account.digest == account.digest or copy.account.key > account.key

    def _entries(self, copies: Sequence[Arrived], first: Mapping[MessageId, datetime]) -> dict[MessageId, Entry]:
        """Places the copies that stand, each at the time of its message's first sighting."""
        for one in copies:
            at = first[one.message.id]
            one.message = one.message if one.message.received_at == at else replace(one.message, received_at=at)
            self.index.foresee(one.message)
            self.judge.note(one)
        # Of mail of ours that reached no lead no nearer ancestor is taken for the parent: it would seem to answer the
        # buyer.
        self.index.bystand([id_ for id_, above in self.correspondence.answered.items() if above.is_ours])
        sides = [self._sides(one.message, one.authors, one.outside) for one in copies]
        self.index.look_up_titles([(one.message, its) for one, its in zip(copies, sides, strict=True)])
        for one, its in zip(copies, sides, strict=True):
            self._place(one, its)
        self.index.settle()
        self.judge.decide(copies, self.index)
        for one in copies:
            self._lead(one, provisional=False)
        # By now the leads of all threads are known: who wrote before the thread had one is put on that side, and only
        # who is left without any becomes a new lead.
        made = len(self.new_leads)
        entries = {one.message.id: self._entry(one) for one in copies}
        if len(self.new_leads) > made:
            # What came before the message that made a lead is theirs as well.
            entries |= {one.message.id: self._entry(one) for one in copies if not entries[one.message.id].lead}
        # What is nobody's is not there for a later batch either.
        if self.index.leave_out([id_ for id_, one in entries.items() if not concerns_a_lead(one, self.index)]):
            for one in copies:
                one.leads = None
            entries = {one.message.id: self._entry(one) for one in copies}
        return entries

    def _witnessed(self, copy: Arrived, at: datetime) -> Entry:
        """The entry of a message of which a better account is known: it may have been seen earlier, no more."""
        known = self.index.known(copy.message.id)
        if known is None:
            nowhere = Match(ThreadId(""), None, Evidence.NONE)
            return Entry(copy.message, Direction.OUTBOUND, copy.alone, nowhere, None, "none", stands=False)
        self.index.seen(known.id, at)
        match = Match(known.thread, known.parent, known.evidence, known.confidence)
        verdict = replace(copy.alone, kind=known.kind)
        proof = proof_of(copy.message, self.us)
        return Entry(copy.message, known.direction, verdict, match, known.lead, "none", stands=False, proof=proof)

    def _of_copy(self, copy: Arrived, entry: Entry, leading: bool) -> Entry:
        """The entry of one copy: what was decided about the message, and where and when this copy was seen."""
        if leading:
            return entry
        return replace(entry, message=copy.message, stands=False, proof=proof_of(copy.message, self.us))

    def _place(self, one: Arrived, sides: frozenset[str]) -> None:
        one.match = self.index.match(one.message, one.direction, one.alone, sides)
        known = self.index.add(one.message, one.direction, one.alone, one.match, one.account)
        one.at = min(one.message.received_at, known.at)

    def sides(self, message: Message) -> frozenset[str]:
        """The buyers' sides that a message is between, by addresses alone; where it is no buyer's, everybody outside.

        Mail that a form wrote is its author's: all mail of a form has one sender.
        """
        return self._sides(message, self.us.outside_authors(message), self.outside(message))

    def _sides(self, message: Message, authors: Sequence[str], outside: Sequence[str]) -> frozenset[str]:
        us = self.us
        form = self._form_author(message) if authors else ""
        people = [form] if form else [message.sender.email, *authors]
        told = [self.directory.side_of(email) for email in dict.fromkeys((*people, *outside))
                if "@" in email and not us.is_ours(email)]  # fmt: skip
        return frozenset([side for side, lead in told if lead] or [side for side, _ in told])

    def _of_form(self, message: Message, verdict: Verdict) -> Verdict:
        """The verdict of mail that a form, ours or another's, wrote in a buyer's name."""
        if self.us.is_ours(message.sender.email):
            authors = self.us.outside_authors(message)
            if not authors or all(is_machine(email) for email in authors):
                return verdict
            return Verdict(Kind.HUMAN, "a form of ours, to be answered to somebody outside", owes_reply=True)
        author = self._form_author(message)
        generated = verdict.weight is not None or verdict.signal.startswith("auto-submitted: auto-generated")
        if author and (verdict.kind is Kind.HUMAN or generated):
            return replace(verdict, kind=Kind.HUMAN, signal=f"a form, to be answered to {author}", owes_reply=True)
        return verdict

    def _form_author(self, message: Message) -> str:
        """Who filled in a form that is not ours, or nothing."""
        to_us = any(self.us.is_ours(one.email) for one in message.recipients)
        author = forms.author(message) if message.reply_to and to_us else ""
        return "" if author and self.us.is_ours(author) else author

    @property
    def written(self) -> Mapping[str, datetime]:
        """To whom we wrote and when first, as far as this intake has seen: to be stored. Addresses are plain."""
        return self.judge.wrote.written

    def _entry(self, one: Arrived) -> Entry:
        message, direction, verdict, match = one.message, one.direction, one.verdict, one.match
        known = self.index.known(message.id)
        if known is not None:
            # Later ones of the batch may have told better.
            match = Match(known.thread, known.parent, known.evidence, known.confidence)
        lead, evidence = self._lead(one, provisional=self._makes_lead(message))
        leads = self.index.leads_beside(message.id)
        attribute = self.directory.attribute
        outside = tuple([(email, attribute(email, thread=leads)[0]) for email in one.outside])
        author = self._author(one) if direction is not Direction.INBOUND else None
        grounds = one.grounds
        if lead is not None or leads or any(theirs for _, theirs in outside):
            grounds = self.judge.full_grounds(one, self.index)
        proof = self.proof(message, direction, verdict)
        return Entry(message, direction, verdict, match, lead, evidence, outside, author, grounds=grounds, proof=proof)

    def proof(self, message: Message, direction: Direction, verdict: Verdict) -> Proof:
        """The proof of a copy where it matters: what only starts a wait may come from anybody.

        A failure is always kept: the message may be judged again, and name an effect then.
        """
        decides = direction is not Direction.INBOUND or verdict.effect or verdict.delivery or verdict.vacation
        failed = message.stamps and any("fail" in stamp for stamp in message.stamps)
        return proof_of(message, self.us) if decides or failed else NOTHING_KNOWN

    def _author(self, one: Arrived) -> PersonId | None:
        """Who of us wrote it: whom Sender names, else who stands in From, else whose own Sent folder it is in."""
        owner = one.reader.owner if one.message.role is FolderRole.SENT else None
        return self.us.writer(one.message) or owner

    def outside(self, message: Message) -> list[str]:
        """The recipients outside us."""
        return [one.email for one in message.recipients if "@" in one.email and not self.us.is_ours(one.email)]

    def _lead(self, one: Arrived, *, provisional: bool) -> tuple[LeadId | None, str]:
        """The lead of a message and the evidence for it; what headers join with it is credited with the lead."""
        message, direction = one.message, one.direction
        leads = self.index.leads_beside(message.id)
        if leads == one.leads and not provisional:
            return one.lead
        lead, evidence = None, "none"
        if direction is Direction.INBOUND:
            lead, evidence = self._sender(one, leads, provisional=provisional)
        elif direction is Direction.OUTBOUND:
            for email in one.outside:
                lead, evidence = self.directory.attribute(email, thread=leads)
                if lead:
                    break
        if lead:
            self.index.credit(message.id, lead)
        elif len(leads) == 1 and direction is not Direction.INTERNAL:
            # Mail with a third party is part of the lead's story, and leads on to it.
            self.index.credit(message.id, next(iter(leads)))
        one.leads, one.lead = leads, (lead, evidence)
        return lead, evidence

    def _sender(self, one: Arrived, leads: frozenset[LeadId], *, provisional: bool) -> tuple[LeadId | None, str]:
        """The lead whose side wrote an inbound message."""
        message, verdict = one.message, one.verdict
        if verdict.kind is Kind.BOUNCE and verdict.delivery is not None:
            for failed in sorted(verdict.delivery.recipients):
                lead, evidence = self.directory.attribute(failed, thread=leads)
                if lead:
                    return lead, evidence
            return (next(iter(leads)), "thread") if len(leads) == 1 else (None, "none")
        if verdict.effect == bookings.EFFECT:
            return bookings.booker(message, self.us, self.directory)
        email, authors = message.sender.email, one.authors
        form = "" if self.us.is_ours(email) else self._form_author(message)
        if authors and (form or self.us.is_ours(email)):
            authors = [form] if form else authors
            lead, evidence = self.directory.attribute(authors[0], thread=leads)
            evidence = "reply_to" if evidence in ("address", "alias") else evidence
        else:
            lead, evidence = self.directory.attribute(email, thread=leads, reply_to=authors)
        if lead is None and evidence == "none" and len(leads) == 1:
            (first,) = leads
            if self._beside(message, first):
                return first, "beside"
            provisional = provisional and not chosen_by_us(message, self.index, partial(self._is_of, first))
        if lead is None and evidence == "none" and provisional and is_word_of_somebody(message, verdict):
            told = form or (authors[0] if authors and (self.us.is_ours(email) or _rewritten(message)) else "")
            author, name = (told, _name_of(told, message)) if told else (email, message.sender.name)
            return (self._provisional(author, name), "provisional") if "@" in author else (None, "none")
        return lead, evidence

    def _beside(self, message: Message, lead: LeadId) -> bool:
        """Whether a stranger wrote in the thread of a lead to the lead's knowledge, and was not chosen by us alone."""
        is_theirs = partial(self._is_of, lead)
        chosen = chosen_by_us(message, self.index, is_theirs)
        return not chosen and to_their_knowledge(message, self.index, is_theirs)

    def _is_of(self, lead: LeadId, email: str) -> bool:
        """Whether an address is a lead's own, or of the lead's company."""
        known = self.directory.by_address(email)
        return (known is not None and known.id == lead) or self.directory.same_company(email, lead)

    def _provisional(self, email: str, name: str) -> LeadId:
        made = Lead(LeadId(email), name=name, provisional=True, source="unknown sender")
        self.directory.add(made)
        self.new_leads.append(made)
        return made.id


def concerns_a_lead(entry: Entry, index: ThreadIndex) -> bool:
    """Whether a message is to or from a lead, or told in a lead's thread to or by somebody outside."""
    if entry.lead is not None or any(lead for _, lead in entry.outside):
        return True
    return entry.direction is not Direction.INTERNAL and bool(index.leads_beside(entry.message.id))


def addresses_of(message: Message) -> set[str]:
    """Every address of a message by which its lead may be found: what to look up before `take_batch`."""
    people = (message.sender, *message.recipients)
    return {one.email for one in people if one.email}.union(named_authors(message), bookings.attendees_of(message))


def _names(message: Message) -> bool:
    return bool(message.in_reply_to or message.references)


def _name_of(email: str, message: Message) -> str:
    """The name beside an author's address, else the one in From."""
    return next((one.name for one in message.reply_to if one.email == email and one.name), message.sender.name)


def _rewritten(message: Message) -> bool:
    """Whether a list wrote the From line in somebody's name ("X via list")."""
    return " via " in message.sender.name.casefold() or bool(message.mark("list-id"))
