"""The commands of the documents: run as they stand, or kept with the reason why not; each understood by the program."""

from __future__ import annotations

import re
import shlex
import signal
import subprocess
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.exceptions import TyperException

from inboxwatch.cli import app
from tests.support.certificates import Authority
from tests.support.documents import ROOT, Commands, documents, in_text
from tests.support.installation import PROGRAM, Installation
from tests.support.message_bytes import message_bytes
from tests.support.ports import free_port
from tests.support.team_mail import ANA, BO, MaildirTeamMail
from tests.support.waiting import PATIENCE, wait

EXECUTED = ["README.md", "deploy/README.md", "config/README.md", "connectors/README.md"]
OF_THE_INSTALLER = "needs root and a machine of its own: tests/install/trial; here tests/deploy/test_document.py"
OF_AN_ENGINE = "needs a container engine or a cluster; their files are judged in tests/deploy"
NOT_RUN = {
    "make demo": "does not end by itself; tests/end_to_end plays what it shows",
    "make test": "this is it",
    "deploy/install.sh": OF_THE_INSTALLER,
    "/opt/inboxwatch/install.sh": OF_THE_INSTALLER,
    "python3 -m pip download": "needs a package index",
    "journalctl": "does not end, and shows what systemd has kept",
    "docker": OF_AN_ENGINE,
    "make sbom": "takes as long as a dozen tests; tests/deploy/test_packaging.py makes the list",
    "cd deploy/compose": OF_AN_ENGINE,
    "./prepare": "asks for a password; tests/deploy/test_compose.py runs it",
    "cd deploy/kubernetes": OF_AN_ENGINE,
    "mkdir -p secrets": OF_AN_ENGINE,
    "openssl": OF_AN_ENGINE,
    "kubectl": OF_AN_ENGINE,
    "gcloud": "Google alone can answer it",
}
"""How a command begins, and why it is not run here."""
ANSWERS = ["acme.test", "maildir", ANA, "{mail}/" + ANA, "Ana Diaz", "console"]
"""To the questions of `init`, as somebody with a Maildir types them."""


class Reader:
    """Somebody with a Maildir and an archive who types what a document says; a folder stands for the machine."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.port = folder, free_port()
        self.mail = MaildirTeamMail(folder / "mail", [ANA])
        self.mail.deliver(ANA, message_bytes(BO, ANA))
        (folder / "Maildir").symlink_to(self.mail.folder(ANA, "INBOX"))
        (folder / "archive.mbox").write_bytes(b"From bo Mon May  4 09:00:00 2026\n" + message_bytes(BO, ANA))
        (folder / "deeds.jsonl").write_text(
            '{"at": "2026-05-04T09:12:00Z", "deed": "assign", "message": "none@x", "by": "ana", "owner": "ana"}\n'
        )
        (authority := Authority(folder)).issue("inboxwatch.acme.test")
        authority.certificate.rename(folder / "fullchain.pem")
        authority.key.rename(folder / "privkey.pem")
        (folder / ".venv").mkdir()
        (folder / ".venv/bin").symlink_to(Path(PROGRAM).parent)
        for name in ("config", "conf.d", "etc", "etc/secrets", "backups"):
            (folder / name).mkdir()
        (folder / "conf.d/port.yaml").write_text(f'web: {{listen: "127.0.0.1:{self.port}"}}\n', encoding="utf-8")
        self._daemon: subprocess.Popen[bytes] | None = None

    def types(self, command: str) -> None:
        """Runs it as a shell does, or does what systemd would do."""
        if command.startswith("systemctl"):
            self._systemctl(*command.split()[1:])
        elif command.startswith("inboxwatch run"):
            self._start(self._here(command))
            assert self._daemon is not None
            self._daemon.send_signal(signal.SIGHUP)
            self._stop()
        else:
            given = "".join(f"{line}\n" for line in ANSWERS).format(mail=self.mail.root)
            done = subprocess.run(
                ["bash", "-euo", "pipefail", "-c", self._here(command)],
                input=given if command == "inboxwatch init" else "",
                **self._place,
                capture_output=True,
                text=True,
                check=False,
            )
            assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"
        if "/etc/inboxwatch/inboxwatch.yaml" in command and "config example" in command:
            self._edit()

    @property
    def _place(self) -> dict[str, Any]:
        path = f"{Path(PROGRAM).parent}:/usr/local/bin:/usr/bin:/bin"
        return {"cwd": self.folder, "env": {"PATH": path, "HOME": str(self.folder), "LANG": "C.UTF-8"}}

    def _here(self, command: str) -> str:
        """The system's folders are some of ours, and whom a file belongs to stays."""
        for there, here in (("/etc/inboxwatch", "etc"), ("/var/backups/inboxwatch", "backups")):
            command = command.replace(there, f"{self.folder}/{here}")
        return re.sub(r" -[og] inboxwatch\b", "", command)

    def _edit(self) -> None:
        """The example names servers that are not there: the reader writes what is theirs instead."""
        console = {"desk": {"type": "console"}}
        installation = Installation(self.folder / "etc", self.mail.mailboxes(), channels=console, target="4h")
        self.port = installation.port

    def _systemctl(self, verb: str, *_: str) -> None:
        """What the unit does for this verb."""
        if verb == "reload":
            self.types("inboxwatch reload -c /etc/inboxwatch/inboxwatch.yaml")
        elif verb == "stop":
            self._stop()
        else:
            assert verb in ("enable", "start")
            self._start(self._here("inboxwatch run -c /etc/inboxwatch/inboxwatch.yaml"))

    def _start(self, command: str) -> None:
        with (self.folder / "daemon.log").open("wb") as log:
            self._daemon = subprocess.Popen(shlex.split(command.split("#")[0]), stdout=log, stderr=log, **self._place)
        wait(lambda: urllib.request.urlopen(f"http://127.0.0.1:{self.port}/readyz").status == 200, "never ready")

    def _stop(self) -> None:
        assert self._daemon is not None
        self._daemon.terminate()
        assert self._daemon.wait(PATIENCE) == 0, (self.folder / "daemon.log").read_text()
        self._daemon = None

    def leaves(self) -> None:
        if self._daemon is not None:
            self._daemon.kill()
            self._daemon.wait(PATIENCE)


@pytest.fixture
def reader(tmp_path: Path) -> Iterator[Reader]:
    reader = Reader(tmp_path)
    yield reader
    reader.leaves()


@pytest.mark.parametrize("document", EXECUTED)
def test_what_a_document_says_can_be_typed_from_its_top_to_its_end(document: str, reader: Reader) -> None:
    for command in Commands(document).all:
        if not command.startswith(tuple(NOT_RUN)):
            reader.types(command)
    if document == "config/README.md":
        assert (reader.folder / document).read_text() == (ROOT / document).read_text()


def test_each_reason_not_to_run_a_command_still_has_one() -> None:
    run = [command for document in EXECUTED for command in Commands(document).all]
    assert [begin for begin in NOT_RUN if not any(command.startswith(begin) for command in run)] == []


def named() -> Iterator[tuple[str, str, bool]]:
    """Each command line in any document, in runbooks, configs and the unit; whether it is typed as it stands."""
    for document in documents():
        yield from ((document, command, True) for command in Commands(document).all)
        yield from ((document, code, False) for code in in_text(document))
    for file in (
        "deploy/prometheus/inboxwatch.alerts.yml",
        "config/inboxwatch.yaml",
        "deploy/kubernetes/inboxwatch.yaml",
    ):
        text = (ROOT / file).read_text(encoding="utf-8")
        yield from ((file, " ".join(code.split()), False) for code in re.findall(r"`(inboxwatch [^`]+)`", text))
    unit = (ROOT / UNIT).read_text(encoding="utf-8")
    yield from ((UNIT, code, True) for code in re.findall(r"^Exec\w+=(.*)$", unit, re.MULTILINE))


UNIT = "deploy/systemd/inboxwatch.service"
OURS = re.compile(r"(?<!--namespace)(?:^| |(?<=\w)/)inboxwatch (?=[a-z])(?P<words>[^|>;]*)")
LINES = sorted({(file, found["words"].strip(), whole) for file, line, whole in named() if (found := OURS.search(line))})


def test_the_program_takes_each_command_line_that_is_named_anywhere(tmp_path: Path) -> None:
    """A mention in a sentence may leave out what must be given; what it names is there."""
    file = tmp_path / "inboxwatch.yaml"
    file.touch()
    words = {"PERSON": "ana", "ADDRESS": BO, "FILE": str(file), "NEW": str(file)}
    words |= {"inboxwatch.yaml": str(file), "/etc/inboxwatch/inboxwatch.yaml": str(file)}
    refused = []
    for document, line, whole in LINES:
        given = [words.get(word, word) for word in shlex.split(re.sub(r"[\[\]]|\$\(.*?\)", "", line))]
        try:
            understand(given, whole=whole)
        except (KeyError, TyperException) as error:
            refused.append(f"{document}: {line}: {error}")
    assert refused == []
    assert len(LINES) > 50


def understand(words: list[str], *, whole: bool) -> None:
    """Raises KeyError where there is no such command, TyperException where an option or a value is none of it."""
    command: Any = typer.main.get_command(app)
    while words and hasattr(command, "commands"):
        command = command.commands[words.pop(0)]
    if hasattr(command, "commands"):  # a group of them
        assert not whole
        return
    try:
        command.make_context("inboxwatch", words)
    except TyperException as error:
        if whole or not type(error).__name__ == "MissingParameter":
            raise


def test_each_target_of_make_that_is_named_anywhere_is_there() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    lines = [line for document in documents() for line in (*Commands(document).all, *in_text(document))]
    asked = {found[1] for line in lines if (found := re.match(r"make ([a-z-]+)", line))}
    assert asked > {"demo", "test", "lint"}
    assert asked <= targets
