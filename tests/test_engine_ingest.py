"""Mail into the engine, on SQLite and on PostgreSQL alike: what a batch leaves, what it never leaves, what is told."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, text

from inboxwatch import config as configuration
from inboxwatch.connector import Batch, Cursor, MailboxError, Quarantined, Reason
from inboxwatch.core.model import FolderRole, Lead, LeadId, MailboxId, PersonId, RawMessage
from inboxwatch.core.timeline import Deed
from inboxwatch.engine import Engine, Ingested, Refused, Settled
from inboxwatch.engine.mailroom import Mailroom
from inboxwatch.store import Outage, tables
from tests.daemon import letter
from tests.houses import MONDAY, House
from tests.postgres import database, postgres

__all__ = ["database", "postgres"]

ANA, SALES = MailboxId("ana"), MailboxId("sales")
BO = "bo@buyer.test"


class Office(House):
    """A house whose mail is written by the test, batch by batch."""

    def __init__(self, folder: Path, store: str) -> None:
        super().__init__(folder, store=store)
        self.lead(BO, owner="ana", name="Bo Lind")
        with self.store.transaction() as tx:
            for name in self.config.mailboxes:
                tx.mailboxes.set(name, first_sight_done=True)

    def raw(self, sender: str, to: str, minutes: float, **words: Any) -> RawMessage:
        """A message that the server received so many minutes after nine."""
        at = MONDAY + timedelta(minutes=minutes)
        role = FolderRole.SENT if "@acme.test" in sender else FolderRole.INBOX
        header = letter(sender, to, at=at, **words).partition(b"\r\n\r\n")[0] + b"\r\n\r\n"
        self._number += 1
        return RawMessage(f"{role}/{self._number}", role, at, header)

    def asks(self, id: str, minutes: float, **words: Any) -> RawMessage:  # noqa: A002  (a Message-ID)
        return self.raw(words.pop("sender", BO), words.pop("to", "ana@acme.test"), minutes, id=id, **words)

    def replies(self, id: str, minutes: float, to: str, **words: Any) -> RawMessage:  # noqa: A002
        return self.raw(words.pop("sender", "ana@acme.test"), BO, minutes, id=id, answers=to, **words)

    def reads(self, *raws: RawMessage, mailbox: MailboxId = ANA, quiet: bool = False, **more: Any) -> Ingested:
        """One batch of a mailbox, read completely."""
        cursor = self.cursor(mailbox)
        more.setdefault("seen_until", self.at)
        batch = Batch(raws, Cursor(str(int(cursor or 0) + 1)), **more)
        return self.engine.ingest(mailbox, batch, cursor, self.at, quiet=quiet)

    def cursor(self, mailbox: MailboxId) -> str | None:
        with self.store.reading() as tx:
            row = tx.mailboxes.get(mailbox)
        return row.cursor if row else None

    def clock(self, id: str) -> Any:  # noqa: A002
        with self.store.reading() as tx:
            return tx.clocks.get(id)

    def clocks(self) -> list[Any]:
        with self.store.reading() as tx:
            found = select(tables.clock).where(tables.clock.c.metric != "follow_up")
            return list(tx.connection.execute(found.order_by(tables.clock.c.started_at, tables.clock.c.id)))

    def owed(self, kind: str = "escalation") -> list[Any]:
        with self.store.reading() as tx:
            found = select(tables.delivery).where(tables.delivery.c.type == kind).order_by(tables.delivery.c.id)
            return list(tx.connection.execute(found))

    def steps(self) -> list[tuple[int, int, str]]:
        """What was owed of the ladders: (step, round, target)."""
        return [(row.step, row.round, row.target) for row in self.owed()]

    def everything(self) -> dict[str, list[tuple[Any, ...]]]:
        """Every row of every table."""
        with self.store.reading() as tx:
            return {
                table.name: [tuple(row) for row in tx.connection.execute(select(table))]
                for table in tables.metadata.sorted_tables
            }

    def passes(self, time: timedelta, *, seen: bool = True) -> Settled:
        """Lets time pass until nothing more is owed at that instant."""
        self.at += time
        if seen:
            with self.store.transaction() as tx:
                for name in self.config.mailboxes:
                    tx.mailboxes.set(name, seen_until=self.at)
        settled = self.engine.tick(self.at, looked=self.at)
        assert self.engine.tick(self.at, looked=self.at).told == 0, "one turn tells all that is owed of a clock"
        return settled

    def restarts(self) -> None:
        """Another process opens the same store."""
        channels = {name: one.connect() for name, one in self.config.channels.items()}
        self.engine = Engine(self.store, self.config, channels)


def minutes(number: float) -> timedelta:
    return timedelta(minutes=number)


@pytest.fixture
def office(tmp_path: Path, database: str) -> Iterator[Office]:
    office = Office(tmp_path, database)
    yield office
    office.close()


# One transaction a batch.


def test_messages_clocks_and_cursor_commit_together_or_not_at_all(office: Office) -> None:
    """A failure while clocks are written: the batch leaves nothing, and the same batch succeeds later."""
    raws = [office.asks("q1@buyer.test", 0), office.asks("q2@buyer.test", 1, subject="Something else")]
    before = office.everything()
    refuse(office, "clock")
    with pytest.raises(Outage, match="full_disk"):
        office.reads(*raws)
    assert office.everything() == before
    refuse(office, None)
    assert office.reads(*raws).fresh == 2
    assert (office.cursor(ANA), len(office.clocks())) == ("1", 2)


def refuse(office: Office, table: str | None) -> None:
    """Lets the database fail at each row that comes into a table, as a full disk does; None ends it."""
    sqlite = office.store._engine.dialect.name == "sqlite"
    failure = "BEGIN INSERT INTO full_disk VALUES (1); END" if sqlite else "EXECUTE FUNCTION refuse()"
    with office.store.transaction() as tx:
        if table is None:
            tx.connection.execute(text("DROP TRIGGER refusal" + ("" if sqlite else " ON clock")))
            return
        if not sqlite:
            body = "BEGIN RAISE EXCEPTION 'full_disk' USING ERRCODE = '53100'; END"
            tx.connection.execute(
                text(f"CREATE OR REPLACE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ {body} $$")
            )
        tx.connection.execute(text(f"CREATE TRIGGER refusal BEFORE INSERT ON {table} FOR EACH ROW {failure}"))


def test_a_batch_that_follows_another_cursor_is_refused_whole(office: Office) -> None:
    office.reads(office.asks("q1@buyer.test", 0))
    before = office.everything()
    batch = Batch((office.asks("q2@buyer.test", 1, subject="Other"),), Cursor("9"), office.at)
    assert office.engine.ingest(ANA, batch, None, office.at).stale
    assert office.everything() == before


def test_an_empty_batch_moves_the_cursor(office: Office) -> None:
    office.reads()
    assert office.cursor(ANA) == "1"


def test_the_same_batch_again_changes_no_clock_and_tells_nothing(office: Office) -> None:
    raws = [office.asks("q1@buyer.test", 0), office.replies("a1@acme.test", 20, "q1@buyer.test")]
    office.reads(raws[0])
    office.passes(minutes(61))
    office.reads(raws[1])
    before = office.everything()
    again = office.reads(*raws)
    after = office.everything()
    assert again.fresh == 0
    assert {name for name in before if before[name] != after[name]} == {"mailbox"}, "only the cursor has moved"


def test_a_message_that_is_no_message_is_kept_by_name_and_the_rest_goes_on(office: Office) -> None:
    header = office.asks("odd@buyer.test", 0).header
    naive = RawMessage("INBOX/665", FolderRole.INBOX, datetime(2026, 5, 4), header)
    odd = RawMessage("INBOX/666", FolderRole.INBOX, office.at, header, provider_thread=7)  # type: ignore[arg-type]  # a connector's defect
    gone = Quarantined("INBOX/667", "the server lists it and does not give it")
    result = office.reads(odd, office.asks("q1@buyer.test", 0), naive, quarantined=(gone,))
    assert [clock.started_by for clock in office.clocks()] == ["q1@buyer.test"]
    assert (result.quarantined, result.fresh) == (3, 1)
    assert {row[1] for row in office.everything()["quarantine"]} == {"INBOX/665", "INBOX/666", "INBOX/667"}
    assert office.cursor(ANA) == "1"


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
def test_mail_without_the_usual_headers_is_taken_or_quarantined_never_lost(office: Office, header: bytes) -> None:
    raw = RawMessage("INBOX/1", FolderRole.INBOX, office.at, header)
    office.reads(raw)
    rows = office.everything()
    assert len(rows["sighting"]) + len(rows["quarantine"]) == 1
    office.reads(raw)
    assert len(office.everything()["message"]) == len(rows["message"]), "taken again, it is the same message"


def test_mail_from_a_lead_without_message_id_or_date_opens_a_wait(office: Office) -> None:
    office.reads(
        RawMessage("INBOX/1", FolderRole.INBOX, office.at, b"From: bo@buyer.test\r\nTo: ana@acme.test\r\n\r\n")
    )
    (clock,) = office.clocks()
    assert (clock.lead, clock.started_at, clock.owner) == (BO, office.at, "ana")


# The timeline does not depend on who read what first.


def test_one_message_in_several_mailboxes_is_one_wait_from_its_earliest_sighting(office: Office) -> None:
    to = "ana@acme.test, sales@acme.test"
    office.reads(office.asks("q1@buyer.test", 5, to=to), mailbox=SALES)
    office.reads(office.asks("q1@buyer.test", 3, to=to), mailbox=ANA)
    office.reads(office.asks("q1@buyer.test", 8, to=to), mailbox=ANA)
    (clock,) = office.clocks()
    assert (clock.started_at, clock.due_at) == (MONDAY + minutes(3), MONDAY + minutes(123))
    with office.store.reading() as tx:
        assert tx.mail.witnesses([clock.thread]) == {clock.thread: {"ana", "sales"}}


def test_an_older_message_that_comes_late_moves_the_start_back_and_keeps_id_and_steps(office: Office) -> None:
    """Rule 15: the same wait under its old id, no step told again, the step that is due by the new start told once."""
    office.reads(office.asks("q2@buyer.test", 30, answers="q1@buyer.test"))
    (clock,) = office.clocks()
    office.passes(minutes(91))
    assert office.steps() == [(1, 1, "ana")]
    office.reads(office.asks("q1@buyer.test", 0))
    (moved,) = office.clocks()
    assert (moved.started_by, moved.due_at, moved.nudges) == ("q1@buyer.test", MONDAY + minutes(120), 1)
    assert moved.id != clock.id
    assert office.clock(clock.id).id == moved.id, "an id that was told stays valid"
    office.passes(minutes(1))
    assert office.steps() == [(1, 1, "ana")]
    office.passes(minutes(30))
    assert office.steps() == [(1, 1, "ana"), (2, 1, "ana"), (2, 1, "max")]
    assert office.engine.act(clock.id, Deed.DISMISSED, "max", office.at, reason="settled by phone") == moved.id
    assert office.clock(clock.id).state == "dismissed"


def test_two_threads_that_turn_out_to_be_one_lose_no_wait_and_repeat_no_step(office: Office) -> None:
    office.reads(office.asks("q1@buyer.test", 0), office.asks("q2@buyer.test", 10, subject="Invoice address"))
    first, second = office.clocks()
    assert first.thread != second.thread
    office.passes(minutes(71))
    assert office.steps() == [(1, 1, "ana"), (1, 1, "ana")]
    both = office.asks("q3@buyer.test", 71, extra="References: <q1@buyer.test> <q2@buyer.test>")
    office.reads(both)
    (one,) = office.clocks()
    assert (one.id, one.nudges) == (first.id, 2)
    assert office.clock(second.id).id == first.id
    office.passes(minutes(1))
    assert len(office.steps()) == 2
    office.reads(office.replies("a1@acme.test", 73, "q3@buyer.test"))
    assert {clock.state for clock in office.clocks()} == {"answered"}


def test_an_answer_that_is_read_before_its_question_ends_the_wait_all_the_same(office: Office) -> None:
    office.reads(office.replies("a1@acme.test", 7, "q1@buyer.test"))
    office.reads(office.asks("q1@buyer.test", 2))
    (clock,) = office.clocks()
    assert (clock.state, clock.wall_seconds, clock.answered_by) == ("answered", 300.0, "ana")


def test_a_parent_that_comes_late_is_written_to_the_child_it_belongs_to(office: Office) -> None:
    """Placed by an older ancestor first, a message gets its parent as soon as that one is read."""
    office.reads(office.asks("q1@buyer.test", 0))
    chain = "In-Reply-To: <a1@acme.test>\r\nReferences: <q1@buyer.test> <a1@acme.test>"
    office.reads(office.asks("q2@buyer.test", 30, extra=chain))
    office.reads(office.replies("a1@acme.test", 10, "q1@buyer.test"))
    with office.store.reading() as tx:
        rows = {row.message_id: row for row in tx.mail.rows(office.clocks()[0].thread)}
    assert rows["q2@buyer.test"].parent == "a1@acme.test"
    assert [(clock.metric, clock.state) for clock in office.clocks()] == [
        ("first_response", "answered"),
        ("next_response", "running"),
    ]


def test_a_bounced_answer_reopens_the_wait_under_its_id_and_tells_no_step_again(office: Office) -> None:
    office.reads(office.asks("q1@buyer.test", 0))
    office.passes(minutes(61))
    office.reads(office.replies("a1@acme.test", 62, "q1@buyer.test"))
    (clock,) = office.clocks()
    assert clock.state == "answered"
    dsn = (
        b"From: Mail Delivery System <mailer-daemon@relay.test>\r\nTo: ana@acme.test\r\nMessage-ID: <d1@relay.test>\r\n"
        b"Subject: Undelivered Mail Returned to Sender\r\nAuto-Submitted: auto-replied\r\n"
        b"In-Reply-To: <a1@acme.test>\r\nX-Failed-Recipients: bo@buyer.test\r\n"
        b"Content-Type: multipart/report; report-type=delivery-status; boundary=b\r\n\r\n"
    )
    office.reads(RawMessage("INBOX/d1", FolderRole.INBOX, MONDAY + minutes(64), dsn))
    (again,) = office.clocks()
    assert (again.id, again.state, again.reopened) == (clock.id, "running", "bounced")
    office.passes(minutes(4))
    assert office.steps() == [(1, 1, "ana")]


# What is kept.


def test_mail_that_matches_no_lead_leaves_hash_times_direction_and_kind_and_nothing_else(office: Office) -> None:
    """Every table of the store is searched for anything that the message said."""
    stranger = office.raw(
        "Zoe Quill <zoe.quill@stranger.test>",
        "ana@acme.test, xaver@elsewhere.test",
        0,
        id="very-secret-id@stranger.test",
        subject="Zebra enclosure",
        extra="References: <older-secret@stranger.test>\r\nThread-Topic: Zebra",
    )
    answer = office.raw(
        "ana@acme.test", "zoe.quill@stranger.test", 5, id="our-id@acme.test", answers="very-secret-id@stranger.test"
    )
    office.reads(stranger, answer)
    rows = office.everything()
    assert len(rows["message"]) == 2
    told = repr({name: content for name, content in rows.items() if name not in ("lead", "policy")}).lower()
    for word in ("zoe", "quill", "stranger", "xaver", "elsewhere", "zebra", "secret", "our-id"):
        assert word not in told, word
    columns = tables.message.columns.keys()
    for row in rows["message"]:
        kept = {name for name, value in zip(columns, row, strict=True) if value is not None}
        assert kept == {"key", "at", "direction", "kind"}
    assert office.clocks() == []


def test_an_unknown_sender_to_a_shared_mailbox_becomes_a_provisional_lead(office: Office) -> None:
    office.reads(office.asks("q1@new.test", 0, sender="Neo Hale <neo@new.test>", to="sales@acme.test"), mailbox=SALES)
    (clock,) = office.clocks()
    assert (clock.lead, clock.team, clock.owner) == ("neo@new.test", "emea", "max")
    office.restarts()
    office.reads(office.asks("q2@new.test", 9, sender="neo@new.test", subject="And this"), mailbox=ANA)
    assert {clock.lead for clock in office.clocks()} == {"neo@new.test"}
    assert len(office.clocks()) == 2


# First sight, blind mailboxes, looks.


def test_first_sight_pages_nobody_for_old_mail_and_tells_one_digest(office: Office) -> None:
    """Rule 39; what falls due after first sight is told as ever."""
    office.at = MONDAY + minutes(125)
    old = [office.asks(f"q{n}@buyer.test", n, subject=f"Old {n} things") for n in range(3)]
    young = office.asks("young@buyer.test", 100, subject="Young")
    office.reads(*old, young, quiet=True)
    office.engine.first_sight_over(ANA, office.at)
    office.engine.first_sight_over(ANA, office.at)
    (digest,) = office.owed("digest")
    assert (digest.target, len(digest.body["clock_ids"])) == ("ana", 3)
    assert {clock.breached_at is not None for clock in office.clocks() if clock.started_by != "young@buyer.test"} == {
        True
    }
    office.passes(minutes(1))
    assert office.steps() == []
    office.passes(minutes(40))
    assert sorted(office.steps()) == [(1, 1, "ana"), (3, 1, "max"), (3, 1, "max"), (3, 1, "max")]


def test_a_mailbox_that_is_read_anew_from_its_horizon_pages_nobody_for_history(office: Office) -> None:
    office.reads(office.asks("q1@buyer.test", 0))
    office.passes(minutes(130))
    told = office.steps()
    office.reads(office.asks("q1@buyer.test", 0), office.asks("q0@buyer.test", -900, subject="Missed"), resynced=True)
    office.engine.first_sight_over(ANA, office.at)
    office.passes(minutes(1))
    assert office.steps() == told
    assert len(office.owed("digest")) == 1


def test_nothing_is_told_before_the_mailboxes_that_could_hold_the_answer_were_read(office: Office) -> None:
    """Rule 30: the engine asks for a look first; an answer that it brings cancels everything."""
    office.reads(office.asks("q1@buyer.test", 0, to="sales@acme.test"), mailbox=SALES)
    (clock,) = office.clocks()
    office.at += minutes(61)
    settled = office.engine.tick(office.at)
    assert (settled.told, settled.look) == (0, {clock.id: (frozenset({"ana", "sales"}), frozenset())})
    office.reads(office.replies("a1@acme.test", 60, "q1@buyer.test"))
    office.reads(mailbox=SALES)
    assert office.engine.tick(office.at, only=frozenset({clock.id}), looked=office.at).told == 0
    assert (office.steps(), office.clocks()[0].state) == ([], "answered")


def test_a_blind_mailbox_holds_a_step_for_its_grace_then_it_is_sent_as_unverified(office: Office) -> None:
    """Rule 31: neither answered nor breached is claimed; once the mailbox can be read, the page is not repeated."""
    office.reads(office.asks("q1@buyer.test", 0))
    office.passes(minutes(61))
    office.at += minutes(60)
    office.engine.failed(ANA, MailboxError(Reason.UNAVAILABLE, "connection refused"), office.at)
    assert office.engine.tick(office.at, looked=office.at).told == 0
    (clock,) = office.clocks()
    assert (clock.held, clock.breached_at, office.steps()) == (True, None, [(1, 1, "ana")])
    assert clock.wake_at == MONDAY + minutes(120 + 15)
    office.at = MONDAY + minutes(136)
    office.engine.tick(office.at, looked=office.at)
    assert [(row.step, row.reason) for row in office.owed()[1:]] == [(2, "unverified"), (2, "unverified")]
    office.reads()
    office.engine.succeeded(ANA, office.at)
    office.passes(minutes(0))
    (clock,) = office.clocks()
    assert (clock.held, clock.breached_at) == (False, MONDAY + minutes(120))
    assert len(office.steps()) == 3


def test_a_step_that_falls_due_while_the_mailboxes_are_read_gets_a_look_of_its_own(office: Office) -> None:
    """It is neither told unread nor held as if a mailbox were blind."""
    office.reads(office.asks("q1@buyer.test", 0))
    asked = MONDAY + timedelta(minutes=119, seconds=59)
    office.at = MONDAY + minutes(120)
    office.reads(seen_until=asked)
    settled = office.engine.tick(office.at, only=frozenset({office.clocks()[0].id}), looked=asked)
    assert (settled.told, office.steps()) == (0, [])
    (clock,) = office.clocks()
    assert (clock.held, clock.wake_at) == (False, office.at)
    office.reads(mailbox=SALES)
    office.passes(minutes(0))
    assert office.steps() == [(2, 1, "ana"), (2, 1, "max")]


def test_mail_in_the_thread_does_not_hide_that_a_mailbox_is_blind(office: Office) -> None:
    office.reads(office.asks("q1@buyer.test", 0))
    office.at += minutes(121)
    office.engine.tick(office.at, looked=office.at)
    office.reads(office.asks("q2@buyer.test", 121, answers="q1@buyer.test"), mailbox=SALES, seen_until=office.at)
    (clock,) = office.clocks()
    assert (clock.held, clock.breached_at) == (True, None)


def test_it_is_told_once_that_a_mailbox_is_blind_and_once_that_it_sees_again(office: Office) -> None:
    office.config = configuration.load(office.path)
    refusal = MailboxError(Reason.AUTH, "[AUTHENTICATIONFAILED] no", hint="set the password", permanent=True)
    office.engine.config = office.config = with_it(office)
    office.restarts()
    for _ in range(5):
        office.at += minutes(1)
        office.engine.failed(ANA, refusal, office.at)
    (told,) = office.owed("mailbox")
    assert (told.target, told.body["mailbox"], told.body["error"]) == ("desk", "ana", "[AUTHENTICATIONFAILED] no")
    office.restarts()
    office.engine.failed(ANA, refusal, office.at)
    office.engine.succeeded(ANA, office.at)
    office.engine.succeeded(ANA, office.at)
    assert [row.body["error"] for row in office.owed("mailbox")] == ["[AUTHENTICATIONFAILED] no", None]


def with_it(office: Office) -> Any:
    office.path.write_text(office.path.read_text() + '\nit_alerts: {notify: ["desk"]}\n')
    return configuration.load(office.path)


def test_a_hiccup_of_a_mailbox_is_not_told(office: Office) -> None:
    office.config = with_it(office)
    office.restarts()
    office.engine.failed(ANA, MailboxError(Reason.UNAVAILABLE, "connection refused"), office.at)
    office.engine.succeeded(ANA, office.at + minutes(1))
    assert office.owed("mailbox") == []


def test_a_mailbox_that_left_the_config_holds_nothing_back(office: Office) -> None:
    office.reads(office.asks("q1@buyer.test", 0, to="ana@acme.test, sales@acme.test"), mailbox=SALES)
    office.reads(office.asks("q1@buyer.test", 0, to="ana@acme.test, sales@acme.test"))
    lines = [line for line in office.path.read_text().splitlines() if not line.startswith("  sales: {connector")]
    office.path.write_text("\n".join(lines))
    office.config = configuration.load(office.path)
    office.restarts()
    office.at += minutes(61)
    office.reads()
    office.engine.tick(office.at, looked=office.at)
    assert [(row.step, row.reason) for row in office.owed()] == [(1, "warning")]


# Deeds, leads, policies.


def test_deeds_are_refused_with_the_status_that_says_why(office: Office) -> None:
    office.reads(office.asks("q1@buyer.test", 0))
    (clock,) = office.clocks()

    def status(what: Deed, id: str = clock.id, by: str = "ana", **details: object) -> int:  # noqa: A002
        with pytest.raises(Refused) as refused:
            office.engine.act(id, what, by, office.at, **details)
        return refused.value.status

    assert status(Deed.DISMISSED, "nowhere") == 404
    assert status(Deed.DISMISSED, by="nobody") == 422
    assert status(Deed.ASSIGNED, owner="emea") == 422
    assert status(Deed.SNOOZED, until=office.at) == 422
    office.engine.act(clock.id, Deed.DISMISSED, "ana", office.at)
    assert status(Deed.DISMISSED) == 409


def test_acknowledging_takes_the_wait_and_holds_the_ladder_until_it_expires(office: Office) -> None:
    office.reads(office.asks("q1@buyer.test", 0))
    (clock,) = office.clocks()
    office.passes(minutes(100))
    office.engine.act(clock.id, Deed.ACKNOWLEDGED, "ben", office.at)
    (clock,) = office.clocks()
    assert (clock.owner, clock.acknowledged_until) == ("ben", office.at + minutes(30))
    office.passes(minutes(29))
    assert office.steps() == [(1, 1, "ana")]
    office.passes(minutes(2))
    assert office.steps() == [(1, 1, "ana"), (2, 1, "ben"), (2, 1, "max")]


def test_a_snooze_holds_the_ladder_and_an_assignment_names_the_owner(office: Office) -> None:
    office.reads(office.asks("q1@buyer.test", 0))
    (clock,) = office.clocks()
    office.engine.act(clock.id, Deed.SNOOZED, "ana", office.at, until=office.at + minutes(90))
    office.engine.act(clock.id, Deed.ASSIGNED, "max", office.at, owner="ben")
    office.passes(minutes(89))
    assert office.steps() == []
    office.passes(minutes(2))
    assert office.steps() == [(1, 1, "ben")]


def test_a_lead_that_is_won_ends_its_waits_and_one_that_left_the_list_keeps_them(office: Office) -> None:
    office.reads(office.asks("q1@buyer.test", 0), office.asks("q2@cy.test", 1, sender="cy@other.test"))
    cy = Lead(LeadId("cy@other.test"), owner=PersonId("ben"), source="known")
    bo = Lead(LeadId(BO), owner=PersonId("ana"), source="known")
    office.knows(bo, cy)
    office.reads(office.asks("q3@cy.test", 2, sender="cy@other.test", subject="Now known"))
    assert {clock.lead for clock in office.clocks()} == {BO, "cy@other.test"}
    office.knows(Lead(LeadId(BO), owner=PersonId("ana"), source="known", status="won"))
    state = {clock.lead: (clock.state, clock.stop_reason) for clock in office.clocks()}
    assert state == {BO: ("ended", "lead_closed"), "cy@other.test": ("running", None)}


def test_a_wait_stays_under_the_policy_it_began_with_and_the_next_one_gets_the_new_one(office: Office) -> None:
    """Rule 21, over a reload and over a restart."""
    office.reads(office.asks("q1@buyer.test", 0))
    office.path.write_text(office.path.read_text().replace("first_response: 2h", "first_response: 10h"))
    office.config = configuration.load(office.path)
    office.engine.reload(office.config, {name: one.connect() for name, one in office.config.channels.items()})
    office.reads(office.asks("q2@buyer.test", 5, subject="Later"))
    office.restarts()
    office.reads(office.asks("q3@buyer.test", 6, answers="q1@buyer.test"))
    assert [clock.due_at - clock.started_at for clock in office.clocks()] == [minutes(120), minutes(600)]


# The outbox.


def claimed(office: Office) -> tuple[Mailroom, list[Any]]:
    room = Mailroom(office.engine)
    return room, room.claim("desk", office.at)


def test_an_answer_cancels_what_is_queued_and_those_who_were_paged_hear_of_it_once(office: Office) -> None:
    from inboxwatch.notify import Receipt

    office.reads(office.asks("q1@buyer.test", 0))
    office.passes(minutes(61))
    room, rows = claimed(office)
    room.sent(rows, Receipt(), office.at)
    office.passes(minutes(60))
    assert [row.state for row in office.owed()] == ["sent", "pending", "pending"]
    office.reads(office.replies("a1@acme.test", 121, "q1@buyer.test"))
    assert [row.state for row in office.owed()] == ["sent", "cancelled", "cancelled"]
    assert [row.target for row in office.owed("resolved")] == ["ana"]
    office.reads(office.replies("a2@acme.test", 122, "q1@buyer.test"))
    assert len(office.owed("resolved")) == 1


def test_a_page_whose_wait_ends_while_it_is_rendered_with_others_was_not_sent(office: Office) -> None:
    """Two waits leave as one message; one of them is answered between claim and sending: only the other was told."""
    from inboxwatch.notify import Receipt

    office.reads(office.asks("q1@buyer.test", 0), office.asks("q2@buyer.test", 0, subject="Other"))
    office.passes(minutes(61))
    room, rows = claimed(office)
    assert len(rows) == 2
    office.reads(office.replies("a1@acme.test", 60, "q1@buyer.test"))
    rendered = room.render(rows, office.at)
    assert rendered is not None
    assert [clock["started_by"] for clock in rendered.notice.clocks] == ["q2@buyer.test"]
    room.sent(rendered.rows, Receipt(), office.at)
    assert [row.state for row in office.owed()] == ["cancelled", "sent"]
    assert office.owed("resolved") == []


def test_an_acknowledgement_stops_a_page_that_is_being_retried(office: Office) -> None:
    office.reads(office.asks("q1@buyer.test", 0))
    office.passes(minutes(61))
    room, rows = claimed(office)
    office.engine.act(office.clocks()[0].id, Deed.ACKNOWLEDGED, "ana", office.at)
    assert room.failed(rows, "503", office.at, permanent=False, pause=minutes(0)) == []
    assert room.claim("desk", office.at + minutes(1)) == []
    assert [row.state for row in office.owed()] == ["cancelled"]


def test_a_dead_channel_makes_dead_letters_and_is_told_to_it_once(office: Office) -> None:
    office.path.write_text(
        office.path.read_text().replace(
            "channels: {desk: {type: console}}", "channels: {desk: {type: console}, it: {type: console}}"
        )
        + '\nit_alerts: {notify: ["it"]}\n'
    )
    office.config = configuration.load(office.path)
    office.restarts()
    for number in range(3):
        office.reads(office.asks(f"q{number}@buyer.test", 10 * number, subject=f"Matter {number}"))
    for _ in range(3):
        office.passes(minutes(30))
        room, rows = claimed(office)
        if rows:
            assert set(room.failed(rows, "410 gone", office.at, permanent=True, pause=minutes(1))) == {"dead"}
    assert len(office.owed()) >= 3
    assert {row.state for row in office.owed()} == {"dead"}
    assert [(row.channel, row.body["error"]) for row in office.owed("digest")] == [("it", "410 gone")]


def test_what_a_killed_process_had_claimed_leaves_again_in_the_same_bundle(office: Office) -> None:
    office.reads(office.asks("q1@buyer.test", 0))
    office.passes(minutes(61))
    _, rows = claimed(office)
    office.restarts()
    room = Mailroom(office.engine)
    room.sweep(["desk"], office.at)
    lease = minutes(0) if office.store._engine.dialect.name == "sqlite" else minutes(3)
    (again,) = room.claim("desk", office.at + lease)
    assert (again.bundle, again.attempts) == (rows[0].bundle, 2)


def test_a_page_that_a_crash_cut_off_may_have_arrived_so_its_reader_hears_that_the_wait_is_over(office: Office) -> None:
    office.reads(office.asks("q1@buyer.test", 0))
    office.passes(minutes(61))
    room, rows = claimed(office)
    assert room.render(rows, office.at) is not None
    office.restarts()
    office.reads(office.replies("a1@acme.test", 62, "q1@buyer.test"))
    assert [row.state for row in office.owed()] == ["cancelled"]
    assert [row.target for row in office.owed("resolved")] == ["ana"]


def test_nobody_hears_of_the_end_of_a_wait_whose_page_never_left(office: Office) -> None:
    office.reads(office.asks("q1@buyer.test", 0))
    office.passes(minutes(61))
    room, rows = claimed(office)
    room.render(rows, office.at)
    room.failed(rows, "503", office.at, permanent=False, pause=minutes(1))
    office.at += minutes(1)
    claimed(office)
    office.reads(office.replies("a1@acme.test", 62, "q1@buyer.test"))
    assert [row.state for row in office.owed()] == ["cancelled"]
    assert office.owed("resolved") == []


def test_an_acknowledgement_between_claim_and_sending_keeps_the_page_back(office: Office) -> None:
    office.reads(office.asks("q1@buyer.test", 0))
    office.passes(minutes(61))
    room, rows = claimed(office)
    office.engine.act(office.clocks()[0].id, Deed.ACKNOWLEDGED, "ana", office.at)
    assert room.render(rows, office.at) is None
