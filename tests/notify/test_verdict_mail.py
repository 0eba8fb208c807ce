"""What an inquiry is, said by mail: the class with its reasons, and a signed link for each thing it may be."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from email import message_from_bytes
from email.policy import default
from typing import Any, cast
from zoneinfo import ZoneInfo

import pytest

from inboxwatch.core.qualification.score import ScoreLine
from inboxwatch.notify.actions import Actions, ClassChoice
from inboxwatch.notify.email import Email, EmailSettings
from inboxwatch.notify.links import Grant, Links
from inboxwatch.notify.notice_inquiry import NoticeInquiry
from inboxwatch.notify.offered_links import offered
from inboxwatch.notify.render import Renderer
from tests.support.notices import ANA, clock, notice

NOW = datetime(2026, 11, 3, 11, 5, tzinfo=UTC)
LINKS = Links(b"sixteen bytes and some more", "https://watch.acme.test")
CHOICES = (
    ClassChoice("sales", for_sales=True),
    ClassChoice("sales", "hot", for_sales=True),
    ClassChoice("support"),
    ClassChoice("<b>vendor"),
)
INQUIRY = NoticeInquiry(
    "unknown",
    "nothing that is known fits it",
    "warm",
    score=55.0,
    lines=(ScoreLine(5.0, "wrote again", "nudges 1"), *(ScoreLine(20.0, f"sign {one}", "") for one in range(3))),
    last_owner="Cas <Ro>",
)


def rendered(name: str, language: str = "en", **told: Any) -> tuple[str, dict[str, Grant]]:
    """A body, and what its links allow by their labels."""
    wait = clock(choices=CHOICES, inquiry=INQUIRY, **told)
    links = offered(LINKS, wait, "ana", NOW)
    text = Renderer(ZoneInfo("UTC")).text(name, notice(wait, language=language), ANA, {"c1": links})
    labelled = [*links.actions, *(one for _, group in links.verdicts for one in group)]
    assert all(one.url in text for one in labelled)
    assert len(re.findall(r"https://watch\.acme\.test/a/", text)) == len(labelled)
    return text, {one.label: LINKS.verify(one.url.rpartition("/")[2], NOW) for one in labelled}


@pytest.mark.parametrize("name", ["body.txt", "body.html"])
def test_a_verdict_that_is_awaited_is_given_by_a_link_for_each_class(name: str) -> None:
    text, grants = rendered(name, metric="verdict")
    assert {label: grant.action for label, grant in grants.items()} == {
        "I have it": "acknowledge",
        "sales": "qualify:sales",
        "sales, hot": "qualify:sales:hot",
        "support": "qualify:support",
        "<b>vendor": "qualify:<b>vendor",
    }, "no `No reply owed`"
    assert {(grant.clock, grant.person) for grant in grants.values()} == {("c1", "ana")}
    assert text.index("Needs a seller") < text.index("sales, hot") < text.index("Needs no seller")
    if name == "body.html":
        assert "<b>vendor" not in text
        assert "&lt;b&gt;vendor" in text


@pytest.mark.parametrize("name", ["body.txt", "body.html"])
def test_another_notice_can_be_called_not_for_sales(name: str) -> None:
    text, grants = rendered(name)
    assert list(grants) == ["I have it", "No reply owed", "support", "<b>vendor"]
    assert "Not for sales" in text


@pytest.mark.parametrize(
    ("language", "told"),
    [
        ("en", ("Class", "unknown, warm, nothing", "Score", "20 sign 0 (the buyer's words)", "before: Cas")),
        ("de", ("Klasse", "unknown, warm", "Punkte", "20 sign 0 (die Worte des Kunden)", "vorher: Cas")),
        ("es", ("Clase", "unknown, warm", "Puntos", "20 sign 0 (las palabras del cliente)", "antes: Cas")),
    ],
)
def test_class_strongest_reasons_and_last_owner_are_told_in_the_reader_s_language(
    language: str, told: tuple[str, ...]
) -> None:
    plain, _ = rendered("body.txt", language, metric="verdict")
    for words in told:
        assert words in plain
    assert "wrote again" not in plain, "three lines at most"
    page, _ = rendered("body.html", language, metric="verdict")
    assert "Cas &lt;Ro&gt;" in page


def test_without_classes_a_mail_is_what_it_was() -> None:
    links = offered(LINKS, clock(), "ana", NOW)
    text = Renderer(ZoneInfo("UTC")).text("body.txt", notice(clock()), ANA, {"c1": links})
    assert [one.label for one in links.actions] == ["I have it", "No reply owed"]
    assert not [words for words in ("Class", "Score", "before:", "seller", "Not for sales") if words in text]


async def test_the_channel_sends_these_links_to_people_and_to_no_group() -> None:
    settings = {"host": "127.0.0.1", "security": "none", "sender": "inboxwatch@acme.test"}
    mail = Email(EmailSettings.model_validate(settings), "mail")
    await mail.start(cast(Actions, None), LINKS)
    told = notice(clock(choices=CHOICES, inquiry=INQUIRY, metric="verdict"))
    for person, links in ((ANA, 5), (None, 0)):
        sent = message_from_bytes(mail.compose(told, "ana@acme.test", person, "k1"), policy=default)
        plain = sent.get_body(("plain",))
        assert plain is not None
        assert plain.get_content().count("https://watch.acme.test/a/") == links
