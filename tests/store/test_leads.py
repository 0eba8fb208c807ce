"""Leads by key: the few that a batch concerns answer as all of them would, on SQLite and on PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from alembic import command
from alembic.config import Config as AlembicConfig
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import create_engine, event, insert, select, text

from inboxwatch.core.leads import Ambiguous, Directory
from inboxwatch.core.model import Lead, LeadId
from inboxwatch.store import Store, tables
from inboxwatch.store.leads import FoundLead

NOON = datetime(2026, 5, 4, 12, tzinfo=UTC)
FREE = frozenset({"gmail.com", "free.test"})


@pytest.fixture
def store(database: str) -> Iterator[Store]:
    store = Store(database)
    yield store
    store.close()


LOCALS = ["bo", "Bo", "b.o", "bo+x", "bo-x", "cy", "ünal", "_z", "B"]
DOMAINS = ["buyer.test", "sales.buyer.test", "deep.sales.buyer.test", "gmail.com", "googlemail.com", "free.test", "a"]
EMAILS = st.builds(lambda local, domain: f"{local}@{domain}", st.sampled_from(LOCALS), st.sampled_from(DOMAINS))
LEADS = st.builds(
    Lead,
    EMAILS.map(LeadId),
    domain=st.sampled_from(["", "buyer.test", "Buyer.test", "sales.buyer.test", "other.test", "free.test"]),
    aliases=st.lists(EMAILS, max_size=2).map(tuple),
    provisional=st.booleans(),
)


def kind(found: Lead | Ambiguous | None) -> object:
    return "several" if isinstance(found, Ambiguous) else found


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    put=st.lists(LEADS, max_size=14),
    again=st.lists(LEADS, max_size=5),
    asked=st.lists(EMAILS, min_size=1, max_size=4),
    thread=st.lists(EMAILS, max_size=3),
    chosen=st.integers(0, 13),
)
def test_the_leads_that_addresses_concern_answer_as_all_leads_would(
    store: Store, put: list[Lead], again: list[Lead], asked: list[str], thread: list[str], chosen: int
) -> None:
    with store.transaction() as tx:
        tx.leads.drop([lead.id for lead in tx.leads.all()])
        tx.leads.put(put, NOON)
        tx.leads.put(again, NOON)
        tx.leads.drop([lead.id for lead in put[chosen::5]])
        everybody = tx.leads.all()
        members = frozenset(map(LeadId, thread)) | {lead.id for lead in everybody[chosen : chosen + 1]}
        few = tx.leads.directory(asked, members, free_mail=FREE)
        alone = {email: tx.leads.by_address(email) for email in asked}
    full = Directory(everybody, FREE)
    for email in asked:
        assert few.by_address(email) == alone[email] == full.by_address(email)
        assert kind(few.by_domain(email)) == kind(full.by_domain(email))
        for lead in members:
            assert few.get(lead) == full.get(lead)
            assert few.same_company(email, lead) == full.same_company(email, lead)
        for leads in ([], *([lead] for lead in members), members):
            known = frozenset(leads)
            told = few.attribute(email, thread=known, reply_to=asked)
            assert told == full.attribute(email, thread=known, reply_to=asked)
            assert few.attribute(email, thread=frozenset(leads)) == full.attribute(email, thread=frozenset(leads))
    assert few.leads.items() <= full.leads.items()


def test_a_company_of_many_leads_is_never_read_whole(store: Store) -> None:
    many = [Lead(LeadId(f"p{number:04}@buyer.test"), domain="buyer.test") for number in range(3000)]
    asked: list[str] = []
    with store.transaction() as tx:
        tx.leads.put(many, NOON)
        event.listen(tx.connection, "before_cursor_execute", lambda *told: asked.append(told[2]))
        few = tx.leads.directory(["new@eu.buyer.test", "p0007@buyer.test"], ids=["p0500@buyer.test"], free_mail=FREE)
    assert set(few.leads) == {f"p{number:04}@buyer.test" for number in (0, 7, 500, 2999)}
    assert len(asked) == 1
    assert few.attribute("new@eu.buyer.test", thread=frozenset({LeadId("p0500@buyer.test")})) == (
        "p0500@buyer.test",
        "thread",
    )


def test_the_leads_of_a_domain_alone_can_be_asked_for(store: Store) -> None:
    with store.transaction() as tx:
        tx.leads.put([Lead(LeadId("bo@buyer.test"), domain="buyer.test")], NOON)
        few = tx.leads.directory([], domains=["eu.buyer.test"], free_mail=FREE)
    assert few.by_domain("anybody@eu.buyer.test") == Lead(LeadId("bo@buyer.test"), domain="buyer.test")


def found(store: Store, query: str, limit: int = 9, offset: int = 0) -> tuple[list[str], int]:
    with store.reading() as tx:
        leads, count = tx.leads.find(query, limit, offset)
    return [one.lead.id for one in leads], count


def test_a_lead_is_found_by_parts_of_words_of_name_company_and_addresses(store: Store) -> None:
    leads = [
        Lead(LeadId("a@x.test"), name="Jörg STRASSE", company="Ünal A.Ş.", aliases=("jorgs-alias@y.test",)),
        Lead(LeadId("b@x.test"), name="100 % Bo", company="Acme_Ltd"),
        Lead(LeadId("c@x.test"), name="Cy Łódź", company="acme gmbh"),
    ]
    with store.transaction() as tx:
        tx.leads.put(leads, NOON)
    for query in ("straße", "strasse jorg", "joerg", "jörg", "ÜNAL", "unal a.s", "a@x", "alias@y.test"):
        assert found(store, query) == (["a@x.test"], 1), query
    assert found(store, "lodz ACME") == (["c@x.test"], 1)
    assert found(store, "ACME") == found(store, "acme x.test") == (["b@x.test", "c@x.test"], 2)
    for sign in ("%", "_", "b@"):
        assert found(store, sign) == (["b@x.test"], 1), sign
    assert found(store, "acme", 1) == (["b@x.test"], 2)
    assert found(store, "acme", 1, 1) == (["c@x.test"], 2)
    assert found(store, " \0\x1f ") == (["a@x.test", "b@x.test", "c@x.test"], 3)
    for stranger in ("nobody", "Bo\x1fAcme nobody", "acme unal"):
        assert found(store, stranger) == ([], 0), stranger


KEYED = (tables.lead_address, tables.lead_domain)


def test_text_that_no_database_takes_does_no_harm(store: Store) -> None:
    strange = Lead(LeadId("b\udc80o@x.test"), aliases=("b\udc81o@x.test",), name="\udc80")
    with store.transaction() as tx:
        tx.leads.put([strange], NOON)
        tx.leads.put([strange], NOON)
        assert tx.leads.directory([strange.id], free_mail=FREE).by_address(strange.id) == strange
        assert tx.leads.find("\udc80", 2) == ([FoundLead(strange, None)], 1)


def test_a_store_of_before_is_filled_with_the_keys_of_its_leads(database: str) -> None:
    config = AlembicConfig()
    config.set_main_option("script_location", str(Path(tables.__file__).parent / "migrations"))
    engine = create_engine(database)
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
        command.downgrade(config, "0004")
        data: dict[str, object] = {
            "name": "Bo",
            "company": "",
            "domain": "buyer.test",
            "owner": None,
            "tier": "",
            "status": "open",
        }
        data |= {"source": "crm", "country": "", "language": "", "attributes": [], "provisional": False}
        row = {"source": "crm", "owner": None, "status": "open", "provisional": False, "updated_at": NOON}
        kept = [
            row | {"id": id_, "data": data | {"id": id_, "aliases": [f"p{number}+x@gmail.com"]}}
            for number, id_ in ((number, f"p{number:04}@buyer.test") for number in range(2300))
        ]
        columns = [column for column in tables.lead.columns if column.name != "search"]
        connection.execute(insert(tables.lead).values({column.name: None for column in columns}), kept)
    store = Store(database)
    with store.reading() as tx:
        found = tx.leads.directory(["p2299@gmail.com", "who@buyer.test"], free_mail=FREE)
        assert set(found.leads) == {"p2299@buyer.test", "p0000@buyer.test"}
        assert tx.leads.find("bo p2299@BUYER", 1)[1] == 1
        keys = {table.name: [tuple(row) for row in tx.connection.execute(select(table)).all()] for table in KEYED}
        leads = tx.leads.all()
    with store.transaction() as tx:
        tx.leads.put(leads, NOON)
        for table in KEYED:
            assert sorted(map(tuple, tx.connection.execute(select(table)))) == sorted(keys[table.name])
    store.close()
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.downgrade(config, "0004")
        assert connection.execute(text("SELECT count(*) FROM lead")).scalar() == 2300
    engine.dispose()


def test_any_number_of_leads_is_found_by_id_whatever_letters_it_has(store: Store) -> None:
    ids = ["bo@x.test", "b\udc80o@x.test", 'b"o@x.test', "b\0o@x.test", "\N{SNOWMAN}@x.test"]
    with store.transaction() as tx:
        tx.leads.put([Lead(LeadId(one)) for one in ids], NOON)
        strangers = [f"p{number}@x.test" for number in range(3000)]
        assert len(tx.leads.get_many([*strangers, *ids])) == len(ids)
        assert tx.leads.get_many(strangers) == tx.leads.get_many([]) == {}
