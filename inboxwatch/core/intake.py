"""The one pure pipeline from parsed messages to entries of the timeline; the daemon and `replay` both use it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from inboxwatch.core.classify import classify, reconsider
from inboxwatch.core.leads import Directory
from inboxwatch.core.meaning import NO_RULES, Meanings
from inboxwatch.core.model import Direction, Kind, Lead, LeadId, Match, Message, MessageId, Verdict
from inboxwatch.core.parties import Us
from inboxwatch.core.threads import ThreadIndex

COPY = timedelta(hours=1)
"""Copies of one message bear one date; APIs that tell the time of sending instead differ by less than this."""
_MARK = ";copy="


def in_order(messages: Iterable[Message]) -> list[Message]:
    """Messages by time of receipt; of those received together, by id."""
    return sorted(messages, key=lambda one: (one.received_at, one.id))


def written_id(id: MessageId) -> MessageId:  # noqa: A002  (the word of the field)
    """The Message-ID as its header has it; `Message.id` differs from it where several messages bear one id."""
    return MessageId(id.partition(_MARK)[0])


class UnknownSenders(StrEnum):
    """For whose mail a provisional lead is made."""

    SHARED = "shared"
    NEVER = "never"
    ALWAYS = "always"


@dataclass(frozen=True, slots=True)
class Entry:
    """A message with everything that was decided about it."""

    message: Message
    direction: Direction
    verdict: Verdict
    match: Match
    lead: LeadId | None
    """Inbound: the sender's lead; outbound: that of the first recipient who has one."""
    lead_evidence: str
    """address, alias, thread, domain, reply_to, provisional, ambiguous, none."""
    outside: tuple[tuple[str, LeadId | None], ...] = ()
    """Every recipient outside us, with his lead."""


class Intake:
    """Places messages: direction, kind, thread and parent, lead."""

    def __init__(
        self,
        us: Us,
        directory: Directory,
        index: ThreadIndex,
        unknown: UnknownSenders = UnknownSenders.SHARED,
        shared_mailbox: bool = False,
        meanings: Meanings = NO_RULES,
    ) -> None:
        self.us = us
        self.directory = directory
        self.index = index
        self.provisional = unknown is UnknownSenders.ALWAYS or (unknown is UnknownSenders.SHARED and shared_mailbox)
        self.meanings = meanings
        self.new_leads: list[Lead] = []
        """Provisional leads made so far, to be stored."""

    def take(self, message: Message) -> Entry:
        """Places one message."""
        return self.take_batch([message])[0]

    def take_batch(self, messages: Iterable[Message]) -> list[Entry]:
        """Places many; the entries come in the order of `in_order`.

        First the threads of all, then kinds and leads, so that the order of arrival is no evidence. A message that was
        placed before gets the same place; one that bears the id of another is told apart from it (`written_id`).
        """
        ordered = self._told_apart(in_order(messages))
        for message in ordered:
            self.index.foresee(message)
        placed = [(message, *self._place(message)) for message in ordered]
        entries = [self._attribute(*one) for one in placed]
        # Who joined a thread before its lead was known is put on that lead's side now.
        return [self._again(entry) for entry in entries]

    def _told_apart(self, ordered: list[Message]) -> list[Message]:
        """Gives an id of its own to each message that bears the id of another: broken programs use one for many."""
        first: dict[MessageId, datetime | None] = {}
        kept = []
        for message in ordered:
            known = self.index.known(message.id)
            sent = first.setdefault(message.id, known.sent_at if known is not None else message.sent_at)
            if sent is not None and message.sent_at is not None and abs(sent - message.sent_at) > COPY:
                mark = hashlib.sha256(f"{message.sent_at} {message.sender.email}".encode()).hexdigest()[:8]
                message = replace(message, id=MessageId(f"{message.id}{_MARK}{mark}"))
            kept.append(message)
        return kept

    def _place(self, message: Message) -> tuple[Direction, Verdict, Match]:
        direction = self.us.direction(message)
        verdict = classify(message)
        match = self.index.match(message, direction, verdict)
        parent = self.index.known(match.parent) if match.parent else None
        from_us = direction is not Direction.INBOUND
        verdict = reconsider(verdict, message, parent, to_us=self._to_us(message), from_us=from_us)
        if not from_us or verdict.kind is Kind.AUTO_REPLY:
            verdict = self.meanings.of(message, verdict)
        self.index.add(message, direction, verdict, match)
        return direction, verdict, match

    def _to_us(self, message: Message) -> bool:
        return any(self.us.is_ours(one.email) for one in message.recipients)

    def _attribute(self, message: Message, direction: Direction, verdict: Verdict, match: Match) -> Entry:
        match = self._current(match)
        leads = self.index.leads_of(match.thread)
        outside = tuple(
            (one.email, self.directory.attribute(one.email, thread=leads)[0])
            for one in message.recipients
            if one.email and not self.us.is_ours(one.email)
        )
        lead, evidence = None, "none"
        if direction is Direction.INBOUND:
            lead, evidence = self._sender(message, verdict, leads)
        elif direction is Direction.OUTBOUND:
            for email, _ in outside:
                lead, evidence = self.directory.attribute(email, thread=leads)
                if lead:
                    break
        if lead:
            self.index.credit(message.id, lead)
        return Entry(message, direction, verdict, match, lead, evidence, outside)

    def _sender(self, message: Message, verdict: Verdict, leads: frozenset[LeadId]) -> tuple[LeadId | None, str]:
        """The lead whose side wrote an inbound message."""
        email = message.sender.email
        if verdict.kind is Kind.BOUNCE and verdict.delivery is not None:
            for failed in sorted(verdict.delivery.recipients):
                if found := self.directory.by_address(failed):
                    return found.id, "address"
            return (next(iter(leads)), "thread") if len(leads) == 1 else (None, "none")
        others = [one.email for one in message.reply_to if not self.us.is_ours(one.email)]
        original = message.mark("x-original-from") or message.mark("x-original-sender")
        if original and "@" in original:
            others.append(original.rpartition("<")[2].strip(" >").lower())
        lead, evidence = self.directory.attribute(email, thread=leads, reply_to=others)
        if lead is None and evidence == "none" and self.provisional and verdict.kind is Kind.HUMAN and email:
            author = others[0] if others and not self.directory.is_free_mail(email) and _rewritten(message) else email
            made = Lead(LeadId(author), name=message.sender.name, provisional=True, source="unknown sender")
            self.directory.add(made)
            self.new_leads.append(made)
            return made.id, "provisional"
        return lead, evidence

    def _current(self, match: Match) -> Match:
        """A match with its thread after all merges."""
        thread = self.index.canonical(match.thread)
        return match if thread == match.thread else replace(match, thread=thread)

    def _again(self, entry: Entry) -> Entry:
        if entry.lead or entry.direction is Direction.INTERNAL or entry.lead_evidence == "ambiguous":
            return entry
        if not self.index.leads_of(entry.match.thread):
            return entry
        return self._attribute(entry.message, entry.direction, entry.verdict, entry.match)


def _rewritten(message: Message) -> bool:
    """Whether a list or a form wrote the From line in somebody's name ("X via list")."""
    return " via " in message.sender.name.casefold() or bool(message.mark("list-id"))
