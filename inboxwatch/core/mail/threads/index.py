"""The decision where a message belongs and which message it answers: a function of the set of messages.

Headers join messages to components, whatever the order of arrival: ids that are named but not read yet already belong
to one, and a message that names two makes them one (`components.py`). All other evidence only places: the earliest
message of a component, with all of it, is put beside the likeliest earlier message. When mail comes that could have
decided otherwise (a likelier message, a parent that was named and not read, an earlier message of the component), the
place is looked for anew, and what was placed wrongly goes out again.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import NamedTuple

from inboxwatch.core.mail import quotes
from inboxwatch.core.mail.copies import Account
from inboxwatch.core.mail.threads.components import Ghost, in_time
from inboxwatch.core.mail.threads.known import (
    LIKE,
    SKEW,
    Keys,
    Known,
    draft,
    keys_of,
    known_order,
    named_parent,
    rename,
    restate,
    title_keys,
    told_order,
)
from inboxwatch.core.mail.threads.placing import LONGEST, Coming, Placing, placed, put
from inboxwatch.core.model import Direction, Evidence, LeadId, Match, Message, MessageId, ThreadId, Verdict

LookUp = Callable[[Keys], Iterable[Known]]
"""Fetches what is stored under keys, while a batch is being placed."""


class LeftThread(NamedTuple):
    """Messages that have left a thread."""

    old: ThreadId
    new: ThreadId
    messages: tuple[MessageId, ...]
    whole: bool
    """Nothing is left of the old thread."""


class ThreadIndex:
    """All that is known around the messages of a batch (see `keys`), and what matching them adds.

    After a batch these hold what must be stored: `fresh` (new messages), `changed` (known ones with another place or
    lead), `ghosts_found`, and `moves()`.
    """

    def __init__(
        self,
        known: Iterable[Known] = (),
        ghosts: Mapping[MessageId, Ghost] | None = None,
        look_up: LookUp | None = None,
        conversations: Mapping[MessageId, Iterable[str]] | None = None,
    ) -> None:
        """`conversations`: to which the providers of other mailboxes count messages that come with the batch."""
        self._conversations = conversations or {}
        self._memory = Placing()
        self._look_up = look_up
        self._looked_up = Keys()
        self._drafts: dict[MessageId, Known] = {}
        self._quotations: dict[MessageId, quotes.Quotation] = {}
        self._unsettled: set[MessageId] = set()
        self._stored: dict[MessageId, tuple[ThreadId, ThreadId]] = {}
        """The thread and the component in which a message is stored."""
        self.fresh: dict[MessageId, Known] = {}
        self.passed: set[MessageId] = set()
        """New messages that are nobody's at the first look, and have no place."""
        self.changed: dict[MessageId, Known] = {}
        self.borne: dict[MessageId, set[MessageId]] = {}
        """Message-IDs that several messages bear: the ids of those that were told apart from the first one."""
        self.restated: set[MessageId] = set()
        """Stored messages of which a better account tells what may put them elsewhere."""
        self.ghosts_found: dict[MessageId, ThreadId] = {}
        """New ghosts, each with its component."""
        self.learn(known, ghosts or {})

    def learn(self, known: Iterable[Known], ghosts: Mapping[MessageId, Ghost]) -> None:
        """Takes in what is stored besides; call it before the first message of the batch."""
        for id, ghost in ghosts.items():  # noqa: A001
            self._memory.ghosts[id] = ghost.component
            self._memory.store(ghost.component, ghost.thread)
            if ghost.read:
                self._memory.bystanders.add(id)
        self._learn(known)

    def _learn(self, known: Iterable[Known]) -> None:
        for one in known:
            if one.id in self._memory.known:
                continue
            self._stored[one.id] = one.thread, one.component
            self._memory.store(one.component, one.thread)
            self._memory.add(one, stored=True)
            self._imply(one.id, one.at, known_order(one))
            if one.bearers:
                self.borne.setdefault(one.id, set()).update(one.bearers)

    def __contains__(self, id: MessageId) -> bool:  # noqa: A002  (the word of the field)
        """Whether a message is known."""
        return id in self._memory.known

    def is_new(self, id: MessageId) -> bool:  # noqa: A002
        """Whether a message of the batch was not known before."""
        return id in self.fresh or id in self.passed

    def known(self, id: MessageId) -> Known | None:  # noqa: A002  (the word of the field)
        """What is known of a message, its thread as it is now."""
        found = self._memory.known.get(id)
        if found is not None:
            found.component = self._memory.canonical(found.component)
            found.thread = self._memory.thread(found.component)
        return found

    def parent_of(self, id: MessageId) -> MessageId | None:  # noqa: A002
        """The parent of a message, None also where the message is not known: less than `known` works out."""
        found = self._memory.known.get(id)
        return found.parent if found is not None else None

    def thread_of(self, id: MessageId) -> ThreadId | None:  # noqa: A002
        """The thread of a message that was read or only named."""
        component = self._memory.component_of(id)
        return component and self._memory.thread(component)

    def component_of(self, id: MessageId) -> ThreadId | None:  # noqa: A002
        """The component of a message that was read or only named."""
        return self._memory.component_of(id)

    def foresee(self, message: Message) -> None:
        """Joins the components of all ids that a message names and makes ghosts of the unread.

        Call it for a whole batch before the first `match`: then the order of the batch is no evidence.
        """
        if message.id not in self._memory.known:
            self._memory.coming[message.id] = Coming(message.received_at, message.sent_at, named_parent(message))
        if self._look_up is None:
            self._memory.count_answer(message)
        self._join_all([*message.references, *message.in_reply_to, message.id])
        self._imply(message.id, message.received_at, told_order(message))

    def _join_all(self, named: Iterable[MessageId]) -> None:
        chain = list(dict.fromkeys(named))
        if len(chain) == 1:
            return
        memory = self._memory
        found = list(dict.fromkeys([its for one in chain if (its := memory.component_of(one)) is not None]))
        component = found[0] if found else _component_id(chain[0])
        for other in found[1:]:
            memory.join(other, component)
        if len(found) > 1:
            self._unsettled.update(one.id for one in memory.members(component) if one.open)
        for one in chain:
            if one not in memory.known and one not in memory.ghosts:
                memory.ghosts[one] = self.ghosts_found[one] = component

    def _imply(self, by: MessageId, at: datetime, pairs: Iterable[tuple[MessageId, MessageId]]) -> None:
        for older, newer in pairs:
            told = (at, by, older)
            if newer not in self._memory.implied or told < self._memory.implied[newer]:
                self._memory.implied[newer] = told
                one = self._memory.known.get(newer)
                if one is not None and not one.names:
                    self._unsettled.add(newer)

    def match(self, message: Message, direction: Direction, verdict: Verdict, sides: frozenset[str]) -> Match:
        """Where a message belongs, as far as the batch was taken; `settle` has the last word.

        `sides`: those of `Known.sides`.
        """
        if message.id in self._memory.known and (seen := self.known(message.id)) is not None:
            self._converse(seen, message.provider_thread)
            return Match(seen.thread, seen.parent, seen.evidence, seen.confidence)
        quotation = self._quotations.pop(message.id, None) or (quotes.read(message.text) if message.text else None)
        one = self._drafts[message.id] = draft(message, direction, verdict, quotation)
        one.sides = sides
        one.provider_threads |= frozenset(self._conversations.get(one.id, ()))
        if message.id not in self._memory.coming:
            self.foresee(message)
        of = verdict.delivery.of if verdict.delivery is not None else None
        if of is not None:
            self._join_all([of, message.id])
            one.parent, one.evidence = of, Evidence.DELIVERY
        one.component = self._memory.component_of(one.id) or _component_id(one.id)
        put(one, self._memory.place(one, message))
        beside = self._memory.component_of(one.beside) if one.beside is not None else None
        return Match(self._memory.thread(beside or one.component), one.parent, one.evidence, one.confidence)

    def add(
        self, message: Message, direction: Direction, verdict: Verdict, match: Match, account: Account | None = None
    ) -> Known:
        """Remembers a message that was matched.

        Of a message that is known already it takes over the `account`, which the caller found to be the better one.
        """
        if (known := self._memory.known.get(message.id)) is not None:
            if account is not None:
                better = draft(message, direction, verdict, None)
                better.account, better.sides = account, known.sides
                if restate(known, better) and known.id in self._stored:
                    self.restated.add(known.id)
            return known
        one = self._drafts.pop(message.id, None) or draft(message, direction, verdict, None)
        one.kind, one.thread, one.account = verdict.kind, match.thread, account
        if self.borne:
            one.bearers = frozenset(self.borne.get(one.id, ()))
        self._memory.coming.pop(one.id, None)
        self._memory.add(one)
        self.fresh[one.id] = one
        self._unsettle(one)
        return one

    def bear(self, id: MessageId, other: MessageId) -> None:  # noqa: A002
        """Notes that another message, known by an id of its own, bears this Message-ID too."""
        self.borne.setdefault(id, set()).add(other)
        one = self._memory.known.get(id)
        if one is not None and other not in one.bearers:
            one.bearers |= {other}
            self._changed(one)

    def name(self, message: Message) -> None:
        """Takes over, for a known message that names none, which ones a copy of it names."""
        one = self._memory.known[message.id]
        if not one.names:
            rename(one, draft(message, one.direction, Verdict(one.kind, ""), None))
            self._memory.names(one)
            self.foresee(message)
            self._unsettled.add(one.id)
            self._changed(one)

    def counted(self, message: Message) -> None:
        """Notes the conversation to which a copy of a known message is counted; call it before the first `match`."""
        if (seen := self._memory.known.get(message.id)) is not None:
            self._converse(seen, message.provider_thread)

    def _converse(self, one: Known, conversation: str | None) -> None:
        """Another mailbox has seen a message, and its provider counts it to a conversation there."""
        if conversation is None or conversation in one.provider_threads:
            return
        self._memory.converse(one, conversation)
        self._changed(one)
        beside = self._memory.conversation(one)
        self._unsettled.update(other.id for other in (one, *beside) if other.open and other.at >= one.at - SKEW)

    def _circle(self, one: Known) -> list[MessageId]:
        """The messages of the circle that one closes, by the parents that headers name."""
        memory, way = self._memory, [one.id]
        at = memory.known.get(one.named) if one.named is not None else None
        while at is not None and len(way) < LONGEST:
            if at is one:
                return way
            way.append(at.id)
            at = memory.known.get(at.named) if at.named is not None else None
        return []

    def _unsettle(self, one: Known) -> None:
        """Marks the messages whose place a new one may change."""
        memory = self._memory
        self._note_answer(one)
        if waiting := memory.naming.get(one.id):
            self._unsettled.update(waiting)
            self._unsettled.update(self._circle(one))
        for other in memory.members(one.component):
            if other.open and other.id != one.id and (other.names or (one.at, one.id) < (other.at, other.id)):
                self._unsettled.add(other.id)
        self._unsettle_guesses(one)

    def _unsettle_guesses(self, one: Known) -> None:
        """Marks the messages that a guess may put below one."""
        memory, earliest = self._memory, one.at - SKEW
        self._unsettled.update(other.id for other in memory.later(one) if other.open)
        if one.series:
            self._unsettled.update([other.id for other in memory.series(one) if other.open])
        if beside := memory.conversation(one):
            self._unsettled.update([other.id for other in beside if other.open and other.at >= earliest])

    def _note_answer(self, one: Known) -> None:
        """Notes of the parent that headers tell that it has an answer: a guess may have taken it for another message,
        whose id a relay has rewritten.
        """
        parent = self._memory.known.get(one.parent) if one.parent is not None and not one.open else None
        if parent is not None and not parent.answered:
            parent.answered = True
            self._changed(parent)
            self._unsettled.update(other.id for other in self._memory.later(parent) if other.open)

    def settle(self) -> None:
        """Looks anew for the place of all that the batch may have moved; then `known` and `moves` tell what holds."""
        memory = self._memory
        if self._unsettled and self._look_up is not None:
            stored = [self._memory.known[one] for one in self._unsettled if one in self._stored]
            wanted = keys_of(stored).without(self._looked_up)
            if wanted:
                self._learn(self._look_up(wanted))
        while self._unsettled:
            again, self._unsettled = in_time([memory.known[one] for one in self._unsettled]), set()
            for one in again:
                before = placed(one)
                place = self._memory.place(one)
                if place != before:
                    put(one, place)
                    self._changed(one)
                    self._note_answer(one)
                    if place.beside != before.beside:
                        memory.moved(memory.canonical(one.component))
        if stirred := memory.stirred():
            if self._look_up is not None:
                self._learn(self._look_up(Keys(threads=stirred)))
            for id, was in self._stored.items():  # noqa: A001
                one = memory.known[id]
                if was[0] in stirred and was != (memory.thread(one.component), memory.canonical(one.component)):
                    self._changed(one)
        for id in self.fresh:  # noqa: A001
            self.known(id)

    def place_again(self, thread: ThreadId) -> None:
        """Looks anew for the place of all that is stored in a thread, and settles."""
        for component in self._memory.stored_in([thread]):
            self._memory.moved(component)
        self._unsettled.update(one for one, (was, _) in self._stored.items() if was == thread)
        self.settle()

    def stir(self, ids: Iterable[MessageId]) -> None:
        """Looks anew, at `place_again`, for the place of what may hang below messages for their titles."""
        for one in filter(None, map(self._memory.known.get, ids)):
            if self._look_up is not None and one.subject_key:
                span = one.at - SKEW, one.at + LIKE
                titles = frozenset([one.subject_key])
                self._learn(self._look_up(Keys(subject_keys=titles, span=span, sides=one.sides)))
            self._unsettled.update(other.id for other in self._memory.later(one) if other.open)

    def looked_up(self, wanted: Keys) -> None:
        """Says which keys were looked up for the batch: what is known under them is here already."""
        self._looked_up = wanted

    def look_up_titles(self, coming: Iterable[tuple[Message, frozenset[str]]]) -> None:
        """Looks up, before the first `match`, what has the titles of messages and is of their sides (`Known.sides`)."""
        new = [(message, sides) for message, sides in coming if message.id not in self._memory.known]
        if self._look_up is None or not new:
            return
        sides = {side for _, its in new for side in its}
        for message, _ in new:
            if message.text:
                quotation = self._quotations[message.id] = quotes.read(message.text)
                sides.update(quotation.attribution.emails if quotation.attribution is not None else ())
        titles = title_keys([message for message, _ in new], frozenset(sides))
        if titles:
            self._learn(self._look_up(titles))
            self._looked_up = replace(
                self._looked_up, subject_keys=titles.subject_keys, span=titles.span, sides=titles.sides
            )

    def moves(self) -> list[LeftThread]:
        """Which stored messages have left the thread they are stored in."""
        moved: dict[tuple[ThreadId, ThreadId], list[MessageId]] = {}
        left: set[ThreadId] = set()
        for id, (was, _) in self._stored.items():  # noqa: A001
            now = self.known(id)
            if now is None or now.thread == was:
                left.add(was)
            else:
                moved.setdefault((was, now.thread), []).append(id)
        goals: dict[ThreadId, int] = {}
        for old, _ in moved:
            goals[old] = goals.get(old, 0) + 1
        return [
            LeftThread(old, new, tuple(messages), whole=old not in left and goals[old] == 1)
            for (old, new), messages in moved.items()
        ]

    def ghosts(self) -> dict[MessageId, Ghost]:
        """The new ids to be remembered without their messages."""
        memory = self._memory
        found = {one: memory.canonical(component) for one, component in self.ghosts_found.items()}
        return {
            one: Ghost(component, memory.thread(component), one in memory.bystanders)
            for one, component in found.items()
            if one not in memory.known or one in memory.bystanders
        }

    def components(self) -> dict[ThreadId, tuple[ThreadId, ThreadId]]:
        """For each stored component of the threads that have changed: what it has become, and the thread it is in."""
        memory = self._memory
        return {one: (memory.canonical(one), memory.thread(one)) for one in memory.stored_in(memory.stirred())}

    def leave_out(self, ids: Iterable[MessageId]) -> bool:
        """Lets no guess put others below messages of the batch that are no lead's; returns whether it moved any."""
        memory = self._memory
        left_out = {one for one in ids if one in self.fresh} - memory.left_out
        if not left_out:
            return False
        # They were placed among all, but for those of earlier batches: among them they are placed anew.
        again = left_out if memory.left_out else frozenset[MessageId]()
        before = {one.id: placed(one) for one in self.fresh.values()}
        memory.left_out |= left_out
        for one in left_out:
            self._unsettle_guesses(memory.known[one])
        self._unsettled = (self._unsettled - left_out) | again
        self.settle()
        return any(placed(self.fresh[one]) != place for one, place in before.items())

    def passed_by(self, id: MessageId) -> None:  # noqa: A002
        """Says that a message of the batch is no lead's: its id alone is remembered, as one that was read."""
        self._memory.bystanders.add(id)
        component = self._memory.component_of(id)
        if component is not None:
            self.ghosts_found[id] = component

    def credit(self, id: MessageId, lead: LeadId) -> None:  # noqa: A002
        """Notes the lead of a message, so that unknown people who join its thread are put on the side of that lead."""
        one = self._memory.known.get(id)
        if one is not None and one.lead != lead:
            self._memory.credit(one, lead)
            self._changed(one)

    def seen(self, id: MessageId, at: datetime) -> None:  # noqa: A002
        """Notes that a known message was seen at an instant: the earliest counts."""
        one = self._memory.known[id]
        if at < one.at:
            one.at = at
            self._changed(one)

    def bystand(self, ids: Iterable[MessageId]) -> None:
        """Says that ids are those of messages that were read, though nothing else is known of them."""
        self._memory.bystanders.update(ids)

    def leads_beside(self, id: MessageId) -> frozenset[LeadId]:  # noqa: A002
        """The leads of what headers join with a message: what a guess has put beside it does not tell who wrote it."""
        return self._memory.leads_beside(id)

    def leads_of(self, thread: ThreadId) -> frozenset[LeadId]:
        """The leads that the known messages of a thread belong to."""
        return self._memory.leads_of(thread)

    def _changed(self, one: Known) -> None:
        if one.id not in self.fresh:
            self.changed[one.id] = one


def _component_id(first: MessageId) -> ThreadId:
    """A stable name for what begins with a message."""
    return ThreadId(hashlib.sha256(first.encode()).hexdigest()[:16])
