"""What is nobody's is told at the first look, with its kind; whatever may be a lead's is placed as if all were."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from inboxwatch.core.leads import Directory
from inboxwatch.core.mail.classify import Answered, classify
from inboxwatch.core.mail.correspondence import Correspondence
from inboxwatch.core.mail.first_pass import FirstPass, Unplaced
from inboxwatch.core.mail.intake import Entry, Intake, addresses_of, concerns_a_lead
from inboxwatch.core.mail.threads import ThreadIndex
from inboxwatch.core.mail.unknown_senders import leads_of_all, leads_of_nobody
from inboxwatch.core.model import Direction, FolderRole, Kind, Message, MessageId
from tests.support.messages import START, US, lead, mail, ours

CY = "Cy <cy@far.test>"
BULK = "List-Unsubscribe: <https://far.test/u>\nPrecedence: bulk"


def desk(*, shared: bool = False, correspondence: Correspondence | None = None) -> Intake:
    directory = Directory([lead("bea@buyer.test")])
    makes_lead = leads_of_all if shared else leads_of_nobody
    return Intake(US, directory, ThreadIndex(), makes_lead, correspondence=correspondence or Correspondence())


def looked(
    messages: Iterable[Message], intake: Intake, known: ThreadIndex | None = None
) -> tuple[dict[MessageId, Entry], dict[MessageId, Entry]]:
    """The entries of what was placed, and of what was nobody's at the first look."""
    looks = [Unplaced(one, classify(one), addresses_of(one)) for one in messages]
    stored = list(known.fresh.values()) if known is not None else []
    first = FirstPass(intake, looks, stored, ())
    placed = intake.take_batch([one.message for one in first.rest], [one.kind for one in first.rest])
    return {one.message.id: one for one in placed}, {one.message.id: one for one in first.entries()}


def test_mail_of_strangers_is_told_at_the_first_look_with_its_kind_by_what_it_answers() -> None:
    ask = ours("q@acme.test", 0, to="cy@far.test", role=FolderRole.SENT)
    at_once = mail("r@far.test", 0.2, sender=CY, answers="q@acme.test")
    later = mail("s@far.test", 60, sender=CY, answers="q@acme.test")
    placed, passed = looked([later, at_once, ask], desk())
    assert not placed
    assert [(one, its.verdict.kind) for one, its in passed.items()] == [
        ("q@acme.test", Kind.HUMAN), ("r@far.test", Kind.AUTO_REPLY), ("s@far.test", Kind.HUMAN),
    ]  # fmt: skip


def test_what_answers_our_mail_that_was_read_before_is_judged_by_it() -> None:
    before = {MessageId("q@acme.test"): Answered(Direction.OUTBOUND, Kind.HUMAN, START)}
    at_once = mail("r@far.test", 0.2, sender=CY, answers="q@acme.test")
    _, passed = looked([at_once], desk(correspondence=Correspondence(answered=before)))
    assert passed[at_once.id].verdict.kind is Kind.AUTO_REPLY


def test_what_headers_join_with_mail_of_a_lead_is_placed() -> None:
    chain = [
        mail("a@far.test", 0, sender=CY),
        mail("b@far.test", 1, sender=CY, references="a@far.test"),
        ours("c@acme.test", 2, to="bea@buyer.test, cy@far.test", references="b@far.test"),
    ]
    alone = mail("d@far.test", 3, sender=CY, subject="Another")
    placed, passed = looked([*chain, alone], desk())
    assert set(placed) == {one.id for one in chain}
    assert set(passed) == {alone.id}


def test_what_names_a_message_that_is_stored_is_placed() -> None:
    stored = ThreadIndex()
    Intake(US, Directory([lead("bea@buyer.test")]), stored).take(mail("q@buyer.test"))
    named = mail("r@far.test", 1, sender=CY, references="q@buyer.test p@far.test")
    beside = mail("s@far.test", 2, sender=CY, answers="p@far.test")
    placed, passed = looked([named, beside], desk(), stored)
    assert set(placed) == {named.id, beside.id}
    assert not passed


def test_what_only_a_guess_could_tell_is_placed() -> None:
    ask = ours("q@acme.test", 0, to="cy@far.test", role=FolderRole.SENT)
    unread = mail("r@far.test", 1, sender=CY, answers="lost@acme.test", references="q@acme.test lost@acme.test")
    bounce = mail("b@far.test", 2, sender="MAILER-DAEMON <mailer-daemon@far.test>", subject="Undelivered Mail")
    placed, passed = looked([ask, unread, bounce], desk())
    assert set(placed) == {ask.id, unread.id, bounce.id}
    assert not passed


def test_copies_of_one_message_and_strangers_who_become_leads_are_placed() -> None:
    copy = mail("q@far.test", 0, sender=CY), mail("q@far.test", 1, sender=CY, role=FolderRole.OTHER)
    assert looked(copy, desk())[1] == {}
    asks = mail("r@far.test", 2, sender=CY)
    placed, passed = looked([asks], desk(shared=True))
    assert placed[asks.id].lead == "cy@far.test"
    assert not passed


PEOPLE = ("Bea <bea@buyer.test>", "Bo <bo@buyer.test>", "Cy <cy@far.test>", "Di <di@other.test>")


@st.composite
def batches(draw: st.DrawFn) -> list[Message]:
    """Mail of leads and strangers, each under its own title, so that headers alone tell; it may name what is unread."""
    messages: list[Message] = []
    for number in range(draw(st.integers(1, 9))):
        earlier = [one.id for one in messages] + ["unread@far.test"]
        named = draw(st.lists(st.sampled_from(earlier), max_size=2, unique=True))
        person = draw(st.sampled_from(PEOPLE))
        how: dict[str, Any] = {
            "subject": f"Title {number}",
            "references": " ".join(named),
            "extra": draw(st.sampled_from(["", "", BULK])),
        }
        at = float(draw(st.integers(0, 600)))
        if draw(st.booleans()):
            messages.append(ours(f"{number}@acme.test", at, to=person, role=FolderRole.SENT, **how))
        else:
            messages.append(mail(f"{number}@far.test", at, sender=person, **how))
    return messages


@given(batches())
@settings(max_examples=60, derandomize=True, deadline=None)
def test_the_first_look_changes_nothing_that_is_told_of_a_batch(messages: list[Message]) -> None:
    whole = desk()
    expected = {one.message.id: one for one in whole.take_batch(messages)}
    intake = desk()
    placed, passed = looked(messages, intake)
    assert placed.keys() | passed.keys() == expected.keys()
    for id_, one in placed.items():
        told = expected[id_]
        assert (one.lead, one.verdict, one.match) == (told.lead, told.verdict, told.match)
    for id_, one in passed.items():
        told = expected[id_]
        assert not concerns_a_lead(told, whole.index)
        assert (one.direction, one.verdict.kind) == (told.direction, told.verdict.kind)
    assert intake.written == whole.written
