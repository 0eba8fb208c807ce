"""The second line of evidence: what the message it answers, and its recipients, tell about a message."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from inboxwatch.core.mail.classify.kinds import LIST_MARKS
from inboxwatch.core.mail.subjects import read
from inboxwatch.core.mail.threads.known import Known
from inboxwatch.core.model import Direction, Kind, Message, Verdict

INSTANT = timedelta(seconds=20)
"""No person reads and answers within it."""
FEW = 10
"""Recipients of a mail that one person wrote to others; of mailings nobody asks how fast they were answered."""

_DISCUSSION = ("list-post", "x-beenthere", "x-mailing-list", "mailing-list")
_LIST_SIGNALS = frozenset((*LIST_MARKS, "list-unsubscribe", "precedence: list", "precedence: bulk"))
_MAILINGS = frozenset(
    {"list-unsubscribe-post", "feedback-id", "x-campaign", "x-campaignid", "x-mc-user", "x-report-abuse"}
)


def reconsider(
    verdict: Verdict, message: Message, parent: Known | None, *, to_us: bool = False, from_us: bool = False
) -> Verdict:
    """The verdict in the light of the matched parent (None: none is known).

    `to_us`: we are named among the recipients; `from_us`: we wrote it.
    """
    if from_us:
        if verdict.kind in (Kind.AUTO_REPLY, Kind.BULK) and verdict.signal.startswith("text: "):
            # What our people write in a standard letter is an answer all the same.
            return replace(verdict, kind=Kind.HUMAN, signal=f"ours, in spite of {verdict.signal}")
        return verdict
    answers_ours = parent is not None and parent.direction is Direction.OUTBOUND
    if verdict.kind is Kind.HUMAN and answers_ours and parent is not None:
        delay = message.received_at - parent.at
        if timedelta(0) <= delay <= INSTANT and parent.kind is Kind.HUMAN and len(parent.to) < FEW:
            return Verdict(Kind.AUTO_REPLY, f"came {int(delay.total_seconds())} s after ours")
    if verdict.kind is Kind.BULK and verdict.signal in _LIST_SIGNALS:
        personal = to_us and _is_discussion(message)
        if personal or (answers_ours and read(message.subject).reply):
            why = "addressed to us personally" if personal else "an answer to ours"
            return replace(verdict, kind=Kind.HUMAN, signal=f"{why}, in spite of {verdict.signal}", owes_reply=True)
    return verdict


def _is_discussion(message: Message) -> bool:
    """Whether people talk on the list that carried it: one may write to such a list, and nobody counts the clicks."""
    names = {name for name, _ in message.marks}
    post = message.mark("list-post") or ""
    return not names.isdisjoint(_DISCUSSION) and not post.upper().startswith("NO") and names.isdisjoint(_MAILINGS)
