"""`make audit` never takes silence for good news: what pip-audit ends with, and whether it has written an answer."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

AUDIT = Path(__file__).parents[2] / ".ci/audit"
OUTPUT = 'while [ "$1" != --output ]; do shift; done; '
WEAK = f"{OUTPUT}echo 'jinja2 3.0 GHSA-1' > \"$2\"; echo 'Found 1 known vulnerability' >&2; exit 1"
DOWN = "echo 'ERROR:pip_audit._cli:Could not connect to the vulnerability feed' >&2; exit 1"


def audit(folder: Path, *programs: str, limit: int = 60, canary: str = WEAK) -> subprocess.CompletedProcess[str]:
    """What is said where pip-audit does this for the first lock, that for the second."""
    (program := folder / "pip-audit").write_text(
        f"#!/bin/bash\ncase $* in *known-weak.txt*) {canary};; "
        + "".join(f"*{number}.txt*) {code};;\n" for number, code in enumerate(programs))
        + "esac"
    )
    program.chmod(0o755)
    locks = [f"{number}.txt" for number in range(len(programs))]
    variables = {"PATH": "/usr/bin:/bin", "AUDIT_LIMIT": str(limit)}
    return subprocess.run([AUDIT, program, *locks], capture_output=True, text=True, check=False, env=variables)


def test_a_service_that_is_not_heard_is_said_plainly_and_fails(tmp_path: Path) -> None:
    done = audit(tmp_path, DOWN, "exit 0")
    assert done.returncode == 3
    assert "NOT AUDITED" in done.stderr
    assert "nothing is known of 0.txt." in done.stderr
    assert "Could not connect" in done.stderr


def test_one_that_never_answers_is_not_waited_for(tmp_path: Path) -> None:
    done = audit(tmp_path, "exec sleep 3600", limit=1)
    assert (done.returncode, "NOT AUDITED" in done.stderr) == (3, True)


@pytest.mark.parametrize("further", ["exit 0", DOWN])
def test_a_weakness_is_shown_whatever_becomes_of_the_other_locks(tmp_path: Path, further: str) -> None:
    done = audit(tmp_path, WEAK, further)
    assert (done.returncode, "jinja2 3.0 GHSA-1" in done.stdout) == (1, True)


def test_good_news_is_that_every_lock_was_answered(tmp_path: Path) -> None:
    done = audit(tmp_path, "exit 0", "exit 0")
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("canary", ["exit 0", DOWN])
def test_an_index_that_knows_of_no_weakness_at_all_is_not_believed(tmp_path: Path, canary: str) -> None:
    """As a mirror without advisories: it says so of a package of which everybody knows one."""
    done = audit(tmp_path, "exit 0", canary=canary)
    assert (done.returncode, done.stdout) == (3, "")
    assert "nothing is known of 0.txt." in done.stderr
