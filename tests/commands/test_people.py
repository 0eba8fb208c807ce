"""`export` and `forget` beside a daemon: what they print, refuse and leave behind."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from inboxwatch.cli import app
from inboxwatch.commands.exit_code import ExitCode
from tests.support.batched_daemon import BatchedDaemon


@pytest.fixture
def daemon(tmp_path: Path) -> Iterator[BatchedDaemon]:
    daemon = BatchedDaemon(tmp_path, "sqlite:///inboxwatch.db")
    copied = "Cc: Di Ek <di@third.test>"
    daemon.reads(daemon.asks("q1@buyer.test", 0, sender="Bo Lind <bo@buyer.test>", subject="Prices", extra=copied))
    yield daemon
    daemon.close()


def told(daemon: BatchedDaemon, *words: str) -> tuple[int, str]:
    """The exit code of a command, and all that it says."""
    done = CliRunner().invoke(app, [*words, "-c", str(daemon.path)])
    assert done.exception is None or isinstance(done.exception, SystemExit)
    return done.exit_code, done.output


def test_an_export_tells_a_person_all_of_theirs_and_nothing_of_others(daemon: BatchedDaemon) -> None:
    code, text = told(daemon, "export", "Bo@buyer.test")
    known = json.loads(text)
    assert code == ExitCode.OK
    assert (known["lead"]["name"], known["addresses"], known["forgotten_at"]) == ("Bo Lind", ["bo@buyer.test"], None)
    (message,) = known["messages"]
    assert (message["subject"], message["from"], message["to"]) == ("Prices", ["bo@buyer.test"], [])
    assert [wait["state"] for wait in known["waits"]] == ["running"]
    assert "third.test" not in text
    assert told(daemon, "export", "nobody@third.test")[0] == ExitCode.FAILED


def test_forgetting_is_shown_first_and_then_done(daemon: BatchedDaemon) -> None:
    code, said = told(daemon, "forget", "bo@buyer.test", "--dry-run")
    assert (code, "1 open waits" in said, "1 leads" in said) == (ExitCode.OK, True, True)
    assert "bo@buyer.test" in str(daemon.everything())
    assert told(daemon, "forget", "bo@buyer.test")[0] == ExitCode.BAD_CONFIG, "nobody acts"
    code, said = told(daemon, "forget", "bo@buyer.test", "--by", "max")
    assert (code, "1 open wait(s)" in said) == (ExitCode.FAILED, True)
    code, said = told(daemon, "forget", "bo@buyer.test", "--by", "max", "--with-open-waits")
    assert (code, "backups from before" in said) == (ExitCode.OK, True)
    assert "bo@buyer.test" not in str(daemon.everything())
    known = json.loads(told(daemon, "export", "bo@buyer.test")[1])
    assert known["forgotten_at"] is not None
    assert known["messages"] == []
