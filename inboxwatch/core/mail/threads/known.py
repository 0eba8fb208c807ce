"""What is remembered of a message for those that will answer it, and what must be looked up to place one."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from itertools import pairwise

from inboxwatch.core.mail import subjects
from inboxwatch.core.mail.copies import Account
from inboxwatch.core.mail.quotes import Quotation
from inboxwatch.core.model import Direction, Evidence, Kind, LeadId, Message, MessageId, ThreadId, Verdict

ROOT = 22
"""Bytes of a Thread-Index that all messages of a conversation share."""
WEAK = frozenset({Evidence.NONE, Evidence.SUBJECT, Evidence.QUOTE})
"""Evidence that a better candidate may overrule."""


@dataclass(slots=True)
class Known:
    """A message that was placed. All but `quotation` can be stored.

    The index changes its thread, parent and lead when later mail tells better; everybody else only reads.
    """

    id: MessageId
    thread: ThreadId
    at: datetime
    direction: Direction
    kind: Kind
    parent: MessageId | None = None
    evidence: Evidence = Evidence.NONE
    confidence: float = 1.0
    named: MessageId | None = None
    """The parent that its own headers name; not `parent` where that one was not read, or had its id rewritten."""
    above: MessageId | None = None
    """The parent's parent, as its own headers tell."""
    sender: str = ""
    """E-mail address, lower case."""
    name: str = ""
    """The sender's display name."""
    answer_to: frozenset[str] = frozenset()
    """Where its answers go (Reply-To): its author, where a list or a form stands in From."""
    to: frozenset[str] = frozenset()
    participants: frozenset[str] = frozenset()
    """Sender and all recipients."""
    subject_key: str = ""
    was_key: str = ""
    """The key of the subject that its own one replaced."""
    answers: bool = False
    """Its subject bears the prefix of an answer."""
    sent_at: datetime | None = None
    provider_thread: str | None = None
    thread_index: bytes | None = None
    lead: LeadId | None = None
    """The lead whose side wrote or received it."""
    apart: ThreadId | None = None
    """The thread that a person has split it from: no guess joins the two again."""
    account: Account | None = field(default=None, compare=False)
    """The account by which it is known; None of what an older version has stored."""
    quotation: Quotation | None = field(default=None, compare=False, repr=False)


def named_parent(message: Message) -> MessageId | None:
    """The parent that a message's own headers name; of several the one that stands last in its References."""
    answered = message.in_reply_to
    if len(answered) > 1:
        return next((one for one in reversed(message.references) if one in answered), answered[0])
    return answered[0] if answered else message.references[-1] if message.references else None


def told_order(message: Message) -> Iterable[tuple[MessageId, MessageId]]:
    """Pairs of ids of which, as the References of another message tell, the first is answered by the second.

    RFC 5322 (3.6.4) has the oldest first. Where In-Reply-To shows that a program writes the answered id first (Domino,
    nmh), in what order the others stand behind it is not known.
    """
    chain = message.references
    answered = message.in_reply_to
    if answered and chain and chain[-1] not in answered and not set(chain).isdisjoint(answered):
        return ()
    return pairwise(chain)


def restate(known: Known, better: Known) -> None:
    """Takes over what a better account of a message tells; its place stays."""
    known.direction, known.kind, known.account = better.direction, better.kind, better.account
    known.sender, known.name = better.sender, better.name
    known.to, known.participants = better.to, better.participants
    known.at, known.sent_at = min(known.at, better.at), better.sent_at


def draft(message: Message, direction: Direction, verdict: Verdict, quotation: Quotation | None) -> Known:
    """A message as it will be known, before it has a thread and a parent."""
    subject = subjects.read(message.subject)
    chain = message.references
    named = named_parent(message)
    above = chain[-2] if len(chain) > 1 and chain[-1] == named else chain[-1] if chain and chain[-1] != named else None
    return Known(
        id=message.id,
        thread=ThreadId(""),
        at=message.received_at,
        direction=direction,
        kind=verdict.kind,
        named=named,
        above=above,
        sender=message.sender.email,
        name=message.sender.name,
        answer_to=frozenset([one.email for one in message.reply_to if one.email]),
        to=frozenset([one.email for one in message.to]),
        participants=frozenset([one.email for one in (message.sender, *message.recipients) if one.email]),
        subject_key=subject.key,
        was_key=subject.was,
        answers=subject.reply,
        sent_at=message.sent_at,
        provider_thread=message.provider_thread,
        thread_index=message.thread_index,
        quotation=quotation,
    )


@dataclass(frozen=True, slots=True)
class Keys:
    """What to look up, in one go, before a batch is matched.

    For each id: the message, the ghost, and the messages whose `named` it is; for the other keys: the messages that
    have them, of the last `likeness.WINDOW` where there are many.
    """

    ids: frozenset[MessageId]
    provider_threads: frozenset[str]
    index_roots: frozenset[bytes]
    subject_keys: frozenset[str]


def keys(messages: Iterable[Message]) -> Keys:
    """The keys under which the index must know all that is known before `match` is asked about these messages."""
    ids: set[MessageId] = set()
    providers: set[str] = set()
    roots: set[bytes] = set()
    titles: set[str] = set()
    for message in messages:
        ids.add(message.id)
        ids.update(message.in_reply_to)
        ids.update(message.references)
        if message.provider_thread:
            providers.add(message.provider_thread)
        if message.thread_index:
            roots.add(message.thread_index[:ROOT])
        subject = subjects.read(message.subject)
        titles.update(one for one in (subject.key, subject.was) if one)
    return Keys(frozenset(ids), frozenset(providers), frozenset(roots), frozenset(titles))
