"""The Slack channel, by the real client libraries against a double over real HTTP: posts, updates, threads, errors."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from slack_sdk.models.blocks import Block
from slack_sdk.models.views import View

from inboxwatch.core.ladder_view import LadderStep
from inboxwatch.notify import ChannelError, Finds, Interactive, Notice, NoticeType, Recipient, load
from inboxwatch.notify.actions import Candidate
from inboxwatch.notify.slack import blocks
from inboxwatch.notify.slack.channel import Slack
from inboxwatch.notify.slack.settings import SlackSettings
from inboxwatch.notify.wait import ShownWait
from tests.doubles.slack import APP, BOT, SlackDouble
from tests.support.hostile_texts import HOSTILE, assert_harmless
from tests.support.notices import ANA, ANSWERED, BARE, MAX, clock, notice, of_people

CHANNEL = "#sales-escalations"


@pytest.fixture
async def slack(double: SlackDouble) -> AsyncIterator[Slack]:
    channel = make(double)
    yield channel
    await channel.aclose()


def make(double: SlackDouble, **settings: Any) -> Slack:
    base = {"bot_token": BOT, "app_token": APP, "api_url": f"{double.url}/api/", "timeout": "30s"}
    return Slack(SlackSettings.model_validate({**base, **settings}), "slack")


def texts(value: Any) -> list[tuple[str, str]]:
    """All (type, text) of the text objects in a message."""
    if isinstance(value, dict):
        own = [(value["type"], value["text"])] if isinstance(value.get("text"), str) else []
        return own + [found for item in value.values() for found in texts(item)]
    return [found for item in value for found in texts(item)] if isinstance(value, list) else []


def words(message: dict[str, Any]) -> str:
    return "\n".join(text for _, text in texts(message["blocks"]))


def buttons(message: dict[str, Any]) -> list[str]:
    rows = [block for block in message["blocks"] if block["type"] == "actions"]
    return [element["text"]["text"] for row in rows for element in row["elements"]]


async def test_a_message_says_who_waits_since_when_whose_it_is_and_what_happens_next(
    double: SlackDouble, slack: Slack
) -> None:
    await slack.send(notice(), CHANNEL, None, "k1")
    posted = double.post()
    shown = words(posted)
    assert posted["blocks"][0]["text"]["text"] == "🔴 Overdue by 5 min"
    assert "Bo Buyer (Buyer Ltd)\nOffer for 40 seats" in shown
    assert "*Waiting*\n1 h 05 min, since <!date^1793700000^{date_short_pretty} {time}|Tue 3 Nov 10:00 UTC>" in shown
    assert "*Owner*\nAna Diaz" in shown
    assert "hot" in shown
    assert "*Before*\n7 messages, last <!date^" in shown
    assert "*Reminders*\nMax Ode, desk are told at <!date^" in shown
    assert "<http://127.0.0.1:9842/clocks/c1|Open in inboxwatch>" in shown
    assert buttons(posted) == ["I have it", "Snooze", "Reassign", "No reply owed", "Handled by phone"]
    assert posted["text"] == "Bo Buyer (Buyer Ltd) has waited 1 h 05 min for Ana Diaz: overdue by 5 min"
    sent = double.called("chat.postMessage")[0]
    assert (sent["unfurl_links"], sent["unfurl_media"], sent["link_names"]) == (False, False, False)


async def test_the_whole_ladder_is_told_of_one_wait_and_of_several(double: SlackDouble, slack: Slack) -> None:
    at = datetime(2026, 11, 3, 11, tzinfo=UTC)
    ladder = (
        LadderStep(at, ("Ana <Diaz>",), reason="breach"),
        *(LadderStep(at + timedelta(hours=one), ("Max Ode",), "Ben Ito", ahead=True) for one in range(1, 8)),
    )
    for clocks in ([clock(ladder=ladder)], [clock(ladder=ladder), clock(id="c2", ladder=ladder)]):
        await slack.send(notice(*clocks), CHANNEL, None, f"k{len(clocks)}")
        told = words(double.post())
        assert "told as it fell due: Ana &lt;Diaz&gt;" in told
        assert told.count("Max Ode is told at <!date^") == 5 * len(clocks)
        assert told.count("it moves to Ben Ito") == 5 * len(clocks)
        assert told.count("and 2 more") == len(clocks)


async def test_without_an_app_token_nothing_can_be_pressed(double: SlackDouble) -> None:
    settings = {"bot_token": BOT, "api_url": f"{double.url}/api/"}
    deaf = Slack(SlackSettings.model_validate(settings), "slack")
    await deaf.send(notice(), CHANNEL, None, "k1")
    assert buttons(double.post()) == []
    assert "no buttons" in await deaf.probe()
    await deaf.aclose()


async def test_a_person_is_reached_by_slack_id_or_found_once_by_address(double: SlackDouble, slack: Slack) -> None:
    by_id, by_address = slack.reaches(ANA), slack.reaches(MAX)
    assert (by_id, by_address) == ("U012AB3CD", "max@acme.test")
    assert slack.reaches(Recipient("x", "X", "")) is None
    await slack.send(notice(), "U012AB3CD", ANA, "k1")
    await slack.send(notice(), "max@acme.test", MAX, "k2")
    await slack.send(notice(), "max@acme.test", MAX, "k3")
    assert len(double.messages["D012AB3CD"]) == 1
    assert len(double.messages["D0MAX0001"]) == 2
    assert len(double.called("users.lookupByEmail")) == 1


async def test_a_wait_keeps_one_message_through_warning_breach_repeat_and_answer(
    double: SlackDouble, slack: Slack
) -> None:
    warning = notice(clock(reason="warning", waited_seconds=2880))
    first = await slack.send(warning, CHANNEL, None, "k1")
    breach = await slack.send(notice(), CHANNEL, None, "k2", first.reference)
    again = await slack.send(notice(clock(reason="repeated", round=2)), CHANNEL, None, "k3", breach.reference)
    over = notice(clock(**ANSWERED), kind=NoticeType.RESOLVED)
    await slack.send(over, CHANNEL, None, "k4", again.reference)
    assert first.reference == breach.reference == again.reference
    root, *thread = double.messages["C0SALES01"]
    heads = [version[0]["text"]["text"] for version in root["versions"]]
    assert heads == [
        "🟠 Due in 12 min",
        "🔴 Overdue by 5 min",
        "🔴 Overdue by 5 min",
        "✅ Answered after 1 h 10 min by Ana Diaz",
    ]
    assert buttons(root) == []
    assert [reply["thread_ts"] for reply in thread] == [root["ts"]] * 3
    assert [reply["reply_broadcast"] for reply in thread] == [True, False, False]
    assert thread[-1]["text"] == "Answered: Bo Buyer (Buyer Ltd), answered after 1 h 10 min by Ana Diaz"


async def test_a_message_that_was_deleted_meanwhile_is_posted_anew(double: SlackDouble, slack: Slack) -> None:
    receipt = await slack.send(notice(), CHANNEL, None, "k1", "C0SALES01/1700000000.000100")
    assert len(double.messages["C0SALES01"]) == 1
    assert receipt.reference == f"C0SALES01/{double.post()['ts']}"


async def test_a_group_is_one_message_and_is_never_overwritten_by_one_of_its_waits(
    double: SlackDouble, slack: Slack
) -> None:
    group = notice(clock(), clock(id="c2", lead_name="Cy Client"))
    first = await slack.send(group, CHANNEL, None, "k1")
    await slack.send(notice(clock(**ANSWERED), kind=NoticeType.RESOLVED), CHANNEL, None, "k2", first.reference)
    root, reply = double.messages["C0SALES01"]
    assert "2 buyers wait for an answer, 2 overdue" in words(root)
    assert "Cy Client (Buyer Ltd)" in words(root)
    assert len(buttons(root)) == 10
    assert len(root["versions"]) == 1
    assert reply["thread_ts"] == root["ts"]


async def test_a_flood_a_digest_a_mailbox_and_a_lost_first_contact_fit_into_one_message(
    double: SlackDouble, slack: Slack
) -> None:
    many = [clock(id=f"c{number}", section="Open" if number < 20 else "Yesterday") for number in range(1000)]
    await slack.send(notice(*many), CHANNEL, None, "k1")
    assert "and 970 more" in words(double.post())
    await slack.send(notice(*many, kind=NoticeType.DIGEST, title="1000 waits"), CHANNEL, None, "k2")
    assert "and 970 more" in words(double.post())
    assert "Yesterday" in words(double.post())
    await slack.send(of_people(), CHANNEL, None, "k3")
    assert "The server said: LOGIN failed" in words(double.post())
    await slack.send(notice(kind=NoticeType.FIRST_CONTACT_FAILED, error="550"), CHANNEL, None, "k4")
    assert words(double.post()).startswith("First contact failed")
    assert all(len(message["blocks"]) <= 50 for message in double.messages["C0SALES01"])


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
@pytest.mark.parametrize("kind", [NoticeType.ESCALATION, NoticeType.DIGEST, NoticeType.FIRST_CONTACT_FAILED])
async def test_hostile_text_makes_no_mention_link_or_format(
    double: SlackDouble, slack: Slack, text: str, kind: NoticeType
) -> None:
    fields: dict[str, Any] = {"lead_name": text, "company": text, "subject": text, "lead": text, "tier": text}
    for clocks in ([clock(**fields)], [clock(**fields), clock(**{**fields, "id": "c2"})]):
        what = notice(*clocks, kind=kind, error=text, title=text, mailbox=text, link="")
        receipt = await slack.send(what, CHANNEL, None, text)
        await slack.send(what, CHANNEL, None, text, receipt.reference)
    for message in double.messages["C0SALES01"]:
        assert not set("<>") & set(message["text"])
        for kind_of_text, shown in texts(message["blocks"]):
            assert_harmless(shown, lines=True)
            if kind_of_text == "plain_text":
                assert not set("<>") & set(shown)
            else:
                assert "evil" not in shown
                assert "<!channel" not in shown
                assert "<script" not in shown
        # The ladder names people and channels of the config alone.
        theirs = [block for block in message["blocks"] if not str(block.get("block_id", "")).endswith(":next")]
        plain = [block["text"] for block in theirs if block["type"] in {"header", "section"} and "text" in block]
        assert all(found["type"] == "plain_text" and found["emoji"] is False for found in plain)


async def refused(double: SlackDouble, slack: Slack, status: int, code: str, **headers: str) -> ChannelError:
    double.faults["chat.postMessage"].append((status, code, headers))
    with pytest.raises(ChannelError) as caught:
        await slack.send(notice(), CHANNEL, None, "k1")
    return caught.value


@pytest.mark.parametrize(
    "code",
    [
        "channel_not_found",
        "not_in_channel",
        "is_archived",
        "invalid_auth",
        "token_revoked",
        "account_inactive",
        "missing_scope",
        "invalid_blocks",
    ],
)
async def test_errors_that_no_retry_cures_are_permanent(double: SlackDouble, slack: Slack, code: str) -> None:
    error = await refused(double, slack, 200, code)
    assert error.permanent
    assert code in str(error)


async def test_a_rate_limit_hands_the_wait_to_the_outbox_and_a_short_one_is_waited_out(
    double: SlackDouble, slack: Slack
) -> None:
    error = await refused(double, slack, 429, "ratelimited", **{"Retry-After": "30"})
    assert (error.permanent, error.retry_after) == (False, 30)
    double.faults["chat.postMessage"].append((429, "ratelimited", {"Retry-After": "1"}))
    await slack.send(notice(), CHANNEL, None, "k1")
    assert len(double.messages["C0SALES01"]) == 1


async def test_faults_of_the_server_and_the_network_may_pass(double: SlackDouble, slack: Slack) -> None:
    assert not (await refused(double, slack, 200, "internal_error")).permanent
    assert not (await refused(double, slack, 503, "service_unavailable")).permanent
    assert not (await refused(double, slack, 200, "cut")).permanent
    gone = Slack(SlackSettings.model_validate({"bot_token": BOT, "api_url": "http://127.0.0.1:1/api/"}), "slack")
    with pytest.raises(ChannelError) as caught:
        await gone.send(notice(), CHANNEL, None, "k1")
    assert not caught.value.permanent
    await gone.aclose()


async def test_an_unknown_channel_or_person_is_permanent_without_naming_the_address(
    double: SlackDouble, slack: Slack
) -> None:
    for destination in ("#nowhere", "nobody@acme.test"):
        with pytest.raises(ChannelError) as caught:
            await slack.send(notice(), destination, None, "k1")
        assert caught.value.permanent
        assert "nobody@acme.test" not in str(caught.value)


async def test_a_message_whose_answer_was_lost_is_found_by_its_key(double: SlackDouble, slack: Slack) -> None:
    since = datetime(2026, 11, 3, 11, tzinfo=UTC)
    for destination, person in ((CHANNEL, None), ("U012AB3CD", ANA)):
        double.faults["chat.postMessage"].append((200, "lose", {}))
        with pytest.raises(ChannelError):
            await slack.send(notice(), destination, person, "k1")
        found = await slack.find(destination, "k1", since)
        assert found is not None
        assert await slack.find(destination, "k2", since) is None
        double.faults["chat.postMessage"].append((200, "lose", {}))
        with pytest.raises(ChannelError):
            await slack.send(notice(), destination, person, "k2", found.reference)
        assert await slack.find(destination, "k2", since, found.reference) == found


async def test_an_app_that_may_not_read_history_finds_nothing_and_is_not_stopped_by_that(
    double: SlackDouble, slack: Slack
) -> None:
    since = datetime(2026, 11, 3, 11, tzinfo=UTC)
    await slack.send(notice(), CHANNEL, None, "k1")
    double.faults["conversations.history"].append((200, "missing_scope", {}))
    assert await slack.find(CHANNEL, "k1", since) is None
    double.faults["conversations.history"].append((200, "internal_error", {}))
    with pytest.raises(ChannelError):
        await slack.find(CHANNEL, "k1", since)
    assert await slack.find("#nowhere", "k1", since) is None
    assert await slack.find(CHANNEL, "k1", since) is not None


async def test_the_probe_names_workspace_and_missing_scopes_and_posts_nothing(
    double: SlackDouble, slack: Slack
) -> None:
    assert await slack.probe() == "inboxwatch in Acme, Socket Mode"
    double.scopes = "chat:write"
    with pytest.raises(ChannelError, match=r"users:read, users:read\.email") as caught:
        await slack.probe()
    assert caught.value.permanent
    assert not double.messages
    wrong = make(double, bot_token="xoxb-wrong")
    with pytest.raises(ChannelError, match="invalid_auth"):
        await wrong.probe()
    await wrong.aclose()


def test_destinations_are_channels_ids_and_addresses(double: SlackDouble) -> None:
    slack = make(double)
    for destination in (CHANNEL, "C0SALES01", "U012AB3CD", "max@acme.test", "#vertrieb-münchen"):
        assert slack.accepts(destination) is None
    for destination in ("", "sales", "#", "#Sales", "#a b", "<!channel>", "@ana", "#a,b"):
        assert slack.accepts(destination)


def test_the_type_is_loaded_by_name_and_is_interactive(double: SlackDouble) -> None:
    slack = load("slack")(SlackSettings.model_validate({"bot_token": BOT}), "slack")
    assert isinstance(slack, Interactive)
    assert isinstance(slack, Finds)
    assert BOT not in repr(SlackSettings.model_validate({"bot_token": BOT}))


def shapes() -> dict[str, Notice]:
    return {
        "warning": notice(clock(reason="warning", waited_seconds=2880)),
        "breach": notice(),
        "held": notice(clock(acknowledged_until="2026-11-03T11:35:00Z")),
        "unverified": notice(clock(reason="unverified", unread_since="2026-11-03T10:40:00Z")),
        "answered": notice(clock(**ANSWERED), kind=NoticeType.RESOLVED),
        "follow-up": notice(clock(metric="follow_up")),
        "bare": notice(BARE),
    }


@pytest.mark.parametrize("name", shapes())
def test_every_message_passes_the_block_models_of_the_sdk(double: SlackDouble, name: str) -> None:
    message = make(double).compose(shapes()[name], None)
    for block in Block.parse_all(message.blocks):
        assert json.loads(json.dumps(block.to_dict()))


def test_every_dialog_passes_the_view_model_of_the_sdk_even_with_many_people() -> None:
    crowd = [Candidate(f"p{number}", "N" * 200, present=number % 2 == 0, note="<!here>") for number in range(500)]
    for action in ("snooze", "assign", "dismiss", "activity"):
        view = blocks.dialog(action, "c1", {"channel": "C0SALES01", "ts": "1.0", "single": True}, crowd)
        assert View(**view).to_dict()
    present = blocks.dialog("assign", "c1", {}, crowd)["blocks"][0]["element"]["option_groups"][0]
    assert present["label"]["text"] == "Here now"
    assert len(present["options"]) == 100


def test_a_wait_renewed_in_a_longer_message_leaves_the_rest_as_it_was(double: SlackDouble) -> None:
    group = make(double).compose(notice(clock(), clock(id="c2")), None).blocks
    over = ShownWait.of(clock(**ANSWERED), ANA.zone)
    fresh = blocks.replaced(group, over, "Ana Diaz answered.")
    other, own = blocks.mark("c2"), blocks.mark("c1")
    keep = [block for block in group if not str(block.get("block_id")).startswith(own)]
    assert [block for block in fresh if not str(block.get("block_id")).startswith(own)] == keep
    assert any(str(block.get("block_id")).startswith(f"{other}:act") for block in fresh)
    assert not any(block.get("block_id") == f"{own}:act" for block in fresh)


@pytest.mark.parametrize("kind", [NoticeType.ESCALATION, NoticeType.DIGEST])
async def test_a_flood_of_waits_makes_a_message_that_is_not_too_long_for_slack(
    double: SlackDouble, slack: Slack, kind: NoticeType
) -> None:
    link = f"https://webmail.acme.test/?search={'m' * 300}"
    many = [
        clock(id=f"{one:016}", subject="seats " * 60, section=f"Part {one // 10}", mail_link=link) for one in range(25)
    ]
    await slack.send(notice(*many, kind=kind), CHANNEL, None, "k1")
    shown = json.dumps(double.post()["blocks"])
    told = shown.count("Bo Buyer")
    assert 3 <= told < 25
    assert f"and {25 - told} more" in shown
