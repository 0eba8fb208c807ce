"""Several messages that bear one Message-ID: which of them is meant by a message that names it.

Whoever is read first keeps the id, and the others are known by ids of their own (`copies.told_apart`). That must not
matter for what names it: each such message is read as if it named the one that it means, and once another bearer turns
up, what was filed is decided again.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple, Protocol

from inboxwatch.core.mail import subjects
from inboxwatch.core.mail.copies import Account, account_of, order_of, written_id
from inboxwatch.core.mail.parties import Us
from inboxwatch.core.mail.threads import ThreadIndex
from inboxwatch.core.mail.threads.known import Known
from inboxwatch.core.model import Kind, Message, MessageId


class Bearer(NamedTuple):
    """One of several messages that bear one Message-ID."""

    id: MessageId
    order: tuple[float, str]
    """Which of them is likelier meant where nothing else tells."""
    sides: frozenset[str]
    """Those of `Known.sides`."""
    title: str


Bearers = Mapping[MessageId, Sequence[Bearer]]
"""By the Message-ID as it is written."""


class Reads(Protocol):
    """What must be known to tell bearers: an intake."""

    us: Us
    index: ThreadIndex

    def sides(self, message: Message) -> frozenset[str]: ...


def bearers_of(messages: Iterable[Message], intake: Reads) -> dict[MessageId, list[Bearer]]:
    """The messages that bear one id, of those that are known and of `messages`, which were told apart."""
    if not (borne := intake.index.borne):
        return {}
    found: dict[MessageId, dict[MessageId, Bearer]] = {}
    for id_, others in borne.items():
        known = [one for each in (id_, *others) if (one := intake.index.known(each)) is not None]
        found[id_] = {one.id: _of_known(id_, one, intake.us) for one in known}
    for message in messages:
        id_ = written_id(message.id)
        if id_ in found:
            bearer = _of_message(id_, message, intake)
            before = found[id_].get(message.id, bearer)
            found[id_][message.id] = before._replace(order=min(before.order, bearer.order))
    return {id_: list(its.values()) for id_, its in found.items()}


def _of_known(written: MessageId, known: Known, us: Us) -> Bearer:
    account = known_account(known)._replace(at=known.at)
    return Bearer(known.id, order_of(written, account, us), known.sides, known.subject_key)


def _of_message(written: MessageId, message: Message, intake: Reads) -> Bearer:
    account = account_of(message, intake.us.direction(message), Kind.HUMAN, intake.us)
    title = subjects.read(message.subject).key
    return Bearer(message.id, order_of(written, account, intake.us), intake.sides(message), title)


def meant(title: str, sides: frozenset[str], bearers: Sequence[Bearer]) -> MessageId:
    """Which of the messages that bear an id somebody means who names it: one of the same buyer's side, under the same
    title.
    """
    return min(bearers, key=lambda one: (sides.isdisjoint(one.sides), one.title != title, one.order)).id


def with_meant_ids(messages: Sequence[Message], intake: Reads) -> Sequence[Message]:
    """The messages, each naming by its own id which of several messages under one Message-ID it means."""
    if not (bearers := bearers_of(messages, intake)):
        return messages
    return [_with_meant_ids(message, bearers, intake) for message in messages]


def _with_meant_ids(message: Message, bearers: Bearers, intake: Reads) -> Message:
    means = means_of(
        (*message.in_reply_to, *message.references),
        bearers,
        subjects.read(message.subject).key,
        intake.sides(message),
    )
    if not means:
        return message
    answered = tuple([means.get(one, one) for one in message.in_reply_to])
    return replace(message, in_reply_to=answered, references=tuple([means.get(one, one) for one in message.references]))


def means_of(
    named: Iterable[MessageId], bearers: Bearers, title: str, sides: frozenset[str]
) -> dict[MessageId, MessageId]:
    """For the ids that a message names, and that mean another one than they say: that one."""
    found = {}
    for one in named:
        its = bearers.get(written_id(one))
        if its and (means := meant(title, sides, its)) != one:
            found[one] = means
    return found


def known_account(known: Known) -> Account:
    """The account by which a message is known; what an older version has stored tells less of it."""
    if known.account is not None:
        return known.account
    rank = 21 if known.kind is Kind.HUMAN else 11
    return Account(rank, known.at, 0, frozenset(), known.sent_at, known.subject_key)
