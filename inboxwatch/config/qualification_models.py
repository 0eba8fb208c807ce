"""The section of the config that says which inquiries deserve a seller: classes, rules, tiers (rules 41 to 54)."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, ValidationInfo, WithJsonSchema, field_validator, model_validator

from inboxwatch.config.class_rules import ClassRuleFile
from inboxwatch.config.fields import Name, PositiveWallTime, Share
from inboxwatch.config.reply_rules import document
from inboxwatch.core.model import Kind
from inboxwatch.core.qualification.decision import CUSTOMER, SALES, UNKNOWN
from inboxwatch.settings import Settings, inside


def _rule_file(value: object, info: ValidationInfo) -> Any:
    return value if isinstance(value, ClassRuleFile) else document(inside(value, info))


OwnClassRules = Annotated[
    ClassRuleFile, BeforeValidator(_rule_file), WithJsonSchema({"type": "string", "format": "path"})
]
"""Given as the path of a rules file, and read with the config."""


Points = Annotated[float, Field(allow_inf_nan=False)]
"""Of a score."""


class ClassModel(Settings):
    """A class of inquiries."""

    clock: Literal["none"] | None = None
    """`none`: nobody owes an answer; its waits end at once as `filtered`, are listed and counted, and undone by one
    word. Default: the clock of the SLA policies."""


class QualificationModel(Settings):
    """What inquiries are about and what they are worth. Without this section every one is a seller's."""

    classes: dict[Name, ClassModel]
    """A closed list, by name; `sales` and `unknown` exist always, and have a clock."""
    rules: tuple[OwnClassRules, ...] = ()
    """Files of the operator's own rules; they come before the built-in ones."""
    customers: tuple[Literal["won", "lost", "closed"], ...] = ()
    """The status of leads whose inquiries are `customer`, unless a rule says otherwise."""
    otherwise: Literal["unknown", "sales"] = "unknown"
    """The class of a stranger's inquiry that nothing fits: `unknown` (people judge it) or `sales`."""
    tiers: dict[Name, Points] = Field(default_factory=dict)
    """Tier -> the score from which it holds, where the lead list names none."""
    audit: Share = Field(default="10%", validate_default=True)
    """The share of what rules would filter that people judge all the same."""
    forget_filtered: PositiveWallTime = Field(default="90d", validate_default=True)
    """How long addresses and subjects of filtered strangers are kept; class, rule and day stay for the counts."""

    @field_validator("classes")
    @classmethod
    def _named(cls, classes: dict[str, ClassModel]) -> dict[str, ClassModel]:
        for name, model in classes.items():
            if name != name.lower():
                raise ValueError(f"{name!r}: write classes in small letters")
            if name in tuple(Kind):
                raise ValueError(f"{name!r} is a kind of mail: choose another name")
            if name in (SALES, UNKNOWN) and model.clock is not None:
                raise ValueError(f"{name!r} has a clock always: nobody would answer a buyer")
        return classes

    @field_validator("tiers")
    @classmethod
    def _apart(cls, tiers: dict[str, float]) -> dict[str, float]:
        values = list(tiers.values())
        if twice := next((name for name, one in tiers.items() if values.count(one) > 1), None):
            raise ValueError(f"{twice!r} has the threshold of another tier")
        return tiers

    @model_validator(mode="after")
    def _listed(self) -> QualificationModel:
        known = {*self.classes, SALES, UNKNOWN}
        for file in self.rules:
            for rule in file.classes:
                if rule.class_.lower() not in known:
                    raise ValueError(f"the rule {rule.name!r} gives the class {rule.class_!r}, which is not listed")
        if self.customers and CUSTOMER not in self.classes:
            raise ValueError(f"`customers` gives the class `{CUSTOMER}`, which is not listed")
        return self
