"""Follow-ups that nobody answers end as gone quiet, where the config wants it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from aiohttp.test_utils import TestClient, TestServer

from inboxwatch import config as configuration
from inboxwatch.connector import MailboxError, Reason
from inboxwatch.core.model import MailboxId
from inboxwatch.core.sla.policy import Metric
from inboxwatch.engine.gone_quiet import close_quiet
from inboxwatch.web import make_app
from tests.support.in_process_daemon import InProcessDaemon

DAY = timedelta(days=1)
BO = "bo@buyer.test"


@pytest.fixture
def daemon(tmp_path: Path, database: str) -> Iterator[InProcessDaemon]:
    """Ana wrote to Bo on Monday 9:00, follows up on Tuesday, and gives up 30 days later."""
    daemon = InProcessDaemon(tmp_path, follow_up="1d", store=database)
    text = daemon.path.read_text(encoding="utf-8")
    daemon.path.write_text(f"{text}follow_ups: {{gone_quiet_after: 30d}}\n", encoding="utf-8")
    daemon.config = configuration.load(daemon.path)
    daemon.lead(BO, owner="ana", name="Bo Buyer")
    daemon.mail("ana@acme.test", BO)
    yield daemon
    daemon.close()


def closes(daemon: InProcessDaemon, time: timedelta) -> int:
    """How many go quiet once time has passed."""
    daemon.passes(time)
    done = daemon.engine.write(close_quiet, daemon.rules, daemon.at)
    return done.closed if done is not None else 0


async def test_rule_40_a_follow_up_that_nobody_answers_ends_as_gone_quiet(daemon: InProcessDaemon) -> None:
    assert closes(daemon, 30 * DAY) == 0
    with daemon.store.reading() as tx:
        sent = len(tx.deliveries.for_clocks([daemon.only_follow_up(BO).id]))
    assert closes(daemon, DAY) == 1
    ended = daemon.only_follow_up(BO)
    assert (ended.state, ended.stop_reason, ended.stopped_at, ended.owner) == ("ended", "gone_quiet", daemon.at, "ana")
    with daemon.store.reading() as tx:
        assert len(tx.deliveries.for_clocks([ended.id])) == sent
    async with TestClient(TestServer(make_app(daemon))) as client:
        assert "Gone quiet in the last 30 days: 1" in await (await client.get("/follow-ups")).text()
        counted = 'inboxwatch_follow_ups_gone_quiet_total{owner="ana",tier=""} 1'
        assert counted in await (await client.get("/metrics")).text()
        again = await client.post(f"/api/v1/clocks/{ended.id}/reopen", json={"by": "ana"})
        assert ((await again.json())["state"], daemon.only_follow_up(BO).reopened) == ("running", "reversed")
        assert counted in await (await client.get("/metrics")).text()
    assert closes(daemon, 29 * DAY) == 0
    assert closes(daemon, DAY) == 1


def test_the_buyers_next_message_begins_a_wait_of_its_own(daemon: InProcessDaemon) -> None:
    assert closes(daemon, 31 * DAY) == 1
    daemon.mail(BO, "ana@acme.test", after=DAY)
    with daemon.store.reading() as tx:
        found = {row.metric: row.state for row in tx.clocks.listed({"lead": BO}, None, 9)}
    assert found == {Metric.FOLLOW_UP: "ended", Metric.FIRST_RESPONSE: "running"}


def test_where_an_answer_could_be_unread_none_is_given_up(daemon: InProcessDaemon) -> None:
    daemon.engine.failed(MailboxId("ana"), MailboxError(Reason.AUTH, "no", permanent=True), daemon.at)
    daemon.at += 31 * DAY
    done = daemon.engine.write(close_quiet, daemon.rules, daemon.at)
    assert done is not None
    assert done.closed == 0
    assert daemon.only_follow_up(BO).state == "running"
