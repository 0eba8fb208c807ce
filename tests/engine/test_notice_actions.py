"""What people do to waits from Slack, by mail and by link reaches the engine: who may, once, and what they are told."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any, NoReturn

import pytest
from aiohttp.test_utils import TestClient, TestServer

from inboxwatch import config as configuration
from inboxwatch.core.model import Lead, LeadId, PersonId
from inboxwatch.daemon.loop_context import LoopContext
from inboxwatch.daemon.sender import Sender
from inboxwatch.daemon.writer import Writer
from inboxwatch.engine.notice_actions import NoticeActions
from inboxwatch.notify.actions import ActionRefused, Actor
from inboxwatch.notify.links import Grant, Links
from inboxwatch.notify.slack.channel import Slack
from inboxwatch.notify.slack.settings import SlackSettings
from inboxwatch.store import Outage
from inboxwatch.web import make_app
from tests.doubles.slack import APP, BOT, SlackDouble, slack_double
from tests.support.in_process_daemon import InProcessDaemon

HOUR = timedelta(hours=1)
MINUTE = timedelta(minutes=1)
ANA, BEN, MAX = (Actor("slack", email=f"{name}@acme.test") for name in ("ana", "ben", "max"))
STRANGER = Actor("slack", slack_id="U0STRANGE", email="who@else.test", name="who")
OUTSIDERS = """
  zoe: {name: Zoe Fox, email: zoe@acme.test, aliases: [z.fox@acme.test], slack_id: U0ZOE0001}
  pat: {name: Pat Lee, email: pat@acme.test, leave: [{from: 2026-05-01, to: 2026-05-31}]}
"""


@pytest.fixture
def daemon(tmp_path: Path) -> Iterator[InProcessDaemon]:
    """Bo waits for Ana since 09:00; Zoe and Pat are neither in her team nor above her."""
    daemon = InProcessDaemon(tmp_path)
    reconfigure(daemon)
    daemon.lead("bo@buyer.test", owner="ana", tier="hot", name="Bo Lind", company="Buyer Ltd")
    daemon.mail("bo@buyer.test", "ana@acme.test")
    yield daemon
    daemon.close()


def reconfigure(daemon: InProcessDaemon, **more: str) -> None:
    """The same daemon with two more people, and further sections."""
    text = daemon.path.read_text()
    if "zoe:" not in text:
        text = text.replace("\nteams:", f"{OUTSIDERS}teams:")
    text += "".join(f"{name}: {value}\n" for name, value in more.items())
    daemon.path.write_text(text)
    daemon.config = configuration.load(daemon.path)
    daemon.engine.reload(daemon.config, {name: one.connect() for name, one in daemon.config.channels.items()})


@pytest.fixture
def wait(daemon: InProcessDaemon) -> str:
    return daemon.only_wait("bo@buyer.test")


@pytest.fixture
def actions(daemon: InProcessDaemon) -> NoticeActions:
    return NoticeActions(daemon)


def recorded(daemon: InProcessDaemon) -> list[str]:
    """What people did, oldest first."""
    with daemon.store.reading() as tx:
        rows = [row.thread for row in tx.clocks.listed({}, None, 10)]
        found = tx.clocks.actions(rows, ["bo@buyer.test"])
    done = sorted((one for actions in found.values() for one in actions), key=lambda one: one.serial)
    return [f"{one.by} {one.kind}" for one in done if one.by in daemon.config.people]


@pytest.mark.parametrize(
    ("actor", "person"),
    [
        (Actor("link", person="ben"), "ben"),
        (Actor("slack", slack_id="U0ZOE0001", email="who@else.test"), "zoe"),
        (Actor("slack", slack_id="U0OTHER01", email="z.fox@acme.test"), "zoe"),
        (MAX, "max"),
    ],
)
async def test_who_pressed_is_found_by_link_then_slack_id_then_address(
    daemon: InProcessDaemon, actions: NoticeActions, wait: str, actor: Actor, person: str
) -> None:
    reconfigure(daemon, admins="[zoe]")
    outcome = await actions.acknowledge(wait, actor)
    assert outcome.clock.owner == person


@pytest.mark.parametrize("actor", [STRANGER, Actor("slack"), Actor("link", person="nobody")])
async def test_a_stranger_may_do_and_ask_nothing(
    daemon: InProcessDaemon, actions: NoticeActions, wait: str, actor: Actor
) -> None:
    for call in (
        actions.acknowledge(wait, actor),
        actions.dismiss(wait, actor, "spam"),
        actions.candidates(wait, actor),
        actions.lookup(actor, ""),
        actions.lookup(actor, "bo@buyer.test"),
    ):
        with pytest.raises(ActionRefused, match="does not know you"):
            await call
    assert recorded(daemon) == []


async def test_owner_team_lead_and_manager_may_act_and_others_are_told_who_may(
    daemon: InProcessDaemon, actions: NoticeActions, wait: str
) -> None:
    for actor in (ANA, BEN, MAX):
        await actions.snooze(wait, actor, HOUR, "at lunch")
        daemon.at += 5 * MINUTE
    with pytest.raises(ActionRefused, match="This wait is Ana Diaz's: only the owner, the team"):
        await actions.acknowledge(wait, Actor("slack", slack_id="U0ZOE0001"))
    assert recorded(daemon) == ["ana snoozed", "ben snoozed", "max snoozed"]


async def test_an_admin_may_act_on_every_wait(daemon: InProcessDaemon, actions: NoticeActions, wait: str) -> None:
    reconfigure(daemon, admins="[zoe]")
    outcome = await actions.assign(wait, Actor("slack", slack_id="U0ZOE0001"), "ben", "knows them")
    assert (outcome.clock.owner, outcome.sentence) == ("ben", "Zoe Fox gave it to Ben Ito (knows them).")


async def test_acknowledging_takes_the_wait_and_says_until_when(actions: NoticeActions, wait: str) -> None:
    outcome = await actions.acknowledge(wait, BEN)
    assert (outcome.clock.owner, outcome.clock.owner_name) == ("ben", "Ben Ito")
    assert outcome.clock.metric_state == "acknowledged"
    assert outcome.sentence == "Ben Ito has it until Mon 4 May 09:30 UTC."
    assert (outcome.clock.lead_name, outcome.clock.company) == ("Bo Lind", "Buyer Ltd")


async def test_a_press_that_comes_twice_changes_nothing_more(
    daemon: InProcessDaemon, actions: NoticeActions, wait: str
) -> None:
    for _ in range(2):
        await actions.acknowledge(wait, ANA)
        daemon.at += MINUTE
    for _ in range(2):
        await actions.assign(wait, ANA, "ben")
        daemon.at += MINUTE
    for _ in range(2):
        over = await actions.dismiss(wait, BEN, "wrong address")
        daemon.at += MINUTE
    assert over.clock.state == "dismissed"
    assert recorded(daemon) == ["ana acknowledged", "ana assigned", "ana assigned", "ben dismissed"]


async def test_the_same_press_after_somebody_elses_is_a_new_one(
    daemon: InProcessDaemon, actions: NoticeActions, wait: str
) -> None:
    await actions.acknowledge(wait, ANA)
    await actions.acknowledge(wait, BEN)
    outcome = await actions.acknowledge(wait, ANA)
    assert outcome.clock.owner == "ana"
    assert recorded(daemon).count("ana acknowledged") == 2


async def test_a_dismissal_leaves_what_came_in_before_it_but_was_read_after_it(
    daemon: InProcessDaemon, actions: NoticeActions, wait: str
) -> None:
    daemon.at += 20 * MINUTE
    await actions.dismiss(wait, ANA, "spam")
    daemon.mail("bo@buyer.test", "ana@acme.test", after=-5 * MINUTE, parent="m1@buyer.test", subject="Re: An offer")
    daemon.at += 10 * MINUTE
    assert daemon.only_wait("bo@buyer.test") != wait
    with pytest.raises(ActionRefused, match="no reply is owed"):
        await actions.acknowledge(wait, ANA)


async def test_a_wait_that_is_over_is_not_acted_on_and_the_reader_learns_why(
    daemon: InProcessDaemon, actions: NoticeActions, wait: str
) -> None:
    await actions.dismiss(wait, ANA, "spam")
    daemon.at += 10 * MINUTE
    for call in (
        actions.acknowledge(wait, BEN),
        actions.dismiss(wait, ANA, "spam"),
        actions.activity(wait, ANA, "call"),
    ):
        with pytest.raises(ActionRefused, match=r"Nothing was done: the wait is done.*no reply is owed"):
            await call
    with pytest.raises(ActionRefused, match="not known any more"):
        await actions.acknowledge("nothing", ANA)


async def test_a_call_ends_the_wait_where_activity_is_a_stop_condition(
    daemon: InProcessDaemon, actions: NoticeActions, wait: str
) -> None:
    outcome = await actions.activity(wait, ANA, "call", "agreed on 40 seats")
    assert (outcome.clock.state, outcome.clock.stop_reason) == ("ended", "activity")
    assert outcome.sentence == "Ana Diaz has reached the buyer (call: agreed on 40 seats)."
    await actions.activity(wait, ANA, "call", "agreed on 40 seats")
    assert recorded(daemon) == ["ana activity"]


async def test_candidates_are_the_present_first_with_the_reason_of_the_absent(
    actions: NoticeActions, wait: str
) -> None:
    found = await actions.candidates(wait, ANA)
    assert [(one.name, one.present) for one in found] == [
        ("Ben Ito", True),
        ("Max Ode", True),
        ("Zoe Fox", True),
        ("Pat Lee", False),
    ]
    assert found[-1].note == "on leave from Fri 1 May to Sun 31 May"


@pytest.mark.parametrize(
    "query", ["bo@buyer.test", "<mailto:bo@buyer.test|bo@buyer.test>", " BO@buyer.test ", "lind", "buyer ltd"]
)
async def test_a_leads_three_questions_are_answered(actions: NoticeActions, query: str) -> None:
    answer = await actions.lookup(ANA, query)
    assert answer.lines == (
        "Ana Diaz owns Bo Lind right now (rule 1: lead.owner, first match).",
        "SLA default: first reply within 2 h, due Mon 4 May 11:00 UTC, due in 2 h.",
        "If nobody answers, Ana Diaz is told at Mon 4 May 10:00 UTC.",
        "Ana Diaz, Max Ode are told at Mon 4 May 11:00 UTC",
        "Max Ode is told at Mon 4 May 11:30 UTC, it moves to Max Ode",
        "Nobody has to follow up.",
    )
    assert [clock.lead for clock in answer.clocks] == ["bo@buyer.test"]


async def test_between_waits_the_answer_is_whom_routing_names(
    daemon: InProcessDaemon, actions: NoticeActions, wait: str
) -> None:
    await actions.dismiss(wait, ANA, "spam")
    answer = await actions.lookup(ANA, "bo@buyer.test")
    assert answer.lines[0] == "Ana Diaz would own the next wait of Bo Lind, as routing stands."
    assert answer.lines[1:] == (
        "SLA default: first reply within 2 h, then 4 h.",
        "No wait is open: nothing is due. If nobody answers the next one: the owner is told at 50% of the time; "
        "the owner, the owner's manager are told at 100% of the time; "
        "the owner's manager is told at 100% of the time + 30 min, it moves to Max Ode.",
        "Nobody has to follow up.",
    )


async def test_whose_whole_name_is_asked_for_is_meant_though_others_begin_so(
    daemon: InProcessDaemon, actions: NoticeActions
) -> None:
    daemon.lead("lindner@other.test", name="Bo Lindner", company="Bo Lind")
    assert (await actions.lookup(ANA, "bo lind")).lines[0].startswith("Ana Diaz owns Bo Lind right now")
    daemon.lead("other@other.test", name="Bo  Lind")
    daemon.lead("third@other.test", name="BO LIND")
    assert (await actions.lookup(ANA, "bo lind")).lines[0].startswith("4 leads match: ")


async def test_an_empty_question_lists_the_askers_own_waits(daemon: InProcessDaemon, actions: NoticeActions) -> None:
    daemon.at += 3 * HOUR
    answer = await actions.lookup(ANA, "  ")
    assert answer.lines == ("1 buyer waits for your reply, 1 overdue.",)
    assert len(answer.clocks) == 1
    assert (await actions.lookup(BEN, "")).lines == ("Nobody waits for your reply.",)


async def test_leads_that_match_together_are_named_and_unknown_ones_said_to_be(
    daemon: InProcessDaemon, actions: NoticeActions
) -> None:
    daemon.knows(*(Lead(LeadId(f"p{n}@buyer.test"), f"P{n}", "Buyer Ltd", source="known") for n in range(7)))
    (line,) = (await actions.lookup(ANA, "buyer")).lines
    assert line.startswith("7 leads match: P0 (p0@buyer.test), ")
    assert line.endswith("and 2 more. Ask by address.")
    assert (await actions.lookup(ANA, "nowhere")).lines == ("No lead is known by nowhere.",)


async def test_find_lists_the_leads_that_match_those_who_wait_first(
    daemon: InProcessDaemon, actions: NoticeActions
) -> None:
    daemon.knows(
        Lead(LeadId("bo@buyer.test"), "Bo Lind", "Buyer Ltd", source="known"),
        Lead(LeadId("al@buyer.test"), "Ål <!channel>\n*Ek*", "Buyer Ltd", owner=PersonId("ben"), source="known"),
    )
    page = f"{daemon.config.web.url}/leads"
    assert (await actions.lookup(ANA, "find buyer")).lines == (
        "2 leads match buyer:",
        f"Bo Lind, Buyer Ltd (bo@buyer.test): waits for Ana Diaz, due in 2 h. {page}/bo@buyer.test",
        f"Ål <!channel> *Ek*, Buyer Ltd (al@buyer.test): nobody waits, Ben Ito's lead. {page}/al@buyer.test",
    )
    assert (await actions.lookup(ANA, "Find  al ek")).lines[0] == "One lead matches al ek."
    assert (await actions.lookup(ANA, "find nowhere")).lines == ("No lead is known by nowhere.",)


async def test_a_signed_link_acts_as_its_person_and_for_nobody_who_may_not(daemon: InProcessDaemon, wait: str) -> None:
    links = Links(daemon.store.key, daemon.config.web.url)
    async with TestClient(TestServer(make_app(daemon))) as client:

        async def press(person: str) -> int:
            grant = Grant(wait, "acknowledge", person, daemon.at + HOUR)
            return (await client.post(f"/a/{links.sign(grant)}")).status

        assert await press("zoe") == 409
        assert recorded(daemon) == []
        assert await press("ben") == 200
        assert "ben acknowledged" in recorded(daemon)
        assert await press(PersonId("gone")) == 409


@pytest.fixture
async def double() -> AsyncIterator[SlackDouble]:
    async with slack_double() as double:
        yield double


async def test_a_page_in_slack_is_acknowledged_with_one_press_and_the_answer_updates_it(
    daemon: InProcessDaemon, double: SlackDouble, wait: str
) -> None:
    """The whole way back: outbox, Slack, a press over the socket, the engine, and the message in place."""
    settings: dict[str, Any] = {"bot_token": BOT, "app_token": APP, "api_url": f"{double.url}/api/", "rate": "100/s"}
    slack = Slack(SlackSettings.model_validate(settings), "desk")
    daemon.engine.reload(daemon.config, {"desk": slack})
    worker = Writer(daemon.store)
    outbox = Sender("desk", slack, lambda *_: _read(), LoopContext(daemon.engine.rules, worker, daemon.now))
    await slack.start(NoticeActions(daemon), None)
    try:
        daemon.passes(timedelta(hours=2))
        assert await outbox.deliver_one()
        page = double.post(channel="D012AB3CD")
        await double.deliver(double.press(page, "inboxwatch.acknowledge"))
        await double.until(lambda: len(page["versions"]) == 2)
        assert "ana acknowledged" in recorded(daemon)
        assert "Ana Diaz has it until" in str(page["blocks"])
        daemon.mail("ana@acme.test", "bo@buyer.test", after=HOUR, parent="m1@buyer.test", subject="Re: An offer")
        while await outbox.deliver_one():
            pass
        assert "Answered after 3 h" in str(page["blocks"])
    finally:
        await slack.aclose()
        worker.close()
    with daemon.store.reading() as tx:
        assert {row.state for row in tx.deliveries.for_clocks([wait])} <= {"sent", "cancelled"}
    assert daemon.engine.next_at("desk") is None


async def _read() -> bool:
    return True


class AwayDaemon(InProcessDaemon):
    """One whose store takes no write."""

    async def write(self, *_: Any, **__: Any) -> NoReturn:
        raise Outage("connection refused")


async def test_a_press_while_the_store_is_away_is_answered_with_what_is_so(tmp_path: Path) -> None:
    (tmp_path / "away").mkdir()
    away = AwayDaemon(tmp_path / "away")
    with pytest.raises(ActionRefused, match="Nothing was done: the database of inboxwatch is away"):
        await NoticeActions(away).acknowledge("some-wait", MAX)
    away.close()
