"""Weak matches: a person looks at them, confirms or splits them, and the waits follow; no guess undoes it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from aiohttp.test_utils import TestClient, TestServer
from sqlalchemy import select
from typer.testing import CliRunner

from inboxwatch.cli import app
from inboxwatch.engine.explanation import explain
from inboxwatch.engine.refused import Refused
from inboxwatch.engine.review import weak
from inboxwatch.store import tables
from inboxwatch.web import make_app
from tests.support.in_process import House

ANA, BO = "ana@acme.test", "bo@buyer.test"
MINUTE = timedelta(minutes=1)


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    house = House(tmp_path)
    house.lead(BO, owner="ana", name="Bo Lind")
    with house.store.transaction() as tx:
        for name in house.config.mailboxes:
            tx.cursors.first_sight(name, done=True)
    yield house
    house.close()


@pytest.fixture
async def client(house: House) -> AsyncIterator[TestClient[Any, Any]]:
    async with TestClient(TestServer(make_app(house))) as client:
        yield client


def asks(house: House, *, subject: str = "Prices", after: timedelta = MINUTE, **words: str) -> str:
    return house.mail(BO, ANA, subject=subject, after=after, **words)


def answers(house: House, *, subject: str = "Re: Prices", after: timedelta = MINUTE, **words: str) -> str:
    return house.mail(ANA, BO, subject=subject, after=after, **words)


def row(house: House, message: str) -> Any:
    with house.store.reading() as tx:
        return tx.mail.row(message)


def thread(house: House, message: str) -> str:
    return str(row(house, message).thread)


def to_review(house: House) -> list[str]:
    with house.store.reading() as tx:
        return [one.message_id for one in weak(tx, None, 10)]


def clock(house: House, wait: str) -> Any:
    with house.store.reading() as tx:
        return tx.clocks.get(wait)


def waits(house: House) -> dict[str, tuple[str, str, str, str]]:
    """started_by -> (id, thread, state, owner)."""
    with house.store.reading() as tx:
        rows = tx.connection.execute(select(tables.clock).where(tables.clock.c.metric != "follow_up"))
        return {row.started_by: (row.id, row.thread, row.state, row.owner) for row in rows}


def test_a_guess_is_listed_until_it_is_confirmed_and_is_as_good_as_a_header_then(house: House) -> None:
    question = asks(house)
    guessed = answers(house)
    assert to_review(house) == [guessed]
    before = waits(house)
    house.engine.confirm(guessed, "ana", house.at, "I wrote it")
    assert to_review(house) == []
    found = row(house, guessed)
    assert (found.thread, found.parent, found.confidence) == (thread(house, question), question, 1.0)
    assert waits(house) == before
    # Mail that comes late and looks a better parent does not move what a person has confirmed.
    asks(house, subject="Prices", after=-MINUTE / 2)
    assert row(house, guessed).parent == question


def test_a_split_answer_answers_nothing_any_more_and_the_wait_runs_again_under_its_id(house: House) -> None:
    question = asks(house)
    guessed = answers(house)
    (before,) = waits(house).values()
    assert before[2] == "answered"
    house.engine.split(guessed, "ana", house.at)
    assert waits(house) == {question: (before[0], before[1], "running", "ana")}
    assert thread(house, guessed) != thread(house, question)
    assert (row(house, guessed).evidence, row(house, guessed).parent) == ("none", None)
    assert to_review(house) == []


def test_a_split_question_takes_its_wait_and_what_was_done_to_it_along(house: House) -> None:
    answers(house, parent=asks(house))
    guessed = asks(house, subject="Re: Prices")
    wait = house.only_wait(BO)
    house.engine.assign(wait, "max", house.at, owner="ben")
    house.engine.split(guessed, "max", house.at, "another matter")
    assert waits(house)[guessed] == (wait, thread(house, guessed), "running", "ben")
    assert clock(house, wait).metric == "first_response"


def test_a_nudge_that_is_split_off_is_a_wait_of_its_own_and_the_first_one_stays(house: House) -> None:
    first = asks(house)
    (before,) = waits(house).values()
    nudge = asks(house, subject="Re: Prices")
    house.engine.split(nudge, "ana", house.at)
    found = waits(house)
    assert set(found) == {first, nudge}
    assert found[first] == before
    assert clock(house, found[nudge][0]).started_by == nudge


def test_answers_by_header_go_with_a_split_message_and_guesses_stay_to_be_reviewed(house: House) -> None:
    question = asks(house)
    guessed = asks(house, subject="Re: Prices")
    sure = answers(house, parent=guessed)
    surer = asks(house, subject="Re: Prices", parent=sure)
    guess = answers(house)
    assert row(house, guess).parent == surer
    house.engine.split(guessed, "ana", house.at)
    assert thread(house, guessed) == thread(house, sure) == thread(house, surer)
    assert thread(house, guess) == thread(house, question) != thread(house, guessed)
    assert row(house, guess).parent is None
    assert to_review(house) == [guess]


def test_later_mail_does_not_join_by_a_guess_what_was_split(house: House) -> None:
    question = asks(house)
    answer = answers(house, parent=question, extra="References: <unread@acme.test>")
    guessed = asks(house, subject="Re: Prices", after=10 * MINUTE)
    house.engine.split(guessed, "ana", house.at)
    # One that comes late and would be the likelier parent; one whose named parent a relay may have rewritten.
    late = answers(house, parent=answer, after=-5 * MINUTE)
    named = answers(house, parent="unread@acme.test", after=10 * MINUTE)
    assert thread(house, question) == thread(house, late) == thread(house, named)
    assert thread(house, guessed) != thread(house, question)


def test_a_split_outlives_that_its_old_thread_becomes_part_of_another(house: House) -> None:
    elsewhere = asks(house, subject="Contract")
    question = asks(house)
    guessed = asks(house, subject="Re: Prices", after=10 * MINUTE)
    house.engine.split(guessed, "ana", house.at)
    both = f"References: <{elsewhere}> <{question}>"
    joined = answers(house, subject="Re: Contract", parent=question, extra=both, after=-5 * MINUTE)
    assert thread(house, joined) == thread(house, elsewhere) == thread(house, question)
    late = answers(house, parent=joined, after=MINUTE)
    assert thread(house, late) == thread(house, question) != thread(house, guessed)


def test_a_copy_of_a_split_message_in_another_mailbox_changes_nothing(house: House) -> None:
    asks(house)
    guessed = asks(house, subject="Re: Prices")
    house.engine.split(guessed, "ana", house.at)
    before = row(house, guessed), waits(house)
    house.mail(BO, ANA, subject="Re: Prices", message_id=guessed, mailbox="sales")
    assert (row(house, guessed), waits(house)) == before


def test_a_header_that_proves_them_one_joins_what_was_split(house: House) -> None:
    question = asks(house)
    guessed = asks(house, subject="Re: Prices")
    house.engine.split(guessed, "ana", house.at)
    answers(house, parent=guessed, extra=f"References: <{question}> <{guessed}>")
    assert thread(house, guessed) == thread(house, question)


def test_an_answer_to_an_unread_message_that_only_the_split_one_named_goes_to_the_new_thread(house: House) -> None:
    question = asks(house)
    guessed = answers(house, parent="rewritten@relay.test")
    assert thread(house, guessed) == thread(house, question)
    assert to_review(house) == [guessed]
    house.engine.split(guessed, "ana", house.at)
    found = row(house, guessed)
    assert (found.parent, found.evidence) == ("rewritten@relay.test", "in_reply_to")
    late = asks(house, subject="Other", message_id="rewritten@relay.test", after=-MINUTE)
    assert thread(house, late) == thread(house, guessed) != thread(house, question)


def test_what_was_reviewed_is_told_with_the_person_and_the_reason(house: House) -> None:
    question = asks(house)
    guessed = asks(house, subject="Re: Prices")
    house.engine.split(guessed, "max", house.at, "another matter")
    for ref in (question, guessed, waits(house)[question][0]):
        with house.store.reading() as tx:
            told = "\n".join(explain(tx, house.engine.rules, ref, house.at))
        assert f"the thread of <{guessed}> split by max: another matter" in told


def test_only_people_review_and_only_what_is_weak(house: House) -> None:
    question = asks(house)
    guessed = answers(house)
    refused = []
    for message, by in ((guessed, "zoe"), ("none@buyer.test", "ana"), (question, "ana")):
        for deed in (house.engine.confirm, house.engine.split):
            with pytest.raises(Refused) as why:
                deed(message, by, house.at)
            refused.append(why.value.status)
    assert refused == [422, 422, 404, 404, 409, 409]


async def test_matches_are_listed_page_by_page_and_reviewed_over_the_api(
    house: House, client: TestClient[Any, Any]
) -> None:
    asks(house)
    first = asks(house, subject="Re: Prices", message_id="a/b+c%d@buyer.test")
    second = asks(house, subject="Re: Prices")
    seen, token = [], None
    while True:
        page = {"review": "open", "limit": "1"} | ({"next": token} if token else {})
        answer = await (await client.get("/api/v1/matches", params=page)).json()
        seen += [(one["message_id"], one["evidence"]) for one in answer["items"]]
        token = answer["next"]
        if token is None:
            break
    assert seen == [(first, "subject"), (second, "subject")]
    path = f"/api/v1/matches/{quote(first, safe='')}"
    done = await client.post(f"{path}/split", json={"by": "ana", "reason": "new"})
    assert done.status == 200
    split = await done.json()
    assert (split["message_id"], split["evidence"], split["thread"]) == (first, "none", thread(house, first))
    assert (await client.post(f"{path}/split", json={"by": "ana"})).status == 409
    assert (await client.post(f"/api/v1/matches/{second}/confirm", json={"by": "max"})).status == 200
    assert (await client.post("/api/v1/matches/none/confirm", json={"by": "max"})).status == 404
    assert (await client.get("/api/v1/matches", params={"review": "done"})).status == 422
    assert (await (await client.get("/api/v1/matches")).json())["items"] == []


async def test_the_commands_list_confirm_and_split(house: House, client: TestClient[Any, Any]) -> None:
    asks(house)
    first, second = asks(house, subject="Re: Prices", message_id="a/b@buyer.test"), asks(house, subject="Re: Prices")
    text = house.path.read_text(encoding="utf-8")
    house.path.write_text(text.replace("127.0.0.1:0", f"127.0.0.1:{client.port}"), encoding="utf-8")

    async def command(*words: str) -> tuple[int, str]:
        done = await asyncio.to_thread(CliRunner().invoke, app, ["matches", *words, "-c", str(house.path)])
        return done.exit_code, done.output

    code, told = await command("list", "--json")
    assert (code, [json.loads(line)["message_id"] for line in told.splitlines()]) == (0, [first, second])
    assert (await command("split", f"<{first}>", "--by", "ana", "--reason", "new"))[0] == 0
    assert (await command("confirm", second, "--by", "max"))[0] == 0
    code, told = await command("confirm", second, "--by", "max")
    assert code == 1
    assert "nothing is to be reviewed" in told
    assert to_review(house) == []
