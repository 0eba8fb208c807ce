"""Our own notices in watched mailboxes, and what strangers answer to them: known, kept as a hash, and left alone."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from inboxwatch.config.free_mail import free_mail
from inboxwatch.core.leads import Directory
from inboxwatch.core.mail.classify import classify
from inboxwatch.core.mail.parties import Us
from inboxwatch.core.model import Direction, Message
from inboxwatch.notify import OWN_ID, Channel, Recognizes
from inboxwatch.store import Transaction
from inboxwatch.store.unfiled import Passed


class OwnMail:
    """Knows a notice by its Message-ID: a channel of the config says so, or the outbox has it as sent."""

    def __init__(self, us: Us, channels: Mapping[str, Channel]) -> None:
        self._us = us
        self._writers = [channel for channel in channels.values() if isinstance(channel, Recognizes)]

    def set_aside(
        self, tx: Transaction, mailbox: str, messages: Sequence[tuple[str, Message]]
    ) -> tuple[Sequence[tuple[str, Message]], int]:
        """Files our own mail as a hash; returns the rest, and how many of ours were new to this mailbox.

        An answer to a notice goes with it where its author is neither one of us (a vacation reply of ours still shows
        an absence) nor a known lead (a buyer must never be overlooked for what they quote).
        """
        ours = self._ours(tx, (one for _, message in messages for one in (message.id, *_answered(message))))
        if not ours:
            return messages, 0
        directory = tx.leads.directory({message.sender.email for _, message in messages}, free_mail=free_mail())
        aside = {message.id: (ref, message) for ref, message in messages if self._is_ours(message, ours, directory)}
        passed = [self._passed(ref, message) for ref, message in aside.values()]
        rest = [one for one in messages if one[1].id not in aside]
        return rest, tx.unfiled.add(mailbox, passed)

    def _ours(self, tx: Transaction, message_ids: Iterable[str]) -> set[str]:
        alike = {one for one in message_ids if one.startswith(OWN_ID)}
        known = {one for one in alike if any(writer.wrote(one) for writer in self._writers)}
        return known | tx.deliveries.referred(sorted(alike - known))

    def _is_ours(self, message: Message, ours: set[str], directory: Directory) -> bool:
        if message.id in ours:
            return True
        stranger = self._us.direction(message) is Direction.INBOUND and not directory.by_address(message.sender.email)
        return stranger and not ours.isdisjoint(_answered(message))

    def _passed(self, ref: str, message: Message) -> Passed:
        direction = self._us.direction(message)
        return Passed(message.id, ref, message.role, message.received_at, direction, classify(message).kind)


def _answered(message: Message) -> tuple[str, ...]:
    """What a message answers: the ids it names, or the last one that it refers to."""
    return message.in_reply_to or message.references[-1:]
