"""The alertmanager channel against Debian's Alertmanager: waits fire as alerts, change with the wait, and end."""

from __future__ import annotations

import asyncio
import json
import shutil
import socket
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from pydantic import ValidationError

from inboxwatch.notify import ChannelError, NoticeType
from inboxwatch.notify.alertmanager import Alertmanager, AlertmanagerSettings
from tests.doubles.http_sink import http_sink
from tests.support.hostile_texts import HOSTILE, assert_harmless
from tests.support.notices import ANA, ANSWERED, clock, lost, notice, of_people
from tests.support.waiting import PATIENCE

BINARY = shutil.which("prometheus-alertmanager") or shutil.which("alertmanager")
CONFIG = 'route: {receiver: nobody, group_by: ["..."]}\nreceivers: [{name: nobody}]\n'


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
        return port


@pytest.fixture
async def url(tmp_path: Path) -> AsyncIterator[str]:
    """A fresh Alertmanager without peers, on loopback, for one test."""
    assert BINARY, "Debian's package prometheus-alertmanager is missing"
    port = free_port()
    (tmp_path / "am.yml").write_text(CONFIG, encoding="utf-8")
    process = await asyncio.create_subprocess_exec(
        BINARY,
        f"--config.file={tmp_path / 'am.yml'}",
        f"--storage.path={tmp_path}",
        f"--web.listen-address=127.0.0.1:{port}",
        "--cluster.listen-address=",
        stderr=asyncio.subprocess.PIPE,
    )
    assert process.stderr
    while b"Listening on" not in (line := await asyncio.wait_for(process.stderr.readline(), PATIENCE)):
        assert line, "Alertmanager ended before it listened"
    draining = asyncio.create_task(process.stderr.read())
    yield f"http://127.0.0.1:{port}"
    process.terminate()
    await process.wait()
    await draining


def make(url: str, **settings: Any) -> Alertmanager:
    return Alertmanager(AlertmanagerSettings.model_validate({"url": url, **settings}), "am")


async def version() -> str:
    assert BINARY
    process = await asyncio.create_subprocess_exec(BINARY, "--version", stdout=-1, stderr=-1)
    return b"".join(await process.communicate()).decode().split("version ")[1].split(",")[0].split(" ")[0]


async def active(url: str) -> list[dict[str, Any]]:
    async with aiohttp.ClientSession() as session, session.get(f"{url}/api/v2/alerts") as answer:
        alerts: list[dict[str, Any]] = await answer.json()
        return alerts


async def test_a_breach_fires_as_an_alert_that_routes_can_sort(url: str) -> None:
    channel = make(url, labels={"service": "sales"})
    await channel.send(notice(), "", None, "k1")
    (alert,) = await active(url)
    assert alert["labels"] == {
        "alertname": "InboxwatchReplyOwed",
        "clock": "c1",
        "mailbox": "sales",
        "metric": "next_response",
        "owner": "ana",
        "policy": "default",
        "service": "sales",
        "severity": "critical",
        "team": "emea",
        "tier": "hot",
    }
    assert alert["annotations"]["summary"].startswith("Bo Buyer (Buyer Ltd) has waited 1 h 05 min")
    assert "Offer for 40 seats" in alert["annotations"]["description"]
    assert alert["generatorURL"] == "http://127.0.0.1:9842/clocks/c1"
    assert alert["status"]["state"] == "active"
    await channel.aclose()


async def test_an_alert_told_twice_is_one_alert(url: str) -> None:
    channel = make(url)
    for _ in range(3):
        await channel.send(notice(), "", None, "k1")
    assert len(await active(url)) == 1
    await channel.aclose()


async def test_warning_breach_and_change_of_owner_are_one_alert_at_a_time_and_the_answer_ends_it(url: str) -> None:
    channel = make(url)
    first = await channel.send(notice(clock(reason="warning")), "", None, "k1")
    second = await channel.send(notice(), "", None, "k2", first.reference)
    third = await channel.send(notice(clock(owner="max")), "", None, "k3", second.reference)
    (alert,) = await active(url)
    assert (alert["labels"]["severity"], alert["labels"]["owner"]) == ("critical", "max")
    over = notice(clock(**ANSWERED, owner="max"), kind=NoticeType.RESOLVED)
    await channel.send(over, "", None, "k4", third.reference)
    assert await active(url) == []
    await channel.aclose()


async def test_each_wait_of_a_group_is_an_alert_of_its_own_and_ends_alone(url: str) -> None:
    channel = make(url)
    group = await channel.send(notice(clock(), clock(id="c2")), "", None, "k1")
    assert len(await active(url)) == 2
    over = notice(clock(**ANSWERED), kind=NoticeType.RESOLVED)
    await channel.send(over, "", None, "k2", group.reference)
    assert [alert["labels"]["clock"] for alert in await active(url)] == ["c2"]
    await channel.aclose()


async def test_a_person_is_a_label_to_route_by_and_a_blind_mailbox_fires_and_ends(url: str) -> None:
    channel = make(url)
    await channel.send(notice(), "ana", ANA, "k1")
    blind = await channel.send(of_people(), "", None, "k2")
    found = {alert["labels"]["alertname"]: alert["labels"] for alert in await active(url)}
    assert found["InboxwatchReplyOwed"]["recipient"] == "ana"
    assert found["InboxwatchMailboxBlind"]["mailbox"] == "ana"
    await channel.send(of_people(kind=NoticeType.RESOLVED, error=None), "", None, "k3", blind.reference)
    assert [alert["labels"]["alertname"] for alert in await active(url)] == ["InboxwatchReplyOwed"]
    await channel.aclose()


async def test_a_first_contact_that_failed_is_a_warning_for_its_owner(url: str) -> None:
    channel = make(url)
    await channel.send(lost(), "", None, "k1")
    (alert,) = await active(url)
    labels = {"alertname": "InboxwatchFirstContactFailed", "severity": "warning", "owner": "ana", "tier": "hot"}
    assert labels.items() <= alert["labels"].items()
    assert "Bo Buyer (Buyer Ltd)" in alert["annotations"]["summary"]
    await channel.aclose()


async def test_hostile_text_is_taken_and_shown_as_text(url: str) -> None:
    channel = make(url)
    for name, text in HOSTILE.items():
        fields = {"lead_name": text, "company": text, "subject": text, "tier": text}
        await channel.send(notice(clock(id=name, **fields), error=text, link=text), "", None, "k")
    alerts = await active(url)
    assert len(alerts) == len(HOSTILE)
    for alert in alerts:
        assert_harmless(alert["annotations"]["summary"])
        assert_harmless(alert["annotations"]["description"], lines=True)
        assert_harmless(alert["labels"].get("tier", ""))
    await channel.aclose()


async def test_the_probe_names_the_version_and_tells_nobody(url: str) -> None:
    channel = make(url)
    assert (await channel.probe()) == f"Alertmanager {await version()}"
    assert await active(url) == []
    await channel.aclose()


async def test_an_alertmanager_that_is_gone_may_come_back_and_a_wrong_login_is_permanent() -> None:
    async with http_sink() as sink:
        sink.answers.extend([(503, {"Retry-After": "9"}, ""), (401, {}, "")])
        channel = make(sink.url, username="watch", password="pass")
        with pytest.raises(ChannelError) as caught:
            await channel.send(notice(), "", None, "k1")
        assert (caught.value.permanent, caught.value.retry_after) == (False, 9)
        with pytest.raises(ChannelError) as caught:
            await channel.send(notice(), "", None, "k1")
        assert caught.value.permanent
        assert sink.received[0].headers["Authorization"] == "Basic d2F0Y2g6cGFzcw=="
        assert sink.received[0].path == "/api/v2/alerts"
        assert json.loads(sink.received[0].body)[0]["labels"]["clock"] == "c1"
        await channel.aclose()


@pytest.mark.parametrize(
    "wrong",
    [{"url": "am:9093"}, {"labels": {"a-b": "x"}}, {"username": "x"}, {"token": "t", "username": "u", "password": "p"}],
)
def test_impossible_settings_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        AlertmanagerSettings.model_validate({"url": "http://127.0.0.1:9093", **wrong})
