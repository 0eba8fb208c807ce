"""Who left the config, seen from outside: `check` and `reload` list it first, and a loop of crashes reaches IT."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest

from inboxwatch.engine.starts import LOOP
from tests.doubles.webhook_sink import WebhookSink
from tests.support.installation import Installation
from tests.support.message_bytes import message_bytes
from tests.support.team_mail import ANA, BO, MAX, MaildirTeamMail


@pytest.fixture
def team_mail(tmp_path: Path) -> MaildirTeamMail:
    return MaildirTeamMail(tmp_path / "mail", [ANA, MAX])


def leaves(installation: Installation) -> None:
    """Ana's person and mailbox are taken out of the file."""
    lines = installation.path.read_text(encoding="utf-8").splitlines()
    kept = "\n".join(line for line in lines if not line.startswith("  ana: {"))
    installation.path.write_text(kept.replace("[ana, ben]", "[ben]"), encoding="utf-8")


def test_who_left_is_listed_by_check_and_reload_and_the_daemon_goes_on(
    team_mail: MaildirTeamMail, sink: WebhookSink, tmp_path: Path
) -> None:
    installation = Installation(tmp_path, team_mail.mailboxes(), hook=sink.url, target="1h")
    with installation.daemon() as daemon:
        team_mail.deliver(ANA, message_bytes(BO, ANA, id="q1@buyer.test", subject="Prices"))
        (wait,) = daemon.wait(daemon.clocks, "a wait")
        assert wait["owner"] == "ana"
        installation.write(mailboxes={name: box for name, box in team_mail.mailboxes().items() if name != "ana"})
        leaves(installation)
        done = installation.command("check", "--offline")
        assert (done.returncode, f"{wait['id']} goes to max" in " ".join(done.stdout.split())) == (0, True)
        assert daemon.clocks()[0]["owner"] == "ana", "to look is not to move"
        done = installation.command("reload")
        assert (done.returncode, f"{wait['id']} goes to max" in done.stderr) == (0, True)
        daemon.wait(lambda: daemon.clocks()[0]["owner"] == "max", "the wait moves")
        told = sink.wait(lambda post: post.body["type"] == "assigned")
        assert (told.body["targets"], told.body["clocks"][0]["former_owner"]) == (["max"], "ana")
    with installation.daemon() as daemon:
        assert daemon.clocks()[0]["owner"] == "max"
        installation.path.write_text("people: {}", encoding="utf-8")
        done = installation.command("reload")
        assert (done.returncode, "problem(s)" in done.stderr) == (2, True), "a bad config is refused visibly"


def test_a_daemon_that_is_killed_again_and_again_says_so_through_its_channels(
    team_mail: MaildirTeamMail, sink: WebhookSink, tmp_path: Path
) -> None:
    installation = Installation(tmp_path, team_mail.mailboxes(), hook=sink.url)
    for _ in range(LOOP):
        with installation.daemon() as daemon:
            daemon.process.send_signal(signal.SIGKILL)
            daemon.process.wait()
    with installation.daemon():
        told = sink.wait(lambda post: "has ended" in post.body.get("title", ""))
    assert told.body["title"].startswith(f"inboxwatch has ended {LOOP} times within 10 minutes")
