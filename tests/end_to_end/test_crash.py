"""kill -9 at random instants while mail is read and notices leave: same clocks, nothing told twice, nothing lost."""

from __future__ import annotations

import asyncio
import contextlib
import multiprocessing
import os
import random
import sqlite3
import sys
import time
from collections import defaultdict
from collections.abc import Iterator
from datetime import UTC, datetime
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

import pytest

from inboxwatch.engine.rule_context import FRESH
from tests.doubles.webhook_sink import WebhookPost, WebhookSink
from tests.support.installation import Installation
from tests.support.message_bytes import message_bytes
from tests.support.team_mail import ANA, MAX, MaildirTeamMail
from tests.support.waiting import PATIENCE, wait

BUYERS = 12
TARGET = 2.0
"""Seconds in which a reply is owed."""

_forked = multiprocessing.get_context("forkserver")


def serve(path: Path) -> None:
    """One daemon, in a process of its own that has imported everything already: a start costs milliseconds."""
    from inboxwatch import config
    from inboxwatch.daemon.app import App
    from inboxwatch.daemon.logs import configure

    descriptor = os.open(path.with_suffix(".log"), os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.dup2(descriptor, 2)
    sys.stderr = open(2, "w", buffering=1, closefd=False)  # noqa: SIM115  (it lives as long as the process)
    configure("info")
    asyncio.run(App(path, config.load(path)).serve())


class CrashScenario:
    """Buyers who write, a rep who answers some of them, and a daemon that is killed meanwhile."""

    def __init__(self, folder: Path, sink: WebhookSink, seed: int) -> None:
        self.chance = random.Random(seed)
        self.sink = sink
        self.team_mail = MaildirTeamMail(folder / "mail", [ANA, MAX])
        leads = [f"b{n}@buyer{n}.test" for n in range(BUYERS)]
        rows = "".join(f"{lead},Buyer {n},,,ana,hot,open\n" for n, lead in enumerate(leads))
        self.installation = Installation(
            folder,
            self.team_mail.mailboxes(),
            hook=sink.url,
            target=f"{TARGET:g}s",
            leads="email,name,company,domain,owner,tier,status\n" + rows,
            blind_grace="60s",
        )
        self.asked: dict[str, str] = {}
        """Message-ID -> the buyer, of every question."""
        self.answered: dict[str, datetime] = {}
        """When the answer to a question could be read."""
        self.starts: list[datetime] = []
        """When each daemon was started; all that the one before had sent was received by then."""
        self._number = 0

    def something_happens(self) -> None:
        """A buyer asks (some of them both of us at once), or an open question is answered."""
        still = [one for one in self.asked if one not in self.answered and self.chance.random() < 0.5]
        if still and self.chance.random() < 0.5:
            self.answer(self.chance.choice(still))
            return
        self._number += 1
        number = self.chance.randrange(BUYERS)
        buyer, question = f"b{number}@buyer{number}.test", f"q{self._number}@buyer{number}.test"
        both = self.chance.random() < 0.3
        raw = message_bytes(buyer, f"{ANA}, {MAX}" if both else ANA, id=question, subject=f"Matter {self._number}")
        for user in (ANA, MAX) if both else (ANA,):
            self.team_mail.deliver(user, raw)
        self.asked[question] = buyer

    def answer(self, question: str) -> None:
        raw = message_bytes(ANA, self.asked[question], id=f"a-{question}", answers=question)
        self.team_mail.deliver(ANA, raw, folder="Sent")
        self.answered[question] = datetime.now(UTC)

    @contextlib.contextmanager
    def daemon(self) -> Iterator[BaseProcess]:
        self.starts.append(datetime.now(UTC))
        process = _forked.Process(target=serve, args=(self.installation.path,), daemon=True)
        process.start()
        try:
            yield process
        finally:
            process.kill()
            process.join()
            self.sink.drain()

    def log(self) -> str:
        return self.installation.path.with_suffix(".log").read_text(encoding="utf-8")

    def rows(self, query: str) -> list[Any]:
        uri = f"file:{self.installation.folder}/inboxwatch.db?mode=ro"
        with contextlib.closing(sqlite3.connect(uri, uri=True, timeout=10)) as connection:
            return connection.execute(query).fetchall()

    def live(self, kills: int) -> None:
        """Kills the daemon at random instants; the world goes on meanwhile, and for a while afterwards."""
        self.first_sight()
        for _ in range(kills):
            with self.daemon() as process:
                if self.chance.random() < 0.6:
                    wait(self.all_is_read, self.log)  # on a busy machine most kills would hit the start otherwise
                end = time.monotonic() + self.chance.choice((0.15, 0.5, 1.2)) * self.chance.random() + 0.1
                while time.monotonic() < end:
                    self.something_happens()
                    time.sleep(min(0.08, max(0.0, end - time.monotonic())))
                assert process.exitcode is None, self.log()[-4000:]
        with self.daemon() as process:
            self.settle()
            process.terminate()
            process.join(PATIENCE)
            assert process.exitcode == 0, self.log()[-4000:]

    def first_sight(self) -> None:
        """The store is made and both mailboxes were seen, or what comes would be told in a digest (rule 39)."""
        with self.daemon():
            wait(lambda: self.found("SELECT count(*) FROM mailbox WHERE first_sight_done") == [(2,)], self.log)

    def all_is_read(self) -> bool:
        return {row[0] for row in self.found("SELECT message_id FROM message")} >= self.asked.keys()

    def found(self, query: str) -> list[Any]:
        """As `rows`, and nothing while the daemon has not made its store."""
        try:
            return self.rows(query)
        except sqlite3.OperationalError as error:
            assert "no such table" in str(error) or "unable to open" in str(error), error
            return []

    def settle(self) -> None:
        """Until every question was read, every open one was escalated to the top, and the outbox is empty."""
        unsettled = "SELECT count(*) FROM delivery WHERE state IN ('pending', 'claimed')"

        def left() -> tuple[set[str], set[str]]:
            """Questions that were not told, and those that do not end."""
            told = {clock["started_by"] for post in self.sink.accepted for clock in _steps(post, 2)}
            running = self.rows("SELECT started_by FROM clock WHERE state = 'running' AND metric != 'follow_up'")
            return set(self.asked) - set(self.answered) - told, {row[0] for row in running} & set(self.answered)

        def settled() -> bool:
            return left() == (set(), set()) and self.rows(unsettled) == [(0,)]

        wait(settled, lambda: f"not told, not ended: {left()}\n{self.log()[-4000:]}")


def _steps(post: WebhookPost, step: int) -> list[Any]:
    return [clock for clock in post.body["clocks"] if post.type == "escalation" and clock["step"] == step]


def check(scenario: CrashScenario, kills: int) -> None:
    """What must be true after any number of kills."""
    waits = scenario.rows("SELECT started_by, state, stopped_by, id FROM clock WHERE metric != 'follow_up'")
    assert sorted(row[0] for row in waits) == sorted(scenario.asked), "one wait a question, none lost"
    for question, state, stopped_by, _ in waits:
        expected = ("answered", f"a-{question}") if question in scenario.answered else ("running", None)
        assert (state, stopped_by) == expected, question
    assert scenario.rows("PRAGMA integrity_check") == [("ok",)]

    keys: dict[tuple[str, int, int, str], set[str]] = defaultdict(set)
    for post in scenario.sink.posts:
        for clock in post.body["clocks"]:
            if post.type == "escalation":
                for target in post.body["targets"]:
                    keys[clock["id"], clock["step"], clock["round"], target].add(post.key)
    # The daemon's own times: how long a page is under way, and how busy the machine is, does not matter.
    steps = scenario.rows("SELECT c.started_by, t.at FROM told t JOIN clock c ON c.id = t.clock WHERE t.target != ''")
    for question, at in steps:
        if (readable := scenario.answered.get(question)) is not None:
            decided = datetime.fromisoformat(at).replace(tzinfo=UTC)
            assert decided < readable + FRESH, "no page for an answer that could be read before it was decided"
    assert {told: found for told, found in keys.items() if len(found) > 1} == {}, "told twice under different keys"
    sent: dict[str, int] = defaultdict(int)
    for post in scenario.sink.posts:
        sent[post.key] += 1
    assert sum(count - 1 for count in sent.values()) <= kills, "only a kill between sending and recording sends again"

    paged = {
        clock["id"] for post in scenario.sink.accepted if post.type == "escalation" for clock in post.body["clocks"]
    }
    resolved = {
        clock["id"] for post in scenario.sink.accepted if post.type == "resolved" for clock in post.body["clocks"]
    }
    over = {row[3] for row in waits if row[1] == "answered"}
    assert paged & over <= resolved, "those who were paged hear that it is over"
    perhaps = {row[0] for row in scenario.rows("SELECT clock FROM delivery WHERE type = 'escalation' AND adrift")}
    assert resolved <= over & (paged | perhaps), "nobody else, but those whose page a kill may have cut off"
    assert "Traceback" not in scenario.log()


def slowly(post: WebhookPost) -> int:
    """Takes its time, so that many kills fall between sending and recording."""
    time.sleep(0.03)
    return 200


def run(folder: Path, seed: int, kills: int) -> None:
    with WebhookSink() as sink:
        sink.answer = slowly
        scenario = CrashScenario(folder, sink, seed)
        scenario.live(kills)
        check(scenario, kills)
        assert len(scenario.asked) >= kills / 2
        assert sink.accepted


@pytest.fixture(autouse=True, scope="module")
def prepared() -> None:
    """The server that new daemons are forked from imports the program once."""
    _forked.set_forkserver_preload(
        ["inboxwatch.daemon.app", "connectors.mail.maildir", "connectors.leads.csv", __name__]
    )


@pytest.mark.timeout(600)
@pytest.mark.parametrize("seed", [1, 2])
def test_twenty_kills_lose_nothing_and_tell_nothing_twice(tmp_path: Path, seed: int) -> None:
    run(tmp_path, seed, 10)


@pytest.mark.soak
@pytest.mark.timeout(7200)
@pytest.mark.parametrize("seed", range(100, 120))
def test_a_thousand_kills_lose_nothing_and_tell_nothing_twice(tmp_path: Path, seed: int) -> None:
    run(tmp_path, seed, 50)
