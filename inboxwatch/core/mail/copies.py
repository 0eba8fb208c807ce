"""Copies of one message in several folders and mailboxes: which of them tells what the message is.

Whoever reads a message first must not matter, so the accounts of it have one total order (`Account.key`), and the
greatest one counts; of the times the earliest one does. Both are commutative, associative and idempotent.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import NamedTuple
from zlib import crc32

from inboxwatch.core.domain_names import folded_domain
from inboxwatch.core.leads import plain_address
from inboxwatch.core.mail import subjects
from inboxwatch.core.mail.parties import Us, named_authors
from inboxwatch.core.model import Direction, FolderRole, Kind, Message, MessageId, PersonId

COPY = timedelta(hours=1)
"""Copies of one message bear one date; APIs that tell the time of sending instead differ by less than this."""
_MARK = ";copy="
_NOBODY: frozenset[str] = frozenset()
_SENT = 100
_US = "us"
"""Stands for every address of ours: Exchange names one person differently in Sent and on the way."""
_OF_KIND = {Kind.HUMAN: 2, Kind.BULK: 0}
"""A list and a filter add the signs of a machine to a copy; none takes them away."""


class Reader(NamedTuple):
    """The mailbox that messages are read from."""

    mailbox: str = ""
    owner: PersonId | None = None
    """None of a shared mailbox."""


NOBODY = Reader()


class Account(NamedTuple):
    """What one copy tells of a message."""

    rank: int
    at: datetime
    """UTC; its own time of receipt."""
    digest: int
    """Of the copy and its mailbox: read again, it is the same."""
    authors: frozenset[str]
    """Who may have written it: From, and whom a list or a form names that stands there instead; empty: not known."""
    sent_at: datetime | None = None
    subject_key: str = ""
    to: frozenset[str] = frozenset()
    """Of a message of ours: the addresses outside in To."""

    @property
    def is_sent(self) -> bool:
        """Whether a Sent folder of ours bears witness that we wrote it."""
        return self.rank >= _SENT

    @property
    def key(self) -> tuple[int, float, int]:
        """By this the accounts of one message are ordered: rank, then the earlier one, then the digest."""
        return self.rank, -self.at.timestamp(), self.digest

    def tells_of(self, other: Account) -> bool:
        """Whether both are copies of one message: one author, one date as far as dates are told, the same people.

        Tools of ours give letters to many one id; a buyer's mail to several of us is one.
        """
        if self.authors and other.authors and self.authors.isdisjoint(other.authors):
            return False
        if self.to and other.to and self.to.isdisjoint(other.to):
            return False
        if self.sent_at is None or other.sent_at is None:
            return self.sent_at == other.sent_at or self.subject_key == other.subject_key
        return abs(self.sent_at - other.sent_at) <= COPY


def account_of(message: Message, direction: Direction, kind: Kind, us: Us, reader: Reader = NOBODY) -> Account:
    """The account that a copy gives; `direction` and `kind` are those of the copy alone."""
    rewritten = _is_rewritten(message, direction, us)
    witness = 0 if message.role is not FolderRole.SENT else _witness(message, direction, us, reader)
    rank = witness * _SENT + _OF_KIND.get(kind, 1) * 10 + (not rewritten)
    stamp = message.received_at.timestamp()
    told = f"{reader.mailbox}\0{rank}\0{stamp}\0{message.sender.email}\0{len(message.marks)}\0{message.subject}"
    authors = _authors(message, us, rewritten=rewritten, witness=witness)
    return Account(
        rank=rank,
        at=message.received_at,
        digest=crc32(told.encode("utf-8", "surrogateescape")),
        authors=authors,
        sent_at=message.sent_at,
        subject_key=subjects.read(message.subject).key,
        to=us.outside_of([one.email for one in message.to]) if _US in authors else _NOBODY,
    )


def told_apart(
    messages: Sequence[Message],
    known: Mapping[MessageId, Account],
    us: Us,
    of_leads: Callable[[Message], bool] = lambda _: True,
) -> Sequence[Message]:
    """Gives an id of its own to each message that bears the id of another one; the same messages where none does.

    Broken programs use one id for many, and whoever knows an id can write another mail with it. The id stays with the
    message that is `known` under it, else with the likeliest (`order_of`), of leads before nobody's. What names the id
    means any of them: `bearers.meant`.
    """
    if not known and len({message.id for message in messages}) == len(messages):
        return messages
    bearing: dict[MessageId, list[int]] = {}
    for place, message in enumerate(messages):
        bearing.setdefault(message.id, []).append(place)
    told: dict[int, Message] = {}
    for id_, places in bearing.items():
        holder = known.get(id_)
        if holder is None and len(places) == 1:
            continue
        accounts = {
            place: account_of(messages[place], us.direction(messages[place]), Kind.HUMAN, us) for place in places
        }
        if holder is None:
            first = min(places, key=lambda one: (not of_leads(messages[one]), order_of(id_, accounts[one], us)))
            holder = accounts[first]
        for place, account in accounts.items():
            if not account.tells_of(holder):
                told[place] = replace(messages[place], id=_id_apart(messages[place], account))
    return [told.get(place, message) for place, message in enumerate(messages)] if told else messages


def order_of(id: MessageId, account: Account, us: Us) -> tuple[float, str]:  # noqa: A002
    """Of messages that bear one id the likeliest comes first: the earliest, for who knows an id can write a mail with
    it later; but what bears it at home goes before what another program sent a little earlier under it.
    """
    early = COPY.total_seconds() if _is_at_home(id, account, us) else 0.0
    return account.at.timestamp() - early, f"{account.sent_at} {min(account.authors, default='')}"


def _is_at_home(id: MessageId, account: Account, us: Us) -> bool:  # noqa: A002  (the word of the field)
    """Whether an id has the domain of an author, or one of the two lies below the other."""
    domain = folded_domain(id.rpartition("@")[2])
    if _US in account.authors and us.is_ours(f"@{domain}"):
        return True
    home = f".{domain}"
    for author in account.authors:
        own = "." + author.rpartition("@")[2]
        if home.endswith(own) or own.endswith(home):
            return True
    return False


def _id_apart(message: Message, account: Account) -> MessageId:
    """An id of its own for a message that bears the id of another one: the same whenever it is read."""
    told = " ".join([f"{message.sent_at} {min(account.authors)}", *sorted(account.to)])
    return MessageId(f"{message.id}{_MARK}{hashlib.sha256(told.encode('utf-8', 'surrogateescape')).hexdigest()[:8]}")


def written_id(id: MessageId) -> MessageId:  # noqa: A002  (the word of the field)
    """The Message-ID as its header has it; `Message.id` differs from it where several messages bear one id."""
    return MessageId(id.partition(_MARK)[0])


def _witness(message: Message, direction: Direction, us: Us, reader: Reader) -> int:
    """How well a Sent folder of ours bears witness that we wrote it, and who of us: best the one who stands in From."""
    if direction is Direction.INBOUND:
        return 0
    if reader.owner is None:
        return 1
    return 3 if us.person(message.sender.email) == reader.owner else 2


def _is_rewritten(message: Message, direction: Direction, us: Us) -> bool:
    """Whether a list or a form stands in From, or a list passed it on."""
    if " via " in message.sender.name.casefold():
        return True
    for name, _ in message.marks:  # a generator costs more than the whole loop
        if name == "list-id":
            return True
    return direction is Direction.INBOUND and us.is_ours(message.sender.email)


def _authors(message: Message, us: Us, *, rewritten: bool, witness: int) -> frozenset[str]:
    email = message.sender.email
    if not (rewritten or witness or us.is_ours(email)):
        return frozenset((plain_address(email),))
    named = [one for one in named_authors(message) if rewritten and not us.is_ours(one)]
    found = set(map(plain_address, named))
    if us.is_ours(email):
        if not named:
            found.add(_US)
    else:
        found.add(plain_address(email))
        if witness:
            found.add(_US)
    return frozenset(found)
