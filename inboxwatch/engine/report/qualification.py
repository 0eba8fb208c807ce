"""The figures of qualification as JSON."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from inboxwatch.core.statistics.qualification import QualificationFigures
from inboxwatch.core.statistics.qualification_answers import AnsweredBy, Triaged
from inboxwatch.core.statistics.qualification_filter import WITHIN, FilterFigures, RuleFigures, SalesKept, Shadow
from inboxwatch.core.statistics.qualification_steps import Escalations
from inboxwatch.core.statistics.qualification_verdicts import SETTLED, VerdictTimes
from inboxwatch.core.statistics.share import ENOUGH, Share
from inboxwatch.core.statistics.survival import Survival
from inboxwatch.core.timestamp import rfc3339
from inboxwatch.engine.report.outcomes import share_view
from inboxwatch.notify.gatekeeping_messages import AUDIT_ALONE, NOT_BY_CHANCE, SELLERS_CHOOSE
from inboxwatch.words import ENGLISH


def qualification_view(found: QualificationFigures) -> dict[str, Any]:
    """As `GET /api/v1/qualification` answers: shares are 0..1, lengths seconds; null is what is not claimed."""
    asked = found.period
    return {
        "since": rfc3339(asked.since),
        "until": rfc3339(asked.until),
        "matured_since": rfc3339(asked.matured_since),
        "inquiries": found.inquiries,
        "classes": dict(found.classes),
        "time_to_verdict": _times(found.to_verdict)
        | {"triagers": {who: _times(one) for who, one in found.by_triager.items()}},
        "answered_within": {
            basis: {name: _answered(one) for name, one in shares.items()}
            for basis, shares in (("business", found.answers.business), ("wall", found.answers.wall))
        },
        **_filtered(found.filter),
        "reversals": share_view(found.reversals)
        | {"triagers": {who: share_view(one) for who, one in found.reversed_of.items()}},
        "unqualified_later": share_view(found.unqualified_later)
        | {"older_than_days": SETTLED.days, "note": ENGLISH.say(SELLERS_CHOOSE)},
        "escalations": _escalations(found.escalations),
        "triaged": _triaged(found.triaged),
        "shadow": _shadow(found.shadow),
        "moved": found.moved,
        "overdue_before_known": [
            {"id": case.id, "class": case.gives, "was": case.breach_class, "breached_at": rfc3339(case.breached_at)}
            for case in found.overdue_before
            if case.breached_at is not None
        ],
        "least": ENOUGH,
    }


def _answered(share: AnsweredBy) -> dict[str, Any]:
    low, high = share.bounds or (None, None)
    return {"n": share.of, "share": share.value, "low": low, "high": high}


def _quantiles(curve: Survival) -> dict[str, Any]:
    return {"median": curve.quantile(0.5), "p90": curve.quantile(0.9)}


def _times(times: VerdictTimes) -> dict[str, Any]:
    return {
        "n": times.clocks,
        "judged": times.judged,
        "wall_seconds": _quantiles(times.wall),
        "business_seconds": _quantiles(times.business),
        "in_target": share_view(times.in_target),
    }


def _filtered(found: FilterFigures) -> dict[str, Any]:
    return {
        "filtered": share_view(found.share) | {"classes": _named(found.classes), "otherwise": dict(found.others)},
        "rules": [_rule(one) for one in found.rules],
        "precision": share_view(found.precision) | {"note": ENGLISH.say(AUDIT_ALONE)},
        "sales_kept": _kept(found.kept),
        "contradicted": share_view(found.contradicted) | {"within_days": WITHIN.days},
    }


def _named(shares: Mapping[str, Share]) -> dict[str, Any]:
    return {name: share_view(one) for name, one in shares.items()}


def _rule(found: RuleFigures) -> dict[str, Any]:
    judged = share_view(found.judged)
    return {
        "rule": found.rule,
        "inquiries": found.inquiries,
        "filtered": found.filtered,
        "audited": found.audited,
        "held_back": found.held_back,
        "judged": judged["n"],
        "right": judged["x"],
        "precision": judged["share"],
        "low": judged["low"],
        "high": judged["high"],
        "corrected": found.corrected,
        "contradicted": share_view(found.contradicted),
    }


def _kept(kept: SalesKept) -> dict[str, Any]:
    return {
        "sales": kept.sales,
        "filtered": kept.filtered,
        "wrong": share_view(kept.wrong),
        "share": kept.value,
        "least": kept.least,
        "lost_at_most": kept.lost_at_most,
    }


def _escalations(found: Escalations) -> dict[str, Any]:
    steps = [{"policy": policy, "step": step, "false": count} for (policy, step), count in found.steps.items()]
    return share_view(found.precision) | {"false": dict(found.false), "steps": steps}


def _triaged(found: Triaged) -> dict[str, Any]:
    def side(curve: Survival, number: int) -> dict[str, Any]:
        claimed = _quantiles(curve) if found.claimed else dict.fromkeys(_quantiles(curve))
        return {"n": number, "business_seconds": claimed}

    return {
        "triaged": side(found.triaged, found.of[0]),
        "untriaged": side(found.untriaged, found.of[1]),
        "strata": {tier: {"triaged": one, "untriaged": other} for tier, (one, other) in found.strata.items()},
        "chance": found.chance,
        "note": ENGLISH.say(NOT_BY_CHANCE),
    }


def _shadow(found: Shadow) -> dict[str, Any]:
    """Of what would be filtered: `x` were answered by one of ours."""
    return {"armed": list(found.armed), "classes": _named(found.classes), "rules": _named(found.rules)}
