"""Whatever is broken outside: told once, counted, tried again, and everything else goes on."""

from __future__ import annotations

import json
import os
import socket
import threading
from contextlib import ExitStack
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from inboxwatch.store.one_daemon import OneDaemon
from tests.doubles.dovecot import PASSWORD, Dovecot
from tests.doubles.webhook_sink import WebhookSink
from tests.support.installation import DaemonProcess, Installation
from tests.support.message_bytes import message_bytes
from tests.support.ports import free_port
from tests.support.team_mail import ANA, BO, MAX, MaildirTeamMail

BEN = "ben@acme.test"


@pytest.fixture
def team_mail(tmp_path: Path) -> MaildirTeamMail:
    return MaildirTeamMail(tmp_path / "mail", [ANA, MAX])


def imap(port: int, password: str = PASSWORD, **more: Any) -> dict[str, Any]:
    """The mailbox of Ben, which is the broken one."""
    login = {"host": "127.0.0.1", "port": port, "security": "none", "password": password}
    return {"connector": "imap", "address": BEN, "owner": "ben", "poll_every": "1s", **login, **more}


def goes_on(daemon: DaemonProcess, team_mail: MaildirTeamMail, sink: WebhookSink, number: int = 1) -> None:
    """The other mailboxes are read and their waits escalated in time."""
    team_mail.deliver(ANA, message_bytes(BO, ANA, id=f"on{number}@buyer.test", subject=f"Business as usual {number}"))
    sink.wait(lambda post: any(clock["started_by"] == f"on{number}@buyer.test" for clock in post.body["clocks"]))


def test_a_dead_imap_host_is_told_once_counted_and_tried_again_until_it_is_back(
    team_mail: MaildirTeamMail, sink: WebhookSink, tmp_path: Path
) -> None:
    with Dovecot.start([BEN]) as server:
        server.kill()
        installation = Installation(
            tmp_path, team_mail.mailboxes() | {"ben": imap(server.port)}, hook=sink.url, target="2s"
        )
        with installation.daemon() as daemon:
            goes_on(daemon, team_mail, sink)
            told = sink.wait(lambda post: post.type == "mailbox")
            assert (told.body["mailbox"], told.body["clocks"]) == ("ben", [])
            assert told.body["error"]
            assert daemon.metric("inboxwatch_mailbox_up", mailbox="ben") == 0
            assert daemon.metric("inboxwatch_mailbox_up", mailbox="ana") == 1
            errors = daemon.metric("inboxwatch_mailbox_errors_total", mailbox="ben", reason="unavailable")
            assert errors >= 2
            daemon.wait(lambda: daemon.metric("inboxwatch_mailbox_errors_total", mailbox="ben") > errors, "tried again")
            assert daemon.log.count('"mailbox unreadable"') == 1
            server.up()
            back = sink.wait(lambda post: post.type == "mailbox" and "error" not in post.body)
            assert back.body["mailbox"] == "ben"
            assert daemon.metric("inboxwatch_mailbox_up", mailbox="ben") == 1
            assert [post.key for post in sink.posts if post.type == "mailbox"] == [told.key, back.key]
            daemon.stop()


def test_a_wrong_password_is_told_with_the_servers_words_and_never_with_the_password(
    team_mail: MaildirTeamMail, sink: WebhookSink, tmp_path: Path, dovecot: Dovecot
) -> None:
    wrong = imap(dovecot.port, "wrong-password-of-ben")
    installation = Installation(tmp_path, team_mail.mailboxes() | {"ben": wrong}, hook=sink.url, target="2s")
    with installation.daemon() as daemon:
        told = sink.wait(lambda post: post.type == "mailbox")
        assert "Authentication failed" in told.body["error"]
        assert daemon.metric("inboxwatch_mailbox_errors_total", mailbox="ben", reason="auth") >= 1
        goes_on(daemon, team_mail, sink)
        boxes = {box["mailbox"]: box for box in daemon.get("/api/v1/mailboxes")["items"]}
        assert (boxes["ben"]["up"], boxes["ben"]["reason"]) == (False, "auth")
        daemon.stop()
        everything = daemon.log + json.dumps(boxes) + repr([post.body for post in sink.posts])
        assert "wrong-password-of-ben" not in everything
    assert len([post for post in sink.posts if post.type == "mailbox"]) == 1


def test_a_server_that_accepts_and_never_answers_holds_up_nobody_and_no_shutdown(
    team_mail: MaildirTeamMail, sink: WebhookSink, tmp_path: Path
) -> None:
    with ExitStack() as stack:
        silent = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
        threading.Thread(target=accept_for_ever, args=(silent,), daemon=True).start()
        box = imap(silent.getsockname()[1], read_timeout="10m", connect_timeout="10m")
        installation = Installation(tmp_path, team_mail.mailboxes() | {"ben": box}, hook=sink.url, target="2s")
        with installation.daemon(wait=False) as daemon:
            daemon.wait(lambda: daemon.status("/healthz") == 200)
            goes_on(daemon, team_mail, sink)
            assert daemon.status("/readyz") == 503, "a mailbox was not tried to an end yet"
            daemon.stop()


def accept_for_ever(server: socket.socket) -> None:
    kept = []
    while True:
        try:
            kept.append(server.accept())
        except OSError:
            return


def test_a_step_of_a_blind_mailbox_waits_for_its_grace_and_then_says_that_it_is_unverified(
    team_mail: MaildirTeamMail, sink: WebhookSink, tmp_path: Path
) -> None:
    """Rule 31, by the daemon: the rep's own mailbox goes blind while a wait of his runs."""
    with Dovecot.start([BEN]) as server:
        boxes = team_mail.mailboxes() | {"ben": imap(server.port)}
        leads = "email,owner\nbo@buyer.test,ben\n"
        installation = Installation(
            tmp_path,
            boxes,
            hook=sink.url,
            target="6s",
            steps=[{"at": "100%", "notify": ["owner"]}],
            blind_grace="2s",
            leads=leads,
        )
        with installation.daemon() as daemon:
            server.deliver(BEN, message_bytes(BO, BEN, id="q1@buyer.test"))
            daemon.wait(daemon.clocks)
            server.kill()
            page = sink.wait(lambda post: "unverified" in post.reasons)
            (clock,) = page.body["clocks"]
            assert clock["metric_state"] == "unverified"
            assert clock["unread_since"]
            assert daemon.metric("inboxwatch_clocks_open", state="unverified", mailbox="ben") == 1
            server.up()
            daemon.wait(lambda: daemon.metric("inboxwatch_clocks_open", state="unverified") == 0, "it sees again")
            daemon.wait(lambda: daemon.metric("inboxwatch_clocks_open", state="breached") == 1)
            daemon.stop()
    keys = [post.key for post in sink.posts]
    assert len(keys) == len(set(keys))


def test_unparsable_mail_is_quarantined_and_the_mail_after_it_is_read(
    team_mail: MaildirTeamMail, sink: WebhookSink, tmp_path: Path
) -> None:
    installation = Installation(tmp_path, team_mail.mailboxes(), hook=sink.url, target="2s")
    with installation.daemon() as daemon:
        for raw in (
            b"",
            b"\x00\xff" * 2000,
            b"no header at all",
            b"From: bo@buyer.test\r\n\r\nneither id nor date",
            b"Message-ID: <only@id.test>\r\n\r\n",
            b"From: \xff\xfe <bo@buyer.test>\r\nMessage-ID: <a\x00b@buyer.test>\r\nSubject: =?utf-8?b?////?=\r\n\r\n",
            b"From: bo@buyer.test\r\nContent-Type: multipart/mixed; boundary=x\r\n\r\n" + b"--x\r\n" * 3000,
        ):
            team_mail.deliver(ANA, raw)
        (team_mail.folder(ANA, "INBOX") / "new" / "1.folder.test").mkdir()
        goes_on(daemon, team_mail, sink)
        seen = daemon.metric("inboxwatch_messages_total", mailbox="ana")
        (box,) = (box for box in daemon.get("/api/v1/mailboxes")["items"] if box["mailbox"] == "ana")
        assert seen + box["quarantined"] == 9, "each is accounted for"
        assert daemon.metric("inboxwatch_clocks_open", mailbox="ana") >= 2, "the buyer's mail without id and date too"
        daemon.stop()
        assert "Traceback" not in daemon.log
        assert "buyer.test" not in daemon.log


def test_a_channel_that_refuses_for_good_is_replaced_by_the_next_way_and_told_once(
    team_mail: MaildirTeamMail, sink: WebhookSink, tmp_path: Path
) -> None:
    with WebhookSink() as gone:
        gone.answer = lambda post: 410
        channels = {
            "first": {"type": "webhook", "url": f"{gone.url}/gone"},
            "second": {"type": "webhook", "url": f"{sink.url}/hook"},
        }
        installation = Installation(
            tmp_path,
            team_mail.mailboxes(),
            target="2s",
            channels=channels,
            notify_by=["first", "second"],
            it_alerts=["second"],
        )
        with installation.daemon() as daemon:
            goes_on(daemon, team_mail, sink, 1)
            goes_on(daemon, team_mail, sink, 2)
            alarm = sink.wait(lambda post: post.type == "digest")
            assert "first" in alarm.body["title"]
            daemon.wait(lambda: daemon.metric("inboxwatch_notifications_pending") == 0)
            assert daemon.metric("inboxwatch_notifications_total", channel="second", outcome="sent") >= 3
            assert daemon.metric("inboxwatch_notifications_total", outcome="dead") == 0, "every page found its way"
            daemon.stop()
        assert len([post for post in sink.posts if post.type == "digest"]) == 1
        assert len({post.key for post in gone.posts}) == len(gone.posts), "a refusal for good is not tried again"


def test_a_channel_without_another_way_leaves_dead_letters_that_can_be_sent_again(
    team_mail: MaildirTeamMail, sink: WebhookSink, tmp_path: Path
) -> None:
    sink.answer = lambda post: 400
    steps = [{"at": "100%", "notify": ["owner", "manager"]}]
    installation = Installation(tmp_path, team_mail.mailboxes(), hook=sink.url, target="1s", steps=steps)
    with installation.daemon() as daemon:
        team_mail.deliver(ANA, message_bytes(BO, ANA, id="q1@buyer.test"))
        daemon.wait(lambda: daemon.metric("inboxwatch_notifications_total", outcome="dead") == 2, "one for each reader")
        letters = daemon.get("/api/v1/dead-letters")["items"]
        assert all("400" in one["error"] for one in letters)
        sink.answer = lambda post: 200
        assert daemon.call("POST", f"/api/v1/dead-letters/{letters[0]['id']}/resend")[0] == 200
        sink.wait(lambda post: post.type == "escalation")
        daemon.stop()


def test_a_channel_that_fails_for_a_while_is_tried_again_with_the_same_key(
    team_mail: MaildirTeamMail, sink: WebhookSink, tmp_path: Path
) -> None:
    def answer(_: Any) -> int:
        if len(sink.posts) == 1:
            raise ConnectionResetError
        return 503 if len(sink.posts) == 2 else 200

    sink.answer = answer
    steps = [{"at": "100%", "notify": ["owner"]}]
    installation = Installation(tmp_path, team_mail.mailboxes(), hook=sink.url, target="1s", steps=steps)
    with installation.daemon() as daemon:
        team_mail.deliver(ANA, message_bytes(BO, ANA, id="q1@buyer.test"))
        page = sink.wait(lambda post: "breach" in post.reasons)
        assert [post.key for post in sink.posts] == [page.key] * 3
        first, second = [(later.at - earlier.at).total_seconds() for earlier, later in pairwise(sink.posts)]
        assert (first >= 1.6, second >= 3.2) == (True, True), "pauses of two and four seconds, give or take a fifth"
        daemon.wait(lambda: daemon.metric("inboxwatch_notifications_total", channel="desk", outcome="retried") == 2)
        assert daemon.metric("inboxwatch_notifications_total", channel="desk", outcome="sent") == 1
        daemon.stop()


def test_a_dead_channel_holds_up_no_other(team_mail: MaildirTeamMail, sink: WebhookSink, tmp_path: Path) -> None:
    """A receiver that never answers keeps its own outbox busy, and nothing else; nor does it hold up the shutdown."""
    release = threading.Event()
    with WebhookSink() as hung:
        hung.answer = lambda post: 200 if release.wait(600) else 500
        channels = {
            "hung": {"type": "webhook", "url": f"{hung.url}/hung", "timeout": "10m"},
            "desk": {"type": "webhook", "url": f"{sink.url}/hook"},
        }
        steps = [{"at": "100%", "notify": ["hung", "desk"]}]
        installation = Installation(tmp_path, team_mail.mailboxes(), target="1s", channels=channels, steps=steps)
        with installation.daemon() as daemon:
            team_mail.deliver(ANA, message_bytes(BO, ANA, id="q1@buyer.test"))
            hung.wait_for(1)
            goes_on(daemon, team_mail, sink)
            daemon.stop()
        release.set()


def test_a_port_that_is_taken_and_a_store_that_cannot_be_opened_end_the_start_with_a_sentence(
    team_mail: MaildirTeamMail, sink: WebhookSink, tmp_path: Path
) -> None:
    installation = Installation(tmp_path, team_mail.mailboxes(), hook=sink.url)
    with socket.create_server(("127.0.0.1", installation.port)):
        done = installation.command("run")
    assert done.returncode == 1
    assert "cannot listen" in done.stderr
    installation.write(store="sqlite:////nowhere/at/all/store.db", port=free_port())
    done = installation.command("run")
    assert (done.returncode, "Traceback" in done.stderr) == (1, False)
    assert "/nowhere/at/all" in done.stderr


def test_a_second_daemon_on_a_sqlite_file_says_what_to_do_and_commands_work_beside_the_first(
    team_mail: MaildirTeamMail, sink: WebhookSink, tmp_path: Path
) -> None:
    installation = Installation(tmp_path, team_mail.mailboxes(), hook=sink.url)
    first = OneDaemon(f"sqlite:///{tmp_path}/inboxwatch.db")
    done = installation.command("run")
    assert done.returncode == 1
    for said in (f"process {os.getpid()}", "a SQLite file is for one", "inboxwatch store copy"):
        assert said in done.stderr
    assert installation.command("backfill").returncode == 0
    first.close()
    OneDaemon(f"sqlite:///{tmp_path}/inboxwatch.db").close()
