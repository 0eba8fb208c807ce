"""Texts that make a backtracking matcher work: what a pattern repeats, many times, and then a misfit."""

from __future__ import annotations

import importlib
import pkgutil
import re
import warnings
from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Any, NamedTuple

import connectors
import inboxwatch

with warnings.catch_warnings():
    warnings.simplefilter("ignore", DeprecationWarning)
    import sre_parse  # the only public reader of patterns; its opcodes are compared by name

AnyPattern = re.Pattern[str] | re.Pattern[bytes]

_OF_CATEGORY = {
    "DIGIT": "7",
    "NOT_DIGIT": "x -",
    "SPACE": " \t\n",
    "NOT_SPACE": "x-7",
    "WORD": "x7_",
    "NOT_WORD": " -.",
}
_LIKELY = "x 7-_.:;,=?<>()[]{}\"'\\/@\n\t+aAzZ\x00\xa0é!#*"
_MISFITS = ("", "\x00", " ", "x")
_REPEATS = ("MAX_REPEAT", "MIN_REPEAT", "POSSESSIVE_REPEAT")


class Pump(NamedTuple):
    """A text of any length: a beginning, a piece repeated, and an end at which the match fails."""

    head: str
    piece: str
    tail: str

    def text(self, length: int) -> str:
        """The text, about as long as said."""
        return self.head + self.piece * max((length - len(self.head)) // len(self.piece), 1) + self.tail


def modules() -> Iterator[ModuleType]:
    """Every module of the program and of the connectors that come with it."""
    for package in (inboxwatch, connectors):
        yield package
        for found in pkgutil.walk_packages(package.__path__, package.__name__ + "."):
            if "migrations" not in found.name and not found.name.endswith("__main__"):
                yield importlib.import_module(found.name)


def pumps(pattern: AnyPattern) -> list[Pump]:
    """The texts for one pattern."""
    source = pattern.pattern if isinstance(pattern.pattern, str) else pattern.pattern.decode("latin-1")
    found: dict[Pump, None] = {}
    for head, piece in _repeats(sre_parse.parse(source, pattern.flags), ""):
        for tail in _MISFITS:
            found[Pump(head, piece, tail)] = None
        if head:
            found[Pump("", head + piece, "\x00")] = None
            found[Pump("", head, "\x00")] = None
    for piece in _LIKELY:
        found[Pump("", piece, "\x00")] = None
    return list(found)


def _repeats(parsed: Any, head: str) -> Iterator[tuple[str, str]]:
    """Where a pattern repeats, and what its pieces take in a row: a text that leads there, and what to repeat."""
    nodes = list(parsed)
    several = [number for number, (operator, _) in enumerate(nodes) if str(operator) in _REPEATS]
    for first in several:
        for last in several:
            if first < last <= first + 4 and (piece := _sample(nodes[max(first - 1, 0) : last + 1], least=1)):
                yield head + _sample(nodes[: max(first - 1, 0)]), piece
    for operator, argument in nodes:
        name = str(operator)
        if name in _REPEATS:
            low, high, body = argument
            if high is sre_parse.MAXREPEAT or int(high) > 3:
                for piece in _pieces(body):
                    yield head, piece
            yield from _repeats(body, head)
            head += _sample(body) * low
        elif name == "BRANCH":
            for one in argument[1]:
                yield from _repeats(one, head)
            head += _sample(argument[1][0])
        elif name == "SUBPATTERN":
            yield from _repeats(argument[3], head)
            head += _sample(argument[3])
        elif name == "ATOMIC_GROUP":
            yield from _repeats(argument, head)
            head += _sample(argument)
        elif name in ("ASSERT", "ASSERT_NOT"):
            yield from _repeats(argument[1], head)
        else:
            head += _sample([(operator, argument)])


def _pieces(body: Any) -> list[str]:
    """What a repetition may take once, a few of its choices."""
    nodes = list(body)
    if len(nodes) == 1 and str(nodes[0][0]) in ("IN", "NOT_LITERAL", "ANY"):
        return _choices(*nodes[0])[:6]
    if len(nodes) == 1 and str(nodes[0][0]) == "SUBPATTERN":
        return _pieces(nodes[0][1][3])
    if len(nodes) == 1 and str(nodes[0][0]) == "BRANCH":
        return [text for one in nodes[0][1][1] if (text := _sample(one))][:8]
    full = _sample(body, least=1)
    return [one for one in dict.fromkeys((_sample(body), full)) if one]


def _choices(operator: Any, argument: Any) -> list[str]:
    """Characters that a class takes."""
    name = str(operator)
    if name == "ANY":
        return ["x", " ", "<"]
    if name == "NOT_LITERAL":
        return [char for char in _LIKELY if ord(char) != argument]
    negated = any(str(kind) == "NEGATE" for kind, _ in argument)
    taken: list[str] = []
    for kind, value in argument:
        if str(kind) == "LITERAL":
            taken.append(chr(value))
        elif str(kind) == "RANGE":
            taken += [chr(value[0]), chr(value[1])]
        elif str(kind) == "CATEGORY":
            taken += _OF_CATEGORY[str(value).removeprefix("CATEGORY_")]
    if not negated:
        return list(dict.fromkeys([*(char for char in _LIKELY if char in taken), *taken]))
    refused = set(taken)
    for kind, value in argument:
        if str(kind) == "CATEGORY":
            refused |= {char for char in _LIKELY if _in_category(char, str(value))}
        elif str(kind) == "RANGE":
            refused |= {char for char in _LIKELY if value[0] <= ord(char) <= value[1]}
    return [char for char in _LIKELY if char not in refused] or ["\x02"]


def _in_category(char: str, category: str) -> bool:
    tests: dict[str, Callable[[str], bool]] = {
        "DIGIT": str.isdigit,
        "SPACE": str.isspace,
        "WORD": lambda one: one.isalnum() or one == "_",
    }
    name = category.removeprefix("CATEGORY_")
    return not tests[name[4:]](char) if name.startswith("NOT_") else tests[name](char)


def _sample(body: Any, least: int = 0) -> str:
    """A short text that a piece of a pattern takes; `least`: how often optional repetitions are taken."""
    text = ""
    for operator, argument in body:
        name = str(operator)
        if name == "LITERAL":
            text += chr(argument)
        elif name in ("IN", "NOT_LITERAL", "ANY"):
            text += _choices(operator, argument)[0]
        elif name in _REPEATS:
            text += _sample(argument[2], least) * max(argument[0], min(least, int(argument[1])))
        elif name == "SUBPATTERN":
            text += _sample(argument[3], least)
        elif name == "ATOMIC_GROUP":
            text += _sample(argument, least)
        elif name == "BRANCH":
            text += _sample(argument[1][0], least)
    return text
