"""Live updates: whoever listens is told of every change since the page was read."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientResponse
from aiohttp.test_utils import TestClient, TestServer

from inboxwatch.store import Outage
from inboxwatch.web import make_app
from tests.support.in_process_daemon import InProcessDaemon
from tests.support.waiting import PATIENCE

HOUR = timedelta(hours=1)


@pytest.fixture
async def daemon(tmp_path: Path) -> AsyncIterator[InProcessDaemon]:
    daemon = InProcessDaemon(tmp_path)
    daemon.lead("bo@buyer.test", owner="ana", name="Bo Buyer")
    yield daemon
    daemon.close()


async def event(stream: ClientResponse) -> str:
    async with asyncio.timeout(PATIENCE):
        async for line in stream.content:
            if line.startswith(b"event: "):
                return line.decode().removeprefix("event: ").strip()
    return "end"


async def test_listeners_are_told_at_once_that_something_changed(
    client: TestClient[Any, Any], daemon: InProcessDaemon
) -> None:
    async with client.get("/events") as stream:
        assert stream.content_type == "text/event-stream"
        assert [await event(stream), await event(stream)] == ["hello", "changed"]
        told = asyncio.create_task(event(stream))
        await asyncio.to_thread(daemon.mail, "bo@buyer.test", "ana@acme.test")
        assert await told == "changed"


async def test_a_page_reads_itself_anew_once_it_listens(client: TestClient[Any, Any]) -> None:
    """It was read before its stream stood: a change in between would be seen by nobody, whoever listens already."""
    async with client.get("/events") as first:
        assert [await event(first), await event(first)] == ["hello", "changed"]
        async with client.get("/events") as second:
            assert [await event(second), await event(second)] == ["hello", "changed"]


async def test_an_outage_of_the_store_makes_no_listener_deaf(tmp_path: Path) -> None:
    class Flickering(InProcessDaemon):
        away = True

        async def read(self, *args: Any, **kwargs: Any) -> Any:
            if self.away:
                self.away = False
                raise Outage("database is locked")
            return await super().read(*args, **kwargs)

    daemon = Flickering(tmp_path)
    async with TestClient(TestServer(make_app(daemon))) as client, client.get("/events") as stream:
        assert [await event(stream), await event(stream)] == ["hello", "changed"]
    daemon.close()


async def test_a_stopping_server_ends_its_streams(daemon: InProcessDaemon) -> None:
    server = TestServer(make_app(daemon))
    client = TestClient(server)
    await client.start_server()
    stream = await client.get("/events")
    assert (await stream.content.readline()).startswith(b"retry")
    closing = asyncio.create_task(server.close())
    async with asyncio.timeout(PATIENCE):
        while not stream.content.at_eof():
            await stream.content.readany()
    await closing
    await client.close()
