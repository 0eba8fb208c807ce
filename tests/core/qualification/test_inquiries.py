"""The set that rules of classes are measured on is what its README says."""

from __future__ import annotations

import re

from tests.support.inquiries import CLASSES, FOLDER, belongs_to, held_out, seen

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
