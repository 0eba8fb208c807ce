"""What an inquiry is, said in Slack: one select with its two groups, what was said in its place, and an undo."""

from __future__ import annotations

import json
from copy import deepcopy
from typing import Any

import pytest
from slack_sdk.models.blocks import Block

from inboxwatch.core.qualification.score import ScoreLine
from inboxwatch.notify import NoticeType
from inboxwatch.notify.actions import ActionRefused, ClassChoice
from inboxwatch.notify.notice_inquiry import NoticeInquiry
from inboxwatch.notify.slack.channel import Slack
from tests.doubles.slack import SlackDouble
from tests.notify.slack.recorded_actions import RecordedActions
from tests.support.hostile_texts import HOSTILE
from tests.support.notices import ANSWERED, OVER, clock, notice

CHANNEL = "#sales-escalations"
CHOICES = (
    ClassChoice("sales", for_sales=True),
    ClassChoice("sales", "hot", for_sales=True),
    ClassChoice("support"),
    ClassChoice("vendor"),
)
UNKNOWN = NoticeInquiry("unknown", "nothing that is known fits it")
SUPPORT = NoticeInquiry("support", "says Tia Dorn", judged=True)
JUDGED: dict[str, Any] = {"metric": "verdict", "stop_reason": "verdict"}
TO_JUDGE: dict[str, Any] = {"metric": "verdict", "choices": CHOICES, "inquiry": UNKNOWN}


@pytest.fixture
def actions() -> RecordedActions:
    actions = RecordedActions()
    actions.offered = CHOICES
    return actions


def acting(message: dict[str, Any]) -> list[dict[str, Any]]:
    """The elements by which somebody acts in a message."""
    return [one for block in message["blocks"] if block["type"] == "actions" for one in block["elements"]]


def block_id(message: dict[str, Any]) -> str:
    return next(str(block["block_id"]) for block in message["blocks"] if block["type"] == "actions")


def names(message: dict[str, Any]) -> list[str]:
    return [one["action_id"].removeprefix("inboxwatch.") for one in acting(message)]


def facts(message: dict[str, Any]) -> list[str]:
    return [field["text"] for block in message["blocks"] for field in block.get("fields", ())]


async def test_a_verdict_that_is_awaited_is_given_by_one_select_in_two_groups(
    double: SlackDouble, actions: RecordedActions, slack: Slack
) -> None:
    await slack.send(notice(clock(**TO_JUDGE)), CHANNEL, None, "k1")
    posted = deepcopy(double.post())
    assert names(posted) == ["acknowledge", "snooze", "assign", "activity", "qualify"], "no `No reply owed`"
    groups = acting(posted)[-1]["option_groups"]
    assert [(one["label"]["text"], [of["text"]["text"] for of in one["options"]]) for one in groups] == [
        ("Needs a seller", ["sales", "sales, hot"]),
        ("Needs no seller", ["support", "vendor"]),
    ]
    await double.deliver(double.choose(posted, "inboxwatch.qualify", "sales, hot"))
    await double.until(lambda: len(double.post()["versions"]) == 2)
    assert actions.done == [("qualify", "c1", ("sales", "hot"), "")]


async def test_what_was_said_stands_in_the_message_with_an_undo_and_the_select_comes_back(
    double: SlackDouble, actions: RecordedActions, slack: Slack
) -> None:
    await slack.send(notice(clock(**TO_JUDGE)), CHANNEL, None, "k1")
    before = block_id(double.post())
    actions.now = {**OVER, **JUDGED, "waited_seconds": 4000}
    actions.inquiry = SUPPORT
    await double.deliver(double.choose(double.post(), "inboxwatch.qualify", "support"))
    await double.until(lambda: len(double.post()["versions"]) == 2)
    posted = double.post()
    assert names(posted) == ["undo_verdict"]
    assert posted["blocks"][-2]["elements"][0]["text"] == "qualify by ana"
    assert "*Class*\nsupport, says Tia Dorn" in facts(posted)
    actions.inquiry = UNKNOWN
    await double.deliver(double.press(posted, "inboxwatch.undo_verdict"))
    await double.until(lambda: len(double.post()["versions"]) == 3)
    assert actions.done[1:] == [("undo_verdict", "c1", "")]
    assert names(double.post()) == ["qualify"], "a verdict is awaited again, though nothing runs"
    assert acting(double.post())[0]["option_groups"]
    assert block_id(double.post()) != before, "else Slack shows the old choice"


async def test_other_notices_say_not_for_sales_by_a_menu_and_a_dialog_without_sellers(
    double: SlackDouble, actions: RecordedActions, slack: Slack
) -> None:
    told = clock(choices=CHOICES, inquiry=NoticeInquiry("sales", "a known open lead"))
    await slack.send(notice(told), CHANNEL, None, "k1")
    posted = deepcopy(double.post())
    assert names(posted) == ["acknowledge", "snooze", "assign", "dismiss", "activity", "more"]
    await double.deliver(double.choose(posted, "inboxwatch.more", "Not for sales"))
    await double.until(lambda: double.views)
    options = double.views[0]["blocks"][0]["element"]["option_groups"]
    assert [of["text"]["text"] for one in options for of in one["options"]] == ["support", "vendor"]
    actions.inquiry = SUPPORT
    await double.deliver(double.submit(double.views[0], choice=double.option(double.views[0], "vendor"), reason="spam"))
    await double.until(lambda: len(double.post()["versions"]) == 2)
    assert actions.done == [("qualify", "c1", ("vendor", ""), "spam")]
    assert "undo_verdict" in names(double.post())
    await double.deliver(double.choose(posted, "inboxwatch.more", "It is..."))
    await double.until(lambda: len(double.views) == 2)
    assert len(double.views[1]["blocks"][0]["element"]["option_groups"]) == 2


async def test_a_choice_that_is_offered_no_more_is_answered_by_what_is(
    double: SlackDouble, actions: RecordedActions, slack: Slack
) -> None:
    await slack.send(notice(clock(**TO_JUDGE)), CHANNEL, None, "k1")
    posted = deepcopy(double.post())
    actions.offered = (ClassChoice("sales", for_sales=True), ClassChoice("partner"))
    await double.deliver(double.choose(posted, "inboxwatch.qualify", "vendor"))
    await double.until(lambda: double.ephemeral)
    assert double.ephemeral[0]["text"] == "Nothing was done: the classes have changed since. Please choose again."
    assert actions.done == []
    offered = [of["text"]["text"] for one in acting(double.post())[-1]["option_groups"] for of in one["options"]]
    assert offered == ["sales", "partner"]
    await double.deliver(double.choose(double.post(), "inboxwatch.qualify", "partner"))
    await double.until(lambda: actions.done)
    assert actions.done == [("qualify", "c1", ("partner", ""), "")]


async def test_who_may_not_judge_is_told_why_and_the_message_stays(
    double: SlackDouble, actions: RecordedActions, slack: Slack
) -> None:
    actions.refusal = ActionRefused("Nothing was done: that is what it is already, says Tia Dorn: support.")
    await slack.send(notice(clock(**TO_JUDGE)), CHANNEL, None, "k1")
    await double.deliver(double.choose(double.post(), "inboxwatch.qualify", "support"))
    await double.until(lambda: double.ephemeral)
    assert double.ephemeral[0]["text"].startswith("Nothing was done: that is what it is already")
    assert len(double.post()["versions"]) == 1


async def test_class_reasons_and_who_had_it_before_are_told(double: SlackDouble, slack: Slack) -> None:
    lines = (
        ScoreLine(5.0, "wrote again", "nudges 1"),
        ScoreLine(30.0, "company of 200 and more", "employees <b>250"),
        ScoreLine(-20.0, "free mail", "free_mail yes"),
        ScoreLine(25.0, "asks for a price", ""),
    )
    inquiry = NoticeInquiry("sales", "by the rule from a form", "hot", score=40.0, lines=lines, last_owner="Cas <Ro>")
    await slack.send(notice(clock(choices=CHOICES, inquiry=inquiry)), CHANNEL, None, "k1")
    told = facts(double.post())
    assert "*Class*\nsales, hot, by the rule from a form" in told
    assert "*Owner before*\nCas &lt;Ro&gt;" in told
    strongest = ("30 company of 200 and more (employees &lt;b&gt;250)", "25 asks for a price (the buyer's words)")
    assert f"*Score 40*\n{strongest[0]}\n{strongest[1]}\n-20 free mail (free_mail yes)" in told


@pytest.mark.parametrize("count", [3, 150])
async def test_names_of_any_kind_and_number_make_a_message_that_slack_takes(
    double: SlackDouble, actions: RecordedActions, slack: Slack, count: int
) -> None:
    texts = [*HOSTILE.values(), "&" * 200]
    choices = tuple(ClassChoice(f"{texts[number % len(texts)]}{number}") for number in range(count))
    actions.offered = (*CHOICES, *choices)
    inquiry = NoticeInquiry(texts[0], texts[1], texts[2], score=1.0, lines=(ScoreLine(1.0, texts[3], texts[4]),))
    told = clock(metric="verdict", choices=actions.offered, inquiry=inquiry, subject=texts[0], lead_name=texts[1])
    await slack.send(notice(told), CHANNEL, None, "k1")
    posted = double.post()
    assert len(json.dumps(posted["blocks"], ensure_ascii=False)) < 13_000, "msg_blocks_too_long"
    assert names(posted)[-1] == ("qualify" if count == 3 else "judge")
    assert all(block is not None for block in Block.parse_all(posted["blocks"]))
    if count == 150:
        await double.deliver(double.press(posted, "inboxwatch.judge"))
        await double.until(lambda: double.views)
        groups = double.views[0]["blocks"][0]["element"]["option_groups"]
        assert [len(group["options"]) for group in groups] == [2, 100, 52]
        value = groups[2]["options"][51]["value"]
        await double.deliver(double.submit(double.views[0], choice=value, reason=""))
        await double.until(lambda: actions.done)
        assert actions.done[0][2] == (choices[-1].inquiry_class, "")


async def test_many_waits_of_one_message_are_judged_by_dialogs_where_selects_have_no_room(
    double: SlackDouble, actions: RecordedActions, slack: Slack
) -> None:
    many = [clock(**{**TO_JUDGE, "id": f"c{number}", "choices": CHOICES * 3}) for number in range(8)]
    await slack.send(notice(*many), CHANNEL, None, "k1")
    assert {name for name in names(double.post()) if name in ("qualify", "judge")} == {"judge"}
    few = [clock(**{**TO_JUDGE, "id": f"c{number}"}) for number in range(2)]
    await slack.send(notice(*few), CHANNEL, None, "k2")
    assert names(double.post()).count("qualify") == 2
    actions.inquiry = SUPPORT
    actions.now = {**OVER, **JUDGED, "waited_seconds": 4000}
    await double.deliver(double.choose(double.post(), "inboxwatch.qualify", "support", clock="c1"))
    await double.until(lambda: len(double.post()["versions"]) == 2)
    assert names(double.post()).count("qualify") == 1, "the other one is still to be judged"
    assert names(double.post())[-1] == "undo_verdict"


async def test_a_resolution_of_a_verdict_offers_its_undo(double: SlackDouble, slack: Slack) -> None:
    over = clock(**{**ANSWERED, **JUDGED, "choices": CHOICES, "inquiry": SUPPORT})
    await slack.send(notice(over, kind=NoticeType.RESOLVED), CHANNEL, None, "k1")
    assert names(double.post()) == ["undo_verdict"]


async def test_without_classes_and_of_a_follow_up_nothing_of_it_is_shown(double: SlackDouble, slack: Slack) -> None:
    await slack.send(notice(clock()), CHANNEL, None, "k1")
    await slack.send(notice(clock(metric="follow_up", choices=())), CHANNEL, None, "k2")
    for place in (0, 1):
        assert not {"qualify", "more", "judge", "undo_verdict"} & set(names(double.post(place)))
        assert "Class" not in json.dumps(double.post(place)["blocks"])
