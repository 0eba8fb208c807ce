"""The board tells how sources of leads fare."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from aiohttp.test_utils import TestClient

from inboxwatch.connector import MailboxError, Reason
from inboxwatch.engine.lead_feeds import look_failed
from tests.support.batched_daemon import BatchedDaemon
from tests.support.lead_feeds import Feeds, record


@pytest.fixture
def daemon(tmp_path: Path) -> Iterator[BatchedDaemon]:
    daemon = BatchedDaemon(tmp_path, f"sqlite:///{tmp_path}/store.db")
    yield daemon
    daemon.close()


async def test_a_source_that_fails_is_shown_with_its_own_words_beside_one_that_does_not(
    daemon: BatchedDaemon, client: TestClient[Any, Any]
) -> None:
    feeds = Feeds(daemon.engine, "crm", "fair")
    rows = [record("1", "cy@other.test", "Queue EMEA"), record("2", "max@acme.test")]
    feeds.gives("fair", rows, now=daemon.at, facts=(("API limit used", "18 %"),))
    feeds.ends("fair", daemon.at)
    error = MailboxError(Reason.AUTH, "<b>the token has expired</b>", hint="renew it", permanent=True)
    daemon.engine.write(look_failed, daemon.engine.rules, "crm", error, timedelta(minutes=1), daemon.at)
    page = await (await client.get("/mailboxes")).text()
    _, _, shown = page.partition("Sources of leads")
    crm, fair = shown[shown.index("crm") : shown.index("fair")], shown[shown.index("fair") :]
    assert "unreadable: auth" in crm
    assert "&lt;b&gt;the token has expired&lt;/b&gt;" in crm
    assert "readable" in fair
    assert "API limit used 18 %" in fair
    assert fair.count(">1</td>") == 3, "one lead, one refused, one whose owner is unknown"
