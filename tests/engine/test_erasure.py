"""A person who was forgotten: nothing names them, the figures stay, other people's waits stay, no old mail brings them
back."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import JSON, Boolean, Float, Integer, Table, insert

from inboxwatch.connector import Batch, Cursor
from inboxwatch.core.model import Lead, LeadId
from inboxwatch.core.statistics.figures import Figures
from inboxwatch.engine.actions import Acting, log_activity
from inboxwatch.engine.erasure import preview
from inboxwatch.engine.explanation import explain
from inboxwatch.engine.refused import Refused
from inboxwatch.store import Store, Transaction, tables
from inboxwatch.store.column_types import Millis, Numbered, UTCDateTime
from inboxwatch.store.marks import ConfigMark
from inboxwatch.store.traces import HASHED, OURS
from tests.doubles.postgres import dump
from tests.support.batched_daemon import BO, SALES, BatchedDaemon, minutes
from tests.support.engine import Engine

DI = "di@third.test"
TITLE = "Prices of the large press"
NAMED = ("bo@buyer", "bo+news@buyer", "bo lind", TITLE.lower(), "bo's own words")


@pytest.fixture
def team(daemon: BatchedDaemon) -> BatchedDaemon:
    """Bo was answered late, wrote again with a tag in the address, and is spoken of by colleagues."""
    daemon.reads(daemon.asks("q1@buyer.test", 0, sender=f"Bo Lind <{BO}>", subject=TITLE))
    daemon.passes(minutes(150))
    daemon.engine.assign(
        daemon.clocks()[0].id, "ben", daemon.at, owner="ben", reason="bo's own words: call bo@buyer.test"
    )
    daemon.reads(daemon.replies("a1@acme.test", 140, "q1@buyer.test", subject=f"Re: {TITLE}"))
    daemon.reads(
        daemon.asks("q2@buyer.test", 145, sender="bo+news@buyer.test", subject=f"Re: {TITLE}", answers="a1@acme.test")
    )
    daemon.reads(daemon.replies("a2@acme.test", 147, "q2@buyer.test", subject=f"Re: {TITLE}"))
    daemon.engine.say_human("q2@buyer.test", "ana", daemon.at, sender=True, reason="Bo Lind wrote it")
    return daemon


def told(daemon: BatchedDaemon) -> str:
    return str(daemon.everything()).lower()


def test_what_other_leads_are_found_by_names_nobody_who_was_forgotten(daemon: BatchedDaemon) -> None:
    bo = Lead(LeadId(BO), name="Zoë Lindström")
    colleague = Lead(LeadId("cy@other.test"), name="Cy", company="Offices of Zoë Lindström")
    daemon.engine.learn("known", [bo, colleague], daemon.at)
    with daemon.store.reading() as tx:
        assert len(tx.leads.find("zoe lindstrom", 9)[0]) == 2
    daemon.engine.forget(BO, daemon.at)
    assert [word for word in ("zoe", "zoë", "zoee", "lindstrom", "lindstroem") if word in told(daemon)] == []
    with daemon.store.reading() as tx:
        ((left, _),) = tx.leads.find("offices of", 9)[0]
        assert left.id == "cy@other.test"


def figures(daemon: BatchedDaemon) -> Figures:
    with daemon.store.reading() as tx:
        found = tx.statistics.figures(daemon.at)
    found.lead_owners = set()
    return found


def test_nothing_names_a_forgotten_person_and_the_figures_stay(team: BatchedDaemon) -> None:
    assert all(word in told(team) for word in NAMED), "else the test proves nothing"
    before = figures(team)
    assert before.breaches
    done = team.engine.forget("Bo@Buyer.Test", team.at)
    assert [word for word in (*NAMED, "q1@buyer", "buyer.test") if word in told(team)] == []
    after = figures(team)
    assert after == before
    assert done.erased["messages"] == 4
    assert (done.erased["leads"], done.open_waits) == (1, [])


def test_the_same_mail_read_again_brings_nobody_back(team: BatchedDaemon) -> None:
    team.engine.forget(BO, team.at)
    team.store.scrub()
    before, waits = figures(team), team.clocks()
    team.reads(
        team.asks("q1@buyer.test", 0, subject=TITLE),
        team.replies("a1@acme.test", 140, "q1@buyer.test"),
        team.asks("q0@buyer.test", -600, subject="Older, and never read before"),
        mailbox=SALES,
    )
    assert [word for word in NAMED if word in told(team)] == []
    assert team.clocks() == waits
    assert figures(team).open == before.open == {}
    other = Store(team.config.store_url.reveal())
    process = Engine(other, team.config)
    batch = Batch((team.asks("q1@buyer.test", 0, subject=TITLE),), Cursor("9"), seen_until=team.at)
    assert not process.ingest(SALES, batch, team.cursor(SALES), team.at).stale
    other.close()
    assert [word for word in NAMED if word in told(team)] == []


def test_what_came_in_before_the_person_was_forgotten_and_was_not_read_yet_is_still_owed(team: BatchedDaemon) -> None:
    team.engine.forget(BO, team.at + minutes(5))
    team.at += minutes(10)
    team.reads(team.asks("q3@buyer.test", 153, to="sales@acme.test", subject="A new matter"), mailbox=SALES)
    assert [clock.lead for clock in team.clocks() if clock.state == "running"] == [BO]


def test_a_list_alone_brings_nobody_back_but_new_mail_and_a_colleague_do(team: BatchedDaemon) -> None:
    listed = [Lead(LeadId(BO), name="Bo Lind", source="crm"), Lead(LeadId(DI), name="Di Ek", source="crm")]
    team.engine.forget(BO, team.at)
    assert team.engine.learn("crm", listed, team.at) == 1
    assert "bo lind" not in told(team)
    team.engine.learn_one(Lead(LeadId(BO), source="api"), team.at)
    assert team.engine.learn("crm", listed, team.at) == 1
    assert "bo lind" in told(team)


def test_a_person_to_whom_a_reply_is_owed_is_not_forgotten_unasked(team: BatchedDaemon) -> None:
    team.reads(team.asks("q5@buyer.test", 151, subject="Another matter"))
    (wait,) = [clock for clock in team.clocks() if clock.state == "running"]
    before = team.everything()
    with pytest.raises(Refused, match=wait.id):
        team.engine.forget(BO, team.at)
    assert team.everything() == before
    done = team.engine.forget(BO, team.at + minutes(2), with_open_waits=True)
    assert done.open_waits == [wait.id]
    over = team.clock(wait.id)
    assert (over.state, over.stop_reason, over.stopped_by) == ("dismissed", "dismissed", "max")
    assert figures(team).open == {}
    assert [word for word in NAMED if word in told(team)] == []
    with team.store.reading() as tx:
        assert explain(tx, team.engine.rules, wait.id, team.at + minutes(3)) is not None


@pytest.mark.parametrize("di", [DI, "di@buyer.test"], ids=["another company", "a colleague"])
def test_the_waits_of_others_in_the_same_thread_stay_as_they_are(daemon: BatchedDaemon, di: str) -> None:
    daemon.lead(di, owner="ana", name="Di Ek")
    daemon.at += minutes(50)
    bo, both, re = f"Cc: {BO}", f"Cc: {di}", f"Re: {TITLE}"
    daemon.reads(daemon.asks("q1@buyer.test", 0, extra=both, subject=f"[PressTalk 1/3] {TITLE}"))
    daemon.reads(daemon.replies("a1@acme.test", 20, "q1@buyer.test", extra=both, subject=re))
    daemon.reads(daemon.asks("q2@third.test", 30, sender=di, extra=bo, answers="a1@acme.test", subject=re))
    daemon.reads(daemon.replies("a2@acme.test", 40, "q2@third.test", subject=re))
    mail = daemon.asks("q3@third.test", 50, sender=di, extra=bo, answers="a2@acme.test", subject=re)
    daemon.reads(mail)
    before, waits = figures(daemon), {clock.id: clock.state for clock in daemon.clocks()}
    assert list(waits.values()).count("running") == 1
    daemon.engine.forget(BO, daemon.at)
    assert [word for word in ("bo@buyer", "bo lind", "presstalk") if word in told(daemon)] == []
    assert figures(daemon) == before
    daemon.reads(mail, mailbox=SALES)
    daemon.at += minutes(1)
    daemon.reads(daemon.asks("q4@third.test", 51, sender=di, answers="q3@third.test", subject=re))
    assert {clock.id: clock.state for clock in daemon.clocks()} == waits, "folded again"
    assert [word for word in ("bo@buyer", "bo lind") if word in told(daemon)] == []
    daemon.reads(daemon.raw("ana@acme.test", di, 51.5, id="a3@acme.test", answers="q4@third.test"))
    assert "running" not in {clock.state for clock in daemon.clocks()}


def test_who_only_was_among_the_recipients_can_be_forgotten_too(daemon: BatchedDaemon) -> None:
    daemon.reads(daemon.asks("q1@buyer.test", 0, extra="Cc: Cy Orr <cy@elsewhere.test>", subject=TITLE))
    daemon.reads(daemon.asks("q2@buyer.test", 1, extra="Cc: mercy@elsewhere.test", subject="Another"))
    with pytest.raises(Refused, match="nothing is known"):
        daemon.engine.forget("nobody@elsewhere.test", daemon.at)
    daemon.engine.forget("cy@elsewhere.test", daemon.at)
    assert "'cy@elsewhere.test" not in told(daemon)
    assert "mercy@elsewhere.test" in told(daemon), "another person, whose address only ends like it"
    assert [clock.state for clock in daemon.clocks()] == ["running", "running"]


def test_a_preview_changes_nothing_and_says_what_would_go(team: BatchedDaemon) -> None:
    before = team.everything()
    with team.store.reading() as tx:
        would = preview(tx, team.engine.rules, BO)
    assert team.everything() == before
    assert would.erased == team.engine.forget(BO, team.at).erased


def plant(tx: Transaction, table: Table, at: datetime) -> None:
    """A row with the address in every text of it."""
    kinds: list[tuple[Any, Any]] = [
        (JSON, ["bo@buyer.test"]),
        (UTCDateTime | Millis, at),
        (Boolean, False),
        (Float, 0.0),
        (Integer, 10**6),
    ]
    values = {}
    for column in table.columns:
        known = [value for kind, value in kinds if isinstance(column.type, kind)]
        known += [column.type.words[0]] if isinstance(column.type, Numbered) else []
        if length := getattr(column.type, "length", None):
            known = ["f" * length]  # the length of a hash
        values[column.name] = known[0] if known else f"{column.name} of Bo Lind, bo@buyer.test"
    tx.connection.execute(insert(table).values(values))


def test_whatever_table_names_a_forgotten_person_does_not_any_more(team: BatchedDaemon) -> None:
    """By the schema: a table that is new is looked at, too."""
    outline = {"people": {"bo": {"name": "Bo Lind", "email": BO}, "zoë": {"name": "Zoë"}}}
    looked_at = [one for one in tables.metadata.sorted_tables if one.name not in OURS | HASHED]
    with team.store.transaction() as tx:
        tx.marks.set(ConfigMark(), json.dumps(outline))
        for table in looked_at:
            if "bo@buyer" not in str(team.everything()[table.name]).lower():
                plant(tx, table, team.at)
    assert {one.name for one in looked_at} <= {name for name, rows in team.everything().items() if "bo@b" in str(rows)}
    done = team.engine.forget(BO, team.at)
    left = {name for name, rows in team.everything().items() if any(one in str(rows).lower() for one in NAMED)}
    assert left == set()
    with team.store.reading() as tx:
        text = tx.marks.get(ConfigMark())
    kept = json.loads(text or "")["people"]
    assert kept["zoë"] == {"name": "Zoë"}
    assert kept["bo"]["email"].endswith("@forgotten.invalid")
    assert (done.erased["members"], done.erased["config_entries"]) == (1, 1)


def test_we_are_not_forgotten_by_it(team: BatchedDaemon) -> None:
    with pytest.raises(Refused, match="is one of ours"):
        team.engine.forget("ana@acme.test", team.at)


def stored(database: str, tmp_path: Path) -> bytes:
    """The store as somebody finds it who copies its file, or dumps its database."""
    if database.startswith("postgresql"):
        return dump(database)
    return b"".join(one.read_bytes() for one in tmp_path.glob("store.db*") if one.suffix != ".key")


def test_nothing_is_left_of_it_on_the_disk(team: BatchedDaemon, database: str, tmp_path: Path) -> None:
    call = Acting("ana", team.at, "call: bo's own words")
    team.engine.write(log_activity, team.engine.rules, BO, call, team.at, ("crm", f"call of {BO}"))
    before = stored(database, tmp_path).lower()
    assert [word for word in NAMED if word.encode() not in before] == [], "else the test proves nothing"
    team.engine.forget(BO, team.at)
    team.store.scrub()
    after = stored(database, tmp_path).lower()
    assert [word for word in NAMED if word.encode() in after] == []
