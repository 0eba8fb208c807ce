"""Dashboards, recording rules and alerts against a real Prometheus that scrapes a real web part.

An expression that fails, or finds nothing in a house where everything has happened, fails the test.
"""

from __future__ import annotations

import asyncio
import json
import re
import shutil
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from ruamel.yaml import YAML

from inboxwatch.connector import MailboxError, Reason
from inboxwatch.core.model import MailboxId
from inboxwatch.web import make_app
from tests.houses import House

DEPLOY = Path(__file__).parent.parent / "deploy"
DASHBOARDS = sorted((DEPLOY / "grafana" / "dashboards").glob("*.json"))
RULES = DEPLOY / "prometheus"
HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)
SPANS = {"$__rate_interval": "5m", "$__range": "1h", "$__interval": "1m"}


def _tool(*names: str) -> str:
    found = next((path for name in names if (path := shutil.which(name))), None)
    assert found, f"Debian's package with {names[0]} is missing"
    return found


def _run(*command: str) -> str:
    done = subprocess.run(command, cwd=RULES, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def _port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def test_rules_and_routes_are_accepted_by_the_servers_own_tools() -> None:
    _run(_tool("promtool"), "check", "rules", "recording.yaml", "alerts.yaml")
    _run(_tool("promtool"), "test", "rules", "alerts_test.yaml")
    _run(_tool("promtool"), "check", "config", "prometheus.yaml")
    _run(_tool("amtool"), "check-config", "alertmanager.yaml")


def test_every_alert_says_what_to_do() -> None:
    for rule in _rules("alerts.yaml"):
        assert rule["labels"]["severity"] in ("page", "ticket")
        assert rule["annotations"]["summary"]
        assert len(rule["annotations"]["description"]) > 40


def test_the_committed_dashboards_are_what_the_generator_writes() -> None:
    pytest.importorskip("grafana_foundation_sdk", reason="grafana-foundation-sdk is not in the development lock yet")
    code = "import generate, json, sys; json.dump(generate.rendered(), sys.stdout)"
    made = json.loads(
        subprocess.run(
            [sys.executable, "-c", code], cwd=DEPLOY / "grafana", capture_output=True, text=True, check=True
        ).stdout
    )
    assert made == {path.name: path.read_text(encoding="utf-8") for path in DASHBOARDS}


def _rules(name: str) -> list[dict[str, Any]]:
    groups = YAML(typ="safe").load(RULES / name)["groups"]
    return [rule for group in groups for rule in group["rules"]]


def _panels(panels: list[dict[str, Any]]) -> Iterator[tuple[str, str]]:
    """(title, expression) of every target."""
    for panel in panels:
        yield from _panels(panel.get("panels", []))
        for target in panel.get("targets", []):
            yield panel["title"], target["expr"]


def happen_before(house: House) -> None:
    """A buyer whom nobody answers: told of, never delivered."""
    house.lead("old@late.test", owner="ana", tier="hot")
    house.mail("old@late.test", "ana@acme.test")
    house.passes(90 * MINUTE)


def happen_after(house: House) -> None:
    """Everything that is counted happens once, so that no expression has an excuse."""
    house.lead("bo@buyer.test", owner="ana", tier="hot")
    house.lead("cy@other.test", owner="ben", tier="cold")
    asked = house.mail("bo@buyer.test", "ana@acme.test")
    house.mail("ana@acme.test", "bo@buyer.test", parent=asked, after=10 * MINUTE)
    late = house.mail("cy@other.test", "sales@acme.test", mailbox="sales")
    house.passes(HOUR)
    house.passes(HOUR)
    house.passes(HOUR)
    house.mail("ana@acme.test", "cy@other.test", parent=late, mailbox="sales")
    house.lead("gone@nowhere.test", owner="ben")
    lost = house.mail("ben@acme.test", "gone@nowhere.test", mailbox="sales")
    bounce = "Content-Type: multipart/report; report-type=delivery-status\r\nX-Failed-Recipients: gone@nowhere.test"
    house.mail("mailer-daemon@relay.test", "ben@acme.test", mailbox="sales", parent=lost, extra=bounce)
    house.passes(4 * 24 * HOUR)
    for seconds in (1, 1200, 1300):
        house.metrics.detected("maildir", seconds)
    house.metrics.poll_finished("maildir", 0.3)
    house.metrics.mailbox_error("sales", "auth")
    house.metrics.reloaded(False)
    house.engine.failed(MailboxId("sales"), MailboxError(Reason.AUTH, "NO", permanent=True), house.at)
    with house.store.transaction() as tx:
        tx.mailboxes.set("ana", coverage=0.9)
        tx.mailboxes.quarantine("ana", [("x", "unusable")], house.at)
        rows = tx.deliveries.claim("desk", house.at, HOUR)
        tx.deliveries.settle([rows[0].id], "dead", house.at, error="no such channel")
        running = next(row for row in tx.clocks.running() if row.lead == "old@late.test")
        values = {name: getattr(running, name) for name in running._fields}
        tx.clocks.save([values | {"id": "ownerless", "owner": None}])


class Prometheus:
    """A running Prometheus, asked over HTTP."""

    def __init__(self, url: str, session: aiohttp.ClientSession) -> None:
        self._url = url
        self._session = session

    async def query(self, expr: str) -> list[dict[str, Any]]:
        async with self._session.get(f"{self._url}/api/v1/query", params={"query": expr}) as answer:
            body = await answer.json()
        assert body["status"] == "success", (expr, body)
        result: list[dict[str, Any]] = body["data"]["result"]
        return result

    async def values(self, variable: str) -> list[str]:
        """The values of a variable's `label_values(selector, label)`."""
        match = re.fullmatch(r"label_values\((.+), (\w+)\)", variable)
        assert match, variable
        async with self._session.get(
            f"{self._url}/api/v1/label/{match[2]}/values", params={"match[]": match[1]}
        ) as answer:
            body = await answer.json()
        assert body["status"] == "success", (variable, body)
        found: list[str] = body["data"]
        return found

    async def until(self, expr: str) -> None:
        """Waits until an expression finds something."""
        async with asyncio.timeout(60):
            while not await self.query(expr):  # noqa: ASYNC110  (another process, it sets no event of ours)
                await asyncio.sleep(0.2)


async def _start(*command: str, listening: str) -> asyncio.subprocess.Process:
    process = await asyncio.create_subprocess_exec(*command, stderr=asyncio.subprocess.PIPE)
    assert process.stderr
    told = b""
    while listening.encode() not in told.lower():
        line = await asyncio.wait_for(process.stderr.readline(), 30)
        assert line, f"{command[0]} ended: {told.decode()}"
        told = line
    return process


async def _stop(process: asyncio.subprocess.Process) -> None:
    process.terminate()
    await process.communicate()


@pytest.fixture
async def alertmanager(tmp_path: Path) -> AsyncIterator[str]:
    folder = tmp_path / "alertmanager"
    folder.mkdir()
    port = _port()
    process = await _start(
        _tool("prometheus-alertmanager", "alertmanager"),
        f"--config.file={RULES / 'alertmanager.yaml'}",
        f"--storage.path={folder}",
        f"--web.listen-address=127.0.0.1:{port}",
        "--cluster.listen-address=",
        listening="listening on",
    )
    yield f"127.0.0.1:{port}"
    await _stop(process)


@pytest.fixture
async def prometheus(tmp_path: Path, alertmanager: str) -> AsyncIterator[Prometheus]:
    """A Prometheus with our config, only faster, that has seen a house before and after everything happened."""
    house = House(tmp_path, follow_up="2h")
    happen_before(house)
    runner = web.AppRunner(make_app(house), access_log=None, shutdown_timeout=1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    folder = tmp_path / "prometheus"
    folder.mkdir()
    port = _port()
    _faster(folder, [f"127.0.0.1:{runner.addresses[0][1]}", f"127.0.0.1:{_port()}"], alertmanager)
    process = await _start(
        _tool("prometheus"),
        f"--config.file={folder / 'prometheus.yaml'}",
        f"--storage.tsdb.path={folder / 'data'}",
        f"--web.listen-address=127.0.0.1:{port}",
        listening="server is ready",
    )
    async with aiohttp.ClientSession() as session:
        prometheus = Prometheus(f"http://127.0.0.1:{port}", session)
        await prometheus.until("inboxwatch_build_info")
        await asyncio.to_thread(happen_after, house)
        await prometheus.until("inboxwatch_ownerless_clocks > 0")
        await prometheus.until("inboxwatch:sla_error_budget:remaining30d < 0")
        await prometheus.until("team_basis:inboxwatch_reply_latency_seconds:p90_7d > 0")
        yield prometheus
    await _stop(process)
    await runner.cleanup()
    house.close()


def _faster(folder: Path, targets: list[str], alertmanager: str) -> None:
    """Our own config and rules, every second instead of every minute."""
    yaml = YAML()
    for name in ("recording.yaml", "alerts.yaml"):
        rules = yaml.load(RULES / name)
        for group in rules["groups"]:
            group["interval"] = "1s"
        yaml.dump(rules, folder / name)
    config = yaml.load(RULES / "prometheus.yaml")
    config["global"] = {"scrape_interval": "1s", "evaluation_interval": "1s"}
    config["scrape_configs"][0]["static_configs"][0]["targets"] = targets
    config["alerting"]["alertmanagers"][0]["static_configs"][0]["targets"] = [alertmanager]
    yaml.dump(config, folder / "prometheus.yaml")


async def test_every_expression_finds_something_and_an_alert_arrives(prometheus: Prometheus, alertmanager: str) -> None:
    empty: list[tuple[str, str]] = []
    asked = 0
    for path in DASHBOARDS:
        dashboard = json.loads(path.read_text(encoding="utf-8"))
        chosen = await _chosen(prometheus, dashboard)
        for title, expr in _panels(dashboard["panels"]):
            asked += 1
            result = await prometheus.query(_filled(expr, chosen))
            if all(sample["value"][1] == "NaN" for sample in result):
                empty.append((f"{path.name}: {title}", expr))
    for name in ("recording.yaml", "alerts.yaml"):
        for rule in _rules(name):
            asked += 1
            if not await prometheus.query(rule["expr"]):
                empty.append((rule.get("record") or rule["alert"], rule["expr"]))
    assert empty == []
    assert asked > 80
    async with asyncio.timeout(60), aiohttp.ClientSession() as session:
        fired: set[str] = set()
        while "InboxwatchReloadFailed" not in fired:
            await asyncio.sleep(0.2)
            async with session.get(f"http://{alertmanager}/api/v2/alerts") as answer:
                fired = {alert["labels"]["alertname"] for alert in await answer.json()}


async def _chosen(prometheus: Prometheus, dashboard: dict[str, Any]) -> dict[str, str]:
    """What Grafana puts in the place of each variable while everything is chosen."""
    chosen: dict[str, str] = {}
    for variable in dashboard["templating"]["list"]:
        if variable["type"] == "query":
            expr = _filled(variable["query"]["query"], chosen)
            found = await prometheus.values(expr)
            assert found, f"the variable {variable['name']} has no value: {expr}"
            chosen[f"${variable['name']}"] = variable.get("allValue") or f"({'|'.join(found)})"
    return chosen


def _filled(expr: str, chosen: dict[str, str]) -> str:
    for name, value in (SPANS | chosen).items():
        expr = expr.replace(name, value)
    assert "$" not in expr, expr
    return expr
