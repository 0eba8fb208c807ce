"""What is said of the figures of qualification."""

from __future__ import annotations

from types import MappingProxyType

from inboxwatch.words import english

NOT_BY_CHANCE = english(
    "Who is triaged first was not assigned by chance: this does not show what triage does to the time until an answer."
)
"""Always with the comparison of triaged and untriaged inquiries."""
AUDIT_ALONE = english(
    "Precision is told by the audit alone. What people take back by themselves is a lower bound of the errors, for "
    "nobody looks at what is filtered."
)
SELLERS_CHOOSE = english("A lower bound: sellers say so by choice.")
FALSE = MappingProxyType(
    {
        "answered_before": english("answered before the step"),
        "dismissed": english("no reply was owed, a person said later"),
        "not_sales": english("not sales, a person said later"),
    }
)
"""Why a step was told in vain."""
