"""A notice of an inquiry that waits to be judged says what to do: judge it. Nobody is asked for a reply."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from inboxwatch.core.explanation import ExplainedWait, Explanation
from inboxwatch.core.ladder_view import LadderStep
from inboxwatch.notify import ChannelSettings, Notice, NoticeType, NoticeWait
from inboxwatch.notify.explanation import explanation_lines
from inboxwatch.notify.render import Renderer
from inboxwatch.notify.slack.blocks import wait_blocks
from inboxwatch.notify.state_words import state
from inboxwatch.notify.wait import ShownWait
from tests.support.notices import ANA, STARTED, clock, notice, wait

VERDICT: dict[str, Any] = {"metric": "verdict", "owner_name": "Tia Dorn"}
JUDGED: dict[str, Any] = {
    "state": "answered", "stop_reason": "verdict", "answered_by_name": "Tia Dorn", "wall_at_end": 420.0, "step": None,
}  # fmt: skip


def line(told: Notice, name: str = "headline.txt") -> str:
    return Renderer(ChannelSettings().zone).line(name, told, ANA, 500)


def test_a_step_says_what_is_to_be_judged_by_whom_and_by_when() -> None:
    told = notice(clock(**VERDICT))
    assert line(told) == ("To be judged: Bo Buyer (Buyer Ltd) wrote 1 h 05 min ago, overdue by 5 min, owner Tia Dorn")
    assert line(told, "subject.txt") == "To be judged: Bo Buyer (Buyer Ltd): Offer for 40 seats"
    for name in ("body.txt", "body.html"):
        text = Renderer(ChannelSettings().zone).text(name, told, ANA)
        assert "Judge by Tue 3 Nov 11:00 GMT: is it for sales, or what is it about?" in text
        assert "answer" not in text.lower().replace("unanswered", "")


@pytest.mark.parametrize(("language", "said"), [("de", "Zu beurteilen: "), ("es", "Por juzgar: ")])
def test_it_is_said_in_the_readers_language(language: str, said: str) -> None:
    told = notice(clock(**VERDICT), language=language)
    assert line(told).startswith(said)
    assert line(told, "subject.txt").startswith(said)


def test_a_verdict_is_no_answer() -> None:
    judged = notice(clock(**VERDICT | JUDGED), kind=NoticeType.RESOLVED)
    assert line(judged) == "Judged: Bo Buyer (Buyer Ltd), judged after 7 min by Tia Dorn"
    ruled = notice(
        clock(**VERDICT | JUDGED | {"state": "ended", "stop_reason": "classified"}), kind=NoticeType.RESOLVED
    )
    assert line(ruled) == "Done: Bo Buyer (Buyer Ltd), done after 7 min: a rule says what it is"
    assert (state("answered", verdict=True), state("warned", verdict=True)) == ("judged", "to be judged")
    assert (state("breached", verdict=True), state("answered")) == ("overdue", "answered")


def test_many_are_counted_apart_from_buyers_who_wait() -> None:
    due = {"due_at": STARTED + timedelta(hours=2)}
    verdicts = [clock(id=f"v{number}", **VERDICT) for number in range(2)]
    assert line(notice(*verdicts)) == "2 inquiries wait to be judged, 2 overdue"
    assert line(notice(*verdicts[:1], clock(**due))) == (
        "1 inquiry waits to be judged, 1 buyer waits for an answer, 1 overdue"
    )


def test_explain_names_a_verdict_where_it_would_name_an_answer() -> None:
    def lines(**changes: Any) -> str:
        told = ExplainedWait(wait(**VERDICT | changes), None, None, ())
        return "\n".join(explanation_lines(Explanation((told,))))

    assert "Next: step 3 (round 1), unless somebody judges it: Max Ode, desk are told" in lines()
    assert "Next: No further reminders. Judge it, or give it to somebody who can." in lines(next_step=None)
    ended = lines(state="answered", stop_reason="verdict", stopped_at=STARTED, answered_by="tia", breached_at=None)
    assert "Done: judged (verdict)" in ended
    assert "by tia; in time" in ended


def test_where_its_ladder_has_ended_it_is_to_be_judged_not_called() -> None:
    shown = ShownWait.of(NoticeWait(wait(**VERDICT | {"next_step": None})), ANA.zone)
    assert shown.next == "No further reminders. Judge it, or give it to somebody who can."
    assert shown.standing == "to be judged, overdue by 5 min"


def test_the_last_step_says_so_in_mail_and_slack_too() -> None:
    told = NoticeWait(wait(**VERDICT | {"next_step": None, "ladder": (LadderStep(STARTED, ("Tia Dorn",)),)}))
    rest = "No further reminders. Judge it, or give it to somebody who can."
    assert rest in Renderer(ChannelSettings().zone).text("body.txt", notice(told), ANA)
    assert rest in str(wait_blocks(ShownWait.of(told, ANA.zone), single=True, interactive=False))
