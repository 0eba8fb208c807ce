"""`init`: a first config by five questions, after a login that works; nothing is left where it was given up."""

from __future__ import annotations

import stat
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from inboxwatch import config
from inboxwatch.commands.first_answers import Answers
from inboxwatch.commands.first_config import text_of
from tests.doubles.dovecot import PASSWORD, Dovecot
from tests.support.installation import command
from tests.support.terminal import Terminal


@pytest.fixture(scope="module")
def server() -> Iterator[Dovecot]:
    with Dovecot.start(["ana@acme.test"]) as server:
        yield server


def imap(server: Dovecot) -> list[str]:
    return ["--set", "host=127.0.0.1", "--set", f"port={server.port}", "--set", "security=none"]


def maildir(path: Path) -> Path:
    for name in ("new", "cur", "tmp"):
        (path / name).mkdir(parents=True)
    return path


def unattended(folder: Path, *more: str, owner: str = "Ana Diaz") -> subprocess.CompletedProcess[str]:
    words = ["--domain", "acme.test", "--system", "maildir", "--mailbox", "ana@acme.test", "--set", "path=mail"]
    return command("init", *words, "--owner", owner, "--tell", "console", *more, cwd=folder, stdin=subprocess.DEVNULL)


def test_who_answers_five_questions_has_a_config_that_check_accepts(server: Dovecot, tmp_path: Path) -> None:
    terminal = Terminal(tmp_path, *imap(server))
    terminal.answer("Your mail domain", "acme")
    terminal.expect("is no mail domain")
    terminal.answer("Your mail domain", "acme.test")
    terminal.answer("Mail system", "")
    terminal.answer("First mailbox", "ana@acme.test")
    terminal.answer("User name [ana@acme.test]", "")
    terminal.answer("Password", "not-the-password")
    terminal.answer("Who owns it", "Ana Diaz")
    terminal.answer("How people are told", "")
    terminal.expect("logging in to 127.0.0.1")
    terminal.expect("Authentication failed")  # Dovecot's own words
    assert list(tmp_path.glob("inboxwatch.yaml")) == []
    terminal.answer("Correct the answers?", "")
    terminal.answer("Name of the IMAP server [127.0.0.1]", "")
    terminal.answer("User name", "")
    terminal.answer("Password [as before]", PASSWORD)
    terminal.expect("written: inboxwatch.yaml")
    assert terminal.end() == 0
    terminal.close()
    path = tmp_path / "inboxwatch.yaml"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [one.name for one in tmp_path.iterdir()] == ["inboxwatch.yaml"]
    assert "not-the-password" not in terminal.shown
    assert PASSWORD not in terminal.shown
    done = command("check", "-c", str(path))
    assert done.returncode == 0, done.stdout


def test_who_gives_up_leaves_nothing_behind(server: Dovecot, tmp_path: Path) -> None:
    more = [
        "--domain",
        "acme.test",
        "--system",
        "imap",
        "--mailbox",
        "ana@acme.test",
        "--owner",
        "Ana",
        "--tell",
        "console",
    ]
    terminal = Terminal(
        tmp_path, *imap(server), *more, "--set", "username=ana@acme.test", "--set", "password=wrong-word"
    )
    terminal.expect("Correct the answers?")
    terminal.interrupt()
    assert (terminal.end(), list(tmp_path.iterdir())) == (130, [])
    terminal.close()
    assert "nothing was written" in terminal.shown


def test_options_alone_write_a_config_and_never_over_another(tmp_path: Path) -> None:
    maildir(tmp_path / "mail")
    done = unattended(tmp_path)
    assert done.returncode == 0, done.stderr
    path = tmp_path / "inboxwatch.yaml"
    written = path.read_text(encoding="utf-8")
    assert command("check", "-c", str(path)).returncode == 0
    done = unattended(tmp_path, owner="Ben")
    assert (done.returncode, path.read_text(encoding="utf-8")) == (2, written)
    assert unattended(tmp_path, "--force", owner="Ben").returncode == 0
    assert [person.name for person in config.load(path).people.values()] == ["Ben"]


def test_a_login_that_fails_with_nobody_there_ends_with_the_reason_and_no_file(tmp_path: Path) -> None:
    done = unattended(tmp_path)
    assert (done.returncode, list(tmp_path.iterdir())) == (2, [])
    assert "mailbox ana" in done.stderr
    assert unattended(tmp_path, "--no-login").returncode == 0


def test_a_home_of_nobody_is_a_folder_that_is_not_there(tmp_path: Path) -> None:
    done = unattended(tmp_path, "--set", "path=~nobody-of-that-name/mail")
    assert (done.returncode, "Traceback" in done.stderr, "~nobody-of-that-name" in done.stderr) == (2, False, True)


def test_what_is_not_given_and_nobody_answers_is_named_by_its_option(tmp_path: Path) -> None:
    done = command("init", "--domain", "acme.test", cwd=tmp_path, stdin=subprocess.DEVNULL)
    assert (done.returncode, "give --system" in done.stderr) == (2, True)
    done = command("init", "--domain", "acme", cwd=tmp_path, stdin=subprocess.DEVNULL)
    assert (done.returncode, "--domain: 'acme' is no mail domain" in done.stderr) == (2, True)
    done = unattended(tmp_path, "--set", "nonsense")
    assert (done.returncode, list(tmp_path.iterdir())) == (2, [])


def test_an_owner_with_an_address_of_their_own_has_the_mailbox_shared(tmp_path: Path) -> None:
    done = unattended(tmp_path, "--no-login", owner="Lena Ott <lena@acme.test>")
    assert done.returncode == 0, done.stderr
    loaded = config.load(tmp_path / "inboxwatch.yaml")
    (person,), (box,) = loaded.people.values(), loaded.mailboxes.values()
    assert (person.id, person.name, person.email, box.owner, box.team) == (
        "lena",
        "Lena Ott",
        "lena@acme.test",
        None,
        "desk",
    )
    assert command("check", "--offline", "-c", str(loaded.path)).returncode == 0


@pytest.mark.parametrize(
    ("owner", "person"),
    [
        ("Manager", "manager-1"),
        ('Ü. "x": {y} # z', "ü"),
        ("= 7", "first"),
        ("null\t\u2028", "null-1"),
        ("{domain}", "domain"),
    ],
)
def test_whatever_people_are_called_the_config_holds(tmp_path: Path, owner: str, person: str) -> None:
    for email in ("ana@acme.test", "own@acme.test"):
        mail, tell = {"path": "mail: {x}"}, {"url": "https://hooks.acme.test/x?a=b&c={d}"}
        answers = Answers("acme.test", "maildir", "ana@acme.test", owner, email, "webhook", mail, tell)
        (path := tmp_path / "inboxwatch.yaml").write_text(text_of(answers, path.name), encoding="utf-8")
        loaded = config.load(path)
        assert [(one.id, one.name, one.email) for one in loaded.people.values()] == [(person, owner, email)]
