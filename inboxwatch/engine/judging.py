"""Kinds that are decided again: when other mail or a person tells more of a message that is filed already."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from inboxwatch.config.free_mail import free_mail
from inboxwatch.core.mail.classify import Relation, judge
from inboxwatch.core.model import MessageId, Verdict
from inboxwatch.store import Transaction
from inboxwatch.store.kinds import Judged


def judge_again(
    tx: Transaction, ids: Iterable[MessageId], emails: Iterable[str] = (), apart_from: Iterable[MessageId] = ()
) -> list[Judged]:
    """Decides the kinds of filed messages again, and of those that answer them; returns those that have changed.

    `ids`: messages; `emails`: senders (plain addresses) of whom something was learned; `apart_from`: messages whose
    kinds were decided with all of that.
    """
    changed: dict[MessageId, Judged] = {}
    found = tx.kinds.to_judge(ids, emails, apart_from)
    while found:
        decided = _decide(tx, found)
        tx.kinds.judge(decided)
        turned = [one.record.message_id for one, verdict in decided if verdict.kind is not one.record.kind]
        changed.update((one.record.message_id, one) for one, _ in decided)
        answers = tx.kinds.answers_of(turned) if turned else []
        # A message is answered before its answers: whatever the headers say, each is judged again once.
        found = tx.kinds.to_judge([one for one in answers if one not in changed])
    return list(changed.values())


def _decide(tx: Transaction, found: Sequence[Judged]) -> list[tuple[Judged, Verdict]]:
    """The verdicts that differ from those filed."""
    able = [one for one in found if one.again]
    if not able:
        return []
    records = [one.record for one in able]
    senders = {one.sender for one in records}
    parents = tx.kinds.placed([one.parent for one in records if one.parent is not None])
    known = tx.kinds.correspondence([one.message_id for one in records], senders, senders, ())
    leads = tx.leads.directory(senders, free_mail=free_mail())
    decided = []
    for one in able:
        record, lead = one.record, leads.by_address(one.record.sender)
        relation = Relation(
            parents.get(record.parent) if record.parent is not None else None,
            lead=lead is not None and not lead.provisional,
            written_to=known.had_written(record.sender, record.at),
            fact=known.fact(record.message_id, record.sender),
        )
        verdict = judge(one.grounds, record.at, relation)
        if (verdict.kind, verdict.signal) != (record.kind, record.signal):
            decided.append((one, verdict))
    return decided
