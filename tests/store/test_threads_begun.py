"""The mail of a thread that a batch begins is not read back: it is what reading it back would give."""

from __future__ import annotations

from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta, timezone

import pytest
from sqlalchemy import insert

from inboxwatch.core.mail.threads.known import Known
from inboxwatch.core.model import Delivery, Direction, Evidence, Kind, LeadId, MailboxId, MessageId, ThreadId
from inboxwatch.core.proof import NOTHING_KNOWN, Proof, Standing
from inboxwatch.core.qualification.inquiry import NOTHING, Inquiry
from inboxwatch.core.sla.timeline import Action, ActionKind, Mail, Party
from inboxwatch.store import Transaction
from inboxwatch.store.proofs import CopyProof
from inboxwatch.store.tables import clock
from inboxwatch.store.timeline_columns import Filed

NOON = datetime(2026, 5, 4, 12, tzinfo=UTC)
ANA, BEA, BOB = MailboxId("ana"), LeadId("bea@buyer.test"), LeadId("bob@buyer.test")
THREAD = ThreadId("t1")
FULL = Mail(
    at=NOON,
    id=MessageId("m1@buyer.test"),
    direction=Direction.INBOUND,
    kind=Kind.BOUNCE,
    sender=Party("bea@buyer.test", BEA, "buyer.test"),
    recipients=(Party("bob@buyer.test", BOB, "buyer.test"), Party("cy@elsewhere.test")),
    parent=MessageId("m0@acme.test"),
    author="ana",
    mailbox=ANA,
    owes_reply=True,
    effect="opted_out",
    delivery=Delivery("failed", MessageId("m0@acme.test"), frozenset({"bob@buyer.test"}), proven=False),
    away_until=NOON.astimezone(timezone(timedelta(hours=3))) + timedelta(days=3, microseconds=7),
    meeting="uid-1",
    own_address=False,
    stamped=False,
    inquiry=Inquiry("cannot log in", ("asks for a price",)),
)
"""Every field says something."""


def filed(mail: Mail, thread: ThreadId = THREAD, *, parent: str = "m0@acme.test") -> Filed:
    known = Known(mail.id, thread, mail.at, mail.direction, mail.kind, MessageId(parent), Evidence.REPLY)
    known.component, known.sender_lead = thread, mail.sender.lead
    stamp = "server" if mail.stamped else "date"
    return Filed(mail.id, mail.at, mail.direction, mail.kind, mail, known, time_from=stamp)


def told(tx: Transaction, given: list[Filed], proofs: list[CopyProof]) -> dict[str, list[Mail]]:
    begun = tx.mail.threads_begun(given)
    tx.mail.file(given)
    tx.proofs.add(ANA, proofs)
    return tx.mail.begun(begun, given, proofs)


def test_what_a_batch_begins_is_told_as_the_store_would_tell_it(tx: Transaction) -> None:
    untold = {one.name for one in fields(Mail) if getattr(FULL, one.name) == one.default}
    assert untold == {"proof", "dated"}  # the copies' own word, and what a fold adds

    plain = Mail(NOON, MessageId("m2@acme.test"), Direction.OUTBOUND, Kind.HUMAN, Party("ana@acme.test"))
    plain = replace(plain, inquiry=NOTHING)
    unsent = replace(FULL, id=MessageId("m3@buyer.test"), kind=Kind.AUTO_REPLY)  # only a bounce's delivery is kept
    given = [filed(FULL, parent="another@acme.test"), filed(plain), filed(unsent)]
    stamps = (Proof(Standing.FAILED, "dmarc=fail", NOON), Proof(Standing.VERIFIED, "dkim=pass", empty=True))
    proofs = [
        CopyProof(tx.mail.key(FULL.id), "inbox", stamps[0]),
        CopyProof(tx.mail.key(FULL.id), "inbox", stamps[1]),  # what was found first in a folder stays
        CopyProof(tx.mail.key(FULL.id), "sent", Proof(Standing.WITNESSED)),
        CopyProof(tx.mail.key(plain.id), "sent", stamps[1]),
    ]
    begun = told(tx, given, proofs)
    stored = tx.mail.timeline([THREAD])
    assert {one.id: one for one in begun[THREAD]} == {one.id: one for one in stored[THREAD]}
    assert [one.proof is NOTHING_KNOWN for one in begun[THREAD]] == [False, False, True]
    again = begun[THREAD][0].away_until
    assert again is not None and again.tzinfo is UTC  # its day is that of UTC, as it is when it is read back


@pytest.mark.parametrize("words", ["m\N{NULL}@buyer.test", "m\udcff@buyer.test"])
def test_words_that_no_database_takes_are_read_back(tx: Transaction, words: str) -> None:
    strange = filed(replace(FULL, author=words))
    plain = filed(replace(FULL, id=MessageId("m4@buyer.test")), ThreadId("t2"))
    assert told(tx, [strange, plain], []).keys() == {"t2"}


def test_a_thread_of_which_anything_is_stored_is_read_back(tx: Transaction) -> None:
    tx.mail.file([filed(FULL)])
    elsewhere = replace(FULL, id=MessageId("m5@buyer.test"))
    tx.proofs.add("bo", [CopyProof(tx.mail.key(elsewhere.id), "inbox", Proof(Standing.VERIFIED))])
    more = filed(replace(FULL, id=MessageId("m6@buyer.test")))
    proven = filed(elsewhere, ThreadId("t2"))
    fresh = filed(replace(FULL, id=MessageId("m7@buyer.test")), ThreadId("t3"))
    assert tx.mail.threads_begun([more, proven, fresh]) == {"t3"}


def test_a_thread_where_something_was_done_or_waited_for_is_none_that_a_batch_begins(tx: Transaction) -> None:
    done = Action(NOON, ActionKind.SPLIT, "ana", rule="m8@buyer.test")
    tx.clocks.record(done, "t4")
    over: dict[str, object] = {
        "id": "c1",
        "thread": "t5",
        "lead": BEA,
        "metric": "first_response",
        "started_by": "m9@buyer.test",
    }
    over |= {
        "started_at": NOON,
        "due_at": NOON,
        "state": "answered",
        "aliases": [],
        "policy": "p",
        "policy_version": "v",
    }
    tx.connection.execute(insert(clock).values(over))  # as of a person who was forgotten: the mail is gone
    threads = [ThreadId("t4"), ThreadId("t5"), ThreadId("t6")]
    given = [filed(replace(FULL, id=MessageId(f"{one}@buyer.test")), one) for one in threads]
    assert tx.mail.threads_begun(given) == {"t6"}
