"""Threads, parents, leads and clocks are a function of the set of messages: no order, batch or second reading shows."""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, example, given, settings
from hypothesis import strategies as st

from inboxwatch.core.model import MailboxId, PersonId
from inboxwatch.store.records import MessageRecord
from tests.support.batched_daemon import ANA, SALES, BatchedDaemon, minutes
from tests.support.busy_house import BusyHouse, Chances, Delivery, Desk, mixture
from tests.support.in_process_daemon import MONDAY

SETTINGS = settings(
    max_examples=5,
    derandomize=True,  # the same houses each time; the soak draws new ones
    phases=[Phase.explicit, Phase.generate],
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
houses = st.builds(
    BusyHouse,
    st.integers(0, 10**9),
    mails=st.integers(4, 24),
    reps=st.just(3),
    titles=st.sampled_from([("Prices",), ("Prices", "Your offer")]),
    days=st.sampled_from([1, 3, 20]),
    chances=st.builds(
        Chances,
        headers_lost=st.sampled_from([0.0, 0.3, 0.7]),
        gone=st.sampled_from([0.0, 0.2]),
        stranger=st.sampled_from([0.0, 0.5, 1.0]),
        strangers_tell_team=st.booleans(),
    ),
)


def crowd(seed: int, mails: int, days: int, colleague: float = 0.2) -> BusyHouse:
    """Buyers of one title, whom providers count to one conversation; `colleague`: how often two are of one company."""
    chances = Chances(headers_lost=0.5, stranger=0.3, strangers_tell_team=True, colleague=colleague, conversations=1.0)
    return BusyHouse(seed, mails=mails, reps=3, titles=("Prices",), days=days, chances=chances)


crowded = st.builds(
    crowd, st.integers(0, 10**9), st.integers(4, 14), st.sampled_from([1, 3]), st.sampled_from([0.2, 0.8])
)


@pytest.fixture(scope="module", params=["shared", "never", "always"])
def desk(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    desk = Desk(tmp_path_factory.mktemp("house"), 3, request.param)
    yield desk
    desk.close()


def read(desk: Desk, house: BusyHouse, deliveries: list[Delivery], **how: Any) -> dict[str, Any]:
    desk.empty()
    desk.knows(house.leads)
    desk.read(deliveries, **how)
    return desk.result()


@SETTINGS
@given(house=houses, chance=st.randoms(use_true_random=False), batch=st.sampled_from([1, 3, 100]))
def test_any_order_gives_the_same_threads_parents_leads_and_clocks(
    desk: Desk, house: BusyHouse, chance: random.Random, batch: int
) -> None:
    expected = read(desk, house, house.by_time())
    by_mailbox = house.by_mailbox()
    assert read(desk, house, by_mailbox, batch=100) == expected
    shuffled = list(house.deliveries)
    chance.shuffle(shuffled)
    assert read(desk, house, shuffled, batch=batch) == expected
    desk.read(by_mailbox, batch=batch, history=True)
    assert desk.result() == expected, "a backfill after the daemon has read the same mail changes nothing"
    assert mixture(expected).strangers == 0


@settings(SETTINGS, max_examples=4)
@given(house=houses, chance=st.randoms(use_true_random=False))
def test_a_server_that_comes_back_late_and_a_second_backfill_change_nothing(
    desk: Desk, house: BusyHouse, chance: random.Random
) -> None:
    """Live too: what the late mailbox holds may be the question or its answer, whose wait has paged meanwhile."""
    expected = read(desk, house, house.by_time())
    late = chance.choice(sorted({one.mailbox for one in house.deliveries}))
    in_time = [one for one in house.by_time() if one.mailbox != late]
    desk.empty()
    desk.knows(house.leads)
    desk.read(in_time, batch=3, live=True)
    desk.read([one for one in house.by_time() if one.mailbox == late], batch=100, live=True)
    assert desk.result() == expected
    for _ in range(2):
        desk.read(house.by_mailbox(), batch=100, history=True)
        assert desk.result() == expected


def shuffle(desk: Desk, house: BusyHouse, chance: random.Random) -> None:
    """Another order tells the same."""
    expected = read(desk, house, house.by_time())
    shuffled = list(house.deliveries)
    chance.shuffle(shuffled)
    assert read(desk, house, shuffled, batch=3) == expected


@SETTINGS
@example(house=crowd(386, 8, 3), chance=random.Random(2))  # an answer that References alone tell
@example(house=crowd(533180976, 11, 1), chance=random.Random(164))  # one whose teller was not looked up
@example(house=crowd(10054, 11, 1), chance=random.Random(18))  # below a message that was kept as a hash at first
@example(house=crowd(922546878, 8, 3), chance=random.Random(141))  # beside one that is nobody's
@example(house=crowd(182912222, 13, 3, 0.8), chance=random.Random(900861))  # where unknown senders are leads, too
@given(house=crowded, chance=st.randoms(use_true_random=False))
def test_providers_conversations_depend_on_no_order_either(desk: Desk, house: BusyHouse, chance: random.Random) -> None:
    shuffle(desk, house, chance)


@pytest.mark.soak
@pytest.mark.timeout(7200)
@settings(SETTINGS, derandomize=False, max_examples=2000)
@given(house=crowded, chance=st.randoms(use_true_random=False))
def test_nor_do_they_in_thousands_of_houses(desk: Desk, house: BusyHouse, chance: random.Random) -> None:
    shuffle(desk, house, chance)


@pytest.fixture
def daemon(tmp_path: Path) -> Iterator[BatchedDaemon]:
    daemon = BatchedDaemon(tmp_path, "sqlite:///inboxwatch.db")
    daemon.lead("dan@buyer.test", owner="ben")
    yield daemon
    daemon.close()


def thread(daemon: BatchedDaemon, message: str) -> str | None:
    with daemon.store.reading() as tx:
        return tx.mail.thread_of(message)


def test_what_was_done_to_a_wait_stays_with_it_when_a_guess_gives_way(daemon: BatchedDaemon) -> None:
    daemon.reads(daemon.asks("likely@buyer.test", 0, subject="Prices"))
    nudge = daemon.raw(
        "dan@buyer.test", "ana@acme.test", 60, id="nudge@buyer.test", answers="unread@acme.test", subject="Prices"
    )
    daemon.reads(nudge)
    assert thread(daemon, "nudge@buyer.test") == thread(daemon, "likely@buyer.test")
    (wait,) = [one for one in daemon.clocks() if one.started_by in ("likely@buyer.test", "nudge@buyer.test")]
    daemon.engine.acknowledge(wait.id, "ana", daemon.at, "looking")
    answer = daemon.raw("ana@acme.test", "dan@buyer.test", 30, id="unread@acme.test", subject="Terms")
    daemon.reads(answer)
    assert thread(daemon, "nudge@buyer.test") == thread(daemon, "unread@acme.test")
    assert thread(daemon, "likely@buyer.test") != thread(daemon, "unread@acme.test")
    first, second = daemon.clocks()
    assert (first.id, first.started_by, first.owner) == (wait.id, "likely@buyer.test", "ana")
    assert first.acknowledged_until is not None
    assert (second.started_by, second.acknowledged_until) == ("nudge@buyer.test", None)


FAR = ("q@far.test", "a@acme.test", "cy@far.test", "lathe")


def test_our_answer_to_a_stranger_may_be_read_before_the_question(daemon: BatchedDaemon) -> None:
    question = daemon.raw("cy@far.test", "sales@acme.test", 0, id="q@far.test", subject="A lathe")
    answer = daemon.raw(
        "ana@acme.test", "cy@far.test", 30, id="a@acme.test", answers="q@far.test", subject="Re: A lathe"
    )
    daemon.reads(answer)
    assert thread(daemon, "a@acme.test") is None
    assert not any(word in repr(daemon.everything()) for word in FAR), "hashes alone are kept"
    daemon.reads(question, mailbox=SALES)
    daemon.restarts()
    daemon.reads_again()
    (wait,) = daemon.clocks()
    assert (wait.started_by, wait.state, wait.stopped_by, wait.answered_by) == (
        "q@far.test",
        "answered",
        "a@acme.test",
        "ana",
    )
    assert not daemon.everything()["clue"], "what has its place is not looked for any more"
    assert not daemon.everything()["recall"]


def test_an_answer_that_is_in_its_mailbox_no_more_lets_the_wait_run(daemon: BatchedDaemon) -> None:
    daemon.reads(daemon.raw("ana@acme.test", "cy@far.test", 30, id="a@acme.test", answers="q@far.test"))
    daemon.reads(daemon.raw("cy@far.test", "sales@acme.test", 0, id="q@far.test"), mailbox=SALES)
    daemon.held.clear()
    daemon.held[ANA] = []
    daemon.reads_again()
    assert [wait.state for wait in daemon.clocks()] == ["running"]
    assert not daemon.everything()["recall"]


def test_what_a_stranger_wrote_to_one_of_us_counts_once_the_stranger_is_known(daemon: BatchedDaemon) -> None:
    """In a rep's own mailbox unknown people are no leads; they are once they write to the team, whatever came first."""
    daemon.reads(daemon.raw("cy@far.test", "ana@acme.test", 0, id="q@far.test", subject="A lathe"))
    assert daemon.clocks() == []
    assert not any(word in repr(daemon.everything()) for word in FAR)
    daemon.reads(daemon.raw("cy@far.test", "sales@acme.test", 60, id="q2@far.test", subject="Anybody?"), mailbox=SALES)
    daemon.reads_again()
    assert [(wait.started_by, wait.first_sight) for wait in daemon.clocks()] == [
        ("q@far.test", False),
        ("q2@far.test", False),
    ]
    daemon.passes(minutes(61))
    assert {row.clock for row in daemon.owed()} == {daemon.clocks()[0].id}, "it pages as if it had been known at once"


def test_what_looked_like_a_strangers_machine_is_a_person_once_our_question_is_read(daemon: BatchedDaemon) -> None:
    """On a list, and an answer to us all the same: our Sent folder is read after the team's inbox."""
    on_list = "List-Id: <club.groups.test>\r\nPrecedence: list"
    reply = daemon.raw(
        "cy@far.test", "club@groups.test", 50, id="q@far.test", answers="a@acme.test", subject="Seats", extra=on_list
    )
    news = daemon.raw("news@far.test", "sales@acme.test", 55, id="n@far.test", subject="News", extra=on_list)
    daemon.reads(reply, news, mailbox=SALES)
    assert daemon.clocks() == []
    daemon.reads(daemon.raw("ana@acme.test", "cy@far.test", 0, id="a@acme.test", subject="Seats"))
    daemon.reads_again()
    assert [(wait.started_by, wait.metric) for wait in daemon.clocks()] == [("q@far.test", "first_response")]
    assert thread(daemon, "a@acme.test") == thread(daemon, "q@far.test")
    assert thread(daemon, "n@far.test") is None


def test_what_went_to_others_stays_nobodys(daemon: BatchedDaemon) -> None:
    daemon.reads(daemon.raw("ana@acme.test", "di@near.test", 0, id="other@acme.test", subject="A lathe"))
    daemon.reads(daemon.raw("cy@far.test", "sales@acme.test", 5, id="q@far.test", subject="A lathe"), mailbox=SALES)
    assert not daemon.everything()["recall"]
    daemon.reads_again()
    assert thread(daemon, "other@acme.test") is None


@pytest.mark.parametrize("named", [True, False], ids=["one names the first", "none does"])
@pytest.mark.parametrize("order", list(itertools.permutations(range(3)))[::2])
def test_the_parts_of_a_numbered_series_hang_together_or_not_whatever_is_read_first(
    daemon: BatchedDaemon, order: tuple[int, ...], named: bool
) -> None:
    """Where programs write headers, a series of which no part names the first was not meant as a thread."""
    parts = [
        daemon.asks(f"p{number}@buyer.test", 2 * number, subject=f"[Offer {number}/3] {title}")
        for number, title in enumerate(("Lathe", "Mill", "Terms"), 1)
    ]
    if named:
        parts[2] = daemon.asks("p3@buyer.test", 6, subject="[Offer 3/3] Terms", answers="p1@buyer.test")
        parts[2] = replace(parts[2], header=parts[2].header.replace(b"Subject: Re: ", b"Subject: "))
    later = daemon.asks("p9@buyer.test", 3000, subject="[Offer 2/3] Another mill")
    other = daemon.raw("dan@buyer.test", "ana@acme.test", 3, id="x2@buyer.test", subject="[Offer 2/3] Mill")
    daemon.reads(later)
    for number in order:
        daemon.reads(parts[number])
        daemon.restarts()
    daemon.reads(other)
    placed = {part: row.parent if (row := record(daemon, part)) else "" for part in ("p1", "p2", "p3", "p9", "x2")}
    first = "p1@buyer.test" if named else None
    assert placed == {"p1": None, "p2": first, "p3": first, "p9": None, "x2": None}


def record(daemon: BatchedDaemon, name: str) -> MessageRecord | None:
    with daemon.store.reading() as tx:
        return tx.mail.row(f"{name}@buyer.test")


def test_a_conversation_holds_within_its_mailbox(daemon: BatchedDaemon) -> None:
    one = replace(daemon.asks("q1@buyer.test", 0, subject="Prices"), provider_thread="7")
    other = replace(
        daemon.raw("dan@buyer.test", "sales@acme.test", 5, id="q2@buyer.test", subject="Terms"), provider_thread="7"
    )
    daemon.reads(one)
    daemon.reads(other, mailbox=SALES)
    assert thread(daemon, "q1@buyer.test") != thread(daemon, "q2@buyer.test")


@pytest.mark.parametrize("order", [(ANA, SALES), (SALES, ANA)])
def test_a_wait_that_was_over_before_anybody_watched_is_whose_it_was_then_whichever_mailbox_is_read_first(
    daemon: BatchedDaemon, order: tuple[MailboxId, MailboxId]
) -> None:
    """Ana was on leave, and Ben answered from another mailbox; she is back when the mail is read."""
    ana = daemon.config.people[PersonId("ana")]
    on_leave = replace(ana, leave=((MONDAY.date(), MONDAY.date()),))
    daemon.config = replace(daemon.config, people={**daemon.config.people, ana.id: on_leave})
    daemon.at += minutes(5 * 24 * 60)
    question = daemon.asks("q1@buyer.test", 0)
    mail = {ANA: question, SALES: daemon.replies("a1@acme.test", 30, "q1@buyer.test", sender="ben@acme.test")}
    for mailbox in order:
        daemon.reads(mail[mailbox], mailbox=mailbox, quiet=True)
    (row,) = daemon.clocks()
    with daemon.store.reading() as tx:
        (given,) = tx.waits.actions([row.id])[row.id]
    assert (row.owner, given.owner, given.rule, given.at) == ("max", "max", "fallback", MONDAY)
    assert given.reason == "ana is on leave from 2026-05-04 to 2026-05-04"
