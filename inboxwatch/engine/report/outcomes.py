"""What became of leads by how soon they were answered, as JSON."""

from __future__ import annotations

from typing import Any

from inboxwatch.core.statistics.share import ENOUGH, Share
from inboxwatch.core.timestamp import rfc3339
from inboxwatch.engine.outcomes import LeadOutcomes
from inboxwatch.notify.outcome_messages import NOTE, TURNED
from inboxwatch.words import ENGLISH


def outcomes_view(found: LeadOutcomes) -> dict[str, Any]:
    """As `GET /api/v1/outcomes` answers: shares are 0..1, lengths seconds; null is what is not claimed."""
    table, asked = found.table, found.question
    told: dict[str, Any] = {
        "since": rfc3339(asked.since),
        "until": rfc3339(asked.until),
        "within_seconds": asked.within.total_seconds(),
        "warning": ENGLISH.say(TURNED) if table.trends is not None and table.trends.differ else None,
        "trends": table.trends._asdict() if table.trends is not None else None,
        "leads": table.counted,
        "buckets": {
            bucket: share_view(share) | {"standardised": table.standardised[bucket]}
            for bucket, share in table.buckets.items()
        },
        "strata": {
            tier: {bucket: share_view(share) for bucket, share in shares.items()}
            for tier, shares in table.strata.items()
        },
        "median_seconds": dict(table.medians),
        "too_early": table.too_early,
        "opportunity_before_inquiry": table.before_inquiry,
        "opportunity_before_answer": table.before_answer,
        "unverified": table.unverified,
        "ended_otherwise": dict(table.ended_by),
        "least": ENOUGH,
        "note": ENGLISH.say(NOTE),
    }
    return told


def share_view(share: Share) -> dict[str, Any]:
    low, high = share.bounds or (None, None)
    return {"x": share.hits, "n": share.of, "share": share.value, "low": low, "high": high}
