"""A person's verdict by other doors than HTTP: buttons and links of notices, two processes on one store, `explain`."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from aiohttp.test_utils import TestClient, TestServer
from typer.testing import CliRunner

from inboxwatch import config as configuration
from inboxwatch.cli import app
from inboxwatch.core.model import MessageId
from inboxwatch.core.sla.policy import Metric
from inboxwatch.core.sla.running import clock_id
from inboxwatch.engine import qualify
from inboxwatch.engine.actions import Acting
from inboxwatch.engine.deeds import last_deed
from inboxwatch.engine.delivery.claim import claim, render
from inboxwatch.engine.notice_actions import NoticeActions
from inboxwatch.engine.qualification_story import qualification_of
from inboxwatch.engine.qualify import AlreadyJudged, GivenVerdict
from inboxwatch.engine.wait_views import wait_views
from inboxwatch.notify.actions import ActionRefused, Actor, ClassChoice
from inboxwatch.notify.links import Links
from inboxwatch.notify.qualification_words import qualification_lines
from inboxwatch.store import Store
from inboxwatch.store.audit import AuditFilter
from inboxwatch.web import make_app
from inboxwatch.words import words
from tests.support.engine import Engine
from tests.support.explained import explained
from tests.support.triage_daemon import TriageDaemon

TIA, ANA, CAS, MAX = (Actor("slack", email=f"{name}@acme.test") for name in ("tia", "ana", "cas", "max"))
SUPPORT, HOT = ClassChoice("support"), ClassChoice("sales", "hot", for_sales=True)


@pytest.fixture
def daemon(tmp_path: Path) -> Iterator[TriageDaemon]:
    """Bo, a stranger, writes at 09:05, and wants a price."""
    daemon = TriageDaemon(tmp_path)
    daemon.letter("q@buyer", minutes=5, subject="Your pricing please")
    yield daemon
    daemon.close()


@pytest.fixture
def wait() -> str:
    return clock_id(MessageId("q@buyer"), Metric.FIRST_RESPONSE)


@pytest.fixture
def verdict() -> str:
    return clock_id(MessageId("q@buyer"), Metric.VERDICT)


def minutes(count: int) -> timedelta:
    return timedelta(minutes=count)


async def test_a_verdict_is_pressed_once_answered_in_a_sentence_and_undone(
    daemon: TriageDaemon, wait: str, verdict: str
) -> None:
    actions = NoticeActions(daemon)
    done = await actions.qualify(verdict, TIA, SUPPORT, "login trouble")
    assert done.sentence == "Tia Dorn: it is support (login trouble)."
    assert (done.clock.id, done.clock.running) == (verdict, False), "the notice that was pressed is of the verdict"
    assert (await actions.qualify(verdict, TIA, SUPPORT)).sentence, "the same press, delivered twice"
    with pytest.raises(ActionRefused, match="says Tia Dorn: support"):
        await actions.qualify(wait, MAX, SUPPORT)
    with daemon.store.reading() as tx:
        (view,) = wait_views(tx, daemon.rules, [tx.clocks.get(verdict)], daemon.at)  # type: ignore[list-item]
        assert last_deed(tx, daemon.rules, view, None) == done.sentence, "as everybody is told who was told of it"
    daemon.passes(minutes(1))
    done = await actions.undo_verdict(wait, TIA)
    assert done.sentence == "Tia Dorn took the verdict back: it is unknown as before."
    await actions.undo_verdict(wait, TIA)
    with daemon.store.reading() as tx:
        row = tx.clocks.get(wait)
        noted = [(one.by, one.deed, one.outcome) for one in tx.audit.page(AuditFilter(), 10)]
    assert row is not None
    assert (row.inquiry_class, row.class_by, row.owner) == ("unknown", "default", "tia")
    assert noted[:4] == [
        ("tia", "wait.undo-verdict", "done"),
        ("tia", "wait.undo-verdict", "done"),
        ("max", "wait.qualify", "refused"),
        ("tia", "wait.qualify", "done"),
    ]


async def test_a_notice_carries_what_can_be_said_and_a_link_says_it(
    daemon: TriageDaemon, wait: str, verdict: str
) -> None:
    daemon.passes(minutes(16))
    with daemon.store.transaction() as tx:
        bundle = claim(tx, "desk", daemon.at)
        composed = render(tx, daemon.rules, [row for row in bundle if row.clock == verdict], daemon.at, unread=False)
    assert composed is not None
    (told,) = composed.notice.clocks
    assert [(one.inquiry_class, one.tier, one.for_sales) for one in told.choices] == [
        ("sales", "", True),
        ("sales", "hot", True),
        ("support", "", False),
        ("vendor", "", False),
        ("recruiting", "", False),
    ]
    links = Links(daemon.key, "", former=daemon.former_key)
    link = next(one for one in links.verdicts(verdict, "tia", daemon.at, told.choices) if one.label == "sales, hot")
    async with TestClient(TestServer(make_app(daemon))) as client:
        assert "It is sales, hot" in await (await client.get(link.url)).text()
        page = await (await client.post(link.url)).text()
        assert "Done: it is sales, hot, says Tia Dorn." in page
        back = page.partition('action="')[2].partition('"')[0]
        daemon.at += minutes(1)
        assert "it is what it was before" in await (await client.post(back)).text()
    with daemon.store.reading() as tx:
        row = tx.clocks.get(wait)
    assert row is not None
    assert (row.inquiry_class, row.tier) == ("unknown", "")


async def test_what_was_filtered_concerns_whose_mailbox_it_came_to(daemon: TriageDaemon) -> None:
    daemon.letter("b@jobs", sender="x@jobs.test", to="ana@acme.test", subject="Backlinks for you")
    filtered = clock_id(MessageId("b@jobs"), Metric.FIRST_RESPONSE)
    with pytest.raises(ActionRefused, match="only the owner"):
        await NoticeActions(daemon).qualify(filtered, CAS, HOT)
    assert (await NoticeActions(daemon).qualify(filtered, ANA, HOT)).clock.running


def test_of_two_processes_that_are_told_the_same_the_second_says_so(daemon: TriageDaemon, wait: str) -> None:
    store = Store(daemon.config.store_url.reveal())
    other = Engine(store, daemon.config)
    given = GivenVerdict(wait, "tia", "support", owner="cas")
    assert other.write(qualify.judge, other.rules, daemon.at, given).clock.owner == "cas"
    with pytest.raises(AlreadyJudged):
        daemon.engine.write(qualify.judge, daemon.rules, daemon.at, given)
    store.close()


def test_explain_tells_class_score_tier_and_who_said_what(daemon: TriageDaemon, wait: str) -> None:
    daemon.passes(minutes(7))
    given = GivenVerdict(wait, "tia", "support", owner="cas", reason="login trouble")
    daemon.engine.write(qualify.judge, daemon.rules, daemon.at, given)
    for gives, tier in (("vendor", ""), ("sales", "hot")):
        daemon.passes(minutes(5))
        daemon.engine.write(qualify.judge, daemon.rules, daemon.at, GivenVerdict(wait, "max", gives, tier=tier))
    for command in (["explain"], ["clocks", "show"]):
        told = CliRunner().invoke(app, [*command, wait, "-c", str(daemon.path)]).output
        assert "  Class: sales, says Max Ode.\n" in told
        assert "): 25 asks for a price (words of q@buyer).\n" in told
        assert "  Tier hot, says Max Ode.\n" in told
        assert "it is unknown, by the rules.\n" in told
        assert "Tia Dorn: it is support (login trouble). Owner Cas Roy. Due " in told
        assert "Max Ode: it is vendor.\n" in told, "what nobody owes an answer to is due no more"
        assert "Max Ode: it is sales, hot. Due " in told


def test_explain_tells_of_a_lead_what_is_said_of_all_that_they_write(daemon: TriageDaemon, wait: str) -> None:
    daemon.engine.write(qualify.judge, daemon.rules, daemon.at, GivenVerdict(wait, "tia", "recruiting", scope="sender"))
    with daemon.store.reading() as tx:
        told = explained(tx, daemon.rules, "bo@buyer.test", daemon.at)
    assert "  Whatever bo@buyer.test writes since 2026-05-04 09:05:00 UTC is recruiting, says tia\n" in told
    daemon.engine.write(qualify.take_back, daemon.rules, daemon.at, wait, Acting("tia", daemon.at))
    with daemon.store.reading() as tx:
        assert "Whatever" not in explained(tx, daemon.rules, "bo@buyer.test", daemon.at)


def test_explain_tells_which_rule_was_held_back_and_from_what_score_a_tier_holds(daemon: TriageDaemon) -> None:
    daemon.path.write_text(daemon.path.read_text().replace("{hot: 60}", "{hot: 20}"), encoding="utf-8")
    daemon.config = configuration.load(daemon.path)
    daemon.lead("di@other.test", owner="ana")
    daemon.letter("d@other", minutes=5, sender="di@other.test", subject="Backlinks, and your pricing")
    with daemon.store.reading() as tx:
        told = explained(tx, daemon.rules, "d@other", daemon.at)
        row = qualify.inquiry_of(tx, "d@other")
        german = list(qualification_lines(qualification_of(tx, daemon.rules, row), str, words("de")))  # type: ignore[arg-type]
    assert "  Class: sales, a known open lead. The rule link building fits and was held back.\n" in told
    assert "  Tier hot from 20.\n" in told
    assert german[0] == "Klasse: sales, ein bekannter offener Lead. " + (
        "Die Regel link building trifft zu und wurde zurückgehalten."
    )
