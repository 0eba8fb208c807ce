"""The apprise channel, by the real library against a real HTTP server."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
from pydantic import ValidationError

from inboxwatch.notify import ChannelError, NoticeType, load
from inboxwatch.notify.apprise import Apprise
from inboxwatch.notify.apprise_settings import AppriseSettings
from tests.doubles.http_sink import HttpSink, http_sink
from tests.support.hostile_texts import HOSTILE, assert_harmless
from tests.support.notices import ANA, ANSWERED, clock, notice


@pytest.fixture
async def sink() -> AsyncIterator[HttpSink]:
    async with http_sink() as sink:
        yield sink


def channel(sink: HttpSink, path: str = "/hook") -> Apprise:
    url = sink.url.replace("http://", "json://") + path
    return Apprise(AppriseSettings.model_validate({"url": url, "timeout": "5s"}), "ops")


async def test_a_notice_reaches_the_service_with_headline_body_and_kind(sink: HttpSink) -> None:
    await channel(sink).send(notice(), "", None, "k1")
    await channel(sink).send(notice(clock(**ANSWERED), kind=NoticeType.RESOLVED), "", None, "k2")
    first, second = (posted.json for posted in sink.received)
    assert first["title"].startswith("Bo Buyer (Buyer Ltd) has waited 1 h 05 min")
    assert "Offer for 40 seats" in first["message"]
    assert (first["type"], second["type"]) == ("failure", "success")


async def test_a_failure_may_pass_and_names_no_secret(sink: HttpSink) -> None:
    sink.answers.append((500, {}, "broken"))
    with pytest.raises(ChannelError) as caught:
        await channel(sink, "/T0K3N").send(notice(), "", None, "k1")
    assert not caught.value.permanent
    assert "T0K3N" not in str(caught.value)


async def test_a_service_that_never_answers_is_given_up_in_time() -> None:
    silent = await asyncio.start_server(lambda reader, writer: None, "127.0.0.1", 0)
    port = silent.sockets[0].getsockname()[1]
    settings = AppriseSettings.model_validate({"url": f"json://127.0.0.1:{port}/?rto=2&cto=2", "timeout": "1s"})
    with pytest.raises(ChannelError, match="in time"):
        await Apprise(settings, "ops").send(notice(), "", None, "k1")
    silent.close()


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
async def test_hostile_text_mentions_nobody_and_hides_no_link(sink: HttpSink, text: str) -> None:
    fields = {"lead_name": text, "company": text, "subject": text, "lead": text}
    await channel(sink).send(notice(clock(**fields)), "", None, "k")
    sent = sink.received[0].json
    assert_harmless(sent["title"])
    assert_harmless(sent["message"], lines=True)
    assert len(sent["message"]) <= 3100
    for shown in (sent["title"], sent["message"]):
        assert not set("<>") & set(shown)
        assert "](" not in shown
        for mention in ("@everyone", "@here", "@channel"):
            assert mention not in shown


async def test_it_tells_one_place_reaches_no_person_and_is_not_tried_by_the_probe(sink: HttpSink) -> None:
    ops = channel(sink)
    assert ops.reaches(ANA) is None
    assert ops.accepts("") is None
    assert ops.accepts("sales")
    assert await ops.probe() == "JSON, not tried"
    assert sink.received == []
    await ops.aclose()


def test_an_url_that_apprise_does_not_know_is_refused_without_printing_it() -> None:
    settings = load("apprise").settings
    for url in ("nothing://T0K3N", "T0K3N", "slack://"):
        with pytest.raises(ValidationError, match="apprise knows") as caught:
            settings.model_validate({"url": url})
        assert "T0K3N" not in str(caught.value.errors(include_input=False))
    assert "T0K3N" not in repr(settings.model_validate({"url": "json://127.0.0.1/T0K3N"}))
