"""What a notice says of a wait and of a lost first contact; who follows up when."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from aiohttp.test_utils import TestClient, TestServer

from inboxwatch.core.model import Lead, LeadId, MailboxId, PersonId
from inboxwatch.notify import ChannelSettings, Notice, NoticeType, Receipt
from inboxwatch.notify.render import Renderer
from inboxwatch.notify.webhook import payload
from inboxwatch.web import make_app
from tests.support.in_process_daemon import InProcessDaemon

HOUR = timedelta(hours=1)


@pytest.fixture
def daemon(tmp_path: Path) -> Iterator[InProcessDaemon]:
    daemon = InProcessDaemon(tmp_path, follow_up="24h")
    scored = (("score", "87"),)
    daemon.knows(
        Lead(LeadId("bo@buyer.test"), "Bo Lind", "Buyer Ltd", owner=PersonId("ana"), source="known", attributes=scored)
    )
    yield daemon
    daemon.close()


def notices(daemon: InProcessDaemon, kind: NoticeType) -> list[Notice]:
    """Everything of a kind that is due by now; all that is due is sent."""
    room, found = daemon.engine, []
    while rows := room.claim("desk", daemon.at):
        if (rendered := room.render(rows, daemon.at)) is not None:
            found += [rendered.notice] if rendered.notice.type is kind else []
            room.sent(rendered.rows, Receipt(), daemon.at)
    return found


def test_a_page_says_how_often_words_were_exchanged_before_and_when_last(daemon: InProcessDaemon) -> None:
    """People's words only: a vacation reply and mail among us are no exchange."""
    first = daemon.mail("bo@buyer.test", "ana@acme.test")
    answer = daemon.mail("ana@acme.test", "bo@buyer.test", parent=first, after=HOUR)
    daemon.mail("bo@buyer.test", "ana@acme.test", parent=answer, after=HOUR, extra="Auto-Submitted: auto-replied")
    daemon.mail("ana@acme.test", "max@acme.test", after=HOUR)
    daemon.mail("bo@buyer.test", "ana@acme.test", parent=answer, after=HOUR)
    daemon.passes(4 * HOUR)
    notice = notices(daemon, NoticeType.ESCALATION)[0]
    clock = notice.clocks[0].as_json()
    assert len(notice.clocks) == 1
    assert (clock["exchanged"], clock["last_exchanged_at"]) == (2, "2026-05-04T10:00:00Z")
    assert (clock["score"], clock["lead_name"], clock["company"]) == ("87", "Bo Lind", "Buyer Ltd")
    assert clock["owner_name"] == "Ana Diaz"


def test_an_answer_says_by_whom_in_his_name(daemon: InProcessDaemon) -> None:
    first = daemon.mail("bo@buyer.test", "ana@acme.test")
    daemon.passes(2 * HOUR)
    notices(daemon, NoticeType.ESCALATION)
    daemon.mail("ben@acme.test", "bo@buyer.test", parent=first, after=HOUR)
    notice = notices(daemon, NoticeType.RESOLVED)[0]
    assert {clock.wait.answered_by_name for clock in notice.clocks} == {"Ben Ito"}
    line = Renderer(ChannelSettings().zone).line("headline.txt", notice, None)
    assert line == "Answered: Bo Lind (Buyer Ltd), answered after 3 h by Ben Ito"


def test_rule_07_the_owner_hears_of_a_colleagues_answer_though_nobody_was_paged(daemon: InProcessDaemon) -> None:
    first = daemon.mail("bo@buyer.test", "ana@acme.test")
    daemon.mail("ben@acme.test", "bo@buyer.test", parent=first, after=HOUR / 4)
    (notice,) = notices(daemon, NoticeType.RESOLVED)
    assert (notice.targets, notice.clocks[0].wait.answered_by) == (("ana",), "ben")


def test_a_lost_first_contact_names_the_buyer_his_owner_and_our_message(daemon: InProcessDaemon) -> None:
    ours = daemon.mail("ana@acme.test", "bo@buyer.test", subject="Our offer")
    report = "Content-Type: multipart/report; report-type=delivery-status\r\nX-Failed-Recipients: bo@buyer.test"
    daemon.mail("mailer-daemon@buyer.test", "ana@acme.test", parent=ours, subject="Undeliverable", extra=report)
    (notice,) = notices(daemon, NoticeType.FIRST_CONTACT_FAILED)
    body = payload(notice)
    assert body["type"] == "first_contact_failed"
    assert body["clocks"] == [
        {
            "lead": "bo@buyer.test",
            "lead_name": "Bo Lind",
            "company": "Buyer Ltd",
            "owner": "ana",
            "owner_name": "Ana Diaz",
            "subject": "Our offer",
            "message_id": ours,
        }
    ]
    text = Renderer(ChannelSettings().zone).text("body.txt", notice, None)
    assert text.startswith("First contact failed: our message never reached Bo Lind (Buyer Ltd)")
    assert "Waiting" not in text


async def test_follow_ups_are_listed_by_day_and_person(daemon: InProcessDaemon) -> None:
    for number in range(3):
        to = "ben@acme.test" if number == 2 else "ana@acme.test"
        daemon.mail(to, "bo@buyer.test", subject=f"Offer {number}", after=HOUR if number else timedelta())
    async with TestClient(TestServer(make_app(daemon))) as client:

        async def ask(query: str = "") -> tuple[int, Any]:
            answer = await client.get(f"/api/v1/follow-ups{query}")
            return answer.status, await answer.json()

        status, found = await ask()
        assert status == 200
        assert [(one["day"], one["count"], len(one["clocks"])) for one in found["items"]] == [("2026-05-05", 3, 3)]
        assert (await ask("?by=day&owner=nobody"))[1] == {"items": [], "next": None}
        assert (await ask("?by=week"))[0] == 422
        assert (await ask("?colour=red"))[0] == 422


def test_the_digest_after_a_first_reading_tells_replies_apart_from_follow_ups_and_nothing_that_is_over(
    daemon: InProcessDaemon,
) -> None:
    """What was overdue then and has ended since is left out; the longest overdue come first."""
    daemon.knows(
        *(Lead(LeadId(f"{name}@other{name}.test"), name.title(), source="known") for name in ("cy", "di", "ed"))
    )
    daemon.quiet = True
    daemon.mail("ana@acme.test", "cy@othercy.test", subject="Offer")
    question = daemon.mail("di@otherdi.test", "ana@acme.test", subject="Terms", after=HOUR)
    daemon.mail("ed@othered.test", "ana@acme.test", subject="Dates", after=HOUR)
    daemon.passes(48 * HOUR)
    daemon.engine.first_sight_over(MailboxId("ana"), daemon.at)
    daemon.mail("ana@acme.test", "di@otherdi.test", parent=question, after=HOUR)
    (notice,) = notices(daemon, NoticeType.DIGEST)
    assert notice.title == (
        "1 reply and 1 follow-up of ana were overdue when inboxwatch first read it; none pages anybody."
    )
    assert [(one.section, one.wait.buyer) for one in notice.clocks] == [("Replies: 1", "Ed"), ("Follow-ups: 1", "Cy")]
    assert notice.link.endswith("/waits?state=overdue&mailbox=ana")
