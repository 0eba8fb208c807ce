"""The wheel, the locks and the make targets: what a user and a fresh machine get."""

from __future__ import annotations

import email
import re
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("connectors", "inboxwatch")
EXTRAS = tuple(tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"])
PARTS = ("requirements.txt", "requirements-build.txt", *(f"inboxwatch/locks/{extra}.txt" for extra in EXTRAS))
LOCKS = (*PARTS, "requirements-dev.txt", "requirements-kerberos.txt", "requirements-soql.txt")
PIN = re.compile(r"(?P<name>[a-z0-9.-]+)==(?P<version>\S+)(?: ; [^\\]+)? \\")
HASH = re.compile(r"    --hash=sha256:[0-9a-f]{64}(?: \\)?")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    folder = tmp_path_factory.mktemp("wheel")
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", folder],
        cwd=ROOT,
        check=True,
        capture_output=True,
    )
    (built,) = folder.iterdir()
    return zipfile.ZipFile(built)


def dist_info(wheel: zipfile.ZipFile, name: str) -> str:
    (path,) = (path for path in wheel.namelist() if re.fullmatch(rf"inboxwatch-[^/]+\.dist-info/{name}", path))
    return wheel.read(path).decode()


def locked(name: str) -> dict[str, str]:
    """Package to version, of one lock file."""
    return {pin["name"]: pin["version"] for pin in map(PIN.fullmatch, (ROOT / name).read_text().splitlines()) if pin}


def normal(requirement: str) -> str:
    """The bare package name of a requirement, as the locks spell it (PEP 503)."""
    return re.sub(r"[-_.]+", "-", re.split(r"[\[<>=!~; ]", requirement, maxsplit=1)[0]).lower()


def test_the_wheel_installs_two_packages_and_nothing_else(wheel: zipfile.ZipFile) -> None:
    top = sorted({path.split("/")[0] for path in wheel.namelist()})
    assert top[:2] == list(PACKAGES)
    assert [re.sub(r"-[^-]+(?=\.dist-info$)", "", name) for name in top[2:]] == ["inboxwatch.dist-info"]


def test_every_file_of_both_packages_is_in_the_wheel(wheel: zipfile.ZipFile) -> None:
    """Migrations, templates and py.typed too: an ignore rule that eats one is found here, not on a user's machine."""
    files = {
        str(path.relative_to(ROOT))
        for package in PACKAGES
        for path in (ROOT / package).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert {"inboxwatch/py.typed", "connectors/py.typed"} <= files
    assert files - set(wheel.namelist()) == set()


def test_the_migrations_are_in_the_wheel(wheel: zipfile.ZipFile) -> None:
    names = wheel.namelist()
    assert "inboxwatch/store/migrations/env.py" in names
    assert [name for name in names if re.fullmatch(r"inboxwatch/store/migrations/versions/\w+\.py", name)]


def test_the_wheel_brings_what_its_installer_takes_out_of_it(wheel: zipfile.ZipFile) -> None:
    """Whoever has the wheel alone gets the unit of that version, and pip takes nothing that is not hashed."""
    for name, source in {
        "inboxwatch/locks/base.txt": "requirements.txt",
        "inboxwatch/data/inboxwatch.service": "deploy/systemd/inboxwatch.service",
        "inboxwatch/data/install.sh": "deploy/install.sh",
    }.items():
        assert wheel.read(name) == (ROOT / source).read_bytes()


def test_the_wheel_says_what_it_is(wheel: zipfile.ZipFile) -> None:
    metadata = email.message_from_string(dist_info(wheel, "METADATA"))
    assert metadata["Name"] == "inboxwatch"
    assert metadata["License-Expression"] == "Apache-2.0"
    assert "Apache License" in dist_info(wheel, "licenses/LICENSE")
    assert "inboxwatch = inboxwatch.cli:main" in dist_info(wheel, "entry_points.txt")


@pytest.mark.parametrize("name", LOCKS)
def test_a_lock_holds_pins_and_hashes_and_no_address_or_path(name: str) -> None:
    for line in (ROOT / name).read_text().splitlines():
        assert PIN.fullmatch(line) or HASH.fullmatch(line), line


@pytest.mark.parametrize("part", PARTS)
def test_the_development_lock_holds_the_very_versions_that_users_run(part: str) -> None:
    assert locked(part).items() <= locked("requirements-dev.txt").items()


def test_the_locks_hold_what_the_project_asks_for() -> None:
    """A dependency added without `make lock` is found here."""
    asked = tomllib.loads((ROOT / "pyproject.toml").read_text())
    extras = asked["project"]["optional-dependencies"]
    groups = asked["dependency-groups"]
    assert {normal(it) for it in asked["project"]["dependencies"]} <= locked("requirements.txt").keys()
    assert {normal(it) for it in [*groups["build"], *asked["build-system"]["requires"]]} <= locked(
        "requirements-build.txt"
    ).keys()
    everything = [it for extra, names in extras.items() if extra != "all" for it in names]
    everything += [it for it in groups["dev"] if isinstance(it, str)]
    assert {normal(it) for it in everything} <= locked("requirements-dev.txt").keys()


@pytest.mark.parametrize("extra", EXTRAS)
def test_the_lock_of_an_extra_is_whole_by_itself(extra: str) -> None:
    """Whoever lacks it runs one command, and pip takes nothing that is not hashed."""
    asked = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    parts = EXTRAS if extra == "all" else (extra,)
    wanted = {normal(it) for part in parts for it in asked["optional-dependencies"][part]} - {"inboxwatch"}
    held = locked(f"inboxwatch/locks/{extra}.txt")
    assert wanted <= held.keys()
    assert locked("requirements.txt").items() <= held.items()


WITHOUT = """
import sys
class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in GONE:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
GONE = {"slack_sdk", "slack_bolt", "apprise", "msal", "googleapiclient", "exchangelib", "psycopg", "pymysql"}
sys.meta_path.insert(0, Absent())
from inboxwatch.cli import main
sys.argv = ["inboxwatch", *sys.argv[1:]]
main()
"""


def bare(*words: str) -> subprocess.CompletedProcess[str]:
    """The command line of an installation without any extra."""
    return subprocess.run([sys.executable, "-c", WITHOUT, *words], capture_output=True, text=True, check=False)


def test_the_schema_is_whole_without_the_optional_packages() -> None:
    done, whole = (
        bare("config", "schema"),
        subprocess.run(
            [sys.executable, "-m", "inboxwatch.cli", "config", "schema"], capture_output=True, text=True, check=True
        ),
    )
    assert (done.returncode, done.stdout) == (0, whole.stdout)


@pytest.mark.parametrize(
    ("entry", "extra"),
    [
        ("channels: {desk: {type: slack, bot_token: xoxb-1}}", "slack"),
        ("channels: {desk: {type: apprise, url: 'ntfy://ntfy.acme.test/x'}}", "apprise"),
    ],
)
def test_what_a_config_needs_and_is_not_there_is_named_with_the_command_that_brings_it(
    entry: str, extra: str, tmp_path: Path
) -> None:
    file = tmp_path / "inboxwatch.yaml"
    text = (ROOT / "config/minimal.yaml").read_text()
    file.write_text(re.sub(r"^(channels|notify_by):.*$", "", text, flags=re.MULTILINE) + f"\n{entry}\n")
    done = bare("check", "--offline", "-c", str(file))
    assert (done.returncode, "Traceback" in done.stderr) == (2, False)
    assert re.search(rf"-m pip install --require-hashes -r \S*/inboxwatch/locks/{extra}\.txt", done.stderr)


def test_make_alone_lists_every_target_with_a_sentence() -> None:
    shown = subprocess.run(["make"], cwd=ROOT, check=True, capture_output=True, text=True).stdout
    listed = dict(re.findall(r"^  make ([\w-]+) +(\S.*)$", shown, re.MULTILINE))
    (targets,) = re.findall(r"^\.PHONY: (help .*)$", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert list(listed) == targets.split()
