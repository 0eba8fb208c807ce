"""History is read once: a backfill that is killed, or whose server goes away, goes on where it stopped."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text

from inboxwatch import config as configuration
from inboxwatch.connector import Batch, Cursor, Reading
from inboxwatch.core.model import MailboxId
from inboxwatch.store import Store
from tests.doubles.dovecot import PASSWORD, Dovecot
from tests.doubles.webhook_sink import WebhookSink
from tests.support.engine import Engine
from tests.support.in_process_daemon import CONFIG
from tests.support.installation import PROGRAM, Installation
from tests.support.message_bytes import message_bytes
from tests.support.team_mail import ANA, BO
from tests.support.waiting import PATIENCE

SALES = "sales@acme.test"
MESSAGES = 1500
"""More than two batches of a backfill hold, so that there is something to interrupt after the first."""


class Filling:
    """`inboxwatch backfill` as a process, and the store that it fills."""

    def __init__(self, installation: Installation, *words: str) -> None:
        self._house = installation
        self.process = subprocess.Popen(
            [PROGRAM, "backfill", "-c", str(installation.path), *words],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            env=dict(os.environ),
        )

    def interrupt(self, how: signal.Signals) -> None:
        """Under way: between two batches or inside one, whichever it is."""
        deadline = time.monotonic() + PATIENCE
        while not stored(self._house, "coalesce(max(read), 0) FROM backfill"):
            assert self.process.poll() is None, "it ended before the test could interrupt it"
            assert time.monotonic() < deadline
            time.sleep(0.005)
        self.process.send_signal(how)

    def end(self) -> str:
        """Waits for its end, which must be a good one; returns what it said."""
        _, said = self.process.communicate(timeout=PATIENCE)
        assert self.process.returncode == 0, said
        return said


def stored(installation: Installation, what: str) -> int:
    """The number that a query finds in the store; 0 before there is one."""
    if not (installation.folder / "inboxwatch.db").exists():
        return 0
    engine = create_engine(f"sqlite:///{installation.folder / 'inboxwatch.db'}")
    try:
        with engine.connect() as connection:
            known = connection.execute(text("SELECT count(*) FROM sqlite_master WHERE name = 'backfill'")).scalar()
            return int(connection.execute(text(f"SELECT {what}")).scalar() or 0) if known else 0
    finally:
        engine.dispose()


def full(server: Dovecot, messages: int = MESSAGES) -> None:
    """A mailbox of many messages, a minute apart."""
    begun = datetime.now(UTC) - timedelta(minutes=messages)
    for number in range(messages):
        at = begun + timedelta(minutes=number)
        server.deliver(
            "ana", message_bytes(BO, ANA, id=f"q{number}@buyer.test", at=at, subject=f"Matter {number}"), when=at
        )


def imap(server: Dovecot) -> dict[str, dict[str, object]]:
    where = {"host": "127.0.0.1", "port": server.port, "security": "none", "username": "ana", "password": PASSWORD}
    return {"ana": {"connector": "imap", "address": ANA, "owner": "ana", **where}}


def test_a_backfill_that_was_killed_goes_on_and_reads_nothing_twice(tmp_path: Path) -> None:
    with Dovecot.start(["ana"]) as server, WebhookSink() as sink:
        full(server)
        installation = Installation(tmp_path, imap(server), hook=sink.url, target="8h")
        killed = Filling(installation, "--since", "90d")
        killed.interrupt(signal.SIGKILL)
        killed.process.communicate(timeout=PATIENCE)
        before = stored(installation, "read FROM backfill")
        assert stored(installation, "count(*) FROM sighting") == before
        said = Filling(installation, "--since", "90d").end()
        assert f"ana: {MESSAGES - before} messages after {before} of an interrupted backfill" in said
        assert stored(installation, "count(*) FROM sighting") == MESSAGES
        with installation.daemon() as daemon:
            progress = [daemon.metric("inboxwatch_backfill_messages", state=state) for state in ("read", "remaining")]
            assert progress == [MESSAGES, 0]
            daemon.stop()
        # The next one is a new one, and one that reaches further back begins anew.
        assert f"ana: {MESSAGES} messages in" in Filling(installation, "--since", "120d").end()
        assert stored(installation, "count(*) FROM sighting") == MESSAGES


def test_a_backfill_waits_for_a_server_that_went_away_and_goes_on(tmp_path: Path) -> None:
    with Dovecot.start(["ana"]) as server, WebhookSink() as sink:
        full(server, messages := 2 * MESSAGES)  # more than the socket may hold already
        installation = Installation(tmp_path, imap(server), hook=sink.url)
        filling = Filling(installation)
        filling.interrupt(signal.SIGSTOP)
        server.stop()
        filling.process.send_signal(signal.SIGCONT)
        assert filling.process.stderr is not None
        assert "trying again in" in filling.process.stderr.readline()
        server.up()
        said = filling.end()
        assert f"ana: {messages} messages in" in said
        assert stored(installation, "count(*) FROM sighting") == messages


@pytest.mark.parametrize("kept", ["INBOX", "Sent"])
async def test_wherever_a_backfill_stands_it_knows_questions_and_answers_up_to_the_same_instant(
    tmp_path: Path, kept: str
) -> None:
    """Of the folder that is not `kept` only four weeks are there, of the other twelve."""
    now, mail = datetime.now(UTC).replace(microsecond=0), 170
    answers: list[datetime] = []
    with Dovecot.start([SALES]) as server:
        for number in range(mail):
            asked = now - timedelta(days=85) + timedelta(hours=12 * number)
            answered, recent = asked + timedelta(hours=1), asked > now - timedelta(days=28)
            buyer, question = f"pat@firm{number}.test", f"q{number}@firm{number}.test"
            if recent or kept == "INBOX":
                server.deliver(SALES, message_bytes(buyer, SALES, id=question, at=asked), "INBOX", asked)
            if recent or kept == "Sent":
                raw = message_bytes(SALES, buyer, at=answered, answers=question)
                server.deliver(SALES, raw, "Sent", answered)
            answers += [answered] if recent else []
        sales = MailboxId("sales")
        where = imap(server)["ana"] | {"address": SALES, "team": "emea", "username": SALES}
        where.pop("owner")
        installation = Installation(tmp_path, {"sales": where}, hook="http://127.0.0.1:9", target="8h")
        config = configuration.load(installation.path)
        store = Store(config.store_url.reveal())
        engine, cursor, looks = Engine(store, config, {}), None, 0
        engine.begin_history(sales, now - timedelta(days=90), now)
        connector = config.mailboxes[sales].connect(Reading(since=now - timedelta(days=90), batch_size=32))
        async for batch in connector.poll(None):
            engine.ingest_history(sales, batch, cursor, now)
            cursor, reached = batch.cursor, max(message.received_at for message in batch.messages)
            known = sum(answered <= reached for answered in answers)
            assert stored(installation, "count(*) FROM clock WHERE state = 'answered'") == known
            looks += 0 < known < len(answers)
        await connector.aclose()
        store.close()
    assert looks > 2
    assert len(answers) == 55


def test_of_two_backfills_of_one_mailbox_the_later_one_wins(tmp_path: Path) -> None:
    ana, now = MailboxId("ana"), datetime.now(UTC)
    words = CONFIG.replace("STORE", "sqlite:///inboxwatch.db").replace("WEB", "").replace("FOLLOW_UP", "")
    (tmp_path / "inboxwatch.yaml").write_text(words, encoding="utf-8")
    config = configuration.load(tmp_path / "inboxwatch.yaml")
    store = Store(config.store_url.reveal())
    engine = Engine(store, config, {})
    one, other = Batch((), Cursor("one")), Batch((), Cursor("other"))
    assert engine.begin_history(ana, now - timedelta(days=30), now).cursor is None
    assert not engine.ingest_history(ana, one, None, now).stale
    # An hour later the same command: it takes the place over, the first may write no more.
    assert engine.begin_history(ana, now - timedelta(days=30, hours=-1), now).cursor == "one"
    assert not engine.ingest_history(ana, other, "one", now).stale
    assert engine.ingest_history(ana, other, "one", now).stale
    # One that reaches further back, or far less far, begins anew.
    assert engine.begin_history(ana, now - timedelta(days=90), now) == (now - timedelta(days=90), None, 0)
    assert engine.ingest_history(ana, one, "other", now).stale
    assert not engine.ingest_history(ana, one, None, now).stale
    assert engine.begin_history(ana, now - timedelta(days=30), now).cursor is None
    store.close()
