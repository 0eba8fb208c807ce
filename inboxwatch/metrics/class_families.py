"""Metrics of classes and verdicts: exposed only where the config says which classes there are.

The families that there were before hold waits of class sales and unknown, with the labels that they had.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import product

from inboxwatch.core.qualification.decision import UNKNOWN, Qualification
from inboxwatch.core.sla.policy import EscalationPolicy
from inboxwatch.core.statistics.figures import Figures, Tally
from inboxwatch.metrics.exposition import Family, Labels
from inboxwatch.metrics.shown import Shown

BASES = ("wall", "business")
_FAMILIES = (
    ("inquiries_total", "counter", "Inquiries by what decided their class as they came.", ("mailbox", "class", "by")),
    ("rule_inquiries_total", "counter", "Inquiries that a rule fits and that nothing before it decided.", ("rule",)),
    ("verdicts_total", "counter", "Verdicts that people gave, with the class before.", ("by", "was", "class")),
    ("verdict_clocks_open", "gauge", "Waits of unknown class that are not judged yet.", ("owner", "state")),
    ("verdict_seconds", "histogram", "Time from an inquiry to a person's verdict.", ("owner", "basis")),
    ("verdict_breaches_total", "counter", "Verdicts that fell due, by their owner at that instant.", ("owner",)),
    ("class_clocks_open", "gauge", "Waits that are not answered yet, by class.", ("class", "state")),
    ("class_replies_total", "counter", "Answered waits by their class then.", ("class", "within_sla")),
    (
        "false_escalations_total",
        "counter",
        "Steps told of a wait that was none of sales', or of which nobody had to be told.",
        ("policy", "step"),
    ),
    ("contradicted_total", "counter", "Filtered waits that were answered, or whose sender became a lead.", ("rule",)),
)


class ClassFamilies:
    """The families; one scrape is rendered at a time."""

    def __init__(self) -> None:
        self._families = {name: Family(f"inboxwatch_{name}", *rest) for name, *rest in _FAMILIES}  # type: ignore[arg-type]  # each is (str, str, labels)

    def of(
        self,
        qualification: Qualification,
        ladders: Mapping[str, EscalationPolicy],
        states: Iterable[str],
        shown: Shown,
        figures: Figures,
    ) -> Iterable[str]:
        """The exposition. What the config names is there at zero before anything happens."""
        states = tuple(states)
        yield from self._lines("inquiries_total", _inquiries(shown, figures))
        rules = dict.fromkeys(rule.name for rule in qualification.rules)
        yield from self._lines("rule_inquiries_total", _one(dict.fromkeys(rules, 0) | figures.rule_inquiries))
        yield from self._lines("verdicts_total", _verdicts(qualification, shown, figures))
        yield from self._of_verdicts(states, shown, figures)
        opened: dict[tuple[str, ...], float] = dict.fromkeys(product(qualification.classes, states), 0)
        yield from self._lines("class_clocks_open", opened | figures.class_open)
        owed = [name for name, clock in qualification.classes.items() if clock]
        replies: dict[tuple[str, ...], float] = dict.fromkeys(product(owed, ("true", "false")), 0)
        yield from self._lines("class_replies_total", replies | figures.class_replies)
        steps: dict[tuple[str, ...], float] = {
            (name, str(number)): 0 for name, ladder in ladders.items() for number in range(1, len(ladder.steps) + 1)
        }
        false = {(policy, str(step)): count for (policy, step), count in figures.false_escalations.items()}
        yield from self._lines("false_escalations_total", steps | false)
        filters = [rule.name for rule in qualification.rules if not qualification.clock(rule.gives)]
        yield from self._lines("contradicted_total", _one(dict.fromkeys(filters, 0) | figures.contradicted))

    def _of_verdicts(self, states: tuple[str, ...], shown: Shown, figures: Figures) -> Iterable[str]:
        owners = {owner for owner, _ in (*figures.verdict_open, *figures.verdict_latency)}
        owners |= shown.reps | set(figures.verdict_breaches)
        waiting: dict[tuple[str, ...], float] = dict.fromkeys(product(sorted(owners), states), 0)
        yield from self._lines("verdict_clocks_open", waiting | figures.verdict_open)
        zero = Tally()
        seconds = {key: figures.verdict_latency.get(key, zero) for key in product(sorted(owners), BASES)}
        yield from self._families["verdict_seconds"].buckets(seconds)
        breaches = dict.fromkeys(sorted(owners), 0) | figures.verdict_breaches
        yield from self._lines("verdict_breaches_total", _one(breaches))

    def _lines(self, name: str, values: Mapping[Labels, float]) -> Iterable[str]:
        return self._families[name].lines(values)


def _inquiries(shown: Shown, figures: Figures) -> dict[tuple[str, ...], float]:
    """Each class, by whatever decided it anywhere, is at zero in the mailboxes where it did not occur yet."""
    known = dict.fromkeys((about, by) for _, about, by in figures.inquiries)
    zero: dict[tuple[str, ...], float] = {(box, *pair): 0 for box, pair in product(shown.works, known)}
    return zero | figures.inquiries


def _verdicts(qualification: Qualification, shown: Shown, figures: Figures) -> dict[tuple[str, ...], float]:
    """What is said of an inquiry that waits to be judged, and what was said of any, is at zero for who did not say it
    yet: the first verdict of a day would not be seen to be one otherwise."""
    known = dict.fromkeys((UNKNOWN, name) for name in qualification.classes if name != UNKNOWN)
    known |= dict.fromkeys((was, about) for _, was, about in figures.verdicts)
    zero: dict[tuple[str, ...], float] = {(who, *pair): 0 for who, pair in product(sorted(shown.reps), known)}
    return zero | figures.verdicts


def _one(values: Mapping[str, float]) -> dict[tuple[str, ...], float]:
    return {(name,): value for name, value in values.items()}
