"""A quarter of inquiries by chance, and its figures counted again without the program: one by one, in minutes.

Everything happens within the office hours of a day, so that business time is elapsed time. Nothing here is imported of
`inboxwatch` but what writes letters and deeds.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from fractions import Fraction
from hashlib import sha256
from random import Random

NO_CLOCK = ("vendor", "recruiting")
AUDIT = 30
"""Percent."""
WEEKS = 13
LATE = 15
"""Minutes until a verdict is due."""
TEXTS = {"unknown": "Hello", "support": "I cannot log in", "vendor": "Backlinks?", "recruiting": "Hello"}
RULES = {"support": "cannot log in", "vendor": "link building", "recruiting": "job board"}
Counts = tuple[int, int]
"""(hits, of)."""


@dataclass
class Planned:
    """One inquiry: what it is about, when it was answered, what people said of it; times are minutes after it."""

    number: int
    about: str
    day: int
    hour: int
    answer: int | None
    verdicts: list[tuple[int, str, str]] = field(default_factory=list)
    """(after so many minutes, who, class)."""

    @property
    def id(self) -> str:
        return f"q{self.number}@x"

    @property
    def sender(self) -> str:
        return f"b{self.number}@" + ("jobs.test" if self.about == "recruiting" else f"far{self.number}.test")

    @property
    def audited(self) -> bool:
        drawn = int.from_bytes(sha256(self.id.encode()).digest()[:4], "big") % 100 < AUDIT
        return self.about in NO_CLOCK and drawn

    @property
    def came_as(self) -> str:
        return "unknown" if self.audited else self.about

    @property
    def by(self) -> str:
        return "default" if self.about == "unknown" else ("audit" if self.audited else "rule")

    @property
    def gives(self) -> str:
        return self.verdicts[-1][2] if self.verdicts else self.came_as

    def was(self, minute: int) -> str:
        return [self.came_as, *(gives for at, _, gives in self.verdicts if at <= minute)][-1]

    @property
    def filtered(self) -> bool:
        """It is of no clock by now, and had not been answered when it became so for good."""
        course = [(0, self.came_as), *((at, gives) for at, _, gives in self.verdicts)]
        since = None
        for at, gives in course:
            since = (at if since is None else since) if gives in NO_CLOCK else None
        return since is not None and (self.answer is None or self.answer > since)

    @property
    def replied(self) -> int | None:
        return None if self.filtered else self.answer


def quarter(seed: int, inquiries: int = 80) -> list[Planned]:
    random = Random(seed)
    planned = []
    for number in range(inquiries):
        about = random.choices(list(TEXTS), (10, 3, 9, 3))[0]
        answer = random.choice([None, 3, 9, 14, 41, 91, 201])
        one = Planned(number, about, 7 * random.randrange(WEEKS) + random.randrange(5), random.randrange(9, 13), answer)
        at = 0
        for _ in range(random.choice([0, 1, 1, 1, 2])):
            at += random.choice([5, 10, 30, 60])
            gives = random.choice(["sales", "sales", "sales", "support", *NO_CLOCK])
            one.verdicts.append((at, random.choice(["tia", "cas"]), gives))
        planned.append(one)
    return planned


class QuarterRecount:
    """Each figure from the plan alone; `end` is the day on which the quarter is looked at."""

    def __init__(self, planned: list[Planned], end: int) -> None:
        self.planned, self.end = planned, end

    def classes(self) -> dict[str, int]:
        return Counter(one.gives for one in self.planned)

    def to_verdict(self) -> tuple[int, int, Counts]:
        """(clocks, judged, (in time, decided))."""
        judged = in_time = decided = clocks = 0
        for one in self.planned:
            if one.came_as != "unknown":
                continue
            clocks += 1
            said = one.verdicts[0][0] if one.verdicts else None
            if said is not None and (one.answer is None or said < one.answer):
                judged, in_time, decided = judged + 1, in_time + (said <= LATE), decided + 1
            elif one.answer is None or one.answer > LATE:
                decided += 1
        return clocks, judged, (in_time, decided)

    def answered_by(self, minutes: int) -> Fraction:
        """1 - the product-limit estimate, of sales; those without an answer were seen for weeks."""
        sales = [one.replied for one in self.planned if one.gives == "sales"]
        return Fraction(sum(after is not None and after <= minutes for after in sales), len(sales))

    def filtered(self) -> Counts:
        return sum(one.filtered for one in self.planned), len(self.planned)

    def audit(self) -> Counts:
        """(right, judged)."""
        said = [one.gives in NO_CLOCK for one in self.planned if one.audited and one.verdicts]
        return sum(said), len(said)

    def contradicted(self) -> Counts:
        """Of those old enough that were filtered at some time: answered by one of ours while they were."""
        once = [one for one in self.planned if one.filtered or (one.came_as in NO_CLOCK)]
        old = [one for one in once if one.day < self.end - 30]
        return sum(one.answer is not None and one.was(one.answer) in NO_CLOCK for one in old), len(old)

    def reversals(self) -> dict[str, Counts]:
        given, changed = Counter[str](), Counter[str]()
        for one in self.planned:
            for place, (_, who, gives) in enumerate(one.verdicts):
                given[who] += 1
                changed[who] += any(later != gives for _, _, later in one.verdicts[place + 1 : place + 2])
        return {who: (changed[who], given[who]) for who in given}

    def shadow(self, about: str) -> Counts:
        """(answered, of) of what the rules give a class, where it has a clock: then nothing is drawn for the audit."""
        own = [one for one in self.planned if one.about == about]
        return sum(one.answer is not None for one in own), len(own)
