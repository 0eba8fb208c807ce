"""A first look at a batch: which messages are nobody's whatever else it tells, and need no place in a thread.

Most mail of a mailbox is neither to or from a lead nor told in a lead's thread. Headers alone make mail that is told
there a lead's, so what headers join is looked at together: where no address leads to a lead, and no id to what is
stored, nothing of it is a lead's. Of such mail only the kind is decided, by the same rules, and by headers alone:
guesses put nothing of a lead's below it (`ThreadIndex.leave_out`), and its kind must not depend on what else came in
its batch.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import NamedTuple

from inboxwatch.core.mail.intake import Entry, Intake
from inboxwatch.core.mail.judging import NOWHERE, Arrived
from inboxwatch.core.mail.threads import Known
from inboxwatch.core.mail.threads.known import named_parent
from inboxwatch.core.model import Direction, Message, MessageId, Verdict


class Unplaced(NamedTuple):
    """A message before it is placed."""

    message: Message
    kind: Verdict
    """By itself."""
    addresses: Collection[str]
    """By which its lead may be found (`intake.addresses_of`)."""


class FirstPass:
    """A batch in two: `rest` is placed in threads; what is nobody's is told of by `entries`, once the rest has its
    places.
    """

    def __init__(
        self, intake: Intake, looks: Sequence[Unplaced], known: Iterable[Known], ghosts: Iterable[MessageId]
    ) -> None:
        """`known` and `ghosts`: what the store has under the keys of the batch. Notes to whom we wrote."""
        self._intake = intake
        self.rest: Sequence[Unplaced] = looks
        self._passed: list[Arrived] = []
        # Where a stranger becomes a lead, or several messages bear one id, all are placed.
        if not intake.provisional and not intake.index.borne:
            self.rest, passed = _divided(intake, looks, known, ghosts)
            for message, kind, _ in passed:
                self._passed.append(one := Arrived(message, *intake.by_itself(message, kind), at=message.received_at))
                intake.judge.note(one)
                intake.index.passed.add(message.id)

    def entries(self) -> list[Entry]:
        """What is nobody's, in the order of time, without a place in a thread."""
        judge, done = self._intake.judge, dict[MessageId, Arrived]()
        entries = []
        for one in self._passed:
            message, parent = one.message, named_parent(one.message)
            judge.decide_nobodys(one, done.get(parent) if parent else None, parent)
            done[message.id] = one
            proof = self._intake.proof(message, one.direction, one.verdict)
            entries.append(Entry(message, one.direction, one.verdict, NOWHERE, None, "none", proof=proof))
        return entries


def _divided(
    intake: Intake, looks: Sequence[Unplaced], known: Iterable[Known], ghosts: Iterable[MessageId]
) -> tuple[list[Unplaced], list[Unplaced]]:
    """What may be a lead's, and in the order of time what is nobody's."""
    stored = {id_ for one in known for id_ in (one.id, *one.names)}.union(ghosts)
    attribute = intake.directory.attribute
    theirs = {email for email in {one for look in looks for one in look.addresses} if attribute(email)[0] is not None}
    concerned = {look.message.id for look in looks if _is_touched(look, stored, theirs, intake)}
    batch = {look.message.id: look.message for look in looks}
    rest, passed = list[Unplaced](), list[Unplaced]()
    if len(concerned) == len(batch):
        return list(looks), passed
    for island in _islands(looks):
        touched = any(look.message.id in concerned for look in island)
        copied = len(island) > 1 and len({look.message.id for look in island}) < len(island)
        if touched or copied or not _is_told(island, batch, intake):
            rest += island
        else:
            passed += island
    return rest, sorted(passed, key=lambda look: (look.message.received_at, look.message.id))


def _islands(looks: Sequence[Unplaced]) -> Iterable[Sequence[Unplaced]]:
    """The messages that headers join, each group together."""
    above: dict[MessageId, MessageId] = {}

    def top(id_: MessageId) -> MessageId:
        while (further := above.get(id_)) is not None:
            id_ = further
        return id_

    for message, _, _ in looks:
        first = top(message.id)
        for one in (*message.in_reply_to, *message.references):
            if (other := top(one)) != first:
                above[other] = first
    islands: dict[MessageId, list[Unplaced]] = {}
    for look in looks:
        islands.setdefault(top(look.message.id), []).append(look)
    return islands.values()


def _is_touched(look: Unplaced, stored: Collection[MessageId], theirs: Collection[str], intake: Intake) -> bool:
    """Whether a message may concern a lead, or is not read for the first time; a failed delivery names what it means
    in its text.
    """
    message = look.message
    return (
        look.kind.delivery is not None
        or message.id in stored
        or message.id in intake.correspondence.answered
        or any(one in stored for one in (*message.in_reply_to, *message.references))
        or any(one in theirs for one in look.addresses)
    )


def _is_told(island: Sequence[Unplaced], batch: Mapping[MessageId, Message], intake: Intake) -> bool:
    """Whether the headers of each message alone tell which one it answers, as far as its kind depends on that."""
    answered = intake.correspondence.answered
    named = {one for look in island for one in (*look.message.in_reply_to, *look.message.references)}
    ours = any(above.is_ours for one in named if (above := answered.get(one)) is not None)
    if not ours and all(intake.us.direction(look.message) is Direction.INBOUND for look in island):
        return True
    implied = {one for look in island for one in look.message.references[1:]}
    return all(_names_its_parent(look.message, batch, intake, implied) for look in island)


def _names_its_parent(
    message: Message, batch: Mapping[MessageId, Message], intake: Intake, implied: Collection[MessageId]
) -> bool:
    """Whether one id is named, of an earlier message, or nothing that was read: no nearer ancestor, no guess counts."""
    parent = named_parent(message)
    if parent is None:
        return message.id not in implied
    if (above := batch.get(parent)) is not None:
        return len(message.in_reply_to) < 2 and above.received_at < message.received_at
    answered = intake.correspondence.answered.get(parent)
    if answered is not None and answered.is_ours:
        return len(message.in_reply_to) < 2
    return not any(one in batch for one in (*message.in_reply_to, *message.references))
