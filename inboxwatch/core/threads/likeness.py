"""How much a message looks like the answer to another one: subject, participants, time, and quoted text where it may be read."""

from __future__ import annotations

import math
from datetime import timedelta

from inboxwatch.core.model import Message
from inboxwatch.core.quotes import Quotation
from inboxwatch.core.subjects import Subject
from inboxwatch.core.threads.known import Known

WINDOW = timedelta(days=60)
"""A subject alone joins nothing over a longer time."""


def likeness(message: Message, subject: Subject, quotation: Quotation | None, parent: Known) -> float:
    """Log odds, roughly, that `message` answers `parent`."""
    score = -4.0
    same_title = bool(subject.key) and subject.key == parent.subject_key
    if same_title:
        score += 4.0 if subject.reply else -2.0
    elif subject.was and subject.was == parent.subject_key:
        score += 4.0
    if quotation is not None and parent.quotation is not None and quotation.quoted:
        share = len(quotation.quoted & parent.quotation.own) / len(quotation.quoted)
        score += 7.0 * share if share > 0.05 else -1.5
    if quotation is not None and (said := quotation.attribution) is not None:
        if parent.id in said.ids:
            score += 10.0
        by = said.is_by(parent.sender, parent.name)
        score += 0.0 if by is None else 1.5 if by else -2.0
        at = said.is_at(parent.sent_at)
        score += 0.0 if at is None else 4.0 if at else -1.0
    to = {one.email for one in message.to}
    if parent.sender in to:
        score += 2.0
    elif any(one.email == parent.sender for one in message.cc):
        score += 1.0
    if message.sender.email in parent.to:
        score += 0.7
    if message.sender.email == parent.sender:
        score -= 1.5
    hours = max((message.received_at - parent.at).total_seconds(), 0.0) / 3600
    return score - 0.5 * math.log1p(hours / 6)
