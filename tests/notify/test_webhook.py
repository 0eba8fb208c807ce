"""The webhook channel against a real HTTP server: the contract's body, signature, and what an answer means."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
from collections.abc import AsyncIterator
from typing import Any

import pytest
from pydantic import ValidationError

from inboxwatch.notify import ChannelError, load
from inboxwatch.notify.webhook import Webhook, WebhookSettings
from tests.doubles.http_sink import HttpSink, http_sink
from tests.support.hostile_texts import HOSTILE, assert_harmless
from tests.support.notices import ANA, clock, notice, of_people

TOLD = {
    "step": 2,
    "round": 1,
    "reason": "breach",
    "type": "clock",
    "id": "c1",
    "thread": "t1",
    "lead": "bo@buyer.test",
    "metric": "next_response",
    "owner": "ana",
    "started_by": "m1@buyer.test",
    "started_at": "2026-11-03T10:00:00Z",
    "due_at": "2026-11-03T11:00:00Z",
    "state": "running",
    "stop_reason": None,
    "stopped_by": None,
    "stopped_at": None,
    "answered_by": None,
    "wall_seconds": 3900,
    "business_seconds": None,
    "breached": True,
    "metric_state": "breached",
    "warned_at": None,
    "breached_at": "2026-11-03T11:00:00Z",
    "acknowledged_until": None,
    "snoozed_until": None,
    "next_step": {"step": 3, "round": 1, "at": "2026-11-03T11:30:00Z", "targets": ["max", "desk:desk"]},
    "mailbox": "sales",
    "team": "emea",
    "tier": "hot",
    "policy": "default",
    "nudges": 0,
    "reopened": None,
    "flags": [],
    "waited_seconds": 3900,
    "exchanged": 7,
    "lead_name": "Bo Buyer",
    "company": "Buyer Ltd",
    "subject": "Offer for 40 seats",
    "owner_name": "Ana Diaz",
    "last_exchanged_at": "2026-11-02T16:20:00Z",
}
"""The wait of `clock()` as a receiver reads it."""


@pytest.fixture
async def sink() -> AsyncIterator[HttpSink]:
    async with http_sink() as sink:
        yield sink


def webhook(sink: HttpSink, **settings: Any) -> Webhook:
    return Webhook(WebhookSettings.model_validate({"url": f"{sink.url}/hook", **settings}), "desk")


async def refused(sink: HttpSink, answer: tuple[int, dict[str, str], str] | None, **settings: Any) -> ChannelError:
    channel = webhook(sink, **settings)
    sink.answers.append(answer)
    try:
        with pytest.raises(ChannelError) as caught:
            await channel.send(notice(), "desk", None, "k")
    finally:
        await channel.aclose()
    return caught.value


async def test_one_notice_is_one_post_with_the_body_of_the_contract(sink: HttpSink) -> None:
    channel = webhook(sink)
    await channel.send(notice(), "desk", None, "c1/2/1/desk")
    await channel.aclose()
    (posted,) = sink.received
    assert posted.path == "/hook"
    assert posted.headers["Content-Type"] == "application/json"
    assert posted.headers["Idempotency-Key"] == "c1/2/1/desk"
    assert "X-Inboxwatch-Signature" not in posted.headers
    assert list(posted.json["clocks"][0]) == list(TOLD)
    assert posted.json == {
        "type": "escalation",
        "id": "c1/2/1",
        "at": "2026-11-03T11:05:00Z",
        "clocks": [TOLD],
        "targets": ["ana", "desk:desk"],
        "link": "http://127.0.0.1:9842/clocks/c1",
    }


async def test_a_mailbox_notice_names_mailbox_and_error(sink: HttpSink) -> None:
    channel = webhook(sink)
    await channel.send(of_people(title="Log in again"), "desk", None, "k")
    await channel.aclose()
    body = sink.received[0].json
    assert (body["type"], body["mailbox"], body["error"]) == ("mailbox", "ana", "LOGIN failed")
    assert body["clocks"] == []
    assert body["title"] == "Log in again"


async def test_with_a_secret_the_exact_bytes_of_the_body_are_signed(sink: HttpSink) -> None:
    channel = webhook(sink, secret="hush", token="bearer-token")
    await channel.send(notice(clock(subject="Straße 👩‍💻")), "desk", None, "k")
    await channel.aclose()
    (posted,) = sink.received
    expected = hmac.new(b"hush", posted.body, hashlib.sha256).hexdigest()
    assert posted.headers["X-Inboxwatch-Signature"] == f"sha256={expected}"
    assert posted.headers["Authorization"] == "Bearer bearer-token"


async def test_a_retry_bears_the_same_key(sink: HttpSink) -> None:
    channel = webhook(sink)
    sink.answers.append((503, {}, "later"))
    with pytest.raises(ChannelError):
        await channel.send(notice(), "desk", None, "k7")
    await channel.send(notice(), "desk", None, "k7")
    await channel.aclose()
    assert [posted.headers["Idempotency-Key"] for posted in sink.received] == ["k7", "k7"]


@pytest.mark.parametrize("status", [408, 409, 425, 429, 500, 502, 503, 504])
async def test_these_answers_are_tried_again(sink: HttpSink, status: int) -> None:
    assert not (await refused(sink, (status, {}, ""))).permanent


@pytest.mark.parametrize("status", [301, 302, 307, 400, 401, 403, 404, 405, 410, 413, 422])
async def test_these_answers_are_final_and_redirects_are_not_followed(sink: HttpSink, status: int) -> None:
    error = await refused(sink, (status, {"Location": f"{sink.url}/elsewhere"}, "no"))
    assert error.permanent
    assert len(sink.received) == 1


async def test_the_servers_own_hint_for_a_retry_is_passed_on(sink: HttpSink) -> None:
    assert (await refused(sink, (429, {"Retry-After": "17"}, ""))).retry_after == 17
    dated = await refused(sink, (503, {"Retry-After": "Tue, 03 Nov 2015 11:02:00 GMT"}, ""))
    assert dated.retry_after == 0
    assert (await refused(sink, (503, {}, ""))).retry_after is None


async def test_an_error_quotes_the_server_in_one_line_without_addresses(sink: HttpSink) -> None:
    error = await refused(sink, (422, {}, "unknown\r\nuser ana@acme.test \x1b[31m" + "x" * 10_000))
    assert "422" in str(error)
    assert "unknown user <address>" in str(error)
    assert_harmless(str(error))
    assert len(str(error)) < 500


async def test_a_cut_connection_silence_and_a_closed_port_may_pass(sink: HttpSink) -> None:
    assert not (await refused(sink, None)).permanent
    silent = await asyncio.start_server(lambda reader, writer: None, "127.0.0.1", 0)
    port = silent.sockets[0].getsockname()[1]
    channel = Webhook(WebhookSettings.model_validate({"url": f"http://127.0.0.1:{port}/", "timeout": "1s"}), "desk")
    with pytest.raises(ChannelError, match="no answer in time") as caught:
        await channel.send(notice(), "desk", None, "k")
    assert not caught.value.permanent
    silent.close()
    with pytest.raises(ChannelError, match=r"cannot reach|no answer") as caught:
        await channel.send(notice(), "desk", None, "k")
    assert not caught.value.permanent
    await channel.aclose()


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
async def test_hostile_text_leaves_as_short_clean_strings(sink: HttpSink, text: str) -> None:
    channel = webhook(sink)
    fields = {"lead_name": text, "company": text, "subject": text, "lead": text, "started_by": text}
    await channel.send(notice(clock(**fields), error=text), "desk", None, text)
    await channel.aclose()
    (posted,) = sink.received
    assert len(posted.body) < 16_000
    sent = posted.json["clocks"][0]
    for name in fields:
        assert_harmless(sent[name])
    assert len(sent["subject"]) <= 200


async def test_a_person_is_reached_and_a_probe_tells_nobody_anything(sink: HttpSink) -> None:
    channel = webhook(sink)
    assert channel.reaches(ANA) == ""
    assert await channel.probe() == "answers HEAD with 204"
    assert [posted.body for posted in sink.received] == [b""]
    await channel.aclose()


@pytest.mark.parametrize("url", ["ftp://desk.acme.test", "desk.acme.test", "http://", "", 7])
def test_an_url_that_is_none_is_refused_by_the_config_without_printing_it(url: Any) -> None:
    with pytest.raises(ValidationError):
        WebhookSettings.model_validate({"url": url})


def test_settings_print_no_secret_and_load_by_name() -> None:
    settings = load("webhook").settings.model_validate(
        {"url": "https://desk.acme.test/T0K3N", "secret": "hush", "timeout": "2m"}
    )
    assert "T0K3N" not in repr(settings)
    assert "hush" not in repr(settings)
    assert settings.timeout == 120
    with pytest.raises(ValidationError, match="wall time"):
        WebhookSettings.model_validate({"url": "https://desk.acme.test", "timeout": "4bh"})
