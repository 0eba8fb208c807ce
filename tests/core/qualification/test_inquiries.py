"""The set that rules of classes are measured on is what its README says."""

from __future__ import annotations

import re
from collections import Counter

import pytest

from tests.support.inquiries import CLASSES, FOLDER, agreed, belongs_to, held_out, kappa, seen

README = (FOLDER / "README.md").read_text(encoding="utf-8")
EVERY = seen() + held_out()


def test_every_inquiry_is_in_the_part_that_its_hash_gives() -> None:
    assert {belongs_to(one.id) for one in seen()} == {"seen"}
    assert {belongs_to(one.id) for one in held_out()} == {"held_out"}
    assert f"{len(seen())} are seen, {len(held_out())} held out" in README


def test_there_are_600_different_inquiries_in_seven_classes() -> None:
    assert len({one.id for one in EVERY}) == len({one.text for one in EVERY}) == len(EVERY) == 600
    assert {one.label_1 for one in EVERY} | {one.label_2 for one in EVERY} == set(CLASSES)
    assert sum(one.hard for one in EVERY) >= 0.15 * len(EVERY)
    assert " ".join(sorted({one.language for one in EVERY})) in README


def test_nobody_real_is_written_to_or_from() -> None:
    addresses = re.compile(r"[\w.+-]+@[\w.-]+|https?://\S+")
    written = {found for one in EVERY for found in addresses.findall(f"{one.sender} {one.subject} {one.text}")}
    assert [found for found in written if not re.search(r"\.(test|example)[.,)]*$", found)] == []


def test_the_readme_tells_how_far_the_readers_agree_and_where_they_do_not() -> None:
    same = agreed(EVERY)
    value = kappa((one.label_1, one.label_2) for one in EVERY)
    assert f"agree on {len(same)} of {len(EVERY)}, Cohen's kappa {value:.3f}" in README
    apart = {f"| {one.id} | {one.label_1} | {one.label_2} |" for one in EVERY if one not in same}
    assert apart == set(re.findall(r"^\| \w\w-\d+ \| \w+ \| \w+ \|", README, re.MULTILINE))


@pytest.mark.parametrize(
    ("table", "expected"),
    [
        ({("yes", "yes"): 20, ("yes", "no"): 5, ("no", "yes"): 10, ("no", "no"): 15}, 0.4),
        ({("yes", "yes"): 25, ("yes", "no"): 25, ("no", "yes"): 25, ("no", "no"): 25}, 0.0),
        ({("yes", "yes"): 3, ("no", "no"): 4}, 1.0),
        ({("yes", "no"): 5, ("no", "yes"): 5}, -1.0),
    ],
)
def test_kappa_is_agreement_beyond_chance(table: dict[tuple[str, str], int], expected: float) -> None:
    assert kappa(Counter(table).elements()) == pytest.approx(expected)
