"""The config file is YAML 1.2: texts stay texts, and each value knows its line."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from inboxwatch.config import ConfigError, document

LAUGHS = "a0: &a0 [x]\n" + "".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 9))
"""Eight lines that stand for a hundred million values."""


def read(tmp_path: Path, text: str) -> document.Document:
    path = tmp_path / "x.yaml"
    path.write_text(text, encoding="utf-8")
    return document.read(path)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("no", "no"),
        ("NO", "NO"),
        ("on", "on"),
        ("17:30", "17:30"),
        ("1:20:30", "1:20:30"),
        ("2026-12-24", "2026-12-24"),
        ("60s", "60s"),
        ("100% + 30bm", "100% + 30bm"),
        ("=", "="),
        ("'5'", "5"),
        ("true", True),
        ("False", False),
        ("~", None),
        ("012", 12),
        ("0o17", 15),
        ("0x1F", 31),
        ("-7", -7),
        ("1.5", 1.5),
        ("1e3", 1000.0),
        ("-.inf", float("-inf")),
    ],
)
def test_a_plain_value_is_what_yaml_1_2_says(tmp_path: Path, text: str, value: Any) -> None:
    found = read(tmp_path, f"key: {{x: {text}}}").data["key"]["x"]
    assert (type(found), found) == (type(value), value)


def test_keys_are_texts_whatever_they_look_like(tmp_path: Path) -> None:
    assert list(read(tmp_path, "x: {2026-12-31: a, 007: b, no: c, null: d, true: e}").data["x"]) == [
        "2026-12-31",
        "007",
        "no",
        "null",
        "true",
    ]


def test_every_key_given_twice_is_told_with_both_lines(tmp_path: Path) -> None:
    found = read(tmp_path, "a: 1\nb:\n  c: 1\n  d: {e: 1, e: 2}\n  c: 2\na: 2\n")
    assert sorted(map(str, found.problems)) == [
        "a: is given twice, first on line 1 (line 6)",
        "b.c: is given twice, first on line 3 (line 5)",
        "b.d.e: is given twice, first on line 4 (line 4)",
    ]


def test_anchors_and_merges_work_and_what_stands_beside_goes_before(tmp_path: Path) -> None:
    text = "base: &base {a: 1, b: 2}\nx: {<<: *base, b: 3}\ny:\n  <<: [{a: 7}, *base]\n  c: 4\n"
    found = read(tmp_path, text)
    assert (found.data["x"], found.data["y"], found.problems) == ({"a": 1, "b": 3}, {"a": 7, "b": 2, "c": 4}, [])


def test_a_value_without_a_line_of_its_own_has_that_of_what_holds_it(tmp_path: Path) -> None:
    found = read(tmp_path, "# comment\npeople:\n  ana:\n    name: Ana\n")
    found.problem(("people", "ana", "email"), "is required")
    found.problem(("routing",), "is required")
    assert [(problem.path, problem.line) for problem in found.problems] == [("people.ana.email", 3), ("routing", None)]


def test_an_empty_section_is_no_section(tmp_path: Path) -> None:
    assert read(tmp_path, "people:\nteams: {}\n").data == {"teams": {}}
    assert read(tmp_path, "# nothing\n").data == {}


def test_a_byte_order_mark_is_no_part_of_the_first_key(tmp_path: Path) -> None:
    assert read(tmp_path, "\ufeffpeople: {}\n").data == {"people": {}}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: [1, 2\nb: 3", "is no YAML"),
        ("a: *nowhere", "is no YAML"),
        ("a: 1\n---\nb: 2", "is no YAML"),
        ("a: \x07", "is no YAML"),
        ("just text", "must be a mapping"),
        ("[1, 2]", "must be a mapping"),
        (LAUGHS, "repeats too much"),
    ],
)
def test_what_is_no_config_at_all_is_one_problem(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message) as refused:
        read(tmp_path, text)
    assert len(refused.value.problems) == 1


def test_a_value_that_holds_itself_is_told(tmp_path: Path) -> None:
    assert "is nested too deep" in str(read(tmp_path, "a: &a [*a]").problems[0])
