"""The second line of evidence: what the message it answers, its recipients and its sender tell about a message."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta

from inboxwatch.core.mail.classify import body_text
from inboxwatch.core.mail.classify.kinds import LIST_MARKS
from inboxwatch.core.mail.classify.signs import CERTAIN, STRONG
from inboxwatch.core.mail.subjects import read
from inboxwatch.core.mail.threads.known import Known
from inboxwatch.core.model import Direction, Kind, Message, Verdict

INSTANT = timedelta(seconds=20)
"""No person reads and answers within it."""
PROMPT = timedelta(minutes=2)
"""Our ticket systems acknowledge within it, our people do not."""
FEW = 10
"""Recipients of a mail that one person wrote to others; of mailings nobody asks how fast they were answered."""

_DISCUSSION = ("list-post", "x-beenthere", "x-mailing-list", "mailing-list")
_LIST_SIGNALS = frozenset((*LIST_MARKS, "list-unsubscribe", "precedence: list", "precedence: bulk"))
_TOOL_SIGNALS = frozenset(
    {"list-unsubscribe", "list-unsubscribe-post", "x-list-unsubscribe", "x-unsubscribe", "precedence: bulk"}
)
"""What tools for sales letters put on the mail of one person to another."""
_LIST_ENVELOPE = "envelope sender of the list "
_MAILINGS = frozenset(
    {"list-unsubscribe-post", "feedback-id", "x-campaign", "x-campaignid", "x-mc-user", "x-report-abuse"}
)


@dataclass(frozen=True, slots=True)
class Acquaintance:
    """What is known of a correspondent before the message is read."""

    lead: bool = False
    """The address is a known buyer's own."""
    written_to: bool = False
    """We wrote to it before."""
    us_alone: bool = False
    """Every recipient is one of us."""


STRANGER = Acquaintance()


def reconsider(
    verdict: Verdict,
    message: Message,
    parent: Known | None,
    *,
    to_us: bool = False,
    from_us: bool = False,
    sender: Acquaintance = STRANGER,
) -> Verdict:
    """The verdict in the light of the matched parent (None: none is known).

    `to_us`: we are named among the recipients; `from_us`: we wrote it; `sender`: what we know of its author.
    """
    if from_us:
        return _ours(verdict, message, parent)
    answers_ours = parent is not None and parent.direction is Direction.OUTBOUND
    if verdict.kind is Kind.HUMAN and answers_ours and parent is not None:
        delay = message.received_at - parent.at
        if timedelta(0) <= delay <= INSTANT and parent.kind is Kind.HUMAN and len(parent.to) < FEW:
            return Verdict(Kind.AUTO_REPLY, f"came {int(delay.total_seconds())} s after ours")
    if verdict.kind is Kind.BULK:
        why = _why_a_person(verdict, message, sender, to_us=to_us, answers_ours=answers_ours)
        if why:
            return _person(verdict, why)
    return verdict


def _ours(verdict: Verdict, message: Message, parent: Known | None) -> Verdict:
    """What our people write in a standard letter, from a box of any name or with a sales tool, is an answer too."""
    signal = verdict.signal
    worded = signal.startswith(("text: ", "subject begins with ", "subject says "))
    weighed = verdict.kind is Kind.BULK and verdict.weight is not None and verdict.weight < CERTAIN - STRONG
    answered = parent is not None and parent.direction is Direction.INBOUND and parent.kind is Kind.HUMAN
    tool = verdict.kind is Kind.BULK and signal in _TOOL_SIGNALS and answered and len(message.recipients) < FEW
    thanks = answered and parent is not None and _thanks_by_hand(verdict, message, parent)
    if verdict.kind is Kind.AUTO_REPLY and not (signal.startswith("text: ") or thanks):
        return verdict
    if verdict.kind in (Kind.AUTO_REPLY, Kind.BULK) and (worded or weighed or tool):
        return replace(verdict, kind=Kind.HUMAN, signal=f"ours, in spite of {signal}", vacation=False)
    return verdict


def _thanks_by_hand(verdict: Verdict, message: Message, parent: Known) -> bool:
    """Whether it is an automatic answer by a subject only that thanks: our people thank as well, but not at once."""
    if not verdict.signal.startswith("subject begins with ") or message.received_at - parent.at < PROMPT:
        return False
    return not message.text or body_text.automatic(body_text.words_of(message), answers=False) is None


def _why_a_person(verdict: Verdict, message: Message, sender: Acquaintance, *, to_us: bool, answers_ours: bool) -> str:
    """What outweighs the signs of a mailing, or nothing."""
    signal = verdict.signal
    if signal in _LIST_SIGNALS or signal.startswith(_LIST_ENVELOPE):
        if to_us and (_is_discussion(message) or signal.startswith(_LIST_ENVELOPE)):
            return "addressed to us personally"
        if answers_ours and read(message.subject).reply:
            return "an answer to ours"
    if signal in _TOOL_SIGNALS and sender.lead and (sender.written_to or answers_ours) and sender.us_alone:
        return "a known lead's, to us alone"
    if verdict.weight is not None:
        known = (CERTAIN if sender.lead else 0) + (STRONG if sender.written_to else 0)
        known += STRONG + 1 if answers_ours else 0
        if known > verdict.weight:
            return "a known lead's" if sender.lead else "an answer to ours" if answers_ours else "we wrote to them"
    return ""


def _person(verdict: Verdict, why: str) -> Verdict:
    return replace(
        verdict,
        kind=Kind.HUMAN,
        signal=f"{why}, in spite of {verdict.signal}",
        owes_reply=True,
        machine=verdict.machine or (verdict.signal,),
        person=(why, *verdict.person),
        weight=None,
    )


def _is_discussion(message: Message) -> bool:
    """Whether people talk on the list that carried it: one may write to such a list, and nobody counts the clicks."""
    names = {name for name, _ in message.marks}
    post = message.mark("list-post") or ""
    return not names.isdisjoint(_DISCUSSION) and not post.upper().startswith("NO") and names.isdisjoint(_MAILINGS)
