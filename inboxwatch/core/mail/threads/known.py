"""What is remembered of a message for those that will answer it, and what must be looked up to place one."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import pairwise

from inboxwatch.core.mail import subjects
from inboxwatch.core.mail.copies import Account
from inboxwatch.core.mail.quotes import Quotation
from inboxwatch.core.model import Direction, Evidence, Kind, LeadId, Message, MessageId, ThreadId, Verdict

ROOT = 22
"""Bytes of a Thread-Index that all messages of a conversation share."""
CHAIN = 30
"""So many of the ids that a message names as its ancestors are kept."""
SKEW = timedelta(minutes=10)
"""How much earlier than the message it answers an answer may seem to have come."""
LIKE = timedelta(days=61)
"""So far apart messages of one title may be: `likeness.WINDOW`, and more than clocks of servers differ by."""
NOWHERE = ThreadId("")
GUESSED = frozenset({Evidence.SUBJECT, Evidence.QUOTE, Evidence.PROVIDER, Evidence.INDEX})
"""Evidence that no header with a Message-ID gives: confidence 1.0 says that a person has confirmed it."""


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
    provider_threads: frozenset[str] = frozenset()
    """The conversations to which the providers of the mailboxes where it was seen count it, each with its mailbox."""
    thread_index: bytes | None = None
    lead: LeadId | None = None
    """The lead whose side wrote or received it."""
    apart: ThreadId | None = None
    """The thread that a person has split it from: no guess joins the two again."""
    account: Account | None = field(default=None, compare=False)
    """The account by which it is known; None of what an older version has stored."""
    component: ThreadId = NOWHERE
    """The messages that headers join: what `thread` is where no guess places them under others."""
    beside: MessageId | None = None
    """The message of another component by which a guess has placed this one, and its whole component with it."""
    open: bool = True
    """No message that its headers name as the parent was read: only such a one is placed by guesses."""
    sides: frozenset[str] = frozenset()
    """The buyers' sides among sender and recipients, or everybody outside where none is a buyer's."""
    in_reply_to: tuple[MessageId, ...] = ()
    references: tuple[MessageId, ...] = ()
    """Oldest first, the last `CHAIN`."""
    answered: bool = False
    """A message that was read names it as its parent."""
    told: bool = False
    """Its text was read: what was found in it is not found again, for no text is kept."""
    sender_lead: LeadId | None = None
    """The lead who wrote it, if it is inbound."""
    series: str = ""
    """The numbered series of which it is a part, with its author; empty for most mail."""
    part: int = 0
    bearers: frozenset[MessageId] = frozenset()
    """The ids of other messages that bear the Message-ID of this one (`copies.told_apart`)."""
    quotation: Quotation | None = field(default=None, compare=False, repr=False)

    @property
    def names(self) -> tuple[MessageId, ...]:
        """The ids that its headers name, the likeliest parent first."""
        return (*self.in_reply_to, *reversed(self.references))


def named_parent(message: Message) -> MessageId | None:
    """The parent that a message's own headers name; of several the one that stands last in its References."""
    answered = message.in_reply_to
    if len(answered) > 1:
        return next((one for one in reversed(message.references) if one in answered), answered[0])
    return answered[0] if answered else message.references[-1] if message.references else None


def parent_above(named: MessageId | None, references: Sequence[MessageId]) -> MessageId | None:
    """The parent of the parent that headers name."""
    if not references or references[-1] != named:
        return references[-1] if references else None
    return references[-2] if len(references) > 1 else None


def answered_first(message: Message) -> tuple[MessageId, ...]:
    """The ids of In-Reply-To, the one that `named_parent` says first."""
    if len(message.in_reply_to) < 2:
        return message.in_reply_to
    named = named_parent(message)
    return tuple(sorted(message.in_reply_to, key=lambda one: one != named))


def told_order(message: Message) -> Iterable[tuple[MessageId, MessageId]]:
    """Pairs of ids of which, as the References of another message tell, the first is answered by the second.

    RFC 5322 (3.6.4) has the oldest first. Where In-Reply-To shows that a program writes the answered id first (Domino,
    nmh), in what order the others stand behind it is not known.
    """
    return _order(message.references, message.in_reply_to)


def known_order(known: Known) -> Iterable[tuple[MessageId, MessageId]]:
    """The same of a message that is known."""
    return _order(known.references, known.in_reply_to)


def _order(chain: tuple[MessageId, ...], answered: tuple[MessageId, ...]) -> Iterable[tuple[MessageId, MessageId]]:
    if answered and chain and chain[-1] not in answered and not set(chain).isdisjoint(answered):
        return ()
    return pairwise(chain)


def restate(known: Known, better: Known) -> bool:
    """Takes over what a better account of a message tells; returns whether it may belong elsewhere by that.

    Its place stays until then.
    """
    before = _placed_by(known)
    rename(known, better)
    known.subject_key, known.was_key, known.answers = better.subject_key, better.was_key, better.answers
    known.series, known.part, known.answer_to = better.series, better.part, better.answer_to
    known.thread_index = better.thread_index or known.thread_index
    known.direction, known.kind, known.account = better.direction, better.kind, better.account
    known.sender, known.name = better.sender, better.name
    known.to, known.participants, known.sides = better.to, better.participants, better.sides
    known.at, known.sent_at = min(known.at, better.at), better.sent_at
    return _placed_by(known) != before


def rename(known: Known, other: Known) -> None:
    """Takes over which messages an account of it names."""
    known.named, known.above = other.named, other.above
    known.in_reply_to, known.references = other.in_reply_to, other.references


def _placed_by(known: Known) -> tuple[object, ...]:
    """What its place depends on, of what its accounts may tell differently."""
    title = (known.subject_key, known.was_key, known.answers, known.series, known.part)
    return (known.in_reply_to, known.references, title, known.answer_to, known.thread_index)


def series_of(message: Message) -> tuple[str, int]:
    """The numbered series of which a message is a part, and its number there; empty for most mail."""
    subject = subjects.read(message.subject)
    if subject.series is None or subject.prefixed:
        return "", 0
    stem, part, count = subject.series
    return f"{message.sender.email} {count} {stem}", part


def draft(message: Message, direction: Direction, verdict: Verdict, quotation: Quotation | None) -> Known:
    """A message as it will be known, before it has a thread and a parent."""
    subject = subjects.read(message.subject)
    chain = message.references
    named = named_parent(message)
    series, part = series_of(message)
    return Known(
        id=message.id,
        thread=NOWHERE,
        at=message.received_at,
        direction=direction,
        kind=verdict.kind,
        named=named,
        above=parent_above(named, chain),
        sender=message.sender.email,
        name=message.sender.name,
        answer_to=frozenset([one.email for one in message.reply_to if one.email]),
        to=frozenset([one.email for one in message.to]),
        participants=frozenset([one.email for one in (message.sender, *message.recipients) if one.email]),
        subject_key=subject.key,
        was_key=subject.was,
        answers=subject.reply,
        sent_at=message.sent_at,
        provider_threads=frozenset([message.provider_thread] if message.provider_thread else ()),
        thread_index=message.thread_index,
        in_reply_to=answered_first(message),
        references=chain[-CHAIN:],
        told=quotation is not None,
        series=series,
        part=part,
        quotation=quotation,
    )


@dataclass(frozen=True, slots=True)
class Keys:
    """What to look up, in one go, before a batch is matched, and while it is placed.

    For each id: the message, the ghost, and the messages whose `named` it is; for the other keys: the messages that
    have them; of a subject, those of `span` alone.
    """

    ids: frozenset[MessageId] = frozenset()
    provider_threads: frozenset[str] = frozenset()
    index_roots: frozenset[bytes] = frozenset()
    subject_keys: frozenset[str] = frozenset()
    threads: frozenset[ThreadId] = frozenset()
    series: frozenset[str] = frozenset()
    span: tuple[datetime, datetime] | None = None
    """UTC; None: all times."""
    sides: frozenset[str] | None = None
    """Of a subject, what is of or between these sides alone; None: all."""

    def __bool__(self) -> bool:
        singly = self.ids or self.provider_threads or self.index_roots or self.series
        return bool(singly or self.subject_keys or self.threads)

    def without(self, other: Keys) -> Keys:
        """Those that another does not have."""
        mine, theirs = self.span, other.span
        covered = theirs is None or (mine is not None and theirs[0] <= mine[0] and mine[1] <= theirs[1])
        covered = covered and (other.sides is None or (self.sides is not None and self.sides <= other.sides))
        return Keys(
            self.ids - other.ids,
            self.provider_threads - other.provider_threads,
            self.index_roots - other.index_roots,
            self.subject_keys - other.subject_keys if covered else self.subject_keys,
            self.threads - other.threads,
            self.series - other.series,
            self.span,
            self.sides,
        )


def keys(messages: Iterable[Message]) -> Keys:
    """The keys under which the index must know all that is known before `match` is asked about these messages.

    Titles are asked for when the sides are known that they are between (`title_keys`): many messages share one.
    """
    ids: set[MessageId] = set()
    providers: set[str] = set()
    roots: set[bytes] = set()
    series: set[str] = set()
    for message in messages:
        ids.add(message.id)
        ids.update(message.in_reply_to)
        ids.update(message.references)
        if message.provider_thread:
            providers.add(message.provider_thread)
        if message.thread_index:
            roots.add(message.thread_index[:ROOT])
        if its := series_of(message)[0]:
            series.add(its)
    return Keys(frozenset(ids), frozenset(providers), frozenset(roots), series=frozenset(series))


def title_keys(messages: Sequence[Message], sides: frozenset[str]) -> Keys:
    """The titles of messages (of which there is one at least), when they came and the sides that they are between."""
    read = [subjects.read(message.subject) for message in messages]
    titles = frozenset([key for one in read for key in (one.key, one.was) if key])
    times = [message.received_at for message in messages]
    return Keys(subject_keys=titles, span=(min(times) - LIKE, max(times) + LIKE), sides=sides)


def keys_of(known: Iterable[Known]) -> Keys:
    """The keys under which the index must know all that is known before it looks anew for the place of messages."""
    messages = list(known)
    return Keys(
        provider_threads=frozenset([told for one in messages for told in one.provider_threads]),
        index_roots=frozenset([one.thread_index[:ROOT] for one in messages if one.thread_index]),
        subject_keys=frozenset([key for one in messages for key in (one.subject_key, one.was_key) if key]),
        # Others there tell where they belong: the References of an answer, that one answers another.
        threads=frozenset([one.thread for one in messages if one.names or one.evidence is Evidence.REFERENCED]),
        series=frozenset([one.series for one in messages if one.series]),
        # They look for what came before them.
        span=(min(one.at for one in messages) - LIKE, max(one.at for one in messages) + SKEW) if messages else None,
        sides=frozenset([side for one in messages for side in one.sides]),
    )
