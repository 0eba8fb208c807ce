"""The log tells the cause: a server's own words, what it is about by id, and nobody's address, subject or secret."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.doubles.dovecot import Dovecot
from tests.doubles.webhook_sink import WebhookSink
from tests.support.installation import DaemonProcess, Installation
from tests.support.message_bytes import message_bytes
from tests.support.team_mail import ANA, BO, MAX, ImapTeamMail, MaildirTeamMail

SUBJECT = "Prices of the blue boxes, \u00fcber alles"
WRONG = "wrong-pass-of-ana"


def lines(daemon: DaemonProcess) -> list[dict[str, Any]]:
    return [json.loads(line) for line in daemon.log.splitlines()]


def line(daemon: DaemonProcess, event: str, met: Callable[[dict[str, Any]], bool] = lambda one: True) -> dict[str, Any]:
    """The first line of an event that is wanted, once it is there."""
    found: dict[str, Any] = daemon.wait(
        lambda: next((one for one in lines(daemon) if one["event"] == event and met(one)), None), event
    )
    return found


def test_a_mailbox_that_refuses_us_is_logged_in_its_servers_words(
    dovecot: Dovecot, sink: WebhookSink, tmp_path: Path
) -> None:
    boxes = ImapTeamMail(dovecot, [ANA]).mailboxes()
    boxes["ana"]["password"] = WRONG
    installation = Installation(tmp_path, boxes, hook=sink.url)
    with installation.daemon() as daemon:
        told = line(daemon, "mailbox unreadable")
        assert (told["mailbox"], told["reason"], told["level"]) == ("ana", "auth", "warning")
        assert "[AUTHENTICATIONFAILED] Authentication failed." in told["error"]
        assert "check user name and password" in told["hint"]
        assert told["server"] == f"127.0.0.1:{dovecot.port}"
        assert not [word for word in (WRONG, ANA) if word in daemon.log]


def test_what_a_channel_refuses_is_found_by_its_wait_and_holds_nothing_of_the_mail(
    sink: WebhookSink, tmp_path: Path
) -> None:
    mail = MaildirTeamMail(tmp_path / "mail", [ANA, MAX])
    installation = Installation(tmp_path, mail.mailboxes(), hook=sink.url, target="2s")
    sink.answer = lambda post: 500 if len(sink.posts) < 2 else 410
    sink.words = lambda post: b"I am full: " + post.raw
    with installation.daemon() as daemon:
        mail.deliver(ANA, message_bytes(BO, ANA, id="q1@buyer.test", subject=SUBJECT))
        (wait,) = daemon.wait(daemon.clocks, "a wait")
        again = line(daemon, "notice not sent", lambda one: one["outcomes"] == ["retried"])
        assert (again["channel"], again["waits"], again["attempt"]) == ("desk", [wait["id"]], 1)
        assert (again["people"], len(again["deliveries"])) == (["ana"], 1)
        assert again["error"].startswith("the server answered 500 Internal Server Error: I am full:")
        assert again["again_in"] > 0
        gone = line(daemon, "notice not sent", lambda one: "dead" in one["outcomes"] and "waits" in one)
        assert (wait["id"] in gone["waits"], gone["see"]) == (True, "inboxwatch outbox list")
        (dead, *_) = daemon.get("/api/v1/dead-letters")["items"]
        for words in (daemon.log, str(dead["error"])):
            for private in (SUBJECT, SUBJECT[:20], json.dumps(SUBJECT)[1:-1], BO, ANA, "Bo Lind", "Buyer Ltd"):
                assert private not in words


def test_a_reload_is_one_line_that_says_what_it_changed(sink: WebhookSink, tmp_path: Path) -> None:
    mail = MaildirTeamMail(tmp_path / "mail", [ANA, MAX])
    leads = "email,owner\n" + "".join(f"nobody{number},ana\n" for number in range(300))
    channels = {"desk": {"type": "webhook", "url": f"{sink.url}/hook"}}
    installation = Installation(tmp_path, mail.mailboxes(), channels=channels, leads=leads)
    with installation.daemon() as daemon:
        refused = line(daemon, "leads refused")
        assert (refused["count"], len(refused["first"]), refused["see"]) == (300, 5, "inboxwatch check --json")
        before = len(lines(daemon))
        installation.write(
            mailboxes={"max": mail.mailboxes()["max"] | {"poll_every": "2s"}},
            channels={"desk": channels["desk"], "screen": {"type": "console"}},
            target="5s",
        )
        assert daemon.call("POST", "/-/reload")[0] == 200
        told = line(daemon, "config reloaded")
        assert told["mailboxes"] == "1 removed: ana; 1 changed: max"
        assert (told["channels"], told["sla_policies"]) == ("1 added: screen", "1 changed: default")
        assert "people" not in told
        assert len(lines(daemon)) == before + 1
        daemon.reload()
        line(daemon, "config reloaded", lambda one: one.get("changes") == "none")
