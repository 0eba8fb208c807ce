"""Whether those who were told of a wait had to be: false escalations by what made them false (rule 54)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from inboxwatch.core.statistics.qualification_inquiry import SELLERS, InquiryCase
from inboxwatch.core.statistics.share import Share

ANSWERED_BEFORE, DISMISSED, NOT_SALES = "answered_before", "dismissed", "not_sales"
REASONS = (ANSWERED_BEFORE, DISMISSED, NOT_SALES)


@dataclass(frozen=True, slots=True)
class Escalations:
    """Steps that were told for waits; those of a verdict's own ladder are none of them."""

    precision: Share
    """Steps that were not false, of all that were told."""
    false: Mapping[str, int]
    """Reason -> false steps, each under the first that fits: answered before the step (must be 0), dismissed later,
    judged later to be neither sales nor unknown."""
    steps: Mapping[tuple[str, int], int]
    """(policy, step) -> false ones."""


def escalations(cases: Iterable[InquiryCase]) -> Escalations:
    """The steps told for waits."""
    told, why, where = 0, Counter[str](), Counter[tuple[str, int]]()
    for case in cases:
        for at, policy, step in case.told:
            told += 1
            reason = _false(case, at)
            if reason:
                why[reason] += 1
                where[policy, step] += 1
    return Escalations(
        Share(told - why.total(), told), {name: why[name] for name in REASONS}, dict(sorted(where.items()))
    )


def _false(case: InquiryCase, at: datetime) -> str:
    """Why a step told at an instant was false; empty: it was not."""
    if case.answered and case.stopped_at is not None and case.stopped_at < at:
        return ANSWERED_BEFORE
    if case.dismissed:
        return DISMISSED
    return NOT_SALES if case.judged and case.class_at(at) in SELLERS and case.gives not in SELLERS else ""
