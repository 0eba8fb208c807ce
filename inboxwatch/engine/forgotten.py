"""Mail and lists that name people who were forgotten: what is from before that is left alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from inboxwatch.core.mail.classify import classify
from inboxwatch.core.model import Address, Lead, Message
from inboxwatch.engine.rules import Rules
from inboxwatch.store import Transaction
from inboxwatch.store.unfiled import Passed


def set_aside_forgotten(
    tx: Transaction, rules: Rules, mailbox: str, messages: Sequence[tuple[str, Message]]
) -> tuple[Sequence[tuple[str, Message]], int]:
    """Leaves mail alone that names forgotten people and is from before that; returns the rest, without them among
    its recipients, and how many of the others were new to this mailbox.
    """
    if not messages or not tx.forgotten.any():
        return messages, 0
    bounced = {message.id: _bounced(message) for _, message in messages}
    asked = {one for _, message in messages for one in (*_outside(message), *bounced[message.id])}
    forgotten = tx.forgotten.among(asked)
    if not forgotten:
        return messages, 0
    naming = [
        message.id
        for _, message in messages
        if not forgotten.keys().isdisjoint((*_outside(message), *bounced[message.id]))
    ]
    left = tx.mail.left(naming)
    before = left | tx.unfiled.read(naming)
    aside: list[tuple[str, Message]] = []
    rest: list[tuple[str, Message]] = []
    for ref, message in messages:
        gone = {
            email
            for email, erased in forgotten.items()
            if message.received_at <= (erased.at if message.id in before else erased.until)
        }
        theirs = gone.intersection((*_outside(message), *bounced[message.id]))
        if not theirs:
            rest.append((ref, message))
        elif message.id in before or _is_nobodys(message, theirs, bounced[message.id], rules):
            aside.append((ref, message))
        else:
            rest.append((ref, _without(message, theirs)))
    # What is left of mail that was a lead's has its place yet.
    sightings = [
        (message.id, ref, message.role, message.received_at, None) for ref, message in aside if message.id in left
    ]
    passed = [_passed(ref, message, rules) for ref, message in aside if message.id not in left]
    return rest, tx.mail.witness(mailbox, sightings) + tx.unfiled.add(mailbox, passed)


def without_forgotten(tx: Transaction, leads: Sequence[Lead]) -> list[Lead]:
    """The leads of a list whom nobody has had erased: a list alone brings nobody back."""
    forgotten = tx.forgotten.among([one for lead in leads for one in (lead.id, *lead.aliases)])
    return [lead for lead in leads if lead.id not in forgotten]


def _outside(message: Message) -> list[str]:
    return [one.email for one in (message.sender, *message.to, *message.cc, *message.bcc, *message.reply_to)]


def _bounced(message: Message) -> tuple[str, ...]:
    delivery = classify(message).delivery
    return tuple(delivery.recipients) if delivery is not None else ()


def _is_nobodys(message: Message, theirs: set[str], bounced: tuple[str, ...], rules: Rules) -> bool:
    """Whether a message is by somebody who was forgotten, or to or about nobody else outside."""
    us = rules.config.us
    if message.sender.email in theirs:
        return True
    others = {one.email for one in (*message.to, *message.cc, *message.bcc) if not us.is_ours(one.email)}
    if bounced:
        return theirs.issuperset(bounced)
    return us.is_ours(message.sender.email) and theirs.issuperset(others)


def _without(message: Message, theirs: set[str]) -> Message:
    return replace(
        message,
        to=_except(message.to, theirs),
        cc=_except(message.cc, theirs),
        bcc=_except(message.bcc, theirs),
        reply_to=_except(message.reply_to, theirs),
    )


def _except(people: Sequence[Address], theirs: set[str]) -> tuple[Address, ...]:
    return tuple(one for one in people if one.email not in theirs)


def _passed(ref: str, message: Message, rules: Rules) -> Passed:
    direction = rules.config.us.direction(message)
    return Passed(message.id, ref, message.role, message.received_at, direction, classify(message).kind)
