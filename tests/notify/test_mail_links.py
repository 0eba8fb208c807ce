"""The link to the mail itself, in what is sent: beside one wait, and on each line of a digest."""

from __future__ import annotations

import json
from zoneinfo import ZoneInfo

import pytest

from inboxwatch.notify import NoticeType
from inboxwatch.notify.render import Renderer
from inboxwatch.notify.slack import blocks
from inboxwatch.notify.wait import ShownWait
from tests.support.notices import ANA, clock, notice

ZONE = ZoneInfo("UTC")
GMAIL = "https://mail.google.com/mail/u/?authuser=ana%40acme.test#search/rfc822msgid%3Am1%40buyer.test"


@pytest.mark.parametrize("kind", [NoticeType.ESCALATION, NoticeType.DIGEST])
def test_each_wait_of_a_message_has_its_link(kind: NoticeType) -> None:
    links = [GMAIL, GMAIL.replace("m1", "m2")]
    told = [clock(id=f"c{number}", mail_link=link) for number, link in enumerate(links)]
    plain = Renderer(ZONE).text("body.txt", notice(*told, kind=kind), ANA)
    page = Renderer(ZONE).text("body.html", notice(*told, kind=kind), ANA)
    shown = [ShownWait.of(one, ZONE) for one in told]
    listed = kind is NoticeType.DIGEST
    posted = json.dumps(blocks.message(kind, "Waits", shown, "", interactive=True, listed=listed).blocks)
    for link in links:
        assert f"{link}\n" in plain
        assert f'<a href="{link}">Open the mail</a>' in page
        assert f"<{link}|Open the mail>" in posted


@pytest.mark.parametrize(
    "link", ["javascript:alert(1)", 'https://x.test/">', "https://x.test/ y", "https://x.test/|a>"]
)
def test_what_is_no_plain_address_is_not_shown(link: str) -> None:
    assert ShownWait.of(clock(mail_link=link), ZONE).mail_link == ""
