"""Threads and parents: which evidence joins messages, and that the order of arrival is none."""

from __future__ import annotations

import random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inboxwatch.core.mail.intake import Entry
from inboxwatch.core.mail.threads import ThreadIndex, keys
from inboxwatch.core.mail.threads.known import title_keys
from inboxwatch.core.model import Evidence, Message
from tests.support.messages import mail, ours, take

CHAIN = (
    mail("q1", 0),
    ours("a1", 10, subject="Re: Prices", answers="q1", references="q1"),
    mail("q2", 20, subject="Re: Prices", answers="a1", references="q1 a1"),
    ours("a2", 30, subject="Re: Prices", answers="q2", references="q1 a1 q2"),
)


def parents(*messages: Message, batches: bool = False) -> dict[str, str | None]:
    return {name: entry.match.parent for name, entry in take(*messages, batches=batches).items()}


def one_thread(*messages: Message) -> bool:
    return len({entry.match.thread for entry in take(*messages).values()}) == 1


def test_in_reply_to_names_the_parent() -> None:
    assert parents(*CHAIN) == {"q1": None, "a1": "q1", "q2": "a1", "a2": "q2"}
    assert one_thread(*CHAIN)


@pytest.mark.parametrize("seed", range(10))
@pytest.mark.parametrize("batches", [True, False])
def test_header_evidence_does_not_depend_on_the_order_of_arrival(seed: int, batches: bool) -> None:
    shuffled = list(CHAIN)
    random.Random(seed).shuffle(shuffled)
    found = take(*shuffled, batches=batches)
    expected = {"q1": None, "a1": "q1", "q2": "a1", "a2": "q2"}
    assert {name: entry.match.parent for name, entry in found.items()} == expected
    assert len({entry.match.thread for entry in found.values()}) == 1


def test_a_parent_that_nobody_read_is_named_all_the_same() -> None:
    found = take(mail("q2", 20, subject="Re: Prices", answers="a1", references="a1"))
    assert found["q2"].match.parent == "a1"


def test_where_the_parent_is_missing_the_nearest_ancestor_that_was_read_is_answered() -> None:
    assert parents(CHAIN[0], CHAIN[2])["q2"] == "q1"


def test_unknown_parents_hold_their_thread_for_those_who_come_late() -> None:
    child, other = (
        mail("c1", 30, answers="gone", references="root gone"),
        mail("c2", 40, answers="root", references="root"),
    )
    assert one_thread(child, other)


def test_a_message_that_names_two_threads_merges_them() -> None:
    left, right = mail("l", 0, subject="Left"), mail("r", 1, subject="Right")
    both = mail("b", 10, subject="Re: Left", answers="l", references="r l")
    found = take(left, right, both, batches=True)
    assert len({entry.match.thread for entry in found.values()}) == 1


def test_a_cycle_of_answers_ends() -> None:
    loop = (mail("x", 0, answers="z"), mail("y", 1, answers="x"), mail("z", 2, answers="y"))
    found = parents(*loop)
    assert None in found.values()


def test_a_later_answer_tells_where_a_message_without_headers_hangs() -> None:
    bare = ours("a1", 10, subject="Something else")
    last = mail("q2", 20, subject="Re: Prices", answers="a1", references="q1 a1")
    found = take(mail("q1", 0), bare, last)
    assert (found["a1"].match.parent, found["a1"].match.evidence) == ("q1", Evidence.REFERENCED)


def test_an_answer_without_headers_is_matched_by_title_people_and_time() -> None:
    found = take(mail("q1", 0), ours("a1", 10, subject="Re: Prices"))
    assert (found["a1"].match.parent, found["a1"].match.evidence) == ("q1", Evidence.SUBJECT)
    assert found["a1"].match.confidence < 1


def test_a_late_question_gets_the_answer_that_was_read_before_it() -> None:
    found = take(ours("a1", 10, subject="AW: Prices"), mail("q1", 0), batches=True)
    assert found["a1"].match.parent == "q1"
    assert found["a1"].match.thread == found["q1"].match.thread


def test_an_answer_that_may_be_to_any_of_three_joins_their_thread_and_names_none() -> None:
    first = mail("q1", 0)
    more = [mail(f"q{n}", 2 * n, subject="Re: Prices", answers="q1", references="q1") for n in (2, 3)]
    found = take(first, *more, ours("a1", 60, subject="Re: Prices"))
    assert found["a1"].match.parent is None
    assert found["a1"].match.thread == found["q1"].match.thread


def test_of_two_that_an_answer_may_be_to_a_much_later_one_or_the_only_one_is_answered() -> None:
    first = mail("q1", 0)
    later = mail("q2", 9 * 1440, subject="Re: Prices", answers="q1", references="q1")
    assert parents(first, later, ours("a1", 9 * 1440 + 60, subject="Re: Prices"))["a1"] == "q2"
    assert parents(first, ours("a1", 20 * 1440, subject="Re: Prices"))["a1"] == "q1"


def test_who_answers_all_answers_the_message_that_went_to_the_same_people() -> None:
    alone = mail("q1", 0)
    together = mail("q2", 4, extra="Cc: dan@buyer.test, eve@buyer.test")
    for copied, parent in (("", "q1"), ("Cc: dan@buyer.test, eve@buyer.test", "q2")):
        assert parents(alone, together, ours("a1", 60, subject="Re: Prices", extra=copied))["a1"] == parent


def test_an_answer_that_quotes_a_message_nobody_read_joins_the_thread_of_its_title() -> None:
    """The words that it quotes say only that it answers none of those that were read."""
    quoting = (
        "Then ten.\n\nOn Tue, 3 Mar 2026 at 11:07, Dan Dean <dan@buyer.test> wrote:\n> Five or ten of the long ones?\n"
    )
    first = mail("q1", 0, text="What does the large lathe with the long bed cost?")
    more = mail("q2", 3000, subject="Re: Prices", to="dan@buyer.test", extra="Cc: ana@acme.test", text=quoting)
    found = take(first, more)
    assert found["q2"].match.parent is None
    assert found["q2"].match.thread == found["q1"].match.thread
    other = mail("q2", 3000, subject="Re: Prices", sender="cy@other.test", text=quoting)
    assert not one_thread(first, other)


def test_recurring_titles_of_strangers_stay_apart() -> None:
    assert not one_thread(
        mail("m1", 0, subject="Meeting"),
        mail("m2", 60, subject="Meeting", sender="cy@other.test"),
        mail("m3", 90, subject="Meeting", sender="dan@third.test"),
    )


def test_no_title_joins_two_companies_though_one_bears_the_prefix_of_an_answer() -> None:
    first, other = mail("q1", 0), mail("q2", 30, subject="Re: Prices", sender="cy@other.test")
    answer = ours("a2", 60, subject="Re: Prices", to="cy@other.test")
    assert not one_thread(first, other)
    assert not one_thread(first, answer)
    colleague = mail("q3", 30, subject="Re: Prices", sender="dan@buyer.test")
    assert one_thread(first, colleague)


def test_quoted_words_join_whoever_quotes_them() -> None:
    words = "Could you send the price list for the large lathe with the long bed, please?"
    quoting = mail(
        "q2",
        30,
        subject="Re: Prices",
        sender="cy@other.test",
        text=f"So do we.\n\nOn Monday Bea Buyer <bea@buyer.test> wrote:\n> {words}\n",
    )
    assert one_thread(mail("q1", 0, text=words), quoting)


def test_mail_of_a_form_is_its_authors_and_each_has_a_thread() -> None:
    form: dict[str, Any] = {"sender": "Website <forms@acme.test>", "to": "sales@acme.test", "subject": "Inquiry"}
    first = mail("f1", 0, extra="Reply-To: bea@buyer.test", **form)
    second = mail("f2", 5, extra="Reply-To: cy@other.test", **form)
    answer = ours("a1", 60, subject="Re: Inquiry", to="bea@buyer.test")
    found = take(first, second, answer)
    assert found["a1"].match.thread == found["f1"].match.thread != found["f2"].match.thread


def test_an_answer_leaves_the_thread_of_its_title_when_its_named_parent_is_read() -> None:
    likely = mail("q1", 0)
    answer = ours("a2", 60, subject="Re: Prices", answers="q2", references="q2")
    question = mail("q2", 30, subject="Prices", sender="dan@buyer.test")
    nudge = mail("q3", 90, subject="Re: Prices", answers="a2", references="q2 a2")
    waiting = take(likely, answer, nudge, batches=True)
    assert waiting["a2"].match.thread == waiting["q1"].match.thread
    found = take(likely, answer, nudge, question, batches=True)
    assert found["a2"].match.thread == found["q3"].match.thread == found["q2"].match.thread
    assert found["q1"].match.thread != found["q2"].match.thread


def test_a_title_joins_nothing_after_months() -> None:
    assert not one_thread(mail("q1", 0), ours("a1", 60 * 24 * 90, subject="Re: Prices"))


def test_quoted_words_tell_which_of_two_questions_was_answered() -> None:
    first = mail("q1", 0, text="Could you send the price list for the large lathe with the long bed, please?")
    second = mail("q2", 60, text="And when could a technician visit our plant in Ghent this spring?")
    quoting = (
        "Next week works.\n\nOn Monday Bea Buyer <bea@buyer.test> wrote:\n"
        "> And when could a technician visit our plant\n> in Ghent this spring?\n"
    )
    answer = ours("a1", 90, subject="Re: Prices", text=quoting)
    found = take(first, second, answer)
    assert (found["a1"].match.parent, found["a1"].match.evidence) == ("q2", Evidence.QUOTE)
    older = ours(
        "a2",
        95,
        subject="Re: Prices",
        text=quoting.replace(
            "And when could a technician visit our plant\n> in Ghent this spring?",
            "Could you send the price list for the large\n> lathe with the long bed, please?",
        ),
    )
    assert take(first, second, answer, older)["a2"].match.parent == "q1"


def test_an_outlook_header_block_marks_the_quoted_original() -> None:
    words = "Could you send the price list for the large lathe with the long bed, please?"
    quoting = (
        "Gern.\n\n-----Ursprüngliche Nachricht-----\nVon: Bea Buyer\nGesendet: Montag, 2. März 2026 09:00\n"
        f"An: Ana\nBetreff: Hello\n\n{words}"
    )
    question, answer = mail("q1", 0, text=words, subject="Hello"), ours("a1", 30, subject="AW: Hallo", text=quoting)
    assert take(question, answer)["a1"].match.parent == "q1"


def test_an_id_that_a_relay_rewrote_is_found_by_what_hangs_together() -> None:
    question = mail("q1", 0)
    sent_copy = ours("rewritten-by-relay", 10, subject="Re: Prices", answers="q1", references="q1")
    reply = mail("q2", 20, subject="Re: Prices", answers="original", references="q1 original")
    found = take(question, sent_copy, reply)
    assert found["q2"].match.parent == "rewritten-by-relay"
    assert found["q2"].match.confidence < 1


def test_parts_of_a_numbered_series_belong_to_its_first_part() -> None:
    parts = [
        mail(f"p{n}", n, subject=f"[Offer {n}/3] {title}")
        for n, title in enumerate(("Overview", "Lathe", "Mill", "Terms"))
    ]
    assert parents(*parts) == {"p0": None, "p1": "p0", "p2": "p0", "p3": "p0"}


def test_outlooks_thread_index_names_the_parent() -> None:
    import base64

    root = bytes(range(22))
    first = mail("q1", 0, subject="One", extra=f"Thread-Index: {base64.b64encode(root).decode()}")
    second = ours("a1", 5, subject="Two", extra=f"Thread-Index: {base64.b64encode(root + b'12345').decode()}")
    found = take(first, second)
    assert (found["a1"].match.parent, found["a1"].match.evidence) == ("q1", Evidence.INDEX)


def test_a_providers_conversation_joins_what_nothing_else_joins() -> None:
    first, second = mail("q1", 0, conversation="c1"), ours("a1", 60, subject="Your machine", conversation="c1")
    other = ours("a2", 70, subject="Your machine", conversation="c2")
    found = take(first, second, other)
    assert (found["a1"].match.parent, found["a1"].match.evidence) == ("q1", Evidence.PROVIDER)
    assert found["a2"].match.thread != found["q1"].match.thread
    late = take(second, first, batches=True)
    assert (late["a1"].match.parent, late["a1"].match.thread) == ("q1", late["q1"].match.thread)


def test_keys_name_all_that_must_be_looked_up() -> None:
    found = keys([CHAIN[3]])
    assert found.ids == {"a2", "q2", "a1", "q1"}
    titles = title_keys([CHAIN[3]], frozenset(["buyer.test"]))
    assert (titles.subject_keys, titles.sides) == (frozenset(["prices"]), frozenset(["buyer.test"]))
    assert titles.span is not None
    assert titles.span[0] < CHAIN[3].received_at < titles.span[1]


def test_what_an_index_learned_places_later_mail_like_one_index_would() -> None:
    first = ThreadIndex()
    from inboxwatch.core.leads import Directory
    from inboxwatch.core.mail.intake import Intake
    from tests.support.messages import US

    entries = Intake(US, Directory(), first).take_batch(CHAIN[:2])
    second = ThreadIndex(first.fresh.values(), first.ghosts())
    later = Intake(US, Directory(), second).take_batch(CHAIN[2:])
    assert {entry.match.thread for entry in (*entries, *later)} == {entries[0].match.thread}
    assert later[0].match.parent == "a1"


def test_two_messages_with_one_id_are_told_apart_and_copies_are_not() -> None:
    first, copy = mail("same", 0), mail("same", 0.2)
    other = mail("same", 60 * 24, subject="Another matter")
    assert len(take(first, copy)) == 1
    assert len(take(first, copy, other)) == 2


forest = st.lists(st.tuples(st.integers(0, 30), st.booleans()), min_size=1, max_size=25)


@given(forest, st.randoms(use_true_random=False))
def test_any_order_of_any_forest_gives_the_same_threads(shape: list[tuple[int, bool]], chance: random.Random) -> None:
    messages: list[Message] = []
    chains: list[tuple[str, ...]] = []
    for number, (pick, full) in enumerate(shape):
        above = chains[pick % number] if number and pick % (number + 1) else ()
        chains.append((*above, f"m{number}"))
        named = above if full else above[-1:]
        messages.append(
            mail(
                f"m{number}",
                number,
                subject=f"Matter {number}",
                answers=above[-1] if above else "",
                references=" ".join(named),
            )
        )
    expected = take(*messages)
    chance.shuffle(messages)
    found = take(*messages, batches=True)
    assert all(found[name].match.parent == one.match.parent for name, one in expected.items())

    def groups(entries: dict[str, Entry]) -> set[frozenset[str]]:
        threads: dict[str, set[str]] = {}
        for name, one in entries.items():
            threads.setdefault(one.match.thread, set()).add(name)
        return {frozenset(one) for one in threads.values()}

    assert groups(found) == groups(expected)
