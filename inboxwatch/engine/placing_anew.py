"""Filed messages whose headers turn out to tell something else than was taken from them are placed anew.

Components only grow while mail is read; where they must come apart, the threads concerned are made again from what is
stored of their messages.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from inboxwatch.core.mail.bearers import Bearers, bearers_of, means_of
from inboxwatch.core.mail.intake import Intake
from inboxwatch.core.mail.threads import Ghost, Keys, Known, ThreadIndex, apart
from inboxwatch.core.model import Message, MessageId, ThreadId
from inboxwatch.engine.judging import judge_again
from inboxwatch.engine.moves import write_moves
from inboxwatch.store import Transaction

Renamed = Mapping[MessageId, Mapping[MessageId, MessageId]]
"""For a message, the ids that it names and those that it means instead."""


def name_meant(tx: Transaction, intake: Intake, told: Sequence[Message]) -> list[ThreadId]:
    """Where a batch (`told` apart) brings one more message under a Message-ID, what is filed and names that id may mean
    another one than was known: it is placed anew. Returns the threads that this concerns, to be evaluated.
    """
    bearers = bearers_of(told, intake)
    if not bearers:
        return []
    ids = {one for id_, its in bearers.items() for one in (id_, *(bearer.id for bearer in its))}
    naming, ghosts = tx.mail.known(Keys(frozenset(ids)))
    renamed = {one.id: means for one in naming if (means := _means(one, bearers))}
    if not renamed:
        return []
    threads = {one.thread for one in naming if one.id in renamed or one.id in ids}
    return place_anew(tx, threads | {ghosts[one].thread for one in ids if one in ghosts}, renamed)


def _means(one: Known, bearers: Bearers) -> dict[MessageId, MessageId]:
    return means_of(one.names, bearers, one.subject_key, one.sides)


def place_restated(tx: Transaction, index: ThreadIndex) -> list[ThreadId]:
    """Places anew what a better account has told otherwise; call it once that is written. Returns the threads that this
    concerns, to be evaluated.
    """
    restated = [one for one in map(index.known, sorted(index.restated)) if one is not None]
    if not restated:
        return []
    return place_anew(tx, {one.thread for one in restated}, stirring=[one.id for one in restated])


def place_anew(
    tx: Transaction,
    threads: Iterable[ThreadId],
    renamed: Renamed | None = None,
    stirring: Iterable[MessageId] = (),
) -> list[ThreadId]:
    """Places all that is stored in threads anew; returns the threads that this concerns, to be evaluated.

    What people did stays with the waits they did it to, and waits keep their ids. `stirring`: messages with other
    titles than they had.
    """
    threads = sorted(threads)
    messages, unread = tx.mail.whole(threads)
    if renamed:
        messages = [_renamed(one, renamed.get(one.id, {})) for one in messages]
        unread = _with_names(tx, messages, unread, renamed)
    parents = {one.id: one.parent for one in messages}
    known, ghosts = apart(messages, unread)
    index = ThreadIndex(known, ghosts, tx.mail.known_more)
    index.stir(stirring)
    for thread in threads:
        index.place_again(thread)
    concerned = write_moves(tx, index)
    placed = [one for one in map(index.known, parents) if one is not None]
    tx.mail.amend(placed)
    tx.mail.add_ghosts({one: _now(index, one, ghost) for one, ghost in ghosts.items()})
    turned = judge_again(tx, [one.id for one in placed if one.parent != parents[one.id]])
    concerned += [ThreadId(one.record.thread) for one in turned]
    return list(dict.fromkeys([*threads, *concerned]))


def _now(index: ThreadIndex, id: MessageId, ghost: Ghost) -> Ghost:  # noqa: A002  (the word of the field)
    component, thread = index.component_of(id), index.thread_of(id)
    return Ghost(component or ghost.component, thread or ghost.thread, ghost.read)


def _renamed(one: Known, means: Mapping[MessageId, MessageId]) -> Known:
    def its(id: MessageId) -> MessageId:  # noqa: A002
        return means.get(id, id)

    return replace(
        one,
        named=one.named and its(one.named),
        above=one.above and its(one.above),
        parent=one.parent and its(one.parent),
        in_reply_to=tuple(map(its, one.in_reply_to)),
        references=tuple(map(its, one.references)),
    )


def _with_names(
    tx: Transaction, messages: Sequence[Known], unread: Mapping[MessageId, Ghost], renamed: Renamed
) -> dict[MessageId, Ghost]:
    """The ids that are named but not read, with those that are now and without those that are no more."""
    read = {one.id for one in messages}
    left = {old for means in renamed.values() for old in means}
    named = {name: one for one in messages for name in one.names}
    gone = [one for one, ghost in unread.items() if one in left and one not in named and not ghost.read]
    tx.mail.drop_ghosts(gone)
    found = {one: ghost for one, ghost in unread.items() if one not in gone}
    for one in {new for means in renamed.values() for new in means.values()} - read - found.keys():
        found[one] = Ghost(named[one].component, named[one].thread)
    return found
