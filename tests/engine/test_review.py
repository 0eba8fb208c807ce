"""Weak matches: a person looks at them, confirms or splits them, and the waits follow; no guess undoes it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from aiohttp.test_utils import TestClient
from sqlalchemy import select
from typer.testing import CliRunner

from inboxwatch.cli import app
from inboxwatch.engine.refused import Refused
from inboxwatch.engine.review import weak
from inboxwatch.store import tables
from tests.support.explained import explained
from tests.support.in_process_daemon import InProcessDaemon

ANA, BO = "ana@acme.test", "bo@buyer.test"
MINUTE = timedelta(minutes=1)


@pytest.fixture
def daemon(tmp_path: Path) -> Iterator[InProcessDaemon]:
    daemon = InProcessDaemon(tmp_path)
    daemon.lead(BO, owner="ana", name="Bo Lind")
    with daemon.store.transaction() as tx:
        for name in daemon.config.mailboxes:
            tx.cursors.first_sight(name, done=True)
    yield daemon
    daemon.close()


def asks(daemon: InProcessDaemon, *, subject: str = "Prices", after: timedelta = MINUTE, **words: str) -> str:
    return daemon.mail(BO, ANA, subject=subject, after=after, **words)


def answers(daemon: InProcessDaemon, *, subject: str = "Re: Prices", after: timedelta = MINUTE, **words: str) -> str:
    return daemon.mail(ANA, BO, subject=subject, after=after, **words)


def row(daemon: InProcessDaemon, message: str) -> Any:
    with daemon.store.reading() as tx:
        return tx.mail.row(message)


def thread(daemon: InProcessDaemon, message: str) -> str:
    return str(row(daemon, message).thread)


def to_review(daemon: InProcessDaemon) -> list[str]:
    with daemon.store.reading() as tx:
        return [one.message_id for one in weak(tx, None, 10)]


def clock(daemon: InProcessDaemon, wait: str) -> Any:
    with daemon.store.reading() as tx:
        return tx.clocks.get(wait)


def waits(daemon: InProcessDaemon) -> dict[str, tuple[str, str, str, str]]:
    """started_by -> (id, thread, state, owner)."""
    with daemon.store.reading() as tx:
        rows = tx.connection.execute(select(tables.clock).where(tables.clock.c.metric != "follow_up"))
        return {row.started_by: (row.id, row.thread, row.state, row.owner) for row in rows}


def test_a_guess_is_listed_until_it_is_confirmed_and_is_as_good_as_a_header_then(daemon: InProcessDaemon) -> None:
    question = asks(daemon)
    guessed = answers(daemon)
    assert to_review(daemon) == [guessed]
    before = waits(daemon)
    daemon.engine.confirm(guessed, "ana", daemon.at, "I wrote it")
    assert to_review(daemon) == []
    found = row(daemon, guessed)
    assert (found.thread, found.parent, found.confidence) == (thread(daemon, question), question, 1.0)
    assert waits(daemon) == before
    # Mail that comes late and looks a better parent does not move what a person has confirmed.
    asks(daemon, subject="Prices", after=-MINUTE / 2)
    assert row(daemon, guessed).parent == question


def test_a_split_answer_answers_nothing_any_more_and_the_wait_runs_again_under_its_id(daemon: InProcessDaemon) -> None:
    question = asks(daemon)
    guessed = answers(daemon)
    (before,) = waits(daemon).values()
    assert before[2] == "answered"
    daemon.engine.split(guessed, "ana", daemon.at)
    assert waits(daemon) == {question: (before[0], before[1], "running", "ana")}
    assert thread(daemon, guessed) != thread(daemon, question)
    assert (row(daemon, guessed).evidence, row(daemon, guessed).parent) == ("none", None)
    assert to_review(daemon) == []


def test_a_split_question_takes_its_wait_and_what_was_done_to_it_along(daemon: InProcessDaemon) -> None:
    answers(daemon, parent=asks(daemon))
    guessed = asks(daemon, subject="Re: Prices")
    wait = daemon.only_wait(BO)
    daemon.engine.assign(wait, "max", daemon.at, owner="ben")
    daemon.engine.split(guessed, "max", daemon.at, "another matter")
    assert waits(daemon)[guessed] == (wait, thread(daemon, guessed), "running", "ben")
    assert clock(daemon, wait).metric == "first_response"


def test_a_nudge_that_is_split_off_is_a_wait_of_its_own_and_the_first_one_stays(daemon: InProcessDaemon) -> None:
    first = asks(daemon)
    (before,) = waits(daemon).values()
    nudge = asks(daemon, subject="Re: Prices")
    daemon.engine.split(nudge, "ana", daemon.at)
    found = waits(daemon)
    assert set(found) == {first, nudge}
    assert found[first] == before
    assert clock(daemon, found[nudge][0]).started_by == nudge


def chain(daemon: InProcessDaemon) -> tuple[str, ...]:
    """A question, another one taken for a nudge, its answer and an answer to that by header, and an answer by guess."""
    question, guessed = asks(daemon), asks(daemon, subject="Re: Prices")
    sure = answers(daemon, parent=guessed)
    surer = asks(daemon, subject="Re: Prices", parent=sure, after=timedelta(days=3))
    return question, guessed, sure, surer, answers(daemon)


def test_answers_by_header_go_with_a_split_message_and_guesses_stay_to_be_reviewed(daemon: InProcessDaemon) -> None:
    question, guessed, sure, surer, guess = chain(daemon)
    assert row(daemon, guess).parent == surer
    daemon.engine.split(guessed, "ana", daemon.at)
    assert thread(daemon, guessed) == thread(daemon, sure) == thread(daemon, surer)
    assert thread(daemon, guess) == thread(daemon, question) != thread(daemon, guessed)
    assert row(daemon, guess).parent is None
    assert to_review(daemon) == [guess]


def test_later_mail_does_not_join_by_a_guess_what_was_split(daemon: InProcessDaemon) -> None:
    question = asks(daemon)
    answer = answers(daemon, parent=question, extra="References: <unread@acme.test>")
    guessed = asks(daemon, subject="Re: Prices", after=10 * MINUTE)
    daemon.engine.split(guessed, "ana", daemon.at)
    # One that comes late and would be the likelier parent; one whose named parent a relay may have rewritten.
    late = answers(daemon, parent=answer, after=-5 * MINUTE)
    named = answers(daemon, parent="unread@acme.test", after=10 * MINUTE)
    assert thread(daemon, question) == thread(daemon, late) == thread(daemon, named)
    assert thread(daemon, guessed) != thread(daemon, question)


def test_a_split_outlives_that_its_old_thread_becomes_part_of_another(daemon: InProcessDaemon) -> None:
    elsewhere = asks(daemon, subject="Contract")
    question = asks(daemon)
    guessed = asks(daemon, subject="Re: Prices", after=10 * MINUTE)
    daemon.engine.split(guessed, "ana", daemon.at)
    both = f"References: <{elsewhere}> <{question}>"
    joined = answers(daemon, subject="Re: Contract", parent=question, extra=both, after=-5 * MINUTE)
    assert thread(daemon, joined) == thread(daemon, elsewhere) == thread(daemon, question)
    late = answers(daemon, parent=joined, after=MINUTE)
    assert thread(daemon, late) == thread(daemon, question) != thread(daemon, guessed)


def test_a_copy_of_a_split_message_in_another_mailbox_changes_nothing(daemon: InProcessDaemon) -> None:
    asks(daemon)
    guessed = asks(daemon, subject="Re: Prices")
    daemon.engine.split(guessed, "ana", daemon.at)
    before = row(daemon, guessed), waits(daemon)
    daemon.mail(BO, ANA, subject="Re: Prices", message_id=guessed, mailbox="sales")
    assert (row(daemon, guessed), waits(daemon)) == before


def test_a_header_that_proves_them_one_joins_what_was_split(daemon: InProcessDaemon) -> None:
    question = asks(daemon)
    guessed = asks(daemon, subject="Re: Prices")
    daemon.engine.split(guessed, "ana", daemon.at)
    answers(daemon, parent=guessed, extra=f"References: <{question}> <{guessed}>")
    assert thread(daemon, guessed) == thread(daemon, question)


def test_an_answer_to_an_unread_message_that_only_the_split_one_named_goes_to_the_new_thread(
    daemon: InProcessDaemon,
) -> None:
    question = asks(daemon)
    guessed = answers(daemon, parent="rewritten@relay.test")
    assert thread(daemon, guessed) == thread(daemon, question)
    assert to_review(daemon) == [guessed]
    daemon.engine.split(guessed, "ana", daemon.at)
    found = row(daemon, guessed)
    assert (found.parent, found.evidence) == ("rewritten@relay.test", "in_reply_to")
    late = asks(daemon, subject="Other", message_id="rewritten@relay.test", after=-MINUTE)
    assert thread(daemon, late) == thread(daemon, guessed) != thread(daemon, question)


def test_what_was_reviewed_is_told_with_the_person_and_the_reason(daemon: InProcessDaemon) -> None:
    question = asks(daemon)
    guessed = asks(daemon, subject="Re: Prices")
    daemon.engine.split(guessed, "max", daemon.at, "another matter")
    for ref in (question, guessed, waits(daemon)[question][0]):
        with daemon.store.reading() as tx:
            told = explained(tx, daemon.engine.rules, ref, daemon.at)
        assert f"the thread of <{guessed}> split by max: another matter" in told


def test_only_people_review_and_only_what_is_weak(daemon: InProcessDaemon) -> None:
    question = asks(daemon)
    guessed = answers(daemon)
    refused = []
    for message, by in ((guessed, "zoe"), ("none@buyer.test", "ana"), (question, "ana")):
        for action in (daemon.engine.confirm, daemon.engine.split):
            with pytest.raises(Refused) as why:
                action(message, by, daemon.at)
            refused.append(why.value.status)
    assert refused == [422, 422, 404, 404, 409, 409]


def state(daemon: InProcessDaemon, *told: str) -> tuple[dict[Any, Any], dict[str, tuple[Any, ...]]]:
    """Where every message stands, and every wait and follow-up with what was done to it."""
    with daemon.store.reading() as tx:
        messages = {one.message_id: one.known for one in map(tx.mail.row, sorted(told)) if one is not None}
        clocks = tx.connection.execute(select(tables.clock)).all()
        acts = tx.connection.execute(select(tables.act).where(tables.act.c.clock.is_not(None))).all()
    done = {row.id: [(act.deed, act.by, act.owner) for act in acts if act.clock == row.id] for row in clocks}
    columns = ("thread", "metric", "state", "started_by", "started_at", "due_at", "stopped_at", "stop_reason", "owner")
    return messages, {row.id: (*(getattr(row, one) for one in columns), done[row.id]) for row in clocks}


def test_a_split_that_is_taken_back_leaves_every_place_and_every_wait_as_it_was(daemon: InProcessDaemon) -> None:
    read = question, guessed, *_, guess = chain(daemon)
    before = state(daemon, *read)
    daemon.engine.split(guessed, "ana", daemon.at, "another matter")
    assert state(daemon, *read) != before
    daemon.engine.undo_review(guessed, "max", daemon.at, "it is not")
    assert state(daemon, *read) == before
    assert to_review(daemon) == [guessed, guess]
    with daemon.store.reading() as tx:
        told = explained(tx, daemon.engine.rules, question, daemon.at)
    split, rejoined = (f"the thread of <{guessed}> {text}" for text in ("split by ana: another", "rejoined by max: it"))
    assert told.count(split) == told.count(rejoined) > 0
    daemon.engine.split(guessed, "ana", daemon.at)
    daemon.engine.undo_review(guessed, "max", daemon.at)
    assert state(daemon, *read) == before


def test_mail_that_came_to_the_split_message_meanwhile_goes_back_with_it(daemon: InProcessDaemon) -> None:
    question = asks(daemon)
    guessed = answers(daemon)
    daemon.engine.split(guessed, "ana", daemon.at)
    wait = daemon.only_wait(BO)
    daemon.engine.assign(wait, "max", daemon.at, owner="ben")
    late = asks(daemon, subject="Re: Prices", parent=guessed)
    assert thread(daemon, late) == thread(daemon, guessed) != thread(daemon, question)
    daemon.engine.undo_review(guessed, "ana", daemon.at)
    assert thread(daemon, late) == thread(daemon, guessed) == thread(daemon, question)
    found = waits(daemon)
    assert found[question][:3] == (wait, thread(daemon, question), "answered")
    assert found[late][2] == "running"


def test_a_split_stays_where_mail_has_joined_the_message_with_another_one(daemon: InProcessDaemon) -> None:
    question = asks(daemon)
    elsewhere = asks(daemon, subject="Contract")
    guessed = asks(daemon, subject="Re: Prices")
    daemon.engine.split(guessed, "ana", daemon.at)
    answers(daemon, subject="Re: Contract", parent=guessed, extra=f"References: <{elsewhere}> <{guessed}>")
    with pytest.raises(Refused) as why:
        daemon.engine.undo_review(guessed, "ana", daemon.at)
    assert why.value.status == 409
    assert thread(daemon, guessed) == thread(daemon, elsewhere) != thread(daemon, question)


def test_an_unread_message_that_went_with_a_split_is_awaited_in_the_old_thread_again(daemon: InProcessDaemon) -> None:
    question = asks(daemon)
    guessed = answers(daemon, parent="rewritten@relay.test")
    daemon.engine.split(guessed, "ana", daemon.at)
    daemon.engine.undo_review(guessed, "ana", daemon.at)
    late = asks(daemon, subject="Other", message_id="rewritten@relay.test", after=-MINUTE)
    assert thread(daemon, late) == thread(daemon, guessed)
    assert row(daemon, guessed).parent == late
    assert question


async def test_matches_are_listed_page_by_page_and_reviewed_over_the_api(
    daemon: InProcessDaemon, client: TestClient[Any, Any]
) -> None:
    asks(daemon)
    first = asks(daemon, subject="Re: Prices", message_id="a/b+c%d@buyer.test")
    second = asks(daemon, subject="Re: Prices")
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
    assert (split["message_id"], split["evidence"], split["thread"]) == (first, "none", thread(daemon, first))
    assert (await client.post(f"{path}/split", json={"by": "ana"})).status == 409
    assert (await client.post(f"/api/v1/matches/{second}/confirm", json={"by": "max"})).status == 200
    assert (await client.post("/api/v1/matches/none/confirm", json={"by": "max"})).status == 404
    assert (await client.get("/api/v1/matches", params={"review": "done"})).status == 422
    assert (await (await client.get("/api/v1/matches")).json())["items"] == []


async def test_the_commands_list_confirm_and_split(daemon: InProcessDaemon, client: TestClient[Any, Any]) -> None:
    asks(daemon)
    first, second = asks(daemon, subject="Re: Prices", message_id="a/b@buyer.test"), asks(daemon, subject="Re: Prices")
    text = daemon.path.read_text(encoding="utf-8")
    daemon.path.write_text(text.replace("127.0.0.1:0", f"127.0.0.1:{client.port}"), encoding="utf-8")

    async def command(*words: str) -> tuple[int, str]:
        done = await asyncio.to_thread(CliRunner().invoke, app, ["matches", *words, "-c", str(daemon.path)])
        return done.exit_code, done.output

    code, told = await command("list", "--json")
    assert (code, [json.loads(line)["message_id"] for line in told.splitlines()]) == (0, [first, second])
    assert (await command("split", f"<{first}>", "--by", "ana", "--reason", "new"))[0] == 0
    code, told = await command("undo", first, "--by", "max")
    assert (code, thread(daemon, first)) == (0, thread(daemon, second))
    assert (await command("split", f"<{first}>", "--by", "ana", "--reason", "new"))[0] == 0
    assert (await command("confirm", second, "--by", "max"))[0] == 0
    code, told = await command("confirm", second, "--by", "max")
    assert code == 1
    assert "nothing is to be reviewed" in told
    assert to_review(daemon) == []
