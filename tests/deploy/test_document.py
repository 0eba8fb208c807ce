"""The installer understands its commands in deploy/README.md; the rest of them: tests/test_document_commands.py."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tests.support.documents import ROOT, Commands

COMMANDS = Commands("deploy/README.md")
OF_THE_SYSTEM = {"systemctl", "journalctl", "docker", "kubectl", "openssl", "mkdir", "install", "python3"}
"""Not run here; the trial in tests/install runs those of systemd on a booted machine."""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """As much of one as a dry run looks at."""
    path = tmp_path_factory.mktemp("wheel") / "inboxwatch-1.0-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        archive.write(ROOT / "requirements.txt", "inboxwatch/locks/base.txt")
        for lock in (ROOT / "inboxwatch/locks").glob("*.txt"):
            archive.write(lock, f"inboxwatch/locks/{lock.name}")
    return path


@pytest.mark.parametrize("line", COMMANDS.starting("deploy/install.sh", "/opt/inboxwatch/install.sh"))
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


def test_what_the_lines_name_is_there() -> None:
    folders = [ROOT / line.removeprefix("cd ") for line in COMMANDS.starting("cd ")]
    assert all(folder.is_dir() for folder in folders)
    for line in COMMANDS.starting("./"):
        assert any((folder / line).exists() for folder in folders)
    for line in COMMANDS.all:
        for name in re.findall(r"-r (\S+\.txt)|-f (\S+Dockerfile)", line):
            assert all((ROOT / one).exists() for one in name if one)
    known = OF_THE_SYSTEM | {"inboxwatch", "make", "cd", "deploy/install.sh", "/opt/inboxwatch/install.sh", "./prepare"}
    assert {line.split()[0] for line in COMMANDS.all} <= known
