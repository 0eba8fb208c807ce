"""Mail into the engine, on SQLite and on PostgreSQL alike: what a batch leaves, and what it never leaves."""

from __future__ import annotations

from datetime import datetime

import pytest
from sqlalchemy import text

from inboxwatch.connector import Batch, Cursor, Quarantined
from inboxwatch.core.model import FolderRole, MessageId, RawMessage
from inboxwatch.store import Outage, tables
from tests.support.batched_daemon import ANA, BO, SALES, BatchedDaemon, minutes
from tests.support.in_process_daemon import MONDAY

# One transaction a batch.


def test_messages_clocks_and_cursor_commit_together_or_not_at_all(daemon: BatchedDaemon) -> None:
    """A failure while clocks are written: the batch leaves nothing, and the same batch succeeds later."""
    raws = [daemon.asks("q1@buyer.test", 0), daemon.asks("q2@buyer.test", 1, subject="Something else")]
    before = daemon.everything()
    refuse(daemon, "clock")
    with pytest.raises(Outage, match="full_disk"):
        daemon.reads(*raws)
    assert daemon.everything() == before
    refuse(daemon, None)
    assert daemon.reads(*raws).fresh == 2
    assert (daemon.cursor(ANA), len(daemon.clocks())) == ("1", 2)


def refuse(daemon: BatchedDaemon, table: str | None) -> None:
    """Lets the database fail at each row that comes into a table, as a full disk does; None ends it."""
    sqlite = daemon.store._engine.dialect.name == "sqlite"
    failure = "BEGIN INSERT INTO full_disk VALUES (1); END" if sqlite else "EXECUTE FUNCTION refuse()"
    with daemon.store.transaction() as tx:
        if table is None:
            tx.connection.execute(text("DROP TRIGGER refusal" + ("" if sqlite else " ON clock")))
            return
        if not sqlite:
            body = "BEGIN RAISE EXCEPTION 'full_disk' USING ERRCODE = '53100'; END"
            tx.connection.execute(
                text(f"CREATE OR REPLACE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ {body} $$")
            )
        tx.connection.execute(text(f"CREATE TRIGGER refusal BEFORE INSERT ON {table} FOR EACH ROW {failure}"))


def test_a_batch_that_follows_another_cursor_is_refused_whole(daemon: BatchedDaemon) -> None:
    daemon.reads(daemon.asks("q1@buyer.test", 0))
    before = daemon.everything()
    batch = Batch((daemon.asks("q2@buyer.test", 1, subject="Other"),), Cursor("9"), daemon.at)
    assert daemon.engine.ingest(ANA, batch, None, daemon.at).stale
    assert daemon.everything() == before


def test_an_empty_batch_moves_the_cursor(daemon: BatchedDaemon) -> None:
    daemon.reads()
    assert daemon.cursor(ANA) == "1"


def test_the_same_batch_again_changes_no_clock_and_tells_nothing(daemon: BatchedDaemon) -> None:
    raws = [daemon.asks("q1@buyer.test", 0), daemon.replies("a1@acme.test", 20, "q1@buyer.test")]
    daemon.reads(raws[0])
    daemon.passes(minutes(61))
    daemon.reads(raws[1])
    before = daemon.everything()
    again = daemon.reads(*raws)
    after = daemon.everything()
    assert again.fresh == 0
    assert {name for name in before if before[name] != after[name]} == {"mailbox"}, "only the cursor has moved"


def test_a_message_that_is_no_message_is_kept_by_name_and_the_rest_goes_on(daemon: BatchedDaemon) -> None:
    header = daemon.asks("odd@buyer.test", 0).header
    naive = RawMessage("INBOX/665", FolderRole.INBOX, datetime(2026, 5, 4), header)
    odd = RawMessage("INBOX/666", FolderRole.INBOX, daemon.at, header, provider_thread=7)  # type: ignore[arg-type]  # a connector's defect
    gone = Quarantined("INBOX/667", "the server lists it and does not give it")
    result = daemon.reads(odd, daemon.asks("q1@buyer.test", 0), naive, quarantined=(gone,))
    assert [clock.started_by for clock in daemon.clocks()] == ["q1@buyer.test"]
    assert (result.quarantined, result.fresh) == (3, 1)
    assert {row[1] for row in daemon.everything()["quarantine"]} == {"INBOX/665", "INBOX/666", "INBOX/667"}
    assert daemon.cursor(ANA) == "1"


@pytest.mark.parametrize(
    "header",
    [
        b"",
        b"\r\n\r\n",
        b"From: bo@buyer.test\r\n\r\n",
        b"Subject: nothing else\r\n\r\n",
        b"From: <bo@buyer.test>\r\nTo: ana@acme.test\r\nMessage-ID: <a\x00\xff@b.test>\r\nSubject: \x00\xff\r\n\r\n",
        b"From: bo@buyer.test\r\nReferences: " + b" ".join(b"<%d@x.test>" % n for n in range(3000)) + b"\r\n\r\n",
        b"\xff\xfe\x00\x01" * 5000,
        b"From: bo@buyer.test\r\nDate: yesterday\r\nMessage-ID: <>\r\n\r\n",
        b"From: bo@buyer.test\r\nMessage-ID: <same@buyer.test>\r\nIn-Reply-To: <same@buyer.test>\r\n\r\n",
    ],
)
def test_mail_without_the_usual_headers_is_taken_or_quarantined_never_lost(
    daemon: BatchedDaemon, header: bytes
) -> None:
    raw = RawMessage("INBOX/1", FolderRole.INBOX, daemon.at, header)
    daemon.reads(raw)
    rows = daemon.everything()
    assert len(rows["sighting"]) + len(rows["unfiled"]) + len(rows["quarantine"]) == 1
    daemon.reads(raw)
    again = daemon.everything()
    for table in ("message", "sighting", "unfiled"):
        assert len(again[table]) == len(rows[table]), "taken again, it is the same message"


def test_mail_from_a_lead_without_message_id_or_date_opens_a_wait(daemon: BatchedDaemon) -> None:
    daemon.reads(
        RawMessage("INBOX/1", FolderRole.INBOX, daemon.at, b"From: bo@buyer.test\r\nTo: ana@acme.test\r\n\r\n")
    )
    (clock,) = daemon.clocks()
    assert (clock.lead, clock.started_at, clock.owner) == (BO, daemon.at, "ana")


# The timeline does not depend on who read what first.


def test_one_message_in_several_mailboxes_is_one_wait_from_its_earliest_sighting(daemon: BatchedDaemon) -> None:
    to = "ana@acme.test, sales@acme.test"
    daemon.reads(daemon.asks("q1@buyer.test", 5, to=to), mailbox=SALES)
    daemon.reads(daemon.asks("q1@buyer.test", 3, to=to), mailbox=ANA)
    daemon.reads(daemon.asks("q1@buyer.test", 8, to=to), mailbox=ANA)
    (clock,) = daemon.clocks()
    assert (clock.started_at, clock.due_at) == (MONDAY + minutes(3), MONDAY + minutes(123))
    with daemon.store.reading() as tx:
        assert tx.mail.witnesses([clock.thread]) == {clock.thread: {"ana", "sales"}}


def test_an_older_message_that_comes_late_moves_the_start_back_and_keeps_id_and_steps(daemon: BatchedDaemon) -> None:
    """Rule 15: the same wait under its old id, no step told again, the step that is due by the new start told once."""
    daemon.reads(daemon.asks("q2@buyer.test", 30, answers="q1@buyer.test"))
    (clock,) = daemon.clocks()
    daemon.passes(minutes(91))
    assert daemon.steps() == [(1, 1, "ana")]
    daemon.reads(daemon.asks("q1@buyer.test", 0))
    (moved,) = daemon.clocks()
    assert (moved.started_by, moved.due_at, moved.nudges) == ("q1@buyer.test", MONDAY + minutes(120), 1)
    assert moved.id != clock.id
    assert daemon.clock(clock.id).id == moved.id, "an id that was told stays valid"
    daemon.passes(minutes(1))
    assert daemon.steps() == [(1, 1, "ana")]
    daemon.passes(minutes(30))
    assert daemon.steps() == [(1, 1, "ana"), (2, 1, "ana"), (2, 1, "max")]
    assert daemon.engine.dismiss(clock.id, "max", daemon.at, reason="settled by phone") == moved.id
    assert daemon.clock(clock.id).state == "dismissed"


def test_two_threads_that_turn_out_to_be_one_lose_no_wait_and_repeat_no_step(daemon: BatchedDaemon) -> None:
    daemon.reads(daemon.asks("q1@buyer.test", 0), daemon.asks("q2@buyer.test", 10, subject="Invoice address"))
    first, second = daemon.clocks()
    assert first.thread != second.thread
    daemon.passes(minutes(71))
    assert daemon.steps() == [(1, 1, "ana"), (1, 1, "ana")]
    both = daemon.asks("q3@buyer.test", 71, extra="References: <q1@buyer.test> <q2@buyer.test>")
    daemon.reads(both)
    (one,) = daemon.clocks()
    assert (one.id, one.nudges) == (first.id, 2)
    assert daemon.clock(second.id).id == first.id
    daemon.passes(minutes(1))
    assert len(daemon.steps()) == 2
    daemon.reads(daemon.replies("a1@acme.test", 73, "q3@buyer.test"))
    assert {clock.state for clock in daemon.clocks()} == {"answered"}


def test_an_answer_that_is_read_before_its_question_ends_the_wait_all_the_same(daemon: BatchedDaemon) -> None:
    daemon.reads(daemon.replies("a1@acme.test", 7, "q1@buyer.test"))
    daemon.reads(daemon.asks("q1@buyer.test", 2))
    (clock,) = daemon.clocks()
    assert (clock.state, clock.wall_seconds, clock.answered_by) == ("answered", 300.0, "ana")


def test_a_parent_that_comes_late_is_written_to_the_child_it_belongs_to(daemon: BatchedDaemon) -> None:
    """Placed by an older ancestor first, a message gets its parent as soon as that one is read."""
    daemon.reads(daemon.asks("q1@buyer.test", 0))
    chain = "In-Reply-To: <a1@acme.test>\r\nReferences: <q1@buyer.test> <a1@acme.test>"
    daemon.reads(daemon.asks("q2@buyer.test", 30, extra=chain))
    daemon.reads(daemon.replies("a1@acme.test", 10, "q1@buyer.test"))
    with daemon.store.reading() as tx:
        rows = {row.message_id: row for row in tx.mail.rows(daemon.clocks()[0].thread)}
    assert rows[MessageId("q2@buyer.test")].parent == "a1@acme.test"
    assert [(clock.metric, clock.state) for clock in daemon.clocks()] == [
        ("first_response", "answered"),
        ("next_response", "running"),
    ]


def test_a_bounced_answer_reopens_the_wait_under_its_id_and_tells_no_step_again(daemon: BatchedDaemon) -> None:
    daemon.reads(daemon.asks("q1@buyer.test", 0))
    daemon.passes(minutes(61))
    daemon.reads(daemon.replies("a1@acme.test", 62, "q1@buyer.test"))
    (clock,) = daemon.clocks()
    assert clock.state == "answered"
    dsn = (
        b"From: Mail Delivery System <mailer-daemon@relay.test>\r\nTo: ana@acme.test\r\nMessage-ID: <d1@relay.test>\r\n"
        b"Subject: Undelivered Mail Returned to Sender\r\nAuto-Submitted: auto-replied\r\n"
        b"In-Reply-To: <a1@acme.test>\r\nX-Failed-Recipients: bo@buyer.test\r\n"
        b"Content-Type: multipart/report; report-type=delivery-status; boundary=b\r\n\r\n"
    )
    daemon.reads(RawMessage("INBOX/d1", FolderRole.INBOX, MONDAY + minutes(64), dsn))
    (again,) = daemon.clocks()
    assert (again.id, again.state, again.reopened) == (clock.id, "running", "bounced")
    daemon.passes(minutes(4))
    assert daemon.steps() == [(1, 1, "ana")]


# What is kept.


def test_mail_that_matches_no_lead_leaves_hash_times_direction_and_kind_and_nothing_else(daemon: BatchedDaemon) -> None:
    """Every table of the store is searched for anything that the message said."""
    stranger = daemon.raw(
        "Zoe Quill <zoe.quill@stranger.test>",
        "ana@acme.test, xaver@elsewhere.test",
        0,
        id="very-secret-id@stranger.test",
        subject="Zebra enclosure",
        extra="References: <older-secret@stranger.test>\r\nThread-Topic: Zebra",
    )
    answer = daemon.raw(
        "ana@acme.test", "zoe.quill@stranger.test", 5, id="our-id@acme.test", answers="very-secret-id@stranger.test"
    )
    daemon.reads(stranger, answer)
    rows = daemon.everything()
    assert len(rows["unfiled"]) == 2
    told = repr({name: content for name, content in rows.items() if name not in ("lead", "policy")}).lower()
    for word in ("zoe", "quill", "stranger", "xaver", "elsewhere", "zebra", "secret", "our-id"):
        assert word not in told, word
    assert rows["message"] == rows["sighting"] == []
    columns = tables.unfiled.columns.keys()
    for row in rows["unfiled"]:
        kept = {name for name, value in zip(columns, row, strict=True) if value is not None}
        where = {"mailbox", "ref", "role", "read_at", "quiet", "late"}
        assert kept == {"key", "at", "direction", "kind"} | where
    assert daemon.clocks() == []


def test_an_unknown_sender_to_a_shared_mailbox_becomes_a_provisional_lead(daemon: BatchedDaemon) -> None:
    daemon.reads(daemon.asks("q1@new.test", 0, sender="Neo Hale <neo@new.test>", to="sales@acme.test"), mailbox=SALES)
    (clock,) = daemon.clocks()
    assert (clock.lead, clock.team, clock.owner) == ("neo@new.test", "emea", "max")
    daemon.restarts()
    daemon.reads(daemon.asks("q2@new.test", 9, sender="neo@new.test", subject="And this"), mailbox=ANA)
    assert {clock.lead for clock in daemon.clocks()} == {"neo@new.test"}
    assert len(daemon.clocks()) == 2


# First sight, blind mailboxes, looks.


def test_first_sight_pages_nobody_for_old_mail_and_tells_one_digest(daemon: BatchedDaemon) -> None:
    """Rule 39; what falls due after first sight is told as ever."""
    daemon.at = MONDAY + minutes(125)
    old = [daemon.asks(f"q{n}@buyer.test", n, subject=f"Old {n} things") for n in range(3)]
    young = daemon.asks("young@buyer.test", 100, subject="Young")
    daemon.reads(*old, young, quiet=True)
    daemon.engine.first_sight_over(ANA, daemon.at)
    daemon.engine.first_sight_over(ANA, daemon.at)
    (digest,) = daemon.owed("digest")
    assert (digest.target, len(digest.body["clock_ids"])) == ("ana", 3)
    assert {clock.breached_at is not None for clock in daemon.clocks() if clock.started_by != "young@buyer.test"} == {
        True
    }
    daemon.passes(minutes(1))
    assert daemon.steps() == []
    daemon.passes(minutes(40))
    assert sorted(daemon.steps()) == [(1, 1, "ana"), (3, 1, "max"), (3, 1, "max"), (3, 1, "max")]


def test_a_mailbox_that_is_read_anew_from_its_horizon_pages_nobody_for_history(daemon: BatchedDaemon) -> None:
    daemon.reads(daemon.asks("q1@buyer.test", 0))
    daemon.passes(minutes(130))
    told = daemon.steps()
    daemon.reads(daemon.asks("q1@buyer.test", 0), daemon.asks("q0@buyer.test", -900, subject="Missed"), resynced=True)
    daemon.engine.first_sight_over(ANA, daemon.at)
    daemon.passes(minutes(1))
    assert daemon.steps() == told
    assert len(daemon.owed("digest")) == 1
