"""Mail of leads that was not taken for a person's, and what people of ours say of it: somebody wrote it."""

from __future__ import annotations

from collections.abc import Collection

from inboxwatch.core.leads import plain_address
from inboxwatch.core.model import Direction
from inboxwatch.core.sla.timeline import Action, ActionKind
from inboxwatch.engine.actions import Acting, known_person
from inboxwatch.engine.evaluate import Occasion, evaluate
from inboxwatch.engine.judging import judge_again
from inboxwatch.engine.refused import NoSuchMessage, Refused
from inboxwatch.engine.rules import Rules
from inboxwatch.store import Transaction
from inboxwatch.store.kinds import Judged
from inboxwatch.store.records import KindFactRecord, MessageRecord
from inboxwatch.words import english


def confirm(tx: Transaction, rules: Rules, message_id: str, acting: Acting, *, sender: bool = False) -> MessageRecord:
    """Somebody wrote this message, says a person of ours; with `sender` also whatever its sender writes.

    The wait starts at the message's own time (rule 1) and its ladder stands where that puts it: somebody waits, and
    it was said now, so the step that is due leaves. What else is filed of the sender is mail that nobody has looked
    at: overdue steps are recorded there and page nobody, as at first sight (rule 39). Raises Refused.
    """
    row = _row(tx, rules, message_id, acting.by)
    if row.direction is not Direction.INBOUND:
        raise Refused(409, english("only what was written to us can be owed a reply"))
    by, at, reason = acting.by, acting.at, acting.reason
    tx.kinds.say(KindFactRecord(row.message_id, False, by, at, reason))
    _record(tx, Action(at, ActionKind.SAID_HUMAN, by, reason=reason, rule=row.message_id), {row.thread})
    evaluate(tx, rules, _threads(judge_again(tx, [row.message_id])), Occasion(at))
    if sender:
        plain = plain_address(row.sender)
        tx.kinds.say(KindFactRecord(plain, True, by, at, reason, row.message_id))
        changed = judge_again(tx, (), [plain])
        said = Action(at, ActionKind.SAID_HUMAN, by, reason=reason, rule=plain)
        _record(tx, said, {row.thread, *_threads(changed)})
        evaluate(tx, rules, _threads(changed), Occasion(at, quiet=True))
    return _now(tx, row)


def undo(tx: Transaction, rules: Rules, message_id: str, acting: Acting, *, sender: bool = False) -> MessageRecord:
    """Takes back what was said of a message, or with `sender` of its sender: the mail itself decides again.

    Raises Refused.
    """
    row = _row(tx, rules, message_id, acting.by)
    name = plain_address(row.sender) if sender else row.message_id
    if not tx.kinds.unsay(name, sender=sender):
        if sender:
            raise Refused(409, english("nobody has said anything of this sender"))
        raise Refused(409, english("nobody has said anything of this message"))
    changed = judge_again(tx, () if sender else [row.message_id], [name] if sender else ())
    taken_back = Action(acting.at, ActionKind.UNSAID_HUMAN, acting.by, reason=acting.reason, rule=name)
    _record(tx, taken_back, {row.thread, *_threads(changed)})
    evaluate(tx, rules, _threads(changed), Occasion(acting.at, quiet=True))
    return _now(tx, row)


def _record(tx: Transaction, action: Action, threads: Collection[str]) -> None:
    for thread in sorted(threads):
        tx.clocks.record(action, thread)


def _threads(judged: Collection[Judged]) -> list[str]:
    """In the order of time: who asked first is given an owner first."""
    return list(dict.fromkeys(one.record.thread for one in sorted(judged, key=lambda one: one.record.at)))


def _row(tx: Transaction, rules: Rules, message_id: str, by: str) -> MessageRecord:
    """A filed message, for a person of ours. Raises Refused."""
    known_person(rules, by)
    row = tx.mail.row(message_id.strip().strip("<>"))
    if row is None:
        raise NoSuchMessage(message_id)
    return row


def _now(tx: Transaction, row: MessageRecord) -> MessageRecord:
    """The message as it is now."""
    now = tx.mail.row(row.message_id)
    return row if now is None else now
