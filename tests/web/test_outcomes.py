"""What became of leads by how soon they were answered, over real HTTP."""

from __future__ import annotations

import html
import re
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from aiohttp.test_utils import TestClient

from tests.support.in_process_daemon import MONDAY, InProcessDaemon

Client = TestClient[Any, Any]
MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)
NOTE = "Hot leads are answered faster and buy more often; this table does not show what speed does."


@pytest.fixture
async def daemon(tmp_path: Path) -> AsyncIterator[InProcessDaemon]:
    daemon = InProcessDaemon(tmp_path)
    yield daemon
    daemon.close()


async def outcomes(client: Client, **asked: str) -> Any:
    async with client.get("/api/v1/outcomes", params=asked) as answer:
        return await answer.json(content_type=None) if answer.status == 200 else answer.status


async def shown(client: Client, **asked: str) -> str:
    """The words of the report on the board."""
    async with client.get("/report", params={"period": "this-month"} | asked) as answer:
        assert answer.status == 200
        return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", await answer.text())).split())


async def push(client: Client, *leads: dict[str, str]) -> None:
    async with client.post("/api/v1/leads", json={"put": list(leads)}) as answer:
        assert (await answer.json())["refused"] == []


def asks(daemon: InProcessDaemon, email: str, answered_after: timedelta | None = None) -> None:
    asked = daemon.mail(email, "ana@acme.test", subject=f"From {email}")
    if answered_after is not None:
        daemon.mail("ana@acme.test", email, parent=asked, after=answered_after, subject=f"Re: From {email}")


async def test_each_lead_stands_once_by_its_first_answer_and_what_became_of_it(
    client: Client, daemon: InProcessDaemon
) -> None:
    await push(
        client,
        {"email": "bo@one.test", "tier": "hot", "opportunity_at": "2026-05-06"},
        {"email": "cy@two.test", "tier": "hot"},
        {"email": "di@three.test", "tier": "cold", "opportunity_at": "2026-05-01"},
        {"email": "ed@four.test", "tier": "cold", "opportunity_at": "2026-08-01T00:00:00Z"},
        {"email": "fay@five.test", "tier": "hot", "opportunity_at": "2026-06-20"},
        {"email": "gus@six.test", "opportunity_at": "2026-05-04T09:30:00Z"},
        {"email": "hal@seven.test"},
    )
    asks(daemon, "bo@one.test", 3 * MINUTE)
    asks(daemon, "cy@two.test", 20 * MINUTE)
    asks(daemon, "di@three.test", 3 * MINUTE)
    asks(daemon, "ed@four.test")
    daemon.at = MONDAY + 25 * MINUTE
    asks(daemon, "gus@six.test", 6 * MINUTE)
    daemon.mail("ana@acme.test", "hal@seven.test", subject="Our offer", message_id="ours@acme.test")
    daemon.mail("hal@seven.test", "ana@acme.test", parent="ours@acme.test", after=MINUTE)
    daemon.passes(35 * DAY)
    asks(daemon, "bo@one.test", 90 * MINUTE)
    asks(daemon, "fay@five.test", MINUTE)
    daemon.passes(5 * DAY)
    told = await outcomes(client)
    counts = {bucket: (one["x"], one["n"]) for bucket, one in told["buckets"].items()}
    assert counts == {
        "5m": (1, 1),
        "15m": (0, 0),
        "1h": (0, 1),
        "4h": (0, 0),
        "1d": (0, 0),
        "later": (0, 0),
        "never": (0, 1),
    }
    assert told["buckets"]["5m"] == {"x": 1, "n": 1, "share": None, "low": None, "high": None, "standardised": None}
    assert {tier: sum(one["n"] for one in shares.values()) for tier, shares in told["strata"].items()} == {
        "cold": 1,
        "hot": 2,
    }
    apart = ("too_early", "opportunity_before_inquiry", "opportunity_before_answer", "unverified")
    assert [told[name] for name in apart] == [1, 1, 1, 0]
    assert told["median_seconds"] == {"cold": None, "hot": 180}
    assert (told["note"], told["warning"]) == (NOTE, None)


async def test_what_the_mix_of_tiers_makes_is_said_first(client: Client, daemon: InProcessDaemon) -> None:
    groups = [("hot", 2, 12, 6), ("cold", 2, 3, 0), ("hot", 90, 4, 2), ("cold", 90, 12, 0)]
    leads = [
        (f"p{number}{place}@c{number}{place}.test", tier, after, place < hits)
        for number, (tier, after, of, hits) in enumerate(groups)
        for place in range(of)
    ]
    await push(
        client,
        *(
            {"email": email, "tier": tier} | ({"opportunity_at": "2026-05-08"} if won else {})
            for email, tier, _, won in leads
        ),
    )
    for email, _, after, _ in leads:
        daemon.at = MONDAY
        asks(daemon, email, after * MINUTE)
    daemon.passes(31 * DAY)
    told = await outcomes(client, within="30d")
    assert (told["buckets"]["5m"]["share"], told["buckets"]["4h"]["share"]) == (0.4, 0.125)
    half = 0.5 * 16 / 31
    assert [told["buckets"][one]["standardised"] for one in ("5m", "4h")] == pytest.approx([half, half])
    assert told["trends"] == {"crude": 1, "standardised": 0}
    assert told["warning"].startswith("With the same mix of tiers")
    assert [name for name in told if name in ("warning", "buckets")] == ["warning", "buckets"]
    page = await shown(client, lang="en")
    assert page.index("the mix of tiers makes the difference") < page.index("up to 5 minutes") < page.index(NOTE)
    assert re.search(r"up to 5 minutes 40% 6 of 15; 20% to 64% 26% 0 of 3: too few to say 50% 6 of 12;", page)
    assert "Median until the first answer 1 h 30 min 2 min" in page
    assert "zeigt nicht, was Schnelligkeit bewirkt" in await shown(client, lang="de")
    assert "no muestra qué efecto tiene la rapidez" in await shown(client, lang="es")


async def test_where_nothing_is_known_of_any_lead_the_report_has_no_table(
    client: Client, daemon: InProcessDaemon
) -> None:
    await push(client, {"email": "bo@one.test"})
    asks(daemon, "bo@one.test", MINUTE)
    daemon.passes(35 * DAY)
    assert "What became of leads" not in await shown(client)


@pytest.mark.parametrize(
    "asked",
    [
        {"since": "soon"},
        {"until": "2026-05-01"},
        {"within": "30"},
        {"within": "4bh"},
        {"within": "0m"},
        {"within": "400d"},
        {"since": "2027-01-01T00:00:00Z"},
        {"tier": "hot"},
        {"team": "none"},
    ],
)
async def test_what_cannot_be_asked_is_refused(client: Client, asked: dict[str, str]) -> None:
    assert await outcomes(client, **asked) == 422


async def test_an_end_in_the_future_is_the_present(client: Client, daemon: InProcessDaemon) -> None:
    told = await outcomes(client, until="2027-01-01T00:00:00Z", since="2026-01-01T01:00:00+01:00", team="emea")
    assert (told["since"], told["until"]) == ("2026-01-01T00:00:00Z", "2026-05-04T09:00:00Z")
    assert set(told["buckets"]) == {"5m", "15m", "1h", "4h", "1d", "later", "never"}
