"""A store that goes away and comes back under a running daemon: everybody is told what is so, and nothing is lost."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.doubles.loop_disk import LoopDisk
from tests.doubles.postgres import Postgres
from tests.doubles.small_disk import SmallDisk
from tests.doubles.webhook_sink import WebhookSink
from tests.support.installation import DaemonProcess, Installation
from tests.support.message_bytes import message_bytes
from tests.support.team_mail import ANA, BO, MAX, MaildirTeamMail

AWAY = "the store cannot be used now"


@pytest.fixture
def team_mail(tmp_path: Path) -> MaildirTeamMail:
    return MaildirTeamMail(tmp_path / "mail", [ANA, MAX])


def asks(team_mail: MaildirTeamMail, number: int) -> None:
    """A question in a thread of its own."""
    team_mail.deliver(ANA, message_bytes(BO, ANA, id=f"q{number}@buyer.test", subject=f"Question number {number}"))


def store_up(daemon: DaemonProcess) -> float:
    return float(daemon.metric("inboxwatch_store_up"))


def test_while_postgresql_is_away_each_door_says_so_and_afterwards_the_mail_is_read(
    team_mail: MaildirTeamMail, sink: WebhookSink, tmp_path: Path
) -> None:
    with Postgres.start() as server:
        installation = Installation(
            tmp_path, team_mail.mailboxes(), hook=sink.url, target="1h", store=server.database()
        )
        with installation.daemon() as daemon:
            asks(team_mail, 1)
            (wait,) = daemon.wait(daemon.clocks, "a wait")
            server.down()
            daemon.wait(lambda: daemon.status("/readyz") == 503, "it is not ready any more")
            status, answer = daemon.call("GET", "/readyz")
            assert (status, AWAY in answer["detail"]) == (503, True)
            status, answer = daemon.call("GET", "/api/v1/clocks")
            assert (status, AWAY in answer["detail"], "defect" in answer["detail"]) == (503, True, False)
            assert (daemon.status("/metrics"), store_up(daemon)) == (200, 0)
            assert daemon.status("/healthz") == 200
            done = installation.command("clocks", "acknowledge", wait["id"], "--by", "ana")
            assert (done.returncode, AWAY in done.stderr, "no daemon answers" in done.stderr) == (1, True, False)
            asks(team_mail, 2)
            server.up()
            daemon.wait(lambda: len(daemon.clocks()) == 2, "what came meanwhile is read")
            daemon.wait(lambda: daemon.status("/readyz") == 200, "it is ready again")
            assert store_up(daemon) == 1
            done = installation.command("clocks", "acknowledge", wait["id"], "--by", "ana")
            assert (done.returncode, daemon.log.count("the store can be used again")) == (0, 1)


def test_a_full_disk_is_over_once_something_is_written_again_and_not_before(
    team_mail: MaildirTeamMail, sink: WebhookSink, tmp_path: Path
) -> None:
    """Of a full disk everything can be read, and a write that needs no room goes well: neither is a recovery."""
    with SmallDisk.mounted(tmp_path / "disk") as disk:
        installation = Installation(
            tmp_path, team_mail.mailboxes(), hook=sink.url, target="1h", store=f"sqlite:///{disk.folder}/store.db"
        )
        with installation.daemon() as daemon:
            asks(team_mail, 1)
            daemon.wait(daemon.clocks, "a wait")
            disk.fill()
            for number in range(2, 60):
                asks(team_mail, number)
            daemon.wait(lambda: daemon.status("/readyz") == 503, "it is not ready any more")
            told = sink.wait(lambda post: "The store cannot be used" in post.body.get("title", ""))
            before = len(daemon.clocks())
            assert (told.body["error"], before > 0) == ("database or disk is full", True), "it can still be read"
            assert (store_up(daemon), daemon.log.count("the store can be used again")) == (0, 0)
            done = installation.command("clocks", "acknowledge", daemon.clocks()[0]["id"], "--by", "ana")
            assert (done.returncode, AWAY in done.stderr) == (1, True)
            disk.clear()
            daemon.wait(lambda: len(daemon.clocks()) == 59, "what came meanwhile is read")
            daemon.wait(lambda: daemon.status("/readyz") == 200, "it is ready again")
            sink.wait(lambda post: "can be used again" in post.body.get("title", ""))
            assert daemon.log.count("the store can be used again") == 1


def test_a_disk_that_becomes_read_only_is_told_once_and_the_one_mounted_in_its_place_is_written_to(
    team_mail: MaildirTeamMail, sink: WebhookSink, tmp_path: Path
) -> None:
    """As a kernel does to a disk with errors: every byte can be read, none written, whatever is open."""
    with LoopDisk.mounted(tmp_path / "disk") as disk:
        installation = Installation(
            tmp_path, team_mail.mailboxes(), hook=sink.url, target="1h", store=f"sqlite:///{disk.folder}/store.db"
        )
        with installation.daemon() as daemon:
            asks(team_mail, 1)
            (wait,) = daemon.wait(daemon.clocks, "a wait")
            disk.fails()
            asks(team_mail, 2)
            daemon.wait(lambda: daemon.status("/readyz") == 503, "it is not ready any more")
            assert [one["id"] for one in daemon.clocks()] == [wait["id"]], "it can still be read"
            assert store_up(daemon) == 0
            done = installation.command("clocks", "acknowledge", wait["id"], "--by", "ana")
            assert (done.returncode, AWAY in done.stderr) == (1, True)
            assert daemon.log.count("the store cannot be used") == 1
            disk.is_repaired()
            daemon.wait(lambda: len(daemon.clocks()) == 2, "what came meanwhile is read")
            daemon.wait(lambda: daemon.status("/readyz") == 200, "it is ready again")
            assert daemon.clocks()[0]["id"] == wait["id"]
            assert daemon.log.count("the store can be used again") == 1
