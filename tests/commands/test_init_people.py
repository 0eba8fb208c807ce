"""`init --from`: who is on a list is shown and proposed, after logins that work; few by name, many as one rule."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from inboxwatch import config
from inboxwatch.cli import app
from inboxwatch.config import Config
from tests.doubles.dovecot import MASTER, MASTER_PASSDB, MASTERS, PASSWORD, Dovecot
from tests.doubles.entra import CLIENT_ID, SECRET, TENANT
from tests.doubles.google_directory import ADMIN
from tests.doubles.https_server import ca_file
from tests.support.staff import google_staff, graph_staff
from tests.support.terminal import Terminal

ACCOUNTS = ("ana", "ben", "info")


@pytest.fixture(scope="module")
def server() -> Iterator[Dovecot]:
    files = {"masters": MASTERS, "users": "".join(f"{one}@acme.test:::::::\n" for one in ACCOUNTS)}
    mail = [f"{one}@acme.test" for one in ACCOUNTS]
    with Dovecot.start(mail, passdb=MASTER_PASSDB, files=files) as server:
        yield server


def pairs(option: str, **settings: object) -> list[str]:
    return [word for key, value in settings.items() for word in (option, f"{key}={value}")]


def imap(server: Dovecot) -> list[str]:
    return [
        *pairs("--list", path=server.base / "users"),
        *pairs("--set", host="127.0.0.1", port=server.port, security="none", master_user=MASTER),
    ]


def unattended(folder: Path, source: str, *more: str) -> Result:
    words = ["--domain", "acme.test", "--owner", "Max Ode <max@acme.test>", "--tell", "console", *more]
    return CliRunner().invoke(app, ["init", "-o", str(folder / "inboxwatch.yaml"), "--from", source, *words], input="")


def checked(folder: Path) -> Config:
    """The config that was written, which `check` accepts."""
    path = folder / "inboxwatch.yaml"
    done = CliRunner().invoke(app, ["check", "-c", str(path)])
    assert done.exit_code == 0, done.output
    return config.load(path)


def test_few_accounts_of_a_mail_server_are_proposed_and_written_by_name(server: Dovecot, tmp_path: Path) -> None:
    terminal = Terminal(tmp_path, "--from", "imap-master", *imap(server))
    terminal.answer("Your mail domain", "acme.test")
    terminal.answer("Password", "not-the-password")
    terminal.answer("Who owns what nobody else does", "Max Ode")
    terminal.expect("write Name <address>")
    terminal.answer("Who owns what nobody else does", "Max Ode <max@acme.test>")
    terminal.answer("How people are told", "")
    terminal.expect("found 3 people: ana@acme.test, ben@acme.test, info@acme.test")
    terminal.answer("Whom to leave out", "info@*")
    terminal.expect("left out: 1")
    terminal.expect("proposed: 2 people and 2 mailboxes, by name")
    terminal.expect("logging in to 2 mailboxes")
    terminal.expect("Authentication failed")
    terminal.answer("Correct the answers?", "")
    terminal.answer("Name of the IMAP server", "")
    terminal.answer("Master user", "")
    terminal.answer("Password [as before]", PASSWORD)
    terminal.expect("written: inboxwatch.yaml")
    assert terminal.end() == 0
    terminal.close()
    assert PASSWORD not in terminal.shown
    loaded = checked(tmp_path)
    assert loaded.directories == {}
    assert {name: box.owner for name, box in loaded.mailboxes.items()} == {"ana": "ana", "ben": "ben"}
    assert loaded.people.keys() == {"max", "ana", "ben"}


def test_options_alone_write_a_rule_that_leaves_out_whom_they_say(server: Dovecot, tmp_path: Path) -> None:
    secret = pairs("--set", password=PASSWORD)
    done = unattended(tmp_path, "imap-master", *imap(server), *secret, "--rule", "--except", "info@*")
    assert done.exit_code == 0, done.output
    loaded = checked(tmp_path)
    assert loaded.mailboxes == {}
    assert loaded.people.keys() == {"max"}
    assert loaded.directories["staff"].tolerance.exclude == ("info@*",)


def test_accounts_without_a_domain_log_in_as_they_are_written(tmp_path: Path) -> None:
    with Dovecot.start(["ana"], passdb=MASTER_PASSDB, files={"masters": MASTERS, "users": "ana:::::::\n"}) as server:
        done = unattended(tmp_path, "imap-master", *imap(server), *pairs("--set", password=PASSWORD))
        assert done.exit_code == 0, done.output
        (box,) = checked(tmp_path).mailboxes.values()
    assert (box.address, getattr(box.settings, "username", "")) == ("ana@acme.test", "ana")


def test_many_people_of_a_group_are_one_rule(tmp_path: Path) -> None:
    with graph_staff(25) as server:
        double = {"graph_url": server.server.url, "login_url": server.entra.server.url, "ca_file": ca_file()}
        login = pairs("--set", tenant=TENANT, client_id=CLIENT_ID, client_secret=SECRET, **double)
        done = unattended(tmp_path, "graph", *pairs("--list", group="sales@acme.test"), *login)
        assert done.exit_code == 0, done.output
        assert "found 25 people" in done.output
        assert "25 mailboxes, by one rule" in done.output
        assert "20 of 20 mailboxes were read" in done.output
        loaded = checked(tmp_path)
    assert loaded.directories["staff"].source == "graph"
    assert loaded.mailboxes == {}


@pytest.mark.parametrize("group", ["sales@acme.test", "/Sales"])
def test_people_of_google_are_found_by_group_or_unit_with_their_managers(tmp_path: Path, group: str) -> None:
    with google_staff(2) as (directory, gmail):
        (tmp_path / "key.json").write_text(directory.tokens.key(), encoding="utf-8")
        (tmp_path / "key.json").chmod(0o600)
        done = unattended(
            tmp_path,
            "google",
            *pairs("--list", group=group, admin=ADMIN, directory_url=directory.server.url),
            *pairs("--set", service_account_file=tmp_path / "key.json", gmail_url=gmail.server.url, ca_file=ca_file()),
        )
        assert done.exit_code == 0, done.output
        loaded = checked(tmp_path)
    assert {one.id: (one.name, one.manager) for one in loaded.people.values()} == {
        "max": ("Max Ode", None), "p0": ("Person 0", None), "p1": ("Person 1", "p0"),
    }  # fmt: skip


def test_a_list_is_read_before_anything_is_written_and_what_is_wrong_with_it_is_told(tmp_path: Path) -> None:
    (tmp_path / "staff.csv").write_text("email,team\nana@acme.test,emea\nben,\n", encoding="utf-8")
    mail = [
        *pairs("--list", path=tmp_path / "staff.csv"),
        "--system",
        "maildir",
        *pairs("--set", path=tmp_path / "mail/{user}"),
    ]
    done = unattended(tmp_path, "csv", *mail)
    assert (done.exit_code, (tmp_path / "inboxwatch.yaml").exists()) == (2, False)
    assert "not taken: staff.csv:3" in done.output
    assert "FAILED: mailbox ana" in done.output
    for name in ("new", "cur", "tmp"):
        (tmp_path / "mail" / "ana" / name).mkdir(parents=True)
    assert unattended(tmp_path, "csv", *mail).exit_code == 0
    assert checked(tmp_path).teams["emea"].members == ("ana",)
    done = unattended(tmp_path, "csv", "--force", *pairs("--list", path="other.csv"), *mail[2:])
    assert (done.exit_code, "other.csv" in done.output) == (2, True)


@pytest.mark.parametrize(
    ("source", "more", "why"),
    [
        ("ldap", [], "--from: 'ldap' is none of graph, google"),
        ("graph", ["--system", "imap"], "--system: the mailboxes of graph are read by graph"),
        ("graph", ["--mailbox", "ana@acme.test"], "--mailbox is for one mailbox: leave it out with --from"),
        ("", ["--except", "info@*"], "--except needs --from"),
    ],
)
def test_options_that_do_not_fit_together_are_refused(tmp_path: Path, source: str, more: list[str], why: str) -> None:
    done = unattended(tmp_path, source, *more)
    assert (done.exit_code, why in done.output, list(tmp_path.iterdir())) == (2, True, [])
