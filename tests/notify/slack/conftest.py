"""A channel of Slack that listens, the double it talks to, and what it asks to be done."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from inboxwatch.notify.slack.channel import Slack
from inboxwatch.notify.slack.settings import SlackSettings
from tests.doubles.slack import APP, BOT, SlackDouble, slack_double
from tests.notify.slack.recorded_actions import RecordedActions


@pytest.fixture
async def double() -> AsyncIterator[SlackDouble]:
    async with slack_double() as double:
        yield double


@pytest.fixture
def actions() -> RecordedActions:
    return RecordedActions()


@pytest.fixture
async def slack(double: SlackDouble, actions: RecordedActions) -> AsyncIterator[Slack]:
    settings = {"bot_token": BOT, "app_token": APP, "api_url": f"{double.url}/api/", "timeout": "30s"}
    slack = Slack(SlackSettings.model_validate(settings), "slack")
    await slack.start(actions, None)
    yield slack
    await slack.aclose()
