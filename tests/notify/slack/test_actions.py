"""Buttons, dialogs and `/inboxwatch` over a real WebSocket: what people press reaches the engine once, and shows."""

from __future__ import annotations

from copy import deepcopy
from datetime import timedelta
from typing import Any

import pytest

from inboxwatch.notify import NoticeType
from inboxwatch.notify.actions import ActionRefused, Answer, Candidate
from inboxwatch.notify.slack.channel import Slack
from inboxwatch.notify.slack.settings import SlackSettings
from tests.doubles.slack import APP, BOT, SlackDouble
from tests.notify.slack.recorded_actions import RecordedActions
from tests.support.hostile_texts import HOSTILE
from tests.support.notices import OVER, clock, notice, wait

CHANNEL = "#sales-escalations"


def ids(message: dict[str, Any]) -> list[str]:
    return [block["block_id"].partition(":")[2] for block in message["blocks"]]


async def test_one_press_acknowledges_and_the_message_shows_by_whom(
    double: SlackDouble, actions: RecordedActions, slack: Slack
) -> None:
    await slack.send(notice(), CHANNEL, None, "k1")
    await double.deliver(double.press(double.post(), "inboxwatch.acknowledge"))
    await double.until(lambda: len(double.post()["versions"]) == 2)
    assert actions.done == [("acknowledge", "c1", "")]
    actor = actions.actors[0]
    assert (actor.channel, actor.slack_id, actor.email, actor.name) == ("slack", "U012AB3CD", "ana@acme.test", "ana")
    posted = double.post()
    assert posted["blocks"][0]["text"]["text"].startswith("⏸️")
    assert ids(posted) == ["head", "who", "facts", "next", "act", "note", ""]
    assert posted["blocks"][5]["elements"][0]["text"] == "acknowledge by ana"
    assert "acknowledged until <!date^" in str(posted["blocks"][2])


async def test_a_press_that_is_delivered_twice_or_on_a_new_connection_acts_once(
    double: SlackDouble, actions: RecordedActions, slack: Slack
) -> None:
    await slack.send(notice(), CHANNEL, None, "k1")
    press = double.press(double.post(), "inboxwatch.acknowledge")
    for _ in range(3):
        await double.deliver(press)
    await double.disconnect(told=False)
    await double.deliver(press)
    await double.deliver(double.press(double.post(), "inboxwatch.acknowledge"))
    await double.until(lambda: len(double.post()["versions"]) == 3)
    assert len(actions.done) == 2


async def test_a_dismissed_wait_is_taken_back_by_a_button_of_its_message(
    double: SlackDouble, actions: RecordedActions, slack: Slack
) -> None:
    over = clock(**{**OVER, "state": "dismissed", "stop_reason": "dismissed", "reason": ""})
    await slack.send(notice(over, kind=NoticeType.RESOLVED), CHANNEL, None, "k1")
    await double.deliver(double.press(double.post(), "inboxwatch.reopen"))
    await double.until(lambda: double.views)
    await double.deliver(double.submit(double.views[0], reason="they asked again"))
    await double.until(lambda: actions.done)
    assert actions.done == [("reopen", "c1", "they asked again")]


@pytest.mark.parametrize(
    ("button", "values", "done"),
    [
        ("snooze", {"choice": "2h", "reason": "in a meeting"}, ("snooze", "c1", timedelta(hours=2), "in a meeting")),
        ("assign", {"choice": "max"}, ("assign", "c1", "max", "")),
        ("dismiss", {"reason": "thank-you note"}, ("dismiss", "c1", "thank-you note")),
        ("activity", {}, ("activity", "c1", "call", "")),
    ],
)
async def test_a_dialog_asks_for_choice_and_reason_and_acts_when_it_is_saved(
    double: SlackDouble,
    actions: RecordedActions,
    slack: Slack,
    button: str,
    values: dict[str, str],
    done: tuple[Any, ...],
) -> None:
    await slack.send(notice(), CHANNEL, None, "k1")
    await double.deliver(double.press(double.post(), f"inboxwatch.{button}"))
    await double.until(lambda: double.views)
    assert actions.done == []
    submission = double.submit(double.views[0], **values)
    await double.deliver(submission)
    await double.deliver(submission)
    await double.until(lambda: len(double.post()["versions"]) == 2)
    assert actions.done == [done]
    offered = next(block for block in double.post()["blocks"] if block["block_id"].endswith(":act"))["elements"]
    taken_back = [one["action_id"] for one in offered] == ["inboxwatch.reopen"]
    assert taken_back is (button == "dismiss"), "what is over offers only to be taken back"


async def test_a_follow_up_has_buttons_of_its_own(double: SlackDouble, actions: RecordedActions, slack: Slack) -> None:
    await slack.send(notice(clock(metric="follow_up")), CHANNEL, None, "k1")
    posted = deepcopy(double.post())
    offered = next(block for block in posted["blocks"] if block["block_id"].endswith(":act"))["elements"]
    shown = [element["text"]["text"] for element in offered]
    assert shown == ["Called", "In some days", "Reassign", "Stop following up"]
    for button, values in (
        ("activity", {"reason": "voicemail"}),
        ("put_off", {"choice": "3d", "reason": "asks for time"}),
        ("stop", {"reason": "no budget"}),
    ):
        before = len(actions.done)
        await double.deliver(double.press(posted, f"inboxwatch.{button}"))
        await double.until(lambda before=before: len(double.views) > before)  # type: ignore[misc]
        await double.deliver(double.submit(double.views[before], **values))
        await double.until(lambda before=before: len(actions.done) > before)  # type: ignore[misc]
    assert actions.done == [
        ("activity", "c1", "call", "voicemail"),
        ("put_off", "c1", timedelta(days=3), "asks for time"),
        ("stop", "c1", "no budget"),
    ]


async def test_one_that_has_gone_quiet_is_taken_up_again_by_a_button(
    double: SlackDouble, actions: RecordedActions, slack: Slack
) -> None:
    quiet = clock(**{**OVER, "metric": "follow_up", "state": "ended", "stop_reason": "gone_quiet", "reason": ""})
    await slack.send(notice(quiet, kind=NoticeType.RESOLVED), CHANNEL, None, "k1")
    await double.deliver(double.press(double.post(), "inboxwatch.reopen"))
    await double.until(lambda: double.views)
    await double.deliver(double.submit(double.views[0]))
    await double.until(lambda: actions.done)
    assert actions.done == [("reopen", "c1", "")]


async def test_people_who_are_here_come_first_in_the_menu(
    double: SlackDouble, actions: RecordedActions, slack: Slack
) -> None:
    await slack.send(notice(), CHANNEL, None, "k1")
    await double.deliver(double.press(double.post(), "inboxwatch.assign"))
    await double.until(lambda: double.views)
    groups = double.views[0]["blocks"][0]["element"]["option_groups"]
    assert [(group["label"]["text"], group["options"][0]["text"]["text"]) for group in groups] == [
        ("Here now", "Max Ode"),
        ("Away", "Ina (on leave)"),
    ]


async def test_who_may_not_is_told_why_alone_and_nothing_changes(
    double: SlackDouble, actions: RecordedActions, slack: Slack
) -> None:
    actions.refusal = ActionRefused("Only the owner, the team lead or <a manager> may do that.")
    await slack.send(notice(), CHANNEL, None, "k1")
    for place, button in enumerate(("acknowledge", "assign")):
        await double.deliver(double.press(double.post(), f"inboxwatch.{button}", user="U0MAX0001"))
        await double.until(lambda place=place: len(double.ephemeral) > place)  # type: ignore[misc]  # bound on purpose
    told = {(one["channel"], one["user"], one["text"]) for one in double.ephemeral}
    assert told == {("C0SALES01", "U0MAX0001", "Only the owner, the team lead or &lt;a manager&gt; may do that.")}
    assert len(double.post()["versions"]) == 1
    assert double.views == []


async def test_a_defect_of_ours_is_told_and_the_next_press_works(
    double: SlackDouble, actions: RecordedActions, slack: Slack
) -> None:
    await slack.send(notice(), CHANNEL, None, "k1")
    actions.refusal = ZeroDivisionError("secret detail")
    await double.deliver(double.press(double.post(), "inboxwatch.acknowledge"))
    await double.until(lambda: double.ephemeral)
    assert "our own fault" in double.ephemeral[0]["text"]
    assert "secret" not in double.ephemeral[0]["text"]
    actions.refusal = None
    await double.deliver(double.press(double.post(), "inboxwatch.acknowledge"))
    await double.until(lambda: len(double.post()["versions"]) == 2)


async def test_in_a_group_only_the_pressed_wait_changes(
    double: SlackDouble, actions: RecordedActions, slack: Slack
) -> None:
    await slack.send(notice(clock(), clock(id="c2", lead_name="Cy")), CHANNEL, None, "k1")
    before = double.post()["blocks"]
    await double.deliver(double.press(double.post(), "inboxwatch.acknowledge", clock="c2"))
    await double.until(lambda: len(double.post()["versions"]) == 2)
    assert actions.done == [("acknowledge", "c2", "")]
    assert double.post()["blocks"][:4] == before[:4]
    assert ids(double.post())[4:] == ["who", "facts", "act", "note", ""]


async def test_the_command_answers_about_a_lead_to_the_asker_alone(
    double: SlackDouble, actions: RecordedActions, slack: Slack
) -> None:
    await double.deliver(double.command("<mailto:bo@buyer.test|bo@buyer.test>"))
    await double.until(lambda: double.responses)
    assert actions.done == [("lookup", "bo@buyer.test")]
    (response,) = double.responses
    assert response["response_type"] == "ephemeral"
    said = [block["text"]["text"] for block in response["blocks"]]
    assert said[:3] == ["Ana Diaz owns it.", "Due at 11:00.", "Then Max is told."]
    assert said[3].startswith("🔴 Bo Buyer (Buyer Ltd): overdue by 5 min, owner Ana Diaz")


async def test_the_command_answers_when_nothing_waits(
    double: SlackDouble, actions: RecordedActions, slack: Slack
) -> None:
    actions.answer = Answer(())
    await double.deliver(double.command(""))
    await double.until(lambda: double.responses)
    assert double.responses[0]["text"] == "Nothing waits."


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
async def test_hostile_text_in_answers_and_reasons_stays_text(
    double: SlackDouble, actions: RecordedActions, slack: Slack, text: str
) -> None:
    actions.answer = Answer((text,), (wait(lead_name=text, subject=text),))
    actions.people = [Candidate("max", text, note=text)]
    await double.deliver(double.command("x"))
    await double.until(lambda: double.responses)
    assert not set("<>") & set(str([block["text"]["text"] for block in double.responses[0]["blocks"]]))
    await slack.send(notice(clock(lead_name=text, subject=text)), CHANNEL, None, "k1")
    await double.deliver(double.press(double.post(), "inboxwatch.assign"))
    await double.until(lambda: double.views)
    await double.deliver(double.submit(double.views[0], choice="max", reason=text[:300].replace("\r", "")))
    await double.until(lambda: len(double.post()["versions"]) == 2)
    assert "\n" not in actions.done[-1][3]
    assert not set("<>") & set(double.post()["text"])


async def test_slacks_wish_for_a_new_connection_a_cut_and_a_refused_handshake_lose_no_press(
    double: SlackDouble, actions: RecordedActions, slack: Slack
) -> None:
    await slack.send(notice(), CHANNEL, None, "k1")
    await double.until(lambda: double.connections)
    await double.disconnect(told=True)
    await double.deliver(double.press(double.post(), "inboxwatch.acknowledge"))
    double.faults["link"].extend([(503, "", {}), (408, "", {})])
    await double.disconnect(told=False)
    await double.deliver(double.press(double.post(), "inboxwatch.acknowledge"))
    await double.until(lambda: len(double.post()["versions"]) == 3)
    assert len(actions.done) == 2


async def test_a_restart_between_button_and_dialog_still_renews_a_message_of_one_wait(
    double: SlackDouble, actions: RecordedActions, slack: Slack
) -> None:
    await slack.send(notice(), CHANNEL, None, "k1")
    await double.deliver(double.press(double.post(), "inboxwatch.dismiss"))
    await double.until(lambda: double.views)
    await slack.aclose()
    await slack.start(actions, None)
    await double.deliver(double.submit(double.views[0], reason="spam"))
    await double.until(lambda: len(double.post()["versions"]) == 2)
    assert actions.done == [("dismiss", "c1", "spam")]


async def test_variables_of_another_slack_app_in_the_environment_change_nothing(
    double: SlackDouble, actions: RecordedActions, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("SLACK_CLIENT_ID", "SLACK_CLIENT_SECRET", "SLACK_SIGNING_SECRET", "SLACK_BOT_TOKEN"):
        monkeypatch.setenv(name, "of-another-app")
    settings = {"bot_token": BOT, "app_token": APP, "api_url": f"{double.url}/api/"}
    slack = Slack(SlackSettings.model_validate(settings), "slack")
    await slack.start(actions, None)
    await slack.send(notice(), CHANNEL, None, "k1")
    await double.deliver(double.press(double.post(), "inboxwatch.acknowledge"))
    await double.until(lambda: actions.done)
    await double.deliver(double.command("x"))
    await double.until(lambda: double.responses)
    assert double.called("auth.test") == []
    await slack.aclose()


async def test_what_is_not_ours_is_acknowledged_and_ignored(
    double: SlackDouble, actions: RecordedActions, slack: Slack
) -> None:
    await slack.send(notice(), CHANNEL, None, "k1")
    foreign = double.press(double.post(), "inboxwatch.acknowledge")
    foreign["actions"][0]["action_id"] = "somebody.elses"
    await double.until(lambda: double.connections)
    await double.connections[-1].send_str("not json")
    await double.connections[-1].send_str("[1]")
    await double.connections[-1].send_str('{"type": "events_api", "envelope_id": "E0", "payload": null}')
    await double.deliver(foreign)
    assert actions.done == []
