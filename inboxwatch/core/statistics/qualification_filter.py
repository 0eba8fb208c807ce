"""What is filtered, and how right that is: by the audit, by what contradicts it, with what could be lost.

Of what nobody ever looks at nobody knows whether it was filtered rightly (partial verification): only the audit, which
is drawn without looking, tells a precision. What people correct by themselves is a lower bound of the errors.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from inboxwatch.core.qualification.decision import RULE, SALES
from inboxwatch.core.statistics.qualification_inquiry import SELLERS, InquiryCase
from inboxwatch.core.statistics.share import Share

WITHIN = timedelta(days=30)
"""How long after a filtered inquiry what contradicts it counts."""

HasClock = Callable[[str], bool]
"""Whether a class has a clock."""


@dataclass(frozen=True, slots=True)
class RuleFigures:
    """One rule."""

    rule: str
    inquiries: int
    """Which it decided, left to the audit, or would have filtered but for a known lead."""
    filtered: int
    audited: int
    judged: Share
    """Right, of the audited ones that a person has judged: the verdict's class has no clock either."""
    corrected: int
    """Filtered ones that people took back: a lower bound of the errors."""
    contradicted: Share
    """Of the filtered ones that are old enough."""
    held_back: int
    """A known open lead's."""


@dataclass(frozen=True, slots=True)
class SalesKept:
    """How much of the sales mail is not filtered, as far as the audit can tell."""

    sales: int
    filtered: int
    """By rules."""
    wrong: Share
    """Of the audit: judged, and of a class with a clock."""

    @property
    def value(self) -> float | None:
        """S / (S + F x e), where enough were judged to claim it."""
        return None if self.wrong.value is None else self._kept(self.wrong.value)

    @property
    def least(self) -> float | None:
        """The same with the upper bound of e."""
        return None if self.wrong.bounds is None else self._kept(self.wrong.bounds[1])

    @property
    def lost_at_most(self) -> int | None:
        """So many of the filtered could be sales."""
        return None if self.wrong.bounds is None else math.floor(self.filtered * self.wrong.bounds[1])

    def _kept(self, wrong: float) -> float | None:
        whole = self.sales + self.filtered * wrong
        return self.sales / whole if whole else None


@dataclass(frozen=True, slots=True)
class FilterFigures:
    """What was filtered."""

    share: Share
    """Of all inquiries."""
    classes: Mapping[str, Share]
    """Class -> filtered, of the inquiries that are of it."""
    others: Mapping[str, int]
    """Filtered by what is no rule: `list`, `person` and such."""
    rules: tuple[RuleFigures, ...]
    precision: Share
    """Of all rules together."""
    kept: SalesKept
    contradicted: Share


def filter_figures(
    cases: Sequence[InquiryCase], matured: Sequence[InquiryCase], until: datetime, has_clock: HasClock
) -> FilterFigures:
    """`cases` began in the period; of those in `matured` the ones that are old enough tell what was contradicted."""
    names = sorted({name for case in cases for name in (_rule_of(case), case.ruled.held_back) if name})
    filtered = [case for case in cases if case.filtered]
    classes = sorted({case.gives for case in cases})
    judged = _judged(cases, has_clock)
    by_rule = sum(case.by.startswith(RULE) for case in filtered)
    return FilterFigures(
        share=Share(len(filtered), len(cases)),
        classes={name: _filtered_of([case for case in cases if case.gives == name]) for name in classes},
        others=dict(
            sorted(Counter(case.by.partition(":")[0] for case in filtered if not case.by.startswith(RULE)).items())
        ),
        rules=tuple(_of_rule(name, cases, matured, until, has_clock) for name in names),
        precision=judged,
        kept=SalesKept(sum(case.gives == SALES for case in cases), by_rule, Share(judged.of - judged.hits, judged.of)),
        contradicted=_contradicted(matured, until, has_clock),
    )


def _of_rule(
    name: str, cases: Sequence[InquiryCase], matured: Sequence[InquiryCase], until: datetime, has_clock: HasClock
) -> RuleFigures:
    own = [case for case in cases if _rule_of(case) == name]
    held_back = sum(case.ruled.held_back == name for case in cases)
    by_rule = [case for case in own if case.ruled.by_rule]
    # What people filter though the rule gave it a clock says nothing of the rule.
    its_own = [case for case in matured if case.ruled.by == f"{RULE}{name}" and not has_clock(case.ruled.gives)]
    return RuleFigures(
        rule=name,
        inquiries=len(own) + held_back,
        filtered=sum(case.filtered and case.by == f"{RULE}{name}" for case in own),
        audited=len(own) - len(by_rule),
        judged=_judged(own, has_clock),
        corrected=sum(not has_clock(case.ruled.gives) and case.judged and has_clock(case.gives) for case in by_rule),
        contradicted=_contradicted(its_own, until, has_clock),
        held_back=held_back,
    )


def _rule_of(case: InquiryCase) -> str:
    """The rule that decided, or would have but for the audit; empty: none."""
    return case.ruled.by.partition(":")[2] if case.ruled.by_rule or case.ruled.audited else ""


def _filtered_of(cases: Sequence[InquiryCase]) -> Share:
    return Share(sum(case.filtered for case in cases), len(cases))


def _judged(cases: Iterable[InquiryCase], has_clock: HasClock) -> Share:
    """Audited inquiries that a person has judged: how many the rule would have filtered rightly."""
    said = [case.gives for case in cases if case.ruled.audited and case.judged]
    return Share(sum(not has_clock(one) for one in said), len(said))


def _contradicted(cases: Iterable[InquiryCase], until: datetime, has_clock: HasClock) -> Share:
    """Those that people took back stay in it: what they found out contradicts the rule no less."""
    old = [case for case in cases if case.at <= until - WITHIN and _once_filtered(case, has_clock)]
    found = [_contradicted_at(case, has_clock) for case in old]
    hits = [at for case, at in zip(old, found, strict=True) if at is not None and at <= case.at + WITHIN]
    return Share(len(hits), len(old))


def _once_filtered(case: InquiryCase, has_clock: HasClock) -> bool:
    return case.filtered or (case.ruled.by_rule and not has_clock(case.ruled.gives))


def _contradicted_at(case: InquiryCase, has_clock: HasClock) -> datetime | None:
    if case.contradicted_at is not None or not case.answered or case.stopped_at is None:
        return case.contradicted_at
    # Taken back after one of ours had answered: that answer is what contradicts.
    return None if has_clock(case.class_at(case.stopped_at)) else case.stopped_at


@dataclass(frozen=True, slots=True)
class Shadow:
    """What rules would filter of a class that has a clock as yet, and how much of that was answered."""

    armed: tuple[str, ...]
    """Classes without a clock."""
    classes: Mapping[str, Share]
    """Class -> answered by one of ours, of what rules gave that class."""
    rules: Mapping[str, Share]


def shadow(cases: Iterable[InquiryCase], classes: Mapping[str, bool]) -> Shadow:
    """`classes`: class -> whether it has a clock."""
    own = [case for case in cases if case.ruled.by_rule and case.ruled.gives not in SELLERS]
    own = [case for case in own if classes.get(case.ruled.gives, True)]

    def answered(name: str, of: Callable[[InquiryCase], str]) -> Share:
        some = [case for case in own if of(case) == name]
        return Share(sum(case.answered for case in some), len(some))

    return Shadow(
        tuple(sorted(name for name, clock in classes.items() if not clock)),
        {name: answered(name, _class_by_rule) for name in sorted({_class_by_rule(case) for case in own})},
        {name: answered(name, _rule_of) for name in sorted({_rule_of(case) for case in own})},
    )


def _class_by_rule(case: InquiryCase) -> str:
    return case.ruled.gives
