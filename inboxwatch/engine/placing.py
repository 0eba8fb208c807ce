"""What is looked up for a batch before the core places it."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import NamedTuple

from inboxwatch.config.free_mail import free_mail
from inboxwatch.core.mail.classify import classify
from inboxwatch.core.mail.copies import Reader
from inboxwatch.core.mail.correspondence import correspondents
from inboxwatch.core.mail.first_pass import FirstPass, Unplaced
from inboxwatch.core.mail.intake import Entry, Intake, addresses_of, in_order
from inboxwatch.core.mail.threads import ThreadIndex, keys
from inboxwatch.core.mail.threads.known import Keys, Known, named_parent
from inboxwatch.core.mail.unknown_senders import UnknownSenders, leads_of_all, leads_of_nobody
from inboxwatch.core.model import MailboxId, Message, MessageId, ThreadId
from inboxwatch.engine.placing_anew import name_meant
from inboxwatch.engine.rules import Rules
from inboxwatch.store import Transaction


class Placed(NamedTuple):
    """A batch with everything that was decided about it, and what was known before."""

    intake: Intake
    entries: Sequence[Entry]
    """In the order of time, one for each message read."""
    known: Sequence[Known]
    written: Mapping[str, datetime]
    """To whom we had written, of the addresses of the batch, and when first."""
    again: Sequence[ThreadId] = ()
    """Threads in which filed messages were placed anew before the batch."""


def place_all(tx: Transaction, rules: Rules, mailbox: MailboxId, messages: Sequence[Message]) -> Placed:
    """Places a batch."""
    looks = [Unplaced(message, classify(message), addresses_of(message)) for message in messages]
    reader = Reader(mailbox, rules.config.mailboxes[mailbox].owner)
    intake, known, awaited, written = _intake(tx, rules, reader, looks)
    again: list[ThreadId] = []
    if intake.index.borne and (again := name_meant(tx, intake, intake.told_apart(messages))):
        intake, known, awaited, written = _intake(tx, rules, reader, looks)
    first = FirstPass(intake, looks, known, awaited)
    placed = iter(intake.take_batch([one.message for one in first.rest], [one.kind for one in first.rest]))
    passed = iter(first.entries())
    entries = [next(passed if one.id in intake.index.passed else placed) for one in in_order(messages)]
    return Placed(intake, entries, known, written, again)


def _intake(
    tx: Transaction,
    rules: Rules,
    reader: Reader,
    looks: Sequence[Unplaced],
) -> tuple[Intake, Sequence[Known], Collection[MessageId], Mapping[str, datetime]]:
    """The two-step look-up: what the messages ask for is fetched, one round trip a kind.

    Returns besides what was known before the batch, which ids were named then, and to whom we had written.
    """
    config = rules.config
    messages = [look.message for look in looks]
    wanted = keys(messages)
    # No header of a notification names the message that it tells of.
    deliveries = [look.kind.delivery for look in looks if look.kind.delivery is not None]
    bounced = frozenset(one.of for one in deliveries if one.of is not None)
    known, awaited = tx.mail.known(replace(wanted, ids=wanted.ids | bounced))
    asked = {address for look in looks for address in look.addresses}
    asked.update(address for one in deliveries for address in one.recipients)
    theirs = {one.lead for one in known if one.lead is not None}
    directory = tx.leads.directory(asked, theirs, free_mail=free_mail())
    ids = {one.id for one in known} | {message.id for message in messages}
    parents = {one for one in map(named_parent, messages) if one is not None} - ids
    shared = config.mailboxes[MailboxId(reader.mailbox)].team is not None
    unknown = UnknownSenders(config.unknown_senders)
    makes_lead = leads_of_all if unknown.makes_leads(shared=shared) else leads_of_nobody
    if makes_lead is leads_of_all:
        # Where an unknown sender is a lead, an address from which we wrote to a stranger is none.
        strangers = {message.id for message in messages if not config.us.is_ours(message.sender.email)}
        parents |= strangers - {one.id for one in known}
    correspondence = tx.kinds.correspondence(
        [message.id for message in messages],
        {message.sender.email for message in messages},
        {email for look in looks for email in correspondents(look.message, look.kind, config.us)},
        parents,
    )
    written = dict(correspondence.written)
    conversations: dict[MessageId, set[str]] = {}
    if again := [message.id for message in messages if message.id in correspondence.answered]:
        # Read before in another mailbox, and no lead's then.
        conversations = tx.unfiled.conversations(again)
        told = frozenset([one for found in conversations.values() for one in found]) - wanted.provider_threads
        known += tx.mail.known_more(Keys(provider_threads=told)) if told else []
    index = ThreadIndex(known, awaited, tx.mail.known_more, conversations)
    intake = Intake(config.us, directory, index, makes_lead, config.meanings, correspondence)
    intake.reader = reader
    intake.told_apart(messages)
    if apart := {one for its in index.borne.values() for one in its} - {one.id for one in known}:
        # Several messages bear one Message-ID.
        copies, unread = tx.mail.known(Keys(frozenset(apart)))
        index.learn(copies, unread)
        known += copies
    intake.index.looked_up(wanted)
    return intake, known, awaited.keys(), written
