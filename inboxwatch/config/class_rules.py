"""The rules file of qualification: what gives a class, what adds to a score; checked by its own examples."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from importlib.resources import as_file, files
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, FiniteFloat, field_validator, model_validator

from inboxwatch.config.expressions import any_of, checked
from inboxwatch.config.reply_rules import document
from inboxwatch.core.mail.reply_rules import folded
from inboxwatch.core.qualification.inquiry import ClassRule, Expressions, InquiryParts
from inboxwatch.core.qualification.score import Criterion, ScoreRule


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Example(_Strict):
    """A message as far as rules look at it; a text alone stands for `{text: ...}`."""

    to: str = ""
    from_: str = Field(default="", alias="from")
    subject: str = ""
    text: str = ""

    @model_validator(mode="before")
    @classmethod
    def _text_alone(cls, given: Any) -> Any:
        return {"text": given} if isinstance(given, str) else given

    def look(self) -> InquiryParts:
        to = (self.to.lower(),) if self.to else ()
        return InquiryParts(folded(self.text), folded(self.subject), self.from_.lower(), to)


class ClassExamples(_Strict):
    """Messages that a rule must and must not fit."""

    fits: tuple[Example, ...] = Field(min_length=1)
    not_: tuple[Example, ...] = Field(default=(), alias="not")


class _Worded(_Strict):
    words: tuple[str, ...] = ()
    unless: tuple[str, ...] = ()
    at_most: int = Field(default=0, ge=0)

    @field_validator("words", "unless")
    @classmethod
    def _expressions(cls, words: tuple[str, ...]) -> tuple[str, ...]:
        return checked(words)

    @model_validator(mode="after")
    def _together(self) -> _Worded:
        self._words()
        return self

    def _words(self) -> Expressions | None:
        if not self.words:
            return None
        return Expressions(any_of(self.words), any_of(self.unless) if self.unless else None, self.at_most)


class ClassRuleModel(_Worded):
    """One rule of a class as the file has it."""

    name: str = Field(min_length=1)
    class_: str = Field(alias="class", min_length=1)
    to: tuple[str, ...] = ()
    from_: tuple[str, ...] = Field(default=(), alias="from")
    examples: ClassExamples

    @model_validator(mode="after")
    def _looks_at_something(self) -> ClassRuleModel:
        if not (self.to or self.from_ or self.words):
            raise ValueError("looks at nothing: give `to`, `from` or `words`")
        if (self.unless or self.at_most) and not self.words:
            raise ValueError("`unless` and `at_most` need `words`")
        for word in (*self.to, *self.from_):
            if "@" not in word:
                raise ValueError(f"{word!r} is neither an address nor `local@` nor `@domain`")
        return self

    def rule(self) -> ClassRule:
        lower = [tuple(word.lower() for word in words) for words in (self.to, self.from_)]
        return ClassRule(self.name, self.class_.lower(), lower[0], lower[1], self._words())


class CriterionModel(_Strict):
    """What a value must be: `at_least`, `at_most`, `words`; a value or a list stands for itself."""

    values: frozenset[str] = frozenset()
    at_least: FiniteFloat | None = None
    at_most: FiniteFloat | None = None
    words: str | None = None

    @model_validator(mode="before")
    @classmethod
    def _values_alone(cls, given: Any) -> Any:
        if isinstance(given, dict):
            return given
        return {"values": [str(one).casefold() for one in (given if isinstance(given, list) else [given])]}

    @field_validator("words")
    @classmethod
    def _expression(cls, word: str | None) -> str | None:
        if word is not None:
            checked((word,))
        return word

    def criterion(self) -> Criterion:
        words = re.compile(self.words) if self.words is not None else None
        return Criterion(self.values, self.at_least, self.at_most, words)


class ScoreExamples(_Strict):
    """Texts, or the values of columns, that a rule must and must not fit."""

    fits: tuple[str | dict[str, str | int | float], ...] = Field(min_length=1)
    not_: tuple[str | dict[str, str | int | float], ...] = Field(default=(), alias="not")


class ScoreRuleModel(_Worded):
    """One rule of the score as the file has it."""

    name: str = Field(min_length=1)
    points: FiniteFloat = 0
    where: dict[str, CriterionModel] = Field(default_factory=dict)
    take: str = ""
    times: FiniteFloat = 1
    at_most: FiniteFloat | None = None  # type: ignore[assignment]  # of what is taken; beside `words`: how many there may be
    examples: ScoreExamples

    @model_validator(mode="after")
    def _adds_something(self) -> ScoreRuleModel:
        if bool(self.take) == bool(self.where or self.words):
            raise ValueError("give either `take`, or `points` with `where` or `words`")
        if not self.take and not self.points:
            raise ValueError("adds no points")
        return self

    def rule(self) -> ScoreRule:
        where = {key: one.criterion() for key, one in self.where.items()} or None
        words = self._words()
        if words is not None:
            words = Expressions(words.any_of, words.unless, int(self.at_most or 0))
        most = self.at_most if self.take else None
        return ScoreRule(self.name, self.points, where, words, self.take, self.times, most)

    def fits(self, example: str | dict[str, str | int | float]) -> bool:
        rule = self.rule()
        if isinstance(example, str):
            return rule.words is not None and not self.where and rule.words.found(InquiryParts(folded(example)))
        facts = {key: str(value) for key, value in example.items()}
        worded = rule.words is not None and rule.words.found(InquiryParts(folded(facts.get("text", ""))))
        return rule.line(facts, [self.name] if worded else []) is not None


class ClassRuleFile(_Strict):
    """The whole file."""

    classes: tuple[ClassRuleModel, ...] = ()
    score: tuple[ScoreRuleModel, ...] = ()

    @model_validator(mode="after")
    def _names(self) -> ClassRuleFile:
        names = [one.name for one in self.classes] + [one.name for one in self.score]
        if twice := next((name for name in names if names.count(name) > 1), None):
            raise ValueError(f"two rules have the name {twice!r}")
        return self

    def failures(self) -> Iterator[str]:
        """Every example that its rule gets wrong, in words."""
        for model in self.classes:
            rule = model.rule()
            for wanted, examples in ((True, model.examples.fits), (False, model.examples.not_)):
                for example in examples:
                    if rule.fits(example.look()) is not wanted:
                        yield f"{model.name}: {'does not fit' if wanted else 'fits'} its example {_shown(example)}"
        for score in self.score:
            for wanted, values in ((True, score.examples.fits), (False, score.examples.not_)):
                for value in values:
                    if score.fits(value) is not wanted:
                        yield f"{score.name}: {'does not fit' if wanted else 'fits'} its example {value!r}"


def _shown(example: Example) -> str:
    return repr(example.model_dump(by_alias=True, exclude_defaults=True))


@cache
def built_in() -> ClassRuleFile:
    """The rules that come with the program."""
    with as_file(files("inboxwatch").joinpath("data/qualification.yaml")) as path:
        return ClassRuleFile.model_validate(document(path))
