"""People's verdicts on waits: which of them stand, and what one that is taken back leaves behind (rule 48)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import NamedTuple

from inboxwatch.core.qualification.decision import PERSON, Decision, SenderWord
from inboxwatch.core.sla.clock import Clock
from inboxwatch.core.sla.timeline import Action, ActionKind

RULES, REPOLICY, SOURCE = "rules", "repolicy", "source:"
"""Whose words of that kind are no verdicts: the program's own (`ActionKind.QUALIFIED`)."""


def is_verdict(action: Action) -> bool:
    """Whether it is a person's word on what a wait is, or takes one back."""
    if action.kind is not ActionKind.QUALIFIED:
        return False
    return action.by not in (RULES, REPOLICY) and not action.by.startswith(SOURCE)


def said(action: Action) -> Decision:
    """What a person said a wait is; of a verdict taken back what stood before it, and what had decided that."""
    return Decision(action.inquiry_class, action.rule or f"{PERSON}{action.by}")


def is_taking_back(verdict: Action) -> bool:
    """Whether a person took a verdict back: then `Action.rule` is what had decided before it."""
    return bool(verdict.rule)


def tier_named(verdicts: Iterable[Action], before: str = "") -> str:
    """The tier that people's verdicts name, given in the order of time; one that is taken back names none any more."""
    for one in verdicts:
        before = one.tier if is_taking_back(one) else one.tier or before
    return before


class Verdicts(NamedTuple):
    """People's verdicts on one wait."""

    standing: tuple[Action, ...]
    """In the order of time; the last one holds."""
    undone: tuple[Action, ...]
    """Those that were taken back."""

    @classmethod
    def of(cls, actions: Iterable[Action]) -> Verdicts:
        """The verdicts among what people did to a wait, given in the order of time."""
        standing, undone = list[Action](), list[Action]()
        for one in actions:
            if is_verdict(one) and not is_taking_back(one):
                standing.append(one)
            elif is_verdict(one) and standing:
                undone.append(standing.pop())
        return cls(tuple(standing), tuple(undone))


def taken_back(verdict: Action, without: Clock, earlier: Iterable[Action], back: Action) -> Action:
    """A verdict taken back is a further one: of what the wait was just before it, and of what had decided that.

    `without` is the wait as it would be without the verdict, `earlier` are the verdicts on the same side of the thread
    before it, in order; `back` says by whom and when it is taken back.
    """
    was = _at(without, verdict.at)
    tier = tier_named(earlier)
    return replace(back, kind=ActionKind.QUALIFIED, inquiry_class=was.gives, rule=was.by, tier=tier)


def word_taken_back(before: Sequence[SenderWord], at: datetime, by: str) -> SenderWord:
    """What a word on a sender leaves that is taken back: the last one before it, or none."""
    return before[-1]._replace(at=at) if before else SenderWord(at, "", by)


def _at(clock: Clock, at: datetime) -> Decision:
    """What a wait was at an instant."""
    told = [term.qualified for term in clock.terms] + [clock.qualified]
    known = [one for one in told if one is not None]
    return max((one for one in known if one.at <= at), key=lambda one: one.at, default=known[0]).decision


def of_side(clocks: Sequence[Clock], side: str, verdicts: Iterable[Action]) -> list[Action]:
    """Of the verdicts in a thread those on waits of one side."""
    ids = frozenset().union(*(clock.ids for clock in clocks if clock.side == side))
    return [one for one in verdicts if one.clock in ids]
