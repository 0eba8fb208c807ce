"""What a list of members changes: nobody is dropped but by lists that can be believed, after the grace time."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inboxwatch.core.membership import Held, KnownMember, Member, Tolerance, changes, id_for
from inboxwatch.core.model import PersonId

NOW = datetime(2026, 5, 4, 9, tzinfo=UTC)
TOLERANCE = Tolerance(grace=timedelta(hours=24), shrink=0.2)
REFS = [f"p{number}" for number in range(12)]


def member(ref: str) -> Member:
    return Member(ref, f"{ref}@acme.test")


def known(ref: str, missing_since: datetime | None = None) -> KnownMember:
    return KnownMember("staff", PersonId(ref), member(ref), NOW - timedelta(days=9), missing_since)


@pytest.mark.parametrize(("hours", "leaves"), [(0, False), (23, False), (24, True), (72, True)])
def test_who_is_missing_leaves_when_the_grace_time_is_over_and_not_before(hours: int, leaves: bool) -> None:
    found = changes([known("p1", NOW - timedelta(hours=hours)), known("p2")], [member("p2")], TOLERANCE, NOW)
    assert [one.person for one in found.left] == (["p1"] if leaves else [])


@given(
    st.dictionaries(st.sampled_from(REFS), st.none() | st.integers(0, 72)),
    st.lists(st.sampled_from(REFS), unique=True),
)
def test_who_leaves_was_missing_for_the_grace_time_and_is_not_listed(
    before: dict[str, int | None], listed: list[str]
) -> None:
    """`before`: the hours for which each known member has been missing."""
    members = [known(ref, None if hours is None else NOW - timedelta(hours=hours)) for ref, hours in before.items()]
    found = changes(members, list(map(member, listed)), TOLERANCE, NOW)
    absent = before.keys() - set(listed)
    if not listed or len(absent) > max(1, 0.2 * len(before)):
        assert found.held is (Held.SHRUNK if listed else Held.EMPTY)
        assert not (found.joined or found.moved or found.returned or found.missing or found.left)
        return
    assert {one.person for one in found.left} == {ref for ref in absent if (before[ref] or 0) >= 24}
    assert {one.person for one in found.missing} == {ref for ref in absent if before[ref] is None}
    assert {one.ref for one in found.joined} == set(listed) - before.keys()
    assert {one.person for one in found.returned} == {ref for ref in listed if before.get(ref) is not None}


def test_a_list_that_dwindles_within_the_grace_time_is_held_like_one_that_shrinks_at_once() -> None:
    members = [known(ref, NOW - timedelta(hours=1) if number < 2 else None) for number, ref in enumerate(REFS)]
    assert changes(members, list(map(member, REFS[2:])), TOLERANCE, NOW).held is None
    assert changes(members, list(map(member, REFS[3:])), TOLERANCE, NOW).held is Held.SHRUNK


def test_whom_the_config_leaves_out_counts_as_missing_and_never_as_a_list_that_shrinks() -> None:
    members, listed = [known(ref) for ref in REFS], list(map(member, REFS))
    exclude = replace(TOLERANCE, exclude=("p1*@acme.test", "p2@acme.test", "*@other.test"))
    found = changes(members, [*listed, Member("p99", "p99@other.test")], exclude, NOW)
    assert found.held is None
    assert [one.person for one in found.missing] == ["p1", "p2", "p10", "p11"]
    assert found.joined == ()
    assert changes(members, listed[3:9], exclude, NOW).held is None, "p0 and p9 are two of twelve"
    assert changes(members, listed[3:8], exclude, NOW).held is Held.SHRUNK


def test_a_changed_address_is_a_move_of_the_same_person() -> None:
    renamed = replace(member("p1"), address="new.name@acme.test", id="p1")
    found = changes([known("p1"), known("p2")], [renamed, member("p2")], TOLERANCE, NOW)
    assert [(old.person, new.address) for old, new in found.moved] == [("p1", "new.name@acme.test")]
    assert not (found.joined or found.missing)


def test_an_id_is_what_the_list_gives_or_the_address_begins_with_and_belongs_to_one_person() -> None:
    assert id_for(member("ana"), set()) == "ana"
    assert id_for(replace(member("ana"), id="A 17"), set()) == "A-17"
    assert id_for(Member("x", "ana@other.test"), {"ana", "ana-2"}) == "ana-3"
    assert id_for(Member("x", "+++@acme.test"), set()) == "member"
