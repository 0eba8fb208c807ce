"""How the built-in rules sort the labelled inquiries: `python -m tests.support.confusion [seen | held_out]`.

Errors are listed by id, those of the part that authors of rules may not read too: an id says nothing of the words.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

from inboxwatch.config.class_rules import built_in
from inboxwatch.core.mail.reply_rules import folded
from inboxwatch.core.qualification.inquiry import InquiryParts, read
from inboxwatch.core.statistics.survival import share_bounds
from tests.support.inquiries import CLASSES, LabelledInquiry, held_out, seen

NO_RULE = "-"
FILTERED = ("vendor", "recruiting")
"""The classes for which a house would rather have no clock."""


@dataclass(frozen=True)
class Confusion:
    """What the rules gave to inquiries, beside their labels. A class is right where either reader gave it."""

    sorted_as: tuple[tuple[LabelledInquiry, str, str], ...]
    """Inquiry, class or `NO_RULE`, and the rule's name."""

    @cached_property
    def counts(self) -> Counter[tuple[str, str]]:
        """Inquiries by label of their author and class given."""
        return Counter((one.label_1, given) for one, given, _ in self.sorted_as)

    @property
    def errors(self) -> tuple[tuple[LabelledInquiry, str, str], ...]:
        """What a rule gave a class that neither reader had."""
        return tuple(row for row in self.sorted_as if row[1] not in (NO_RULE, row[0].label_1, row[0].label_2))

    @property
    def filtered(self) -> tuple[int, int]:
        """How many of those that would be filtered are so rightly, and how many there are."""
        given = [(one, name) for one, name, _ in self.sorted_as if name in FILTERED]
        return sum({one.label_1, one.label_2} & set(FILTERED) != set() for one, _ in given), len(given)

    @property
    def sales_kept(self) -> tuple[int, int]:
        """How many inquiries that are sales to either reader are not filtered, and how many there are."""
        sales = [name for one, name, _ in self.sorted_as if "sales" in (one.label_1, one.label_2)]
        return sum(name not in FILTERED for name in sales), len(sales)

    @property
    def languages(self) -> set[str]:
        """Languages in which some rule fitted."""
        return {one.language for one, name, _ in self.sorted_as if name != NO_RULE}


def confusion(inquiries: Iterable[LabelledInquiry]) -> Confusion:
    """Sorts inquiries by the words of the built-in rules; their recipients and senders are no help."""
    rules = tuple(model.rule() for model in built_in().classes)
    gives = {rule.name: rule.gives for rule in rules}
    found = []
    for one in inquiries:
        rule = read(InquiryParts(folded(one.text), folded(one.subject)), rules, ()).rule
        found.append((one, gives.get(rule, NO_RULE), rule))
    return Confusion(tuple(found))


def _share(named: str, of: tuple[int, int]) -> str:
    low, high = share_bounds(*of)
    return f"{named}: {of[0]} of {of[1]} (95 %: {low:.3f} to {high:.3f})"


def _show(part: str) -> None:
    table = confusion(seen() if part == "seen" else held_out())
    given = [name for name in CLASSES if any(key[1] == name for key in table.counts)] + [NO_RULE]
    print(f"{part}: rows are labels, columns what rules gave\n")
    print(f"{'':12}" + "".join(f"{name:>12}" for name in given))
    for label in CLASSES:
        print(f"{label:12}" + "".join(f"{table.counts[(label, name)]:12}" for name in given))
    print("\n" + _share("filtered rightly", table.filtered))
    print(_share("sales kept", table.sales_kept))
    for one, name, rule in table.errors:
        print(f"wrong: {one.id} is {one.label_1}, was given {name} by `{rule}`")


if __name__ == "__main__":
    _show(sys.argv[1] if len(sys.argv) > 1 else "held_out")
