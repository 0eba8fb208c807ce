"""Which message another answers, where headers are written unusually, name what nobody read, or are gone."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from itertools import permutations
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inboxwatch.core.mail.threads.known import SKEW
from inboxwatch.core.model import Evidence, Message
from tests.support.messages import START, mail, ours, take

QUESTION = mail("q1", 0, subject="Drawing")
ANSWER = ours("a1", 6, subject="Re: Drawing", answers="q1", references="q1")


def parents(*messages: Message, batches: bool = False) -> dict[str, str | None]:
    return {name: entry.match.parent for name, entry in take(*messages, batches=batches).items()}


def in_any_order(*messages: Message) -> dict[str, str | None]:
    """The parents, which must be the same in one batch and one by one in every order."""
    expected = parents(*messages)
    for order in permutations(messages):
        assert parents(*order, batches=True) == expected, [one.id for one in order]
    return expected


@pytest.mark.parametrize("by", ["q2", "q3"])
def test_who_writes_the_answered_id_first_gives_no_question_its_own_answer_as_parent(by: str) -> None:
    third = mail("q2", 60, subject="Re: Drawing", answers="a1", references="a1 q1")
    fourth = ours("q3", 90, subject="Re: Drawing", answers="q2", references="a1 q1 q2")
    expected = {"q1": None, "a1": "q1", "q2": "a1"} | ({"q3": "q2"} if by == "q3" else {})
    assert in_any_order(*(QUESTION, ANSWER, third, fourth)[: len(expected)]) == expected


def test_an_unread_answer_that_stands_first_is_no_parent_of_the_question() -> None:
    third = mail("q2", 60, subject="Re: Drawing", answers="a1", references="a1 q1")
    assert parents(QUESTION, third) == {"q1": None, "q2": "q1"}


def test_what_an_answer_names_itself_goes_before_what_others_say_of_it() -> None:
    wrong = mail("x9", 60, subject="Fwd: Drawing", references="a1 q1 x8")
    assert parents(QUESTION, ANSWER, wrong) == {"q1": None, "a1": "q1", "x9": "q1"}


def test_others_references_still_tell_the_parent_of_who_names_none() -> None:
    bare = ours("a1", 6, subject="Something else")
    last = mail("q2", 60, subject="Re: Drawing", answers="a1", references="q1 a1")
    found = take(QUESTION, bare, last)
    assert (found["a1"].match.parent, found["a1"].match.evidence) == ("q1", Evidence.REFERENCED)


def test_a_message_that_was_held_back_is_still_the_parent_that_others_references_tell() -> None:
    """It was sent before its answer and came after it: greylisting, a queue, a scanner for one of the two."""
    held = replace(mail("q1", 0, subject="Drawing"), received_at=START + timedelta(hours=3))
    bare = ours("a1", 60, subject="Something else")
    last = mail("q2", 300, subject="Re: Drawing", answers="a1", references="q1 a1")
    assert parents(held, bare, last)["a1"] == "q1"
    assert in_any_order(held, bare, last)["a1"] == "q1"


def test_others_references_make_nobody_answer_what_came_later() -> None:
    late = mail("q9", 60, subject="Other")
    third = ours("a3", 90, subject="Re: Drawing", answers="q1", references="q9 q1")
    assert parents(QUESTION, late, third)["q1"] is None


@pytest.mark.parametrize(
    ("answered", "parent"),
    [
        ("<gone@b.test> <q1>", "q1"),
        ("<q1> <gone@b.test>", "q1"),
        ("<q1> <m2>", "m2"),
        ("<m2> <q1>", "m2"),
        ("<gone@b.test> <lost@b.test>", "gone@b.test"),
    ],
)
def test_of_several_answered_ids_the_latest_that_was_read_is_the_parent(answered: str, parent: str) -> None:
    other = mail("m2", 20, subject="Drill")
    both = ours("a1", 60, subject="Re: both", extra=f"In-Reply-To: {answered}")
    assert parents(QUESTION, other, both)["a1"] == parent


def test_a_sibling_is_not_taken_for_the_unread_parent() -> None:
    sibling = mail("q2", 60, sender="Cy <cy@buyer.test>", subject="Re: Drawing", answers="gone", references="q1 gone")
    answer = ours("a1", 70, subject="Re: Drawing", answers="gone", references="q1 gone")
    found = parents(QUESTION, sibling, answer)
    assert found == {"q1": None, "q2": "q1", "a1": "q1"}
    without = ours("a1", 70, subject="Re: Drawing", answers="gone")
    assert parents(QUESTION, sibling, without)["a1"] != "q2"


def test_who_answers_an_answer_to_the_unread_parent_is_not_taken_for_it_either() -> None:
    nephew = mail("q3", 60, subject="Re: Drawing", answers="q2", references="q1 gone q2")
    answer = ours("a1", 70, subject="Re: Drawing", answers="gone", references="q1 gone")
    assert parents(QUESTION, nephew, answer)["a1"] == "q1"


def test_a_message_whose_id_a_relay_rewrote_is_still_found() -> None:
    copy = ours("made-by-relay", 10, subject="Re: Drawing", answers="q1", references="q1")
    reply = mail("q2", 20, subject="Re: Drawing", answers="written", references="q1 written")
    assert parents(QUESTION, copy, reply)["q2"] == "made-by-relay"


FORM = "Website <form@acme.test>"
LIST = "Lathe users <users@lists.acme.test>"


def form(name: str, minutes: float, author: str, *, sender: str = FORM, to: str = "sales@acme.test") -> Message:
    """A question that a form or a list passes on; its author stands in Reply-To."""
    return mail(name, minutes, sender=sender, to=to, subject="Contact", extra=f"Reply-To: {author}")


@pytest.mark.parametrize("sender", [FORM, LIST, "sales@acme.test"])
@pytest.mark.parametrize("by", ["Ana Diaz <ana@acme.test>", "sales@acme.test"])
@pytest.mark.parametrize("who", [0, 1, 2])
def test_an_answer_to_the_author_in_reply_to_answers_their_message(sender: str, by: str, who: int) -> None:
    authors = ("eve@one.test", "Tom <tom@two.test>", "kim@three.test")
    asked = [form(f"f{n}", 10 * n, author, sender=sender) for n, author in enumerate(authors)]
    answer = ours("a1", 90, sender=by, to=authors[who], subject="Re: Contact")
    assert in_any_order(*asked, answer) == {"f0": None, "f1": None, "f2": None, "a1": f"f{who}"}


def test_an_attribution_names_the_author_in_reply_to() -> None:
    asked = [form("f0", 0, "eve@one.test", sender=LIST), form("f1", 5, "tom@two.test", sender=LIST)]
    text = "Yes.\n\neve@one.test wrote:\n\n> May we call?\n"
    answer = ours("a1", 90, to="users@lists.acme.test", subject="Re: Contact", text=text)
    assert parents(*asked, answer)["a1"] == "f0"


def test_who_writes_with_another_reply_to_of_their_own_does_not_answer_themselves() -> None:
    first = form("f0", 0, "bea@home.test", sender="Bea <bea@buyer.test>")
    again = mail("f1", 50, subject="Re: Contact", sender="Bea <bea@buyer.test>", extra="Reply-To: bea@home.test")
    answer = ours("a1", 20, subject="Re: Contact", to="bea@home.test")
    assert parents(first, answer, again) == {"f0": None, "a1": "f0", "f1": "a1"}


def test_an_answer_to_somebody_else_is_not_hung_on_a_form() -> None:
    answer = ours("a1", 90, to="zoe@four.test", subject="Re: Contact")
    assert parents(form("f0", 0, "eve@one.test"), form("f1", 10, "tom@two.test"), answer)["a1"] is None


BOILERPLATE = "All our machines are checked twice before they leave the hall."
DRILL = (
    "The drill is late since its motor had to come from Ulm, where the rail was shut for nine days after the storm, "
    "and nobody there told us so; the papers follow with the next lorry, on Thursday or early on Friday."
)


def test_words_that_an_author_repeats_draw_no_answer_to_their_message_of_another_title() -> None:
    lathe = ours("a1", 0, subject="Papers of the lathe", text=f"The lathe left. {BOILERPLATE}")
    saw = ours("a2", 1, subject="Papers of the saw", text=f"The saw left on Monday. {BOILERPLATE}")
    text = f"Thanks.\n\nOn Mon, 2 Mar 2026 at 10:01, Ana Diaz wrote:\n> {DRILL} {BOILERPLATE}\n"
    answer = mail("q1", 60, sender="Cy <cy@other.test>", subject="Re: Papers of the drill", text=text)
    assert parents(lathe, saw, answer)["q1"] is None


@pytest.mark.parametrize("title", ["Papers of the saw [urgent]", "(Copy) Papers of the saw", "Sägepapiere"])
def test_an_answer_whose_title_was_changed_is_found_by_what_it_quotes(title: str) -> None:
    lathe = ours("a1", 0, subject="Papers of the lathe", text=f"The lathe left. {BOILERPLATE}")
    saw = ours("a2", 1, subject="Papers of the saw", text=f"The saw left on Monday. {BOILERPLATE}")
    text = f"Thanks.\n\nAna Diaz wrote:\n> The saw left on Monday. {BOILERPLATE}\n"
    answer = mail("q1", 60, subject=f"Re: {title}", text=text)
    assert parents(lathe, saw, answer)["q1"] == "a2"


links = st.lists(st.tuples(st.integers(0, 7), st.integers(0, 90)), min_size=1, max_size=8)


def chain_ends(found: dict[str, str | None], start: str) -> bool:
    at: str | None = start
    for _ in range(len(found) + 2):
        if at is None:
            return True
        at = found.get(at)
    return False


@given(links, st.randoms(use_true_random=False))
def test_whatever_is_named_no_cycle_is_left_and_no_order_matters(
    named: list[tuple[int, int]],
    chance: Random,
) -> None:
    messages = [
        mail(f"m{n}", minutes, subject=f"Matter {n}", answers=f"m{other}") for n, (other, minutes) in enumerate(named)
    ]
    expected = parents(*messages)
    assert all(chain_ends(expected, one) for one in expected)
    chance.shuffle(messages)
    assert parents(*messages, batches=True) == expected


chains = st.lists(st.permutations(range(6)).map(lambda one: one[:4]), min_size=1, max_size=4)


@given(chains, st.lists(st.integers(0, 60), min_size=6, max_size=6), st.lists(st.booleans(), min_size=4, max_size=4))
def test_others_references_give_nobody_a_parent_that_came_later(
    told: list[list[int]], minutes: list[int], plain: list[bool]
) -> None:
    bare = [mail(f"m{n}", at, subject=f"Matter {n}") for n, at in enumerate(minutes)]
    witnesses = [
        mail(
            f"w{n}",
            200 + n,
            subject=f"Report {n}",
            references=" ".join(f"m{one}" for one in chain),
            answers=f"m{chain[-1 if straight else 0]}",
        )
        for n, (chain, straight) in enumerate(zip(told, plain, strict=False))
    ]
    found = parents(*bare, *witnesses)
    at: dict[str, datetime] = {one.id: one.received_at for one in (*bare, *witnesses)}
    assert all(chain_ends(found, one) for one in found)
    assert all(at.get(parent or "", START) <= at[name] + SKEW for name, parent in found.items())
