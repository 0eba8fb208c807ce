"""What a daemon inside the test owes leaves to Slack: the real channel and sender, and a double that plays Slack."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

from inboxwatch.daemon.loop_context import LoopContext
from inboxwatch.daemon.sender import Sender
from inboxwatch.daemon.writer import Writer
from inboxwatch.engine.notice_actions import NoticeActions
from inboxwatch.notify.slack.channel import Slack
from inboxwatch.notify.slack.settings import SlackSettings
from tests.doubles.slack import APP, BOT, SlackDouble, slack_double
from tests.support.in_process_daemon import InProcessDaemon


class SlackOutbox:
    """The channel `desk` of a daemon."""

    def __init__(self, daemon: InProcessDaemon, double: SlackDouble, slack: Slack, outbox: Sender) -> None:
        self.daemon, self.double, self.slack, self.outbox = daemon, double, slack, outbox

    async def leave(self) -> None:
        """All that is owed leaves."""
        while (due := self.daemon.engine.next_at("desk")) is not None and due <= self.daemon.at:
            await self.outbox.deliver_one()

    def shown(self, channel: str, place: int = 0) -> str:
        """What a message says now, by the order in which it was sent."""
        return str(self.double.post(place, channel)["blocks"])


@asynccontextmanager
async def slack_outbox(daemon: InProcessDaemon, users: Mapping[str, str] | None = None) -> AsyncIterator[SlackOutbox]:
    """`users` are further people in Slack, by their id there: their addresses."""
    async with slack_double() as double:
        double.users |= users or {}
        settings: dict[str, Any] = {"bot_token": BOT, "app_token": APP, "api_url": f"{double.url}/api/"}
        slack = Slack(SlackSettings.model_validate(settings | {"rate": "1000/s"}), "desk")
        daemon.engine.reload(daemon.config, {"desk": slack})
        worker = Writer(daemon.store)
        outbox = Sender("desk", slack, lambda *_: _read(), LoopContext(daemon.engine.rules, worker, daemon.now))
        await slack.start(NoticeActions(daemon), None)
        yield SlackOutbox(daemon, double, slack, outbox)
        await slack.aclose()
        worker.close()


async def _read() -> bool:
    return True
