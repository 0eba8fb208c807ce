"""What lies in deploy/ is true: systemd accepts the unit, and the image's steps yield a working installation.

There is no container engine here. The Dockerfile is read, its COPY and RUN steps are carried out in a temporary
folder that stands for the image's root, and its HEALTHCHECK and ENTRYPOINT are run from there. Like the build of the
real image, this asks the package index for what the lock of all extras names.
"""

from __future__ import annotations

import fnmatch
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from inboxwatch.commands.exit_code import ExitCode
from inboxwatch.engine.starts import LOOP, WINDOW
from tests.support.installation import command

pytestmark = pytest.mark.timeout(600)  # two installs from the package index
ROOT = Path(__file__).resolve().parents[2]
DOCKERFILE = ROOT / "deploy/container/Dockerfile"
UNIT = ROOT / "deploy/systemd/inboxwatch.service"
IMAGE_PATHS = re.compile(r"(?<![\w./])/(?=(?:opt|src|var/lib/inboxwatch)\b)")


def instructions() -> list[tuple[str, str]]:
    """(instruction, arguments) of the Dockerfile in order, continued lines joined, comments dropped."""
    lines = [line for line in DOCKERFILE.read_text().splitlines() if line.strip() and not line.startswith("#")]
    text = re.sub(r"\\\n\s*", "", "\n".join(lines))
    return [(word, rest) for word, _, rest in (line.partition(" ") for line in text.splitlines())]


def only(word: str) -> str:
    (arguments,) = (arguments for instruction, arguments in instructions() if instruction == word)
    return arguments


def context_files(pattern: str) -> list[Path]:
    """What a COPY of `pattern` finds in the build context, after .dockerignore (last matching rule wins)."""
    rules = [line for line in (ROOT / ".dockerignore").read_text().splitlines() if line and not line.startswith("#")]

    def sent(path: Path) -> bool:
        verdict = True
        for rule in rules:
            keep, glob = rule.startswith("!"), rule.lstrip("!")
            names = [str(path), *map(str, path.parents)]
            if glob.startswith("**/"):
                hit = glob.removeprefix("**/") in path.parts
            else:
                hit = any(fnmatch.fnmatchcase(name, glob) for name in names)
            if hit:
                verdict = keep
        return verdict

    found = ROOT / pattern
    files = [path for path in found.rglob("*") if path.is_file()] if found.is_dir() else [found]
    return [relative for relative in (path.relative_to(ROOT) for path in files) if sent(relative)]


@dataclass
class Image:
    """A folder that stands for the image's root; `run` gives a command the image's environment and paths."""

    root: Path
    environment: dict[str, str] = field(default_factory=dict)
    directory: str = "/"

    def at(self, text: str) -> str:
        """`text` with the image's absolute paths moved under the folder."""
        return IMAGE_PATHS.sub(f"{self.root}/", text)

    def run(self, command: list[str], **more: str) -> subprocess.CompletedProcess[str]:
        outside = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("PYTHON", "VIRTUAL_ENV", "COVERAGE", "PYTEST"))
        }
        return subprocess.run(
            [self.at(word) for word in command],
            cwd=self.at(self.directory),
            env=outside
            | {"PATH": f"{self.root}/bin:/usr/bin:/bin"}
            | {name: self.at(value) for name, value in (self.environment | more).items()},
            capture_output=True,
            text=True,
            check=False,
        )

    def copy(self, arguments: str) -> None:
        options, (*sources, target) = (
            [word for word in arguments.split() if word.startswith("--")],
            [word for word in arguments.split() if not word.startswith("--")],
        )
        if any(option.startswith("--from=") for option in options):
            # One folder stands for both stages, so a copy between them must keep its place; a venv works only there.
            assert sources == [target]
            assert Path(self.at(target)).is_dir()
            return
        for source in sources:
            files = context_files(source)
            assert files, f"COPY {source}: .dockerignore keeps it away"
            for file in files:
                to = (
                    Path(self.at(self.directory))
                    / target
                    / (file.relative_to(source) if source.endswith("/") else file)
                )
                to.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(ROOT / file, to)


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> Image:
    """The image after all its COPY and RUN steps."""
    image = Image(tmp_path_factory.mktemp("image"))
    (image.root / "bin").mkdir()
    (image.root / "bin/python").symlink_to(Path(sys.base_prefix, "bin", f"python3.{sys.version_info.minor}"))
    for word, arguments in instructions():
        match word:
            case "FROM":
                image.environment, image.directory = {}, "/opt"
                Path(image.at("/opt")).mkdir(exist_ok=True)
            case "ENV":
                image.environment |= dict(pair.split("=", 1) for pair in shlex.split(arguments))
            case "WORKDIR":
                image.directory = arguments
                Path(image.at(arguments)).mkdir(parents=True, exist_ok=True)
            case "COPY":
                image.copy(arguments)
            case "RUN":
                done = image.run(["/bin/sh", "-c", arguments])
                assert done.returncode == 0, f"RUN {arguments}\n{done.stdout}{done.stderr}"
    return image


@pytest.fixture
def web() -> Iterator[tuple[str, list[int]]]:
    """A loopback server's address, and the status it answers with next."""
    status = [200]

    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status[0])
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Answer) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/healthz", status
        server.shutdown()


def test_the_image_holds_the_package_and_the_lock_of_all_extras_only(image: Image) -> None:
    listed = image.run(["/opt/inboxwatch/bin/python", "-m", "pip", "list", "--format=json"])
    installed = {entry["name"].lower().replace("_", "-").replace(".", "-") for entry in json.loads(listed.stdout)}
    lock = (ROOT / "inboxwatch/locks/all.txt").read_text()
    elsewhere = set(re.findall(r"^([\w.-]+)==\S+ ; sys_platform == 'win32'", lock, re.MULTILINE))
    pinned = set(re.findall(r"^([\w.-]+)==", lock, re.MULTILINE)) - elsewhere
    assert installed - {"pip", "setuptools"} == pinned | {"inboxwatch"}


def test_the_installation_is_whole_and_no_link_to_the_checkout(image: Image) -> None:
    assert image.run(["/opt/inboxwatch/bin/python", "-m", "pip", "check"]).returncode == 0
    where = image.run(["/opt/inboxwatch/bin/python", "-c", "import inboxwatch, connectors; print(inboxwatch.__file__)"])
    assert where.stdout.startswith(image.at("/opt/inboxwatch/lib")), where.stderr


def test_the_entry_point_and_the_default_command_are_the_programs_own(image: Image) -> None:
    command = json.loads(only("ENTRYPOINT"))
    helped = image.run([*command, json.loads(only("CMD"))[0], "--help"])
    assert helped.returncode == 0, helped.stderr
    assert "-c" in helped.stdout


def test_the_health_check_follows_healthz_and_needs_no_curl(
    image: Image, web: tuple[str, list[int]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nor does it go through a proxy that the container was given."""
    address, status = web
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    command = json.loads(only("HEALTHCHECK").partition("CMD ")[2])
    assert image.run(command, INBOXWATCH_HEALTH=address).returncode == 0
    status[0] = 503
    assert image.run(command, INBOXWATCH_HEALTH=address).returncode != 0


def test_the_container_is_not_root_and_its_state_is_a_volume_it_owns() -> None:
    user = only("USER")
    assert re.fullmatch(r"[1-9]\d+:[1-9]\d+", user)
    assert instructions()[-1][0] == "CMD"
    assert ("COPY", f"--from=build --chown={user} {only('VOLUME')} {only('VOLUME')}") in instructions()


def test_the_build_context_holds_no_config_mail_or_secret() -> None:
    """.dockerignore names what goes in, so whatever lies beside the checkout stays out."""
    for stray in ("config/inboxwatch.yaml", ".env", "inboxwatch.db", "tests/deploy/test_deploy.py", ".git/config"):
        assert context_files(stray) == []


@pytest.fixture
def unit(tmp_path: Path) -> Path:
    """The unit with a program that exists on this machine, as systemd wants to see one."""
    unit = tmp_path / UNIT.name
    text, replaced = re.subn(r"^(Exec\w+)=\S+", rf"\1={shutil.which('true')}", UNIT.read_text(), flags=re.MULTILINE)
    assert replaced == 3, "ExecStartPre, ExecStart and ExecReload"
    unit.write_text(text)
    return unit


def test_systemd_accepts_the_unit_without_a_word(unit: Path) -> None:
    verdict = subprocess.run(["systemd-analyze", "verify", unit], capture_output=True, text=True, check=False)
    assert (verdict.returncode, verdict.stdout + verdict.stderr) == (0, "")


def test_the_unit_exposes_1_1_of_10_by_systemds_own_count_and_no_more(unit: Path) -> None:
    """`--threshold` counts in tenths; what is left is the network, PostgreSQL's socket, and the root folder."""
    judged = subprocess.run(
        ["systemd-analyze", "security", "--offline=true", "--threshold=11", "--no-pager", unit],
        capture_output=True,
        text=True,
        check=False,
    )
    assert judged.returncode == 0, judged.stdout[-400:]


def test_a_crash_leaves_no_memory_on_the_disk_and_a_leak_takes_no_more_than_its_share() -> None:
    """A core dump would hold mail and secrets."""
    lines = UNIT.read_text().splitlines()
    assert "LimitCORE=0" in lines
    assert any(re.fullmatch(r"MemoryMax=\d+[MG]", line) for line in lines)


def test_the_unit_starts_the_program_as_the_image_does() -> None:
    (start,) = re.findall(r"^ExecStart=(.*)$", UNIT.read_text(), re.MULTILINE)
    in_image = [word.replace("/opt/inboxwatch/", "/opt/inboxwatch/current/") for word in json.loads(only("ENTRYPOINT"))]
    assert start.split() == in_image + json.loads(only("CMD"))


@pytest.mark.parametrize(("check", "before"), [(0, 0), (1, 1), (2, 0)])
def test_a_config_that_is_refused_is_refused_by_the_daemon_itself_and_so_only_once(
    check: int, before: int, tmp_path: Path
) -> None:
    """RestartPreventExitStatus knows the main process only: what ExecStartPre refuses is tried again."""
    (line,) = re.findall(r"^ExecStartPre=(.*)$", UNIT.read_text(), re.MULTILINE)
    program = tmp_path / "inboxwatch"
    program.write_text(f"#!/bin/sh\nexit {check}\n")
    program.chmod(0o755)
    words = shlex.split(line.replace("$$", "$").replace("/opt/inboxwatch/current/bin/inboxwatch", str(program)))
    assert subprocess.run(words, check=False).returncode == before
    assert f"RestartPreventExitStatus={ExitCode.BAD_CONFIG:d}" in UNIT.read_text().splitlines()


def test_the_daemon_ends_with_the_status_that_is_not_tried_again_where_its_config_is_refused(tmp_path: Path) -> None:
    (tmp_path / "inboxwatch.yaml").write_text("people: {}\n")
    done = command("run", "-c", str(tmp_path / "inboxwatch.yaml"))
    assert done.returncode == ExitCode.BAD_CONFIG, done.stderr


def test_the_unit_checks_before_it_starts_reloads_visibly_and_gives_up_after_its_channels_have_told() -> None:
    text = UNIT.read_text()
    assert re.search(r"^ExecStartPre=/bin/sh -c '\S+/inboxwatch check --offline -c ", text, re.MULTILINE)
    assert re.search(r"^ExecReload=/usr/bin/env \S+ \S+/inboxwatch reload -c ", text, re.MULTILINE)
    (limit,) = re.findall(r"^StartLimitBurst=(\d+)$", text, re.MULTILINE)
    assert int(limit) > LOOP + 1, "the start that tells of the loop is allowed"
    assert f"StartLimitIntervalSec={WINDOW.total_seconds() / 60:.0f}min" in text
