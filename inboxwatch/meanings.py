"""The rule file of meanings: read, checked by its own examples, and extended by the operator's own file."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, field_validator
from ruamel.yaml import YAML

from inboxwatch.core.meaning import Meaning, Meanings, Rule, folded
from inboxwatch.core.model import Kind


class Examples(BaseModel):
    """Texts that a rule must and must not fit."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    fits: tuple[str, ...] = Field(min_length=1)
    not_: tuple[str, ...] = Field(default=(), alias="not")


class RuleModel(BaseModel):
    """One rule as the file has it."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    name: str
    meaning: Meaning
    words: tuple[str, ...] = Field(min_length=1)
    unless: tuple[str, ...] = ()
    at_most: int = Field(default=0, ge=0)
    whole: bool = False
    in_: tuple[Kind, ...] = Field(default=(Kind.HUMAN,), alias="in")
    examples: Examples

    @field_validator("words", "unless")
    @classmethod
    def _expressions(cls, words: tuple[str, ...]) -> tuple[str, ...]:
        for word in words:
            try:
                re.compile(word)
            except re.error as error:
                raise ValueError(f"{word!r} is no regular expression: {error}") from None
        return words

    def rule(self) -> Rule:
        unless = re.compile("|".join(self.unless)) if self.unless else None
        words = re.compile("|".join(f"(?:{word})" for word in self.words))
        return Rule(self.name, self.meaning, words, unless, self.at_most, self.whole, frozenset(self.in_))


class RuleFile(BaseModel):
    """The whole file."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    rules: tuple[RuleModel, ...]

    def failures(self) -> Iterator[str]:
        """Every example that its rule gets wrong, in words."""
        for model in self.rules:
            rule, kind = model.rule(), model.in_[0]
            for wanted, texts in ((True, model.examples.fits), (False, model.examples.not_)):
                for text in texts:
                    if rule.applies(folded(text), kind) is not wanted:
                        yield f"{model.name}: {'does not fit' if wanted else 'fits'} its example {text!r}"


def read(text: str) -> RuleFile:
    """A rule file's text. Raises ValueError (pydantic's, with the path of each problem) where it cannot be used."""
    data: Any = YAML(typ="safe", pure=True).load(text)
    return RuleFile.model_validate(data if data is not None else {})


@cache
def built_in() -> RuleFile:
    """The rules that come with the program."""
    return read(files("inboxwatch").joinpath("data/meanings.yaml").read_text(encoding="utf-8"))


@cache
def load(own: tuple[Path, ...] = ()) -> Meanings:
    """The operator's own rules, which come first, and the built-in ones. Raises OSError or ValueError for a file."""
    models = [rule for path in own for rule in read(path.read_text(encoding="utf-8")).rules]
    return Meanings(tuple(model.rule() for model in (*models, *built_in().rules)))
