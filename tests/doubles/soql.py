"""The SOQL that a double of Salesforce understands: one SELECT of our shapes, and nothing else."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

Value = Any
Lookup = Callable[[Mapping[str, Any], str], Value]
"""The value of a path (`Account.Name`) in a record."""
Predicate = Callable[[Mapping[str, Any], Lookup], bool]

_QUERY = re.compile(
    r"SELECT (?P<fields>[\w., ]+) FROM (?P<sobject>\w+)(?: WHERE (?P<where>.+?))?"
    r"(?: ORDER BY (?P<order>(?:[\w.]+, )?Id))? LIMIT (?P<limit>\d{1,4})"
)
_TOKEN = re.compile(
    r"\s*(?:(?P<bracket>[()])|(?P<text>'(?:[^'\\]|\\.)*')|(?P<time>\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z)"
    r"|(?P<number>\d+)|(?P<operator><=|>=|!=|=|<|>)|(?P<word>[A-Za-z][\w.]*))"
)
_OPERATORS: Mapping[str, Callable[[Any, Any], bool]] = {
    "=": operator.eq, "!=": operator.ne, "<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge,
}  # fmt: skip
_WORDS = {"true": True, "false": False, "null": None}


class MalformedQueryError(Exception):
    """Not one of the queries that are known."""


@dataclass(frozen=True, slots=True)
class Comparison:
    path: str
    sign: str
    literal: Value

    def __call__(self, record: Mapping[str, Any], lookup: Lookup) -> bool:
        found = lookup(record, self.path)
        if self.literal is None or isinstance(self.literal, bool):
            return _OPERATORS[self.sign](found, self.literal)
        if found is None:
            return self.sign == "!="
        if type(found) is date and isinstance(self.literal, datetime):
            raise MalformedQueryError(f"{self.path} is a date")
        return _OPERATORS[self.sign](found, self.literal)


@dataclass(frozen=True, slots=True)
class Query:
    """A query that was understood."""

    fields: tuple[str, ...]
    sobject: str
    where: Predicate
    comparisons: tuple[Comparison, ...]
    """Those that all must hold, as far as they stand outside of brackets."""
    paths: frozenset[str]
    """Everything that is selected, compared or sorted by."""
    order: tuple[str, ...]
    limit: int

    def least(self, path: str) -> Value:
        """The literal from which on (>= or >) a path is asked for; None where it is not."""
        found = [one.literal for one in self.comparisons if one.path == path and one.sign in (">", ">=")]
        return max(found, default=None)


def parsed(soql: str) -> Query:
    """The query of a text. Raises MalformedQueryError."""
    match = _QUERY.fullmatch(soql)
    if match is None:
        raise MalformedQueryError(f"unexpected token in {soql!r}")
    fields = tuple(match["fields"].split(", "))
    reading = _Reading(_tokens(match["where"] or ""))
    where = reading.condition() if match["where"] else (lambda record, lookup: True)
    if reading.tokens:
        raise MalformedQueryError(f"unexpected token: {reading.tokens[0][1]}")
    order = tuple(match["order"].split(", ")) if match["order"] else ()
    if any(" " in one for one in fields) or len({one.lower() for one in fields}) != len(fields):
        raise MalformedQueryError("duplicate or unknown field selected")
    if int(match["limit"]) > 2000 or not int(match["limit"]):
        raise MalformedQueryError("this double knows pages of 1 to 2000 records")
    paths = frozenset((*fields, *order, *reading.paths))
    return Query(fields, match["sobject"], where, tuple(reading.outer), paths, order, int(match["limit"]))


def _tokens(text: str) -> list[tuple[str, str]]:
    found, place = [], 0
    while place < len(text):
        match = _TOKEN.match(text, place)
        if match is None:
            raise MalformedQueryError(f"unexpected character at {text[place : place + 20]!r}")
        found.append((str(match.lastgroup), match[str(match.lastgroup)]))
        place = match.end()
    return found


@dataclass
class _Reading:
    tokens: list[tuple[str, str]]
    depth: int = 0

    def __post_init__(self) -> None:
        self.paths: list[str] = []
        self.outer: list[Comparison] = []

    def condition(self) -> Predicate:
        """Comparisons joined by AND, or by OR: both without brackets between is refused, as Salesforce does."""
        parts, joint = [self._part()], ""
        while self.tokens and self.tokens[0][0] == "word" and self.tokens[0][1] in ("AND", "OR"):
            word = self._take("word")
            if joint and word != joint:
                raise MalformedQueryError("AND and OR need brackets between them")
            joint = word
            parts.append(self._part())
        whole = any if joint == "OR" else all
        if not self.depth and joint == "OR":
            self.outer.clear()
        return lambda record, lookup: whole(part(record, lookup) for part in parts)

    def _part(self) -> Predicate:
        if self.tokens and self.tokens[0] == ("bracket", "("):
            self._take("bracket")
            self.depth += 1
            inner = self.condition()
            self.depth -= 1
            if self._take("bracket") != ")":
                raise MalformedQueryError("expecting a right parenthesis")
            return inner
        path, sign, (kind, text) = self._take("word"), self._take("operator"), self._literal()
        self.paths.append(path)
        found = Comparison(path, sign, _value(kind, text))
        if not self.depth:
            self.outer.append(found)
        return found

    def _literal(self) -> tuple[str, str]:
        kind, text = self.tokens.pop(0) if self.tokens else ("", "")
        if kind not in ("text", "time", "number") and (kind, text in _WORDS) != ("word", True):
            raise MalformedQueryError(f"unexpected token: {text!r}")
        return kind, text

    def _take(self, kind: str) -> str:
        if not self.tokens or self.tokens[0][0] != kind:
            raise MalformedQueryError(f"expecting {kind}, found {self.tokens[:1]}")
        return self.tokens.pop(0)[1]


def _value(kind: str, text: str) -> Value:
    if kind == "text":
        return re.sub(r"\\(.)", r"\1", text[1:-1])
    if kind == "time":
        return datetime.fromisoformat(text)
    return int(text) if kind == "number" else _WORDS[text]
