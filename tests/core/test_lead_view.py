"""Rule 53: several sources know a lead; the first in the order of the config has it, the others fill what it leaves."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from inboxwatch.core.lead_view import GivenLead, RowId, ViewedLead, views
from inboxwatch.core.model import Lead, LeadId, PersonId

ORDER = ("crm", "fair", "api")
BO, ALT = "bo@buyer.test", "b.lind@buyer.test"


def row(source: str, email: str, key: str = "", former: tuple[str, ...] = (), **fields: object) -> GivenLead:
    lead = Lead(LeadId(email), source=source, **fields)  # type: ignore[arg-type]
    return GivenLead(RowId(source, key or email), lead, former)


def one(*rows: GivenLead) -> ViewedLead:
    (found,) = views(rows, ORDER)
    return found


def test_rule_53_the_first_source_that_lists_an_address_has_the_lead_and_others_fill_it() -> None:
    listed = row("fair", BO, name="Bob", tier="hot", attributes=(("score", "70"), ("size", "9")))
    found = one(listed, row("crm", BO, name="Bo Lind", owner=PersonId("ana"), attributes=(("size", "12"),)))
    assert found.lead == Lead(
        LeadId(BO),
        "Bo Lind",
        owner=PersonId("ana"),
        tier="hot",
        source="crm",
        attributes=(("size", "12"), ("score", "70")),
    )
    assert found.provenance() == {"name": "crm", "owner": "crm", "tier": "fair", "size": "crm", "score": "fair"}


def test_an_alias_lists_an_address_too() -> None:
    found = one(row("fair", ALT, tier="hot"), row("crm", BO, aliases=(ALT,)))
    assert (found.lead.id, found.lead.aliases, found.lead.tier) == (BO, (ALT,), "hot")


def test_an_alias_that_an_earlier_source_has_as_a_lead_of_its_own_is_that_leads() -> None:
    first, second = views([row("fair", BO, aliases=(ALT,)), row("crm", ALT)], ORDER)
    assert (first.lead.id, first.lead.source) == (ALT, "crm")
    assert (second.lead.id, second.lead.aliases) == (BO, ())


def test_a_former_address_is_its_new_owners_within_one_source_and_stays_an_alias_else() -> None:
    moved = row("crm", "bo@new.test", "1", former=(BO,))
    assert one(moved).lead.aliases == (BO,)
    assert [found.lead.id for found in views([moved, row("crm", BO, "2")], ORDER)] == ["bo@buyer.test", "bo@new.test"]
    assert one(moved, row("fair", BO, tier="hot")).lead.tier == "hot", "a list that has not heard of it yet"


def test_the_status_is_the_first_sources_and_then_what_became_of_opportunities() -> None:
    first, second = row("crm", BO), row("fair", BO, status="lost")
    assert one(first, second).lead.status == "open"
    for told, status in (("won", "won"), ("open", "open")):
        (found,) = views([first, second], ORDER, {second.id: told})
        assert found.lead.status == status
    (found,) = views([first, second], ORDER, {first.id: "won", second.id: "open"})
    assert found.lead.status == "open"
    (found,) = views([row("crm", BO, status="closed")], ORDER, {first.id: "won"})
    assert found.lead.status == "closed"


EMAILS = st.sampled_from([f"{name}@x.test" for name in "abcdef"])
ROWS = st.builds(
    row,
    st.sampled_from([*ORDER, "other"]),
    EMAILS,
    st.sampled_from("123456"),
    st.lists(EMAILS, max_size=2).map(tuple),
    name=st.sampled_from(["", "Bo", "Cy"]),
    aliases=st.lists(EMAILS, max_size=2).map(tuple),
    attributes=st.sampled_from([(), (("score", "1"),), (("score", "2"), ("size", "3"))]),
)


@given(st.lists(ROWS, max_size=12, unique_by=lambda given: given.id), st.randoms(use_true_random=False))
def test_rule_53_the_view_knows_no_order_of_arrival_and_gives_each_address_to_one_lead(
    rows: list[GivenLead], chance: object
) -> None:
    found = views(rows, ORDER)
    shuffled = list(rows)
    chance.shuffle(shuffled)  # type: ignore[attr-defined]
    assert views(shuffled, ORDER) == found
    owned = [email for lead in found for email in (lead.lead.id, *lead.lead.aliases)]
    assert sorted(owned) == sorted({email for given in rows for email in given.addresses}), "each has one, none is lost"
    assert sorted(part.id for lead in found for part in lead.rows) == sorted(given.id for given in rows)
    rank = {source: number for number, source in enumerate((*ORDER, "other"))}
    for lead in found:
        for email in (lead.lead.id, *lead.lead.aliases):
            first = min(rank[given.id.source] for given in rows if email in given.addresses)
            assert first in {rank[part.id.source] for part in lead.rows}
