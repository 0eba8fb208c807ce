"""Components: messages that headers join, whatever was read first; and the threads that guesses make of them.

A component hangs by its earliest message (its root) under the component of the message beside which a guess has placed
it. What hangs together is a thread; it bears the name of the component at its top. So a guess can be taken back: what
it had placed goes out again, with all that hangs below.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import NamedTuple

from inboxwatch.core.mail.threads.known import Known
from inboxwatch.core.model import LeadId, MessageId, ThreadId

_NOBODY: frozenset[LeadId] = frozenset()


class Ghost(NamedTuple):
    """An id that was named in a header, and is remembered without its message."""

    component: ThreadId
    thread: ThreadId
    read: bool = False
    """Its message was read, and is no lead's: it is answered like others, though nothing of it is kept."""


class Components:
    """Of messages and ghosts: their components, and the threads of these."""

    def __init__(self) -> None:
        self.known: dict[MessageId, Known] = {}
        self.ghosts: dict[MessageId, ThreadId] = {}
        """Ids that were named but not read, each with its component."""
        self.bystanders: set[MessageId] = set()
        """Those of them that were read, and are no lead's."""
        self._joined: dict[ThreadId, ThreadId] = {}
        self._members: dict[ThreadId, list[MessageId]] = {}
        self._roots: dict[ThreadId, Known] = {}
        self._stored: dict[ThreadId, ThreadId] = {}
        """The thread in which a component was when it was last stored."""
        self._stored_threads: set[ThreadId] = set()
        self._stirred: set[ThreadId] = set()
        """Stored threads that have changed, or may have: what hangs where in them is worked out anew."""
        self._threads: dict[ThreadId, ThreadId] = {}
        """What was worked out."""
        self._leads: dict[ThreadId, frozenset[LeadId]] = {}
        self._grouped: dict[ThreadId, list[ThreadId]] | None = None

    def add(self, one: Known, *, stored: bool = False) -> None:
        """Remembers a message with its component; `stored`: as it was there before the batch."""
        self.known[one.id] = one
        self.ghosts.pop(one.id, None)
        self.bystanders.discard(one.id)
        component = self.canonical(one.component)
        self._members.setdefault(component, []).append(one.id)
        root = self._roots.get(component)
        if root is None or (one.at, one.id) < (root.at, root.id):
            self._roots[component] = one
            if one.beside is not None or (root is not None and root.beside is not None):
                self._threads.clear()
            if not stored and (one.beside or (root and root.beside)):
                self.moved(component)
        if one.lead:
            self._credit(component, one.lead)
        self._grouped = None

    def store(self, component: ThreadId, thread: ThreadId) -> None:
        """Notes in which thread a component is, as far as the store knows."""
        if component not in self._stored:
            self._stored[component] = thread
            self._stored_threads.add(thread)
            self._threads.clear()

    def credit(self, one: Known, lead: LeadId) -> None:
        """Notes the lead of a message."""
        one.lead = lead
        self._credit(self.canonical(one.component), lead)

    def _credit(self, component: ThreadId, lead: LeadId) -> None:
        self._leads[component] = self._leads.get(component, _NOBODY) | {lead}

    def canonical(self, component: ThreadId) -> ThreadId:
        """The component that a joined component has become."""
        while (further := self._joined.get(component)) is not None:
            component = further
        return component

    def component_of(self, id: MessageId) -> ThreadId | None:  # noqa: A002  (the word of the field)
        """The component of a message that was read or only named."""
        one = self.known.get(id)
        found = one.component if one is not None else self.ghosts.get(id)
        return found and self.canonical(found)

    def join(self, old: ThreadId, new: ThreadId) -> None:
        """Makes two components one."""
        for one in (old, new):
            self.moved(one)
        self._joined[old] = new
        self._members.setdefault(new, []).extend(self._members.pop(old, ()))
        roots = [root for one in (old, new) if (root := self._roots.pop(one, None)) is not None]
        if roots:
            self._roots[new] = min(roots, key=lambda root: (root.at, root.id))
        if leads := self._leads.pop(old, None):
            self._leads[new] = self._leads.get(new, _NOBODY) | leads
        if old in self._stored:
            self._stored.setdefault(new, self._stored[old])
        self._grouped = None

    def moved(self, component: ThreadId) -> None:
        """Notes that a component may hang elsewhere now, and whatever hangs below it."""
        self._threads.clear()
        self._grouped = None
        # What hangs below may be all that is stored of a thread: it bears the name of the component at its top.
        thread = self._stored.get(component, component)
        if thread in self._stored_threads:
            self._stirred.add(thread)

    def members(self, component: ThreadId) -> list[Known]:
        """The messages of a component, in no order."""
        return [self.known[one] for one in self._members.get(self.canonical(component), ())]

    def is_root(self, one: Known) -> bool:
        """Whether no earlier message of its component is known."""
        root = self._roots.get(self.canonical(one.component))
        return root is None or (one.at, one.id) <= (root.at, root.id)

    def thread(self, component: ThreadId) -> ThreadId:
        """The thread of a component."""
        if (known := self._threads.get(component)) is not None:
            return known
        way: list[ThreadId] = []
        at = self.canonical(component)
        while (found := self._threads.get(at)) is None:
            if at in way:  # a circle of guesses, as clocks of servers differ, is named by its first message
                circle = way[way.index(at) :]
                found = min(circle, key=lambda one: (self._roots[one].at, self._roots[one].id))
                break
            way.append(at)
            if (above := self._above(at)) is None:
                stored = self._stored.get(at)
                found = at if stored is None or stored in self._stirred else stored
                break
            at = above
        self._threads.update(dict.fromkeys(way, found))
        return found

    def _above(self, component: ThreadId) -> ThreadId | None:
        """The component under which another hangs; None also where the store knows its thread."""
        if (stored := self._stored.get(component)) is not None and stored not in self._stirred:
            return None
        root = self._roots.get(component)
        if root is None or root.beside is None:
            return None
        above = self.component_of(root.beside)
        return None if above == component else above

    def stirred(self) -> frozenset[ThreadId]:
        """The stored threads whose components may have moved."""
        return frozenset(self._stirred)

    def stored_in(self, threads: Collection[ThreadId]) -> list[ThreadId]:
        """The components that were stored in threads."""
        return [one for one, thread in self._stored.items() if thread in threads]

    def leads_beside(self, id: MessageId) -> frozenset[LeadId]:  # noqa: A002
        """The leads of the messages that headers join with one."""
        component = self.component_of(id)
        return self._leads.get(component, _NOBODY) if component is not None else _NOBODY

    def leads_of(self, thread: ThreadId) -> frozenset[LeadId]:
        """The leads that the known messages of a thread belong to."""
        if self._grouped is None:
            self._grouped = {}
            for component in self._members:
                self._grouped.setdefault(self.thread(component), []).append(component)
        components = self._grouped.get(thread, ())
        return frozenset([lead for one in components for lead in self._leads.get(one, ())])


def in_time(messages: Iterable[Known]) -> list[Known]:
    """Messages in their order of receipt; of those received together, by id."""
    return sorted(messages, key=lambda one: (one.at, one.id))
