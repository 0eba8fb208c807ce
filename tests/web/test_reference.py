"""The reference of the web part names exactly what there is: routes, fields of a clock, metrics with their labels."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from aiohttp.test_utils import TestClient, TestServer
from prometheus_client.parser import text_string_to_metric_families

from inboxwatch.core.qualification.decision import Qualification
from inboxwatch.core.statistics.figures import LATENCY_EDGES
from inboxwatch.web import make_app
from tests.support.in_process_daemon import InProcessDaemon

REFERENCE = (Path(__file__).parents[2] / "inboxwatch/web/README.md").read_text(encoding="utf-8")
PAGES = re.compile(
    r"/(?:$|start/|waits(?:$|/)|leads(?:$|/)|mailboxes$|follow-ups$|report(?:\.css)?$|review(?:$|/)|"
    r"matches(?:$|/)|dead-letters/|login$|static)"
)


@pytest.fixture
async def client(tmp_path: Path) -> AsyncIterator[TestClient[Any, Any]]:
    daemon = InProcessDaemon(tmp_path, follow_up="2h")
    daemon.lead("bo@buyer.test", owner="ana", name="Bo Buyer")
    daemon.mail("bo@buyer.test", "ana@acme.test")
    daemon.config = replace(daemon.config, qualification=Qualification({"sales": True, "unknown": True}))
    daemon.metrics.shared_out(workers=2, shards=128, unread=0)
    async with TestClient(TestServer(make_app(daemon))) as client:
        yield client
    daemon.close()


async def test_the_routes_are_those_of_the_server(client: TestClient[Any, Any]) -> None:
    named = set(re.findall(r"^\| `((?:GET|POST|PUT|DELETE) /[^`]*)` \|", REFERENCE, re.MULTILINE))
    routes = client.app.router.routes() if client.app else ()
    there = {
        f"{route.method} {route.resource.canonical}"
        for route in routes
        if route.resource is not None and route.method != "HEAD" and not PAGES.match(route.resource.canonical)
    }
    assert named == there


async def test_a_clock_has_the_fields_of_the_example(client: TestClient[Any, Any]) -> None:
    example = next(json.loads(text) for text in blocks("json") if '"metric_state"' in text)
    (clock,) = (await (await client.get("/api/v1/clocks")).json())["items"]
    assert list(example) == list(clock)
    assert set(example["next_step"]) == set(clock["next_step"])


async def test_the_metrics_are_those_of_a_scrape(client: TestClient[Any, Any]) -> None:
    rows = re.findall(r"^\| `(inboxwatch_\w+)` \| (\w+) \|([^|]*)\|", REFERENCE, re.MULTILINE)
    named = {name: kind for name, kind, _ in rows}
    labels = {name: {label.strip() for label in text.split(",") if label.strip()} for name, _, text in rows}
    text = await (await client.get("/metrics")).text()
    scraped = dict(re.findall(r"^# TYPE (inboxwatch_\w+) (\w+)$", text, re.MULTILINE))
    assert named == scraped
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            name = family.name if family.type == "histogram" else sample.name
            if name in labels:
                assert set(sample.labels) - {"le"} == labels[name], name


def test_the_buckets_are_those_of_the_latencies() -> None:
    found = re.search(r"end at ([0-9, \n]+) and (\d+) seconds", REFERENCE)
    assert found is not None
    told = [int(number) for number in [*re.findall(r"\d+", found[1]), found[2]]]
    assert told == [int(edge) for edge in LATENCY_EDGES]


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", REFERENCE, re.MULTILINE | re.DOTALL)
