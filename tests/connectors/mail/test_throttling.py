"""A provider that throttles: to the daemon the mailbox stays readable, IT is left alone, mail is found afterwards."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from aiohttp import web

from inboxwatch import now as instant
from tests.doubles.gmail import GmailServer
from tests.doubles.graph import GraphServer
from tests.doubles.https_server import Fault
from tests.doubles.webhook_sink import WebhookSink
from tests.support.api_mailboxes import GmailMailbox, GraphMailbox
from tests.support.installation import Installation
from tests.support.message_bytes import message_bytes
from tests.support.team_mail import ANA, BO
from tests.support.waiting import PATIENCE

Server = GmailServer | GraphServer
_REFUSED = '{"error": {"code": %s, "message": "slow down", "errors": [{"reason": "userRateLimitExceeded"}]}}'


@pytest.fixture(params=[GmailServer, GraphServer])
def server(request: pytest.FixtureRequest) -> Iterator[Server]:
    running = request.param()
    yield running
    running.close()


def test_a_throttled_mailbox_is_up_asked_less_often_and_read_when_the_provider_relents(
    server: Server, tmp_path: Path
) -> None:
    mailbox = GmailMailbox(server) if isinstance(server, GmailServer) else GraphMailbox(server)
    refused: list[str] = []

    def throttle(request: web.Request) -> Fault:
        refused.append(request.path)
        return Fault(
            429, _REFUSED % ("429" if isinstance(server, GmailServer) else '"TooManyRequests"'), {"Retry-After": "1"}
        )

    box = {"address": ANA, "owner": "ana", "poll_every": "1s", "poll_idle": "30s"} | mailbox.settings
    box |= {"connector": "gmail" if isinstance(server, GmailServer) else "graph", "user": mailbox.address}
    box |= {"retry_for": "0.1s"}
    with WebhookSink() as sink, Installation(tmp_path, {"ana": box}, hook=sink.url, target="1h").daemon() as daemon:

        def figure(name: str) -> float:
            return daemon.metric(f"inboxwatch_mailbox_{name}", mailbox="ana")

        def errors() -> float:
            return daemon.metric("inboxwatch_mailbox_errors_total", mailbox="ana", reason="rate_limited")

        daemon.wait(lambda: figure("up") == 1)
        at_first = figure("poll_interval_seconds")
        server.server.fault = throttle
        mailbox.deliver(message_bytes(BO, ANA, at=instant.now() - timedelta(seconds=1)))
        daemon.wait(lambda: errors() >= 2, "no refusal was counted")
        assert figure("poll_interval_seconds") >= 2 * at_first
        (state,) = daemon.get("/api/v1/mailboxes")["items"]
        assert (state["up"], state["reason"]) == (True, "rate_limited")
        assert figure("up") == 1
        assert len(refused) < 3 * errors(), "one refused request ends a poll"
        server.server.fault = lambda request: None
        (clock,) = daemon.wait(daemon.clocks)
        assert clock["lead"] == BO
        daemon.wait(
            lambda: figure("poll_interval_seconds") <= at_first, "the pace did not recover", timeout=2 * PATIENCE
        )
        assert figure("up") == 1
        assert daemon.metric("inboxwatch_mailbox_errors_total", mailbox="ana") == errors()
        assert daemon.status("/readyz") == 200
        daemon.stop()
        assert not sink.posts, "nobody is told"
