"""The daemon as a real process, as systemd would run it: started, asked over HTTP, told to stop, killed.

with Installation(tmp_path, mailboxes=...).daemon() as daemon:
    daemon.get("/api/v1/clocks")
"""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Self

from prometheus_client.parser import text_string_to_metric_families

from tests.support.ports import free_port
from tests.support.waiting import PATIENCE

PROGRAM = str(Path(sys.executable).parent / "inboxwatch")
SECRET = "secret-of-the-hook"

CONFIG = """\
organization: {{domains: [acme.test]}}
people:
  ana: {{name: Ana Diaz, email: ana@acme.test, manager: max}}
  ben: {{name: Ben Roth, email: ben@acme.test, manager: max}}
  max: {{name: Max Ode, email: max@acme.test}}
teams:
  emea: {{members: [ana, ben], lead: max}}
mailboxes: {mailboxes}
history: {{look_back: 30d}}
leads:
  known: {{source: csv, path: leads.csv}}
routing:
  rules: [{{assign: lead.owner}}, {{assign: mailbox.owner}}]
  fallback: max
sla_policies:
  - {{name: default, first_response: {target}, next_response: {target}, escalation: standard}}
escalation_policies:
  standard:
    steps: {steps}
    in_hours_only: false
    acknowledge_for: {acknowledge_for}
    blind_grace: {blind_grace}
stop_conditions: [answered, dismissed, meeting_accepted, opted_out, lead_closed, activity, max_rounds]
channels: {channels}
notify_by: {notify_by}
it_alerts: {{notify: {it_alerts}}}
store: {{url: "{store}"}}
web: {{listen: "127.0.0.1:{port}"}}
"""
LADDER = [{"at": "50%", "notify": ["owner"]}, {"at": "100%", "notify": ["owner", "manager"]}]
LEADS = "email,name,company,domain,owner,tier,status\nbo@buyer.test,Bo Lind,Buyer Ltd,buyer.test,ana,hot,open\n"

_numbers = itertools.count(1)


class Installation:
    """A config file, its leads and its store in a folder; several daemons may run over it, one after the other."""

    def __init__(
        self,
        folder: Path,
        mailboxes: Mapping[str, Mapping[str, Any]],
        *,
        hook: str = "",
        target: str = "4s",
        steps: list[dict[str, Any]] | None = None,
        channels: Mapping[str, Mapping[str, Any]] | None = None,
        notify_by: list[str] | None = None,
        it_alerts: list[str] | None = None,
        store: str = "sqlite:///inboxwatch.db",
        acknowledge_for: str = "30m",
        blind_grace: str = "15m",
        leads: str = LEADS,
    ) -> None:
        self.folder = folder
        self.path = folder / "inboxwatch.yaml"
        self.leads = folder / "leads.csv"
        self.port = free_port()
        self.settings = {
            "mailboxes": mailboxes,
            "target": target,
            "steps": steps or LADDER,
            "channels": channels or {"desk": {"type": "webhook", "url": f"{hook}/hook", "secret": SECRET}},
            "notify_by": notify_by or ["desk"],
            "it_alerts": it_alerts or ["desk"],
            "store": store,
            "port": self.port,
            "acknowledge_for": acknowledge_for,
            "blind_grace": blind_grace,
        }
        self.leads.write_text(leads, encoding="utf-8")
        self.write()

    def write(self, **changed: Any) -> None:
        """Writes the config, with settings changed; flow mappings of JSON are YAML as well."""
        self.settings |= changed
        texts = {
            name: value if isinstance(value, str | int) else json.dumps(value) for name, value in self.settings.items()
        }
        self.path.write_text(CONFIG.format(**texts), encoding="utf-8")

    @contextlib.contextmanager
    def daemon(
        self,
        *,
        wait: bool = True,
        log_level: str = "info",
        environment: Mapping[str, str] | None = None,
        started_by: Sequence[str] = (),
    ) -> Iterator[DaemonProcess]:
        """A running daemon; it is gone afterwards, by SIGTERM unless the test ended it.

        `started_by`: a program, with its options, that becomes the daemon.
        """
        daemon = DaemonProcess(self, log_level, environment or {}, started_by)
        try:
            if wait:
                daemon.wait_ready()
            yield daemon
        finally:
            daemon.kill()

    def command(self, *words: str, timeout: float = PATIENCE, **more: Any) -> subprocess.CompletedProcess[str]:
        """Runs `inboxwatch WORDS -c FILE`."""
        return command(*words, "-c", str(self.path), timeout=timeout, **more)


def command(*words: str, timeout: float = PATIENCE, **more: Any) -> subprocess.CompletedProcess[str]:
    """Runs `inboxwatch WORDS` and returns what it printed."""
    return subprocess.run(
        [PROGRAM, *words], capture_output=True, text=True, timeout=timeout, check=False, env=_environment(), **more
    )


class DaemonProcess:
    """One process of `inboxwatch run`."""

    def __init__(
        self,
        installation: Installation,
        log_level: str,
        environment: Mapping[str, str],
        started_by: Sequence[str] = (),
    ) -> None:
        self.installation = installation
        self.url = f"http://127.0.0.1:{installation.port}"
        self.log_path = installation.folder / f"daemon-{next(_numbers)}.log"
        with self.log_path.open("wb") as log:
            self.process = subprocess.Popen(
                [*started_by, PROGRAM, "run", "-c", str(installation.path), "--log-level", log_level],
                stdout=log,
                stderr=subprocess.STDOUT,
                env=_environment() | dict(environment),
                start_new_session=True,
            )

    @property
    def log(self) -> str:
        return self.log_path.read_text(encoding="utf-8", errors="replace")

    def wait_ready(self) -> Self:
        self.wait(lambda: self.status("/readyz") == 200, "not ready")
        return self

    def wait(self, met: Callable[[], Any], what: str = "", timeout: float = PATIENCE) -> Any:
        """Asks until the answer is true, and returns it; the log tells why where it never is."""
        deadline = time.monotonic() + timeout
        while True:
            with contextlib.suppress(OSError):
                if answer := met():
                    return answer
            assert self.process.poll() is None, f"the daemon ended with {self.process.returncode}:\n{self.log[-4000:]}"
            assert time.monotonic() < deadline, f"{what or met}: not within {timeout} s:\n{self.log[-4000:]}"
            time.sleep(0.02)

    def status(self, path: str) -> int:
        try:
            with urllib.request.urlopen(self.url + path, timeout=PATIENCE) as answer:
                return int(answer.status)
        except urllib.error.HTTPError as error:
            return error.code

    def call(self, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        """One call of the API: the status and the JSON that came with it."""
        data = json.dumps(body).encode() if body is not None else None
        request = urllib.request.Request(self.url + path, data, {"Content-Type": "application/json"}, method=method)
        try:
            with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
                return answer.status, json.load(answer)
        except urllib.error.HTTPError as error:
            return error.code, json.load(error)

    def get(self, path: str) -> Any:
        status, answer = self.call("GET", path)
        assert status == 200, answer
        return answer

    def clocks(self, state: str = "open") -> list[dict[str, Any]]:
        items: list[dict[str, Any]] = self.get(f"/api/v1/clocks?state={state}")["items"]
        return items

    def metric(self, name: str, **labels: str) -> float:
        """The sum of a metric's samples that bear these labels."""
        with urllib.request.urlopen(f"{self.url}/metrics", timeout=PATIENCE) as answer:
            text = answer.read().decode()
        return sum(
            sample.value
            for family in text_string_to_metric_families(text)
            for sample in family.samples
            if sample.name == name and labels.items() <= sample.labels.items()
        )

    def reload(self) -> None:
        self.process.send_signal(signal.SIGHUP)

    def stop(self) -> None:
        """SIGTERM; the exit code must be 0. What could hold the daemon up must do so for longer than PATIENCE."""
        self.process.terminate()
        code = self.process.wait(PATIENCE)
        assert code == 0, f"exit code {code}:\n{self.log[-4000:]}"

    def kill(self) -> None:
        """kill -9, as the kernel does when memory runs out."""
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait(PATIENCE)


def _environment() -> dict[str, str]:
    return {"PATH": os.defpath, "PYTHONUNBUFFERED": "1"} | {
        name: os.environ[name] for name in ("PATH", "HOME", "PYTHONPATH") if name in os.environ
    }
