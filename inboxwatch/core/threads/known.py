"""What is remembered of a message for the sake of those that will answer it, and what must be looked up to place one."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

from inboxwatch.core import subjects
from inboxwatch.core.model import Direction, Evidence, Kind, LeadId, Message, MessageId, ThreadId
from inboxwatch.core.quotes import Quotation

ROOT = 22
"""Bytes of a Thread-Index that all messages of a conversation share."""


@dataclass(frozen=True, slots=True)
class Known:
    """A message that was placed. All but `quotation` can be stored."""

    id: MessageId
    thread: ThreadId
    at: datetime
    direction: Direction
    kind: Kind
    parent: MessageId | None = None
    evidence: Evidence = Evidence.NONE
    confidence: float = 1.0
    named: MessageId | None = None
    """The parent that its own headers name; differs from `parent` where a relay had rewritten that one's id."""
    sender: str = ""
    """E-mail address, lower case."""
    name: str = ""
    """The sender's display name."""
    to: frozenset[str] = frozenset()
    participants: frozenset[str] = frozenset()
    """Sender and all recipients."""
    subject_key: str = ""
    answers: bool = False
    """Its subject bears the prefix of an answer."""
    series: tuple[str, int, int] | None = None
    sent_at: datetime | None = None
    provider_thread: str | None = None
    thread_index: bytes | None = None
    lead: LeadId | None = None
    """The lead whose side wrote or received it."""
    quotation: Quotation | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Keys:
    """What to look up, in one go, before a batch is matched."""

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
