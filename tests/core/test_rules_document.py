"""`inboxwatch/core/RULES.md` names the tests that hold each rule: all of them, and none that does not exist."""

from __future__ import annotations

import re
from pathlib import Path

TESTS = Path(__file__).parents[1]
RULES = TESTS.parent / "inboxwatch" / "core" / "RULES.md"
BUILT = range(1, 55)


def named_tests() -> dict[int, set[str]]:
    """The tests that the document names below each rule, as `folder/test_module.py::test` or the module alone."""
    found: dict[int, set[str]] = {}
    rule = 0
    for line in RULES.read_text(encoding="utf-8").splitlines():
        if begins := re.match(r"(\d+)\. ", line):
            rule = int(begins[1])
            found[rule] = set()
        elif names := re.fullmatch(r" +- `([\w/]+/test_\w+\.py(?:::test_\w+)?)`", line):
            found[rule].add(names[1])
    return found


def written_tests() -> set[str]:
    """Every test of the suite, and every module of tests."""
    found = set()
    for path in TESTS.rglob("test_*.py"):
        module = path.relative_to(TESTS).as_posix()
        tests = re.findall(r"^(?:async )?def (test_\w+)", path.read_text(encoding="utf-8"), re.MULTILINE)
        found |= {module} | {f"{module}::{test}" for test in tests}
    return found


def test_every_rule_has_a_test_of_its_name() -> None:
    by_name = {int(number) for one in written_tests() for number in re.findall(r"::test_rule_(\d+)_", one)}
    assert set(named_tests()) == set(BUILT)
    assert set(BUILT) - by_name == set()


def test_every_test_that_the_rules_name_exists() -> None:
    written = written_tests()
    assert {rule: gone for rule, names in named_tests().items() if (gone := names - written)} == {}


def test_every_test_named_after_a_rule_stands_below_it() -> None:
    documented = named_tests()
    missing = {
        one
        for one in written_tests()
        for number in re.findall(r"::test_rule_(\d+)_", one)
        if one not in documented[int(number)]
    }
    assert missing == set()
