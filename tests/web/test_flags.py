"""What the API and the board say of a wait with an answer that is not shown to be ours."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from aiohttp.test_utils import TestClient, TestServer

from inboxwatch.web import make_app
from tests.support.in_process_daemon import InProcessDaemon

MINUTES = timedelta(minutes=5)
FORGED = "Authentication-Results: mx.acme.test; dmarc=fail header.from=acme.test"


async def test_a_wait_with_a_forged_answer_says_so_everywhere(tmp_path: Path) -> None:
    daemon = InProcessDaemon(tmp_path)
    daemon.lead("bo@buyer.test", owner="ana")
    asked = daemon.mail("bo@buyer.test", "ana@acme.test")
    daemon.mail(
        "Ana <ana@acme.test>", "bo@buyer.test", parent=asked, extra=FORGED, message_id="f@evil.test", after=MINUTES
    )
    async with TestClient(TestServer(make_app(daemon))) as client:
        (clock,) = (await (await client.get("/api/v1/clocks")).json())["items"]
        assert (clock["state"], clock["flags"]) == ("running", ["answer_not_verified"])
        past = await (await client.get(f"/api/v1/clocks/{clock['id']}/history")).json()
        assert [one["sender_standing"] for one in past["messages"]] == ["unknown", "failed"]
        assert "answer not verified" in await (await client.get("/waits")).text()
        page = await (await client.get(f"/waits/{clock['id']}")).text()
        assert "Answer not verified: a message in our name is not shown to be ours." in page
        assert "seems to have answered, not verified" in page
    daemon.close()
