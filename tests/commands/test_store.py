"""`store` as people use it: what it says, what it returns, and what it never shows."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

import pytest
from typer.testing import CliRunner

from inboxwatch.cli import app
from inboxwatch.commands.exit_code import ExitCode
from inboxwatch.now import now
from inboxwatch.store import Store
from inboxwatch.store.marks import RunningMark
from tests.support.installation import Installation


@pytest.fixture
def installation(tmp_path: Path) -> Installation:
    Store(f"sqlite:///{tmp_path}/inboxwatch.db").close()
    return Installation(tmp_path, {}, channels={"desk": {"type": "console"}})


def store(installation: Installation, *words: str) -> tuple[int, str]:
    """The exit code of `inboxwatch store WORDS`, and all that it says."""
    done = CliRunner().invoke(app, ["store", *words, "-c", str(installation.path)])
    assert done.exception is None or isinstance(done.exception, SystemExit)
    return done.exit_code, done.output


def test_a_backup_says_what_it_holds_and_a_restore_whether_links_go_on(installation: Installation) -> None:
    file = installation.folder / "kept.db"
    code, said = store(installation, "backup", str(file))
    assert (code, said.splitlines()[0][:13]) == (ExitCode.OK, "backed up to ")
    assert "0 messages, 0 waits, 0 leads" in said
    code, said = store(installation, "backup", str(file))
    assert (code, "--replace" in said) == (ExitCode.FAILED, True)
    code, said = store(installation, "restore", str(file))
    assert (code, "signed links" in said) == (ExitCode.OK, False)
    file.with_name("kept.db.key").unlink()
    code, said = store(installation, "restore", str(file))
    assert (code, "the key of signed links does not lie beside" in said) == (ExitCode.OK, True)


def test_a_store_that_cannot_be_reached_is_named_without_its_password(installation: Installation) -> None:
    code, said = store(installation, "copy", "postgresql://watch:pA55word-of-it@127.0.0.1:1/x")
    assert code == ExitCode.FAILED
    assert "cannot restore the store" in said
    assert "pA55word-of-it" not in said
    code, said = store(installation, "copy", "mysql://elsewhere/x")
    assert (code, "postgresql://USER@HOST/DATABASE" in said) == (ExitCode.BAD_CONFIG, True)


def test_nothing_to_back_up_is_no_backup(installation: Installation) -> None:
    (installation.folder / "inboxwatch.db").unlink()
    code, said = store(installation, "backup", str(installation.folder / "kept.db"))
    assert (code, "there is nothing to back up" in said) == (ExitCode.FAILED, True)
    assert not (installation.folder / "kept.db").exists()
    assert not list(installation.folder.glob(".kept.db*"))


def test_a_clock_that_nobody_believes_is_shown_by_check_and_confirmed_beside_the_daemon(
    installation: Installation,
) -> None:
    text = installation.path.read_text(encoding="utf-8")
    installation.path.write_text(text.replace("look_back: 30d", "look_back: 30d, keep: 400d"), encoding="utf-8")

    def said_of_age() -> str:
        done = CliRunner().invoke(app, ["check", "--json", "-c", str(installation.path)])
        texts = [one["text"] for one in json.loads(done.output)["findings"]]
        return "".join(text for text in texts if "days ahead" in text)

    opened = Store(f"sqlite:///{installation.folder}/inboxwatch.db")
    with opened.transaction() as tx:
        tx.marks.set(RunningMark(), now() - timedelta(days=90))
    assert "90 days ahead of the time at which inboxwatch was last at work" in said_of_age()
    code, said = store(installation, "trust-clock")
    opened.close()
    assert (code, "was 90 days ahead" in said) == (ExitCode.OK, True)
    assert said_of_age() == ""
