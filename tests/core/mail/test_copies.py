"""Copies of a message that differ, and others that bear its id: what is known does not depend on the order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import permutations
from typing import Any

import pytest

from inboxwatch.core.leads import Directory
from inboxwatch.core.mail.copies import Reader, written_id
from inboxwatch.core.mail.headers import parse
from inboxwatch.core.mail.intake import Intake
from inboxwatch.core.mail.parties import Us
from inboxwatch.core.mail.threads import ThreadIndex
from inboxwatch.core.mail.unknown_senders import leads_of_all
from inboxwatch.core.model import Direction, FolderRole, Kind, Message, PersonId
from tests.support.messages import lead, mail, raw, take

ANA = Reader("ana", PersonId("ana"))
SALES = Reader("sales")
US = Us(frozenset({"acme.test"}), {"ana@acme.test": PersonId("ana"), "sales@acme.test": None})
Copy = tuple[Reader, Message]

CC = "Cc: sales@acme.test, cy@buyer.test"
DIRECT = mail("q", 0, extra=CC)
LISTED = mail(
    "q",
    0.2,
    sender="'Bea Buyer' via Desk <sales@acme.test>",
    extra=f"{CC}\nReply-To: Bea Buyer <bea@buyer.test>\nList-Id: <desk.acme.test>\nPrecedence: list",
)
TAGGED = mail("q", -0.2, extra=f"{CC}\nX-Spam-Flag: YES")
ALIAS: dict[str, Any] = {"sender": "Ana <ana@brand.test>", "to": "bea@buyer.test", "extra": "Cc: sales@acme.test"}
RECEIVED = mail("a", 10, answers="q", **ALIAS)
SENT = mail("a", 10.3, answers="q", role=FolderRole.SENT, **ALIAS)
SHARED: dict[str, Any] = {"sender": "Sales <sales@acme.test>", "to": "bea@buyer.test", "extra": "Cc: max@acme.test"}


def read(copies: Sequence[Copy], *, together: bool = False) -> tuple[Intake, dict[str, PersonId | None]]:
    """Reads copies, one by one or all from one mailbox; returns the intake, and who of us wrote what stands."""
    intake = Intake(US, Directory([lead("bea@buyer.test")]), ThreadIndex(), leads_of_all)
    authors: dict[str, PersonId | None] = {}
    batches = [[message for _, message in copies]] if together else [[message] for _, message in copies]
    for batch, (reader, _) in zip(batches, copies, strict=False):
        intake.reader = reader
        authors.update({entry.message.id: entry.author for entry in intake.take_batch(batch) if entry.stands})
    return intake, authors


def facts(intake: Intake) -> dict[str, tuple[Any, ...]]:
    """What is known of each message, by id."""
    told: dict[str, tuple[Any, ...]] = {}
    for one in intake.index.fresh.values():
        known = intake.index.known(one.id)
        assert known is not None
        told[known.id] = (known.direction, known.kind, known.sender, known.at, known.parent)
    return told


def in_any_order(*copies: Copy) -> dict[str, tuple[Any, ...]]:
    """What is known after the copies were read, the same in any order, one by one, again, and together."""
    first = facts(read(copies)[0])
    for order in permutations(copies):
        assert facts(read(order)[0]) == first
        assert facts(read((*order, *order))[0]) == first
        assert facts(read(order, together=True)[0]) == first
    return first


@pytest.mark.parametrize("copies", [(DIRECT, LISTED), (DIRECT, TAGGED), (TAGGED, LISTED), (DIRECT, LISTED, TAGGED)])
def test_a_list_or_a_filter_between_makes_no_machine_of_a_buyer(copies: tuple[Message, ...]) -> None:
    found = in_any_order(*[(SALES, copy) for copy in copies])
    assert [(one[0], one[1], one[3]) for one in found.values()] == [
        (Direction.INBOUND, Kind.HUMAN, min(copy.received_at for copy in copies))
    ]
    sender = "sales@acme.test" if DIRECT not in copies else "bea@buyer.test"
    assert found["q"][2] == sender


def test_a_copy_in_a_sent_folder_of_ours_makes_it_ours_whatever_address_it_bears() -> None:
    found = in_any_order((ANA, DIRECT), (SALES, RECEIVED), (ANA, SENT))
    assert found["a"] == (Direction.OUTBOUND, Kind.HUMAN, "ana@brand.test", RECEIVED.received_at, "q")


def test_what_is_in_the_sent_folder_of_ones_own_mailbox_under_a_shared_address_was_written_by_that_person() -> None:
    received = mail("a", 10, **SHARED)
    sent = mail("a", 10.2, role=FolderRole.SENT, **SHARED)
    copies = [(SALES, received), (ANA, sent), (SALES, sent)]
    assert {read(order)[1]["a"] for order in permutations(copies)} == {PersonId("ana")}
    assert read([(SALES, received), (SALES, sent)])[1]["a"] is None
    named = mail("a", 10, role=FolderRole.SENT, **SHARED | {"extra": "Sender: ana@acme.test"})
    assert read([(Reader("max", PersonId("max")), named)])[1]["a"] == "ana"


def test_bulk_in_every_copy_stays_bulk() -> None:
    news = "List-Id: <n.shop.test>\nList-Unsubscribe: <https://shop.test/u>"
    one, other = (
        mail("n", at, sender="news@shop.test", to=to, extra=news) for at, to in ((0, "ana@acme.test"), (1, "x"))
    )
    (found,) = in_any_order((ANA, one), (SALES, other)).values()
    assert found[1] is Kind.BULK


def pretends(at: float, sender: str, *, subject: str = "Something else", extra: str = "List-Id: <x>") -> Message:
    """A message that bears the id of the buyer's and no Date."""
    lines = (f"From: {sender}", "To: ana@acme.test", "Message-ID: <q>", f"Subject: {subject}", extra)
    return parse(raw("\n".join(lines), at))


@pytest.mark.parametrize(
    "another",
    [
        pretends(60, "mallory@evil.test"),
        pretends(60, "mallory@evil.test", extra="Auto-Submitted: auto-generated"),
        pretends(60, "mallory@evil.test", subject="Prices"),
        pretends(60, "ana@acme.test"),
        pretends(60, "bea@buyer.test"),
        pretends(60, "bea@buyer.test", extra="Date: Tue, 01 Jan 2999 00:00:00 +0000"),
        mail("q", 60, sender="mallory@evil.test"),
        mail("q", 600, extra="List-Id: <x>"),
        mail("q", 0, sender="mallory@evil.test", extra="Auto-Submitted: auto-generated"),
    ],
)
def test_who_knows_an_id_and_writes_a_mail_with_it_writes_another_mail(another: Message) -> None:
    """A copy cannot have another author or another date; whichever is read first, both are kept as what they are."""
    for order in permutations([(ANA, mail("q", 0)), (SALES, another)]):
        for together in (False, True):
            found = facts(read(order, together=together)[0])
            assert [written_id(id_) for id_ in found] == ["q", "q"]  # type: ignore[arg-type]  # an id
            assert sorted((one[0], one[1], one[2]) for one in found.values()) == sorted(
                [
                    (Direction.INBOUND, Kind.HUMAN, "bea@buyer.test"),
                    *(one[:3] for one in facts(read([(SALES, another)])[0]).values()),
                ]
            )


def test_of_two_that_are_read_together_the_one_at_home_keeps_the_id() -> None:
    """So that answers find it, though the other is older."""
    real = mail("q@buyer.test", 0)
    older = mail("q@buyer.test", -60, sender="mallory@evil.test")
    found = facts(read([(ANA, older), (ANA, real)], together=True)[0])
    assert found["q@buyer.test"][2] == "bea@buyer.test"


@pytest.mark.parametrize("extra", ["List-Id: <x>", "Auto-Submitted: auto-generated", "X-Spam-Flag: YES", "X-Loop: 1"])
def test_a_doctored_copy_of_the_same_author_and_date_changes_nothing(extra: str) -> None:
    doctored = replace(mail("q", 0, extra=extra), received_at=mail("q", 90).received_at)
    found = in_any_order((ANA, mail("q", 0)), (ANA, doctored))
    assert found == facts(read([(ANA, mail("q", 0))])[0])


def test_a_copy_of_a_message_that_was_told_apart_is_a_copy_of_that_one() -> None:
    stranger = pretends(60, "mallory@evil.test")
    found = facts(
        read([(ANA, mail("q", 0)), (SALES, stranger), (ANA, replace(stranger, received_at=DIRECT.received_at))])[0]
    )
    assert len(found) == 2


def test_exchange_names_one_of_us_otherwise_in_sent_than_on_the_way() -> None:
    directory = "Ana </O=EX/OU=X/CN=RECIPIENTS/CN=ANA>"
    sent = mail("a", 10, sender=directory, to="bea@buyer.test", role=FolderRole.SENT)
    received = mail("a", 10.1, sender="Ana <ana@acme.test>", to="bea@buyer.test", extra="Cc: sales@acme.test")
    assert len(in_any_order((ANA, sent), (SALES, received))) == 1


def test_an_archive_tells_the_same_as_mailboxes_read_one_by_one() -> None:
    entries = take(DIRECT, RECEIVED, SENT, leads=(lead("bea@buyer.test"),))
    assert (entries["a"].direction, entries["a"].message.received_at) == (Direction.OUTBOUND, RECEIVED.received_at)
    assert entries["a"].lead == "bea@buyer.test"
