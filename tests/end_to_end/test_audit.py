"""A real daemon's audit log: its start, reloads by a signal, commands; read while it runs, and after it has ended."""

from __future__ import annotations

import json
from pathlib import Path

from tests.doubles.webhook_sink import WebhookSink
from tests.support.installation import Installation
from tests.support.message_bytes import message_bytes
from tests.support.team_mail import ANA, BO, MAX, MaildirTeamMail


def test_starts_signals_and_commands_are_on_record_after_the_daemon_has_ended(
    sink: WebhookSink, tmp_path: Path
) -> None:
    mail = MaildirTeamMail(tmp_path / "mail", [ANA, MAX])
    installation = Installation(tmp_path, mail.mailboxes(), hook=sink.url, target="1h")
    with installation.daemon() as daemon:
        mail.deliver(ANA, message_bytes(BO, ANA, id="q1@buyer.test"))
        (wait,) = daemon.wait(daemon.clocks, "a wait")

        def noted(number: int) -> bool:
            return len(daemon.get("/api/v1/audit")["items"]) == number

        daemon.reload()
        daemon.wait(lambda: noted(2), "the reload is noted")
        done = installation.command("clocks", "snooze", wait["id"], "--by", "ana", "--for", "1h")
        assert done.returncode == 0, done.stderr
        fine = installation.path.read_text(encoding="utf-8")
        installation.path.write_text("nonsense: true\n", encoding="utf-8")
        daemon.reload()
        daemon.wait(lambda: noted(4), "the refused reload is noted")
        installation.path.write_text(fine, encoding="utf-8")
    rows = [json.loads(line) for line in installation.command("audit", "export").stdout.splitlines()]
    assert [(row["door"], row["by"], row["deed"], row["outcome"]) for row in rows] == [
        ("start", None, "config.reload", "done"),
        ("signal", None, "config.reload", "done"),
        ("cli", "ana", "wait.snooze", "done"),
        ("signal", None, "config.reload", "refused"),
    ]
    assert rows[2]["object"] == wait["id"]
