"""The rule file of meanings: read, checked by its own examples, and extended by the operator's own file."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from importlib.resources import as_file, files
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator
from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError

from inboxwatch.config.expressions import any_of, checked
from inboxwatch.core.mail.reply_rules import Meaning, Meanings, ReplyRule, folded
from inboxwatch.core.model import Kind


class Examples(BaseModel):
    """Texts that a rule must and must not fit."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    fits: tuple[str, ...] = Field(min_length=1)
    not_: tuple[str, ...] = Field(default=(), alias="not")


class ReplyRuleModel(BaseModel):
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
        return checked(words)

    @model_validator(mode="after")
    def _together(self) -> ReplyRuleModel:
        self.rule()
        return self

    def rule(self) -> ReplyRule:
        unless = any_of(self.unless) if self.unless else None
        return ReplyRule(
            self.name, self.meaning, any_of(self.words), unless, self.at_most, self.whole, frozenset(self.in_)
        )


class RuleFile(BaseModel):
    """The whole file."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    rules: tuple[ReplyRuleModel, ...]

    def failures(self) -> Iterator[str]:
        """Every example that its rule gets wrong, in words."""
        for model in self.rules:
            rule, kind = model.rule(), model.in_[0]
            for wanted, texts in ((True, model.examples.fits), (False, model.examples.not_)):
                for text in texts:
                    if rule.applies(folded(text), kind) is not wanted:
                        yield f"{model.name}: {'does not fit' if wanted else 'fits'} its example {text!r}"


def document(path: Path) -> Any:
    """What a rule file holds, not yet checked. Raises ValueError where it is no YAML or cannot be read."""
    try:
        data: Any = YAML(typ="safe", pure=True).load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ValueError(f"cannot read {path.name}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise ValueError(f"cannot read {path.name}: it is not UTF-8") from None
    except MarkedYAMLError as error:
        line = f", line {error.problem_mark.line + 1}" if error.problem_mark else ""
        raise ValueError(f"{path.name}{line}: {error.problem}") from None
    except YAMLError as error:
        raise ValueError(f"{path.name}: {error}") from None
    return {} if data is None else data


def read(path: Path) -> RuleFile:
    """A rule file. Raises ValueError (pydantic's has the path of each problem) where it cannot be used."""
    return RuleFile.model_validate(document(path))


@cache
def built_in() -> RuleFile:
    """The rules that come with the program."""
    with as_file(files("inboxwatch").joinpath("data/meanings.yaml")) as path:
        return read(path)


@cache
def load(own: tuple[RuleFile, ...] = ()) -> Meanings:
    """The operator's own rules, which come first, and the built-in ones."""
    return Meanings(tuple(model.rule() for file in (*own, built_in()) for model in file.rules))
