"""`triage list` and `qualify`: what people have to judge, and what they say it is, by the running daemon."""

from __future__ import annotations

import asyncio
import json
from datetime import timedelta
from pathlib import Path

from aiohttp.test_utils import TestServer
from typer.testing import CliRunner, Result

from inboxwatch import config as configuration
from inboxwatch.cli import app
from inboxwatch.web import make_app
from tests.support.triage_daemon import TriageDaemon


async def test_what_is_to_be_judged_is_listed_judged_and_taken_back(tmp_path: Path) -> None:
    daemon = TriageDaemon(tmp_path)
    daemon.letter("q@buyer", minutes=5)

    async def runs(*words: str) -> Result:
        return await asyncio.to_thread(lambda: CliRunner().invoke(app, [*words, "-c", str(daemon.path)]))

    async with TestServer(make_app(daemon)) as server:
        text = daemon.path.read_text(encoding="utf-8")
        daemon.path.write_text(text.replace("127.0.0.1:0", f"127.0.0.1:{server.port}"), encoding="utf-8")
        daemon.config = configuration.load(daemon.path)
        (listed,) = map(json.loads, (await runs("triage", "list", "--json")).output.splitlines())
        assert (listed["started_by"], listed["metric"], listed["owner"]) == ("q@buyer", "verdict", "tia")
        daemon.passes(timedelta(minutes=1))
        done = await runs("qualify", listed["id"], "--as", "sales", "--tier", "hot", "--by", "tia", "--sender")
        assert (done.exit_code, done.output.partition(": ")[2]) == (
            0,
            "sales, hot (person:tia), running, owner ana, due 2026-05-04T09:20:00Z\n",
        )
        assert (await runs("triage", "list", "--json")).output == ""
        daemon.passes(timedelta(minutes=1))
        done = await runs("qualify", "<q@buyer>", "--undo", "--by", "tia")
        assert done.output.partition(": ")[2].startswith("unknown (default), running, owner tia")
        assert (
            await runs("qualify", "q@buyer", "--as", "vendor", "--by", "tia", "--reason", "a link shop")
        ).exit_code == 0
        closed = await runs("clocks", "list", "--state", "closed", "--class", "vendor", "--json")
        assert [one["stop_reason"] for one in map(json.loads, closed.output.splitlines())] == ["filtered"]
        assert (await runs("qualify", "q@buyer", "--as", "vendor", "--by", "tia")).exit_code == 1, "said already"
        assert (await runs("qualify", "q@buyer", "--by", "tia")).exit_code == 2
    daemon.close()
