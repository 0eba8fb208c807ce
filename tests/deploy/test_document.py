"""The commands of deploy/README.md: what can be run here is run, what cannot is at least understood."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest
import typer

from inboxwatch.cli import app

ROOT = Path(__file__).resolve().parents[2]
TEXT = (ROOT / "deploy/README.md").read_text(encoding="utf-8")
COMMANDS = [
    line.removeprefix("sudo ")
    for block in re.findall(r"^```sh\n(.*?)^```", TEXT, re.MULTILINE | re.DOTALL)
    for line in block.splitlines()
]
OF_THE_SYSTEM = {"systemctl", "journalctl", "docker", "kubectl", "openssl", "mkdir", "install", "python3"}
"""Not run by this test; the trial in tests/install runs those of systemd on a booted machine."""


def starting(*words: str) -> list[str]:
    return [line for line in COMMANDS if line.startswith(words)]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """As much of one as a dry run looks at."""
    path = tmp_path_factory.mktemp("wheel") / "inboxwatch-1.0-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        archive.write(ROOT / "requirements.txt", "inboxwatch/locks/base.txt")
        for lock in (ROOT / "inboxwatch/locks").glob("*.txt"):
            archive.write(lock, f"inboxwatch/locks/{lock.name}")
    return path


@pytest.mark.parametrize("line", starting("deploy/install.sh", "/opt/inboxwatch/install.sh"))
def test_the_installer_understands_each_of_its_lines(line: str, wheel: Path, tmp_path: Path) -> None:
    """On a machine where no version is, `rollback` and `status` say so."""
    words = shlex.split(line)[1:]
    done = subprocess.run(
        [
            ROOT / "deploy/install.sh",
            "--root",
            tmp_path,
            "--python",
            sys.executable,
            "--from",
            wheel,
            "--dry-run",
            *words,
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    told = {"rollback": "no version before is installed", "status": "is not installed"}.get(words[0] if words else "")
    assert done.returncode == (1 if told else 0), done.stderr
    assert (told or "") in done.stderr


OF_THE_PROGRAM = [
    line for line in COMMANDS if re.search(r"(^|\s)(\S*/)?inboxwatch \w", line) and not line.startswith("kubectl")
]


@pytest.mark.parametrize("line", OF_THE_PROGRAM)
def test_the_program_takes_each_of_its_lines(line: str, tmp_path: Path) -> None:
    file = tmp_path / "inboxwatch.yaml"
    file.touch()
    words = shlex.split(re.split(r"inboxwatch (?=\w+ )", line)[-1].split(" | ")[0])
    command: Any = typer.main.get_command(app)
    while hasattr(command, "commands"):
        command = command.commands[words.pop(0)]
    words = [str(file) if word == "/etc/inboxwatch/inboxwatch.yaml" else word for word in words]
    command.make_context("inboxwatch", words)  # raises where an option or a value is none of it


def test_what_the_lines_name_is_there() -> None:
    targets = re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert {line.removeprefix("make ") for line in starting("make ")} <= set(targets)
    folders = [ROOT / line.removeprefix("cd ") for line in starting("cd ")]
    assert all(folder.is_dir() for folder in folders)
    for line in starting("./"):
        assert any((folder / line).exists() for folder in folders)
    for line in COMMANDS:
        for name in re.findall(r"-r (\S+\.txt)|-f (\S+Dockerfile)", line):
            assert all((ROOT / one).exists() for one in name if one)
    known = OF_THE_SYSTEM | {"inboxwatch", "make", "cd", "deploy/install.sh", "/opt/inboxwatch/install.sh", "./prepare"}
    assert {line.split()[0] for line in COMMANDS} <= known
