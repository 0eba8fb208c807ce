"""The second line of evidence: what the message it answers tells about a message."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from inboxwatch.core.classify.kinds import LIST_MARKS
from inboxwatch.core.model import Direction, Kind, Message, Verdict
from inboxwatch.core.threads.known import Known

INSTANT = timedelta(seconds=20)
"""No person reads and answers within it."""


def reconsider(verdict: Verdict, message: Message, parent: Known | None, *, to_us: bool = False) -> Verdict:
    """The verdict in the light of the matched parent (None: none known); `to_us`: we are among the recipients."""
    answers_ours = parent is not None and parent.direction is Direction.OUTBOUND
    if verdict.kind is Kind.HUMAN and answers_ours and parent is not None:
        delay = message.received_at - parent.at
        if timedelta(0) <= delay <= INSTANT and parent.kind is Kind.HUMAN and len(parent.to) < 10:
            return Verdict(Kind.AUTO_REPLY, f"came {int(delay.total_seconds())} s after ours")
    if (
        verdict.kind is Kind.BULK
        and to_us
        and verdict.signal in (*LIST_MARKS, "precedence: list")
        and (answers_ours or not _is_list_mail(message))
    ):
        return replace(
            verdict,
            kind=Kind.HUMAN,
            signal=f"addressed to us personally, in spite of {verdict.signal}",
            owes_reply=True,
        )
    return verdict


def _is_list_mail(message: Message) -> bool:
    """Whether a list's address is among the recipients."""
    listed = {
        value.rpartition("<")[2].strip("> ").lower()
        for name, value in message.marks
        if name in ("list-id", "list-post")
    }
    stems = {one.removeprefix("mailto:").replace("@", ".") for one in listed}
    return any(one.email.replace("@", ".") in stems for one in message.recipients)
