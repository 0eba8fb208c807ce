"""deploy/install.sh below a folder of its own: what lies where, upgrades, ways back, removal.

`make install-trial` does the same on a booted Debian, with users, systemd and a real mailbox.

The packages that inboxwatch imports are those of the tests, so no package index is asked.
"""

from __future__ import annotations

import os
import re
import shutil
import sqlite3
import stat
import subprocess
import sys
import sysconfig
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.doubles.postgres import Postgres

ROOT = Path(__file__).resolve().parents[2]
SCRIPT = ROOT / "deploy/install.sh"
SOURCES = ("pyproject.toml", "README.md", "LICENSE", "requirements.txt", "inboxwatch", "connectors", "deploy")
MIGRATION = """
import sqlalchemy as sa
from alembic import op

revision = "9999"
down_revision = {last!r}


def upgrade() -> None:
    op.create_table("of_the_test", sa.Column("id", sa.Integer))
"""
OPEN_STORE = "import sys; from inboxwatch.store import Store; Store(sys.argv[1]).close()"
WITHOUT_SLACK = """
import sys

sys.modules["slack_sdk"] = sys.modules["slack_bolt"] = None
from inboxwatch.cli import main

main()
"""


def built(checkout: Path, folder: Path) -> Path:
    command = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(folder)]
    subprocess.run(command, cwd=checkout, check=True, capture_output=True)
    (wheel,) = folder.glob("*.whl")
    return wheel


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return built(ROOT, tmp_path_factory.mktemp("wheel"))


@pytest.fixture(scope="module")
def newer_wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A later version, which makes another table."""
    checkout = tmp_path_factory.mktemp("newer")
    for name in SOURCES:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, checkout / name, ignore=shutil.ignore_patterns("__pycache__", "secrets"))
        else:
            shutil.copyfile(source, checkout / name)
    about = checkout / "inboxwatch/__init__.py"
    about.write_text(re.sub(r'__version__ = "[^"]+"', '__version__ = "99.0.0"', about.read_text()))
    versions = checkout / "inboxwatch/store/migrations/versions"
    newest = max(versions.glob("v*.py")).read_text()
    (last,) = re.findall(r'^revision(?:: str)? = "(\w+)"', newest, re.MULTILINE)
    (versions / "v9999_of_the_test.py").write_text(MIGRATION.format(last=last))
    return built(checkout, tmp_path_factory.mktemp("newer-wheel"))


class Machine:
    """A folder that stands for a machine's root."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.opt = root / "opt/inboxwatch"
        self.config = root / "etc/inboxwatch/inboxwatch.yaml"
        self.store = root / "var/lib/inboxwatch/inboxwatch.db"

    def script(self, *words: str | Path) -> subprocess.CompletedProcess[str]:
        return self.run(SCRIPT, "--root", self.root, "--python", sys.executable, "--no-packages", *words)

    def run(self, *words: str | Path) -> subprocess.CompletedProcess[str]:
        packages = os.environ | {"PYTHONPATH": sysconfig.get_path("purelib")}
        return subprocess.run(words, cwd=self.root, capture_output=True, text=True, check=False, env=packages)

    def program(self, *words: str | Path) -> subprocess.CompletedProcess[str]:
        return self.run(self.root / "usr/local/bin/inboxwatch", *words)

    def open_store(self, url: str = "") -> None:
        """As a start does: the tables are brought up to date."""
        done = self.run(self.opt / "current/bin/python", "-c", OPEN_STORE, url or f"sqlite:///{self.store}")
        assert done.returncode == 0, done.stderr

    def names(self) -> set[str]:
        """Every file, link and folder below the root but what belongs to a venv."""
        found = {str(path.relative_to(self.root)) for path in self.root.rglob("*")}
        return {name for name in found if not re.match(r"opt/inboxwatch/[^/]+/", name)}

    @property
    def current(self) -> str:
        return (self.opt / "current").readlink().name


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    """A machine with inboxwatch on it, a config, and a store in which something stands."""
    machine = Machine(tmp_path_factory.mktemp("machine"))
    done = machine.script("install", "--from", wheel)
    assert done.returncode == 0, done.stderr
    machine.config.write_text(
        (ROOT / "config/minimal.yaml").read_text() + f'\nstore: {{url: "sqlite:///{machine.store}"}}\n'
    )
    machine.open_store()
    with sqlite3.connect(machine.store) as store:
        store.execute("INSERT INTO meta VALUES ('of the test', 'stays')")
    store.close()
    yield machine


def mark(machine: Machine) -> str:
    with sqlite3.connect(machine.store) as store:
        ((value,),) = store.execute("SELECT value FROM meta WHERE key = 'of the test'")
    store.close()
    return str(value)


def test_help_shows_how_it_is_called_and_what_is_no_word_of_it_is_refused(tmp_path: Path) -> None:
    machine = Machine(tmp_path)
    shown = machine.run(SCRIPT, "--help")
    assert (shown.returncode, "Examples:" in shown.stdout, "remove --purge" in shown.stdout) == (0, True, True)
    for words, told in {
        ("instal",): "instal is neither a command nor an option",
        ("--from",): "--from needs a value",
        ("--from", tmp_path / "gone.whl"): "gone.whl does not exist",
        ("--from", tmp_path): "is no checkout of inboxwatch",
        ("rollback",): "no version before is installed",
        ("status",): "inboxwatch is not installed",
    }.items():
        done = machine.script(*words)
        assert done.returncode == 1
        assert told in done.stderr
    assert "another by --python" in machine.run(SCRIPT, "--root", tmp_path, "--python", "/bin/false").stderr


def test_a_dry_run_tells_and_changes_nothing(wheel: Path, tmp_path: Path) -> None:
    machine = Machine(tmp_path)
    told = machine.script("--from", wheel, "--extras", "postgresql", "--dry-run")
    assert told.returncode == 0, told.stderr
    assert re.search(rf"would: install \S+ into {machine.opt}/\S+ \(extras: postgresql\)", told.stdout)
    assert machine.names() == set()


def test_nothing_is_imported_from_the_folder_that_root_stands_in(wheel: Path, tmp_path: Path) -> None:
    machine = Machine(tmp_path)
    for module in ("ensurepip", "venv", "zipfile"):
        (tmp_path / f"{module}.py").write_text("open('imported', 'w')")
    assert machine.script("--from", wheel, "--dry-run").returncode == 0
    assert "imported" not in machine.names()


def test_an_extra_that_does_not_exist_is_refused(wheel: Path, tmp_path: Path) -> None:
    done = Machine(tmp_path).script("--from", wheel, "--extras", "postgresql,oracle", "--dry-run")
    assert "oracle is none of apprise, ews," in done.stderr


def test_everything_lies_where_the_document_says_and_is_closed_to_others(installed: Machine) -> None:
    text = (ROOT / "deploy/README.md").read_text()
    for place in (
        "/opt/inboxwatch/current",
        "/usr/local/bin/inboxwatch",
        "/etc/inboxwatch/secrets",
        "/var/lib/inboxwatch",
    ):
        assert (installed.root / place[1:]).exists(), place
        assert f"`{place}`" in text, place
    modes = {"etc/inboxwatch": 0o750, "etc/inboxwatch/secrets": 0o750, "var/lib/inboxwatch": 0o700}
    assert {place: stat.S_IMODE((installed.root / place).stat().st_mode) for place in modes} == modes
    unit = installed.root / "etc/systemd/system/inboxwatch.service"
    assert unit.read_text() == (ROOT / "deploy/systemd/inboxwatch.service").read_text()
    assert installed.program("check", "--offline", "-c", installed.config).returncode == 0


def test_the_command_reads_secrets_from_where_the_unit_takes_them(installed: Machine) -> None:
    (installed.config.parent / "secrets/token").write_text("short")
    other = installed.config.with_name("other.yaml")
    other.write_text(installed.config.read_text() + "\nweb: {token_credential: token}\n")
    told = installed.program("check", "-c", other)
    other.unlink()
    assert "web.token: can be guessed" in told.stderr


def test_installing_the_same_again_changes_nothing(installed: Machine, wheel: Path) -> None:
    before = installed.names(), installed.current
    done = installed.script("--from", wheel)
    assert (done.returncode, installed.names(), installed.current) == (0, *before)
    assert "Installing" not in done.stdout


def test_a_version_that_refuses_the_config_is_not_taken(installed: Machine, newer_wheel: Path) -> None:
    before, text = installed.current, installed.config.read_text()
    installed.config.write_text(text.replace("routing:", "rooting:"))
    refused = installed.script("--from", newer_wheel)
    installed.config.write_text(text)
    assert (refused.returncode, installed.current) == (1, before)
    assert "rooting: is no section" in refused.stderr
    assert f"{installed.current} stays as it is" in refused.stderr


def test_an_upgrade_copies_the_store_before_its_tables_change_and_the_way_back_loses_nothing_unasked(
    installed: Machine, newer_wheel: Path
) -> None:
    first = installed.current
    upgraded = installed.script("--from", newer_wheel)
    assert upgraded.returncode == 0, upgraded.stderr
    second = installed.current
    assert second.startswith("99.0.0-")
    copy = installed.store.parent / f"backups/before-{second}.db"
    assert stat.S_IMODE(copy.stat().st_mode) == 0o600
    installed.open_store()
    assert mark(installed) == "stays"
    assert installed.program("--version").stdout == "inboxwatch 99.0.0\n"

    refused = installed.script("rollback")
    assert (refused.returncode, installed.current) == (1, second)
    assert "--restore-store brings back the copy of" in refused.stderr
    done = installed.script("rollback", "--restore-store")
    assert (done.returncode, installed.current, mark(installed)) == (0, first, "stays")
    assert installed.program("check", "--offline", "-c", installed.config).returncode == 0

    again = installed.script("rollback")
    assert (again.returncode, installed.current) == (0, second), "the way back leads forward as well"
    assert installed.script("rollback").returncode == 0, "the tables are as they were"


def test_what_a_config_lacks_is_named_with_the_installers_own_command(installed: Machine, newer_wheel: Path) -> None:
    """The extras that are there are named again, for the list is taken as a whole."""
    text = installed.config.read_text()
    installed.config.write_text(text + "\nchannels: {desk: {type: slack, bot_token: xoxb-1}}\n")
    (installed.opt / "current/extras").write_text("postgresql\n")
    told = installed.run(installed.opt / "current/bin/python", "-c", WITHOUT_SLACK, "check", "-c", installed.config)
    (installed.opt / "current/extras").write_text("none\n")
    installed.config.write_text(text)
    assert f"sudo {installed.opt}/install.sh --extras postgresql,slack" in told.stderr


def test_the_version_at_work_is_installed_anew_from_its_own_wheel(installed: Machine, tmp_path: Path) -> None:
    script = installed.opt / "install.sh"
    told = installed.run(script, "--root", installed.root, "--python", sys.executable, "--dry-run", "--extras", "slack")
    assert re.search(r"would: install \S+ into \S+ \(extras: slack\)", told.stdout), told.stderr


def test_a_postgresql_is_copied_as_well_and_where_it_is_away_the_operator_answers_for_a_copy(
    installed: Machine, newer_wheel: Path, postgres: Postgres
) -> None:
    text, before = installed.config.read_text(), installed.current
    installed.config.write_text(re.sub('sqlite:///[^"]+', "postgresql://127.0.0.1:1/inboxwatch", text))
    unknown = installed.script("--from", newer_wheel)
    assert (unknown.returncode, installed.current) == (1, before)
    assert "the store cannot be looked at (does its server run?)" in unknown.stderr
    assert "--store-is-backed-up. Nothing was changed." in unknown.stderr

    url = postgres.database()
    installed.open_store(url)
    installed.config.write_text(re.sub('sqlite:///[^"]+', url, text))
    for copy in (installed.store.parent / "backups").iterdir():
        copy.unlink()
    done = installed.script("--from", newer_wheel)
    installed.config.write_text(text)
    assert (done.returncode, installed.current != before) == (0, True), done.stderr
    assert (installed.store.parent / f"backups/before-{installed.current}.db").exists()


def test_removal_keeps_what_is_the_operators_and_a_purge_leaves_nothing(installed: Machine) -> None:
    assert installed.script("remove").returncode == 0
    assert not {"opt/inboxwatch", "usr/local/bin/inboxwatch"} & installed.names()
    assert installed.config.exists()
    assert mark(installed) == "stays"
    assert installed.script("remove", "--purge").returncode == 0
    assert {name for name in installed.names() if "inboxwatch" in name} == set()
